"""Files of a result that no other node holds, kept in the scene byte by byte: anatomy, regions, spectra, pictures.

With them a run that comes back from a saved scene is a whole result folder again, from which the report, the DICOM
objects and the table can be made. A text node carries them: it is the one node of the scene that takes any content.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Container
from pathlib import Path
from typing import Any

from PCrCESTLib.scene.map_nodes import RUN

FILES = "PCrCEST.Files"


def keep_files(folder: Path, known: Container[str], run: str, name: str) -> Any:
    """Add a node with every file of a result folder that is not among the ``known`` ones."""
    import slicer

    files = {
        path.name: base64.b64encode(path.read_bytes()).decode("ascii")
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in known
    }
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", f"{name} files")
    node.SetText(json.dumps(files))
    node.SetAttribute(RUN, run)
    node.SetAttribute(FILES, "1")
    return node


def kept_files(run: str) -> dict[str, bytes] | None:
    """Files of a run by name; None for a run that a version before this module left in a scene."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLTextNode"):
        if node.GetAttribute(RUN) == run and node.GetAttribute(FILES):
            return {name: base64.b64decode(text) for name, text in json.loads(node.GetText()).items()}
    return None
