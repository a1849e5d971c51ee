"""One quantification in the scene: its maps, table, spectra and provenance, found again after a scene was reopened."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.outputs import staged
from PCrCESTLib.physics.concentration import PCR_PROTONS, concentration_from_fraction
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.result_folder import RECORD as RECORD_FILE
from PCrCESTLib.result_folder import TABLE as TABLE_FILE
from PCrCESTLib.scene.hierarchy import place
from PCrCESTLib.scene.kept_files import keep_files, kept_files
from PCrCESTLib.scene.map_nodes import KINDS, MAYBE_EMPTY, OF_FITS, RUN, add_map, maps_of
from PCrCESTLib.scene.tables import TITLES, add_summary, add_table, fill_table, read_rows, table_of
from PCrCESTLib.scene.volumes import array_of, geometry_of

RECORD, SERIES = "PCrCEST.Record", "PCrCEST.Series"
DERIVED = ("pcr_mm",)
IN_EVERY_FOLDER = ("ksw", "ksw_sd")  # also where a method cannot tell them


@dataclass(frozen=True)
class Run:
    """What one quantification left in the scene.

    ``maps`` are volume nodes by kind; ``table`` and ``summary`` are None without muscles, and ``rows`` are the
    numbers as computed.
    """

    run_id: str
    name: str
    maps: dict[str, Any]
    table: Any | None
    summary: Any | None
    rows: list[dict[str, str]]
    record: dict[str, Any]


def add_run(folder: Path, name: str, parent: Any | None = None, series: Sequence[Any] = ()) -> Run:
    """Load the results that ``pcrcest quantify`` left in a folder.

    Parameters
    ----------
    folder : Path
        Its ``--out``.
    name : str
        Heads the nodes' names.
    parent : MRML node, optional
        The scan; the results go beside it, under its study in the subject hierarchy.
    series : sequence of sequence nodes
        The powers that the results were computed from.

    Raises
    ------
    ReaderError
        When the folder holds no such results; nothing is added then.
    """
    images = {
        kind: _read_map(folder, kind)
        for kind in KINDS
        if kind not in DERIVED and (kind not in OF_FITS or (folder / f"{kind}.nii.gz").is_file())
    }
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReaderError(f"{folder}: no results of a quantification ({error}); run it again") from error
    fs, geometry = images["fs"]
    to_mm = concentration_from_fraction(1.0, float(record.get("pcr_protons", PCR_PROTONS)))
    images["pcr_mm"] = (fs * np.float32(to_mm), geometry)
    run = uuid.uuid4().hex[:12]
    maps = {
        kind: add_map(a, g, kind, run, f"{name} {KINDS[kind].title}")
        for kind, (a, g) in images.items()
        if kind not in MAYBE_EMPTY or np.isfinite(a).any()
    }
    rows = read_rows(folder / TABLE_FILE) if (folder / TABLE_FILE).is_file() else []
    table = add_table(rows, run, f"{name} muscles") if rows else None
    summary = add_summary(rows, run, f"{name} summary") if rows else None
    record_node = _add_record(record, rows, run, name)
    for node in series:
        record_node.AddNodeReferenceID(SERIES, node.GetID())
    in_nodes = {RECORD_FILE, TABLE_FILE, *(f"{kind}.nii.gz" for kind in KINDS)}
    files = keep_files(folder, in_nodes, run, name)
    nodes = [*maps.values(), *(n for n in (table, summary) if n is not None), record_node, files]
    place(nodes, name, parent)
    return Run(run, name, maps, table, summary, rows, record)


def find_runs() -> list[Run]:
    """All quantifications of the scene, oldest first."""
    import slicer

    runs = []
    for node in slicer.util.getNodesByClass("vtkMRMLTextNode"):
        run = node.GetAttribute(RUN)
        if run and node.GetAttribute(RECORD):
            maps = maps_of(run)
            if "fs" in maps:
                kept = json.loads(node.GetText())
                found = (maps, table_of(run), table_of(run, "summary"), kept["rows"], kept["record"])
                runs.append(Run(run, node.GetAttribute(RECORD), *found))
    return runs


def names_apart(first: str, second: str) -> tuple[str, str]:
    """Two names without what they share at the beginning: columns are narrow. Of equal ones the second is numbered."""
    words, others = first.split(), second.split()
    while len(words) > 1 and len(others) > 1 and words[0] == others[0]:
        words, others = words[1:], others[1:]
    return " ".join(words), " ".join(others) + (" (2)" if words == others else "")


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    further = (f"{wanted} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *further) if name not in taken)


def series_of_run(run: Run) -> list[Any]:
    """Sequence nodes that a run was computed from, those that are still in the scene."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLTextNode"):
        if node.GetAttribute(RUN) == run.run_id and node.GetAttribute(RECORD):
            found = [node.GetNthNodeReference(SERIES, i) for i in range(node.GetNumberOfNodeReferences(SERIES))]
            return [n for n in found if n is not None]
    return []


def remove_run(run: Run) -> None:
    """Remove everything of a run from the scene; the charts stay, which are filled again."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
        if node.GetAttribute(RUN) == run.run_id:
            displays = _displays_of(node)
            slicer.mrmlScene.RemoveNode(node)
            for display in displays:  # of a map with a color bar, the scene itself leaves one behind
                slicer.mrmlScene.RemoveNode(display)


def _displays_of(node: Any) -> list[Any]:
    """Return how a node is shown; nothing for what is shown nowhere, as a table."""
    if not node.IsA("vtkMRMLDisplayableNode"):
        return []
    found = (node.GetNthDisplayNode(i) for i in range(node.GetNumberOfDisplayNodes()))
    return [display for display in found if display is not None]


def restore_tables() -> None:
    """Give the tables of a scene that was reopened their numbers in full; a saved table has six digits only."""
    for run in find_runs():
        if run.table is not None:
            fill_table(run.table, run.rows)


def export_run(run: Run, folder: Path, *, overwrite: bool = False) -> list[str]:
    """Write a run to a folder as ``pcrcest quantify`` left it; return the files' names.

    All of them appear, or none. PCr in mM, which is derived from fs, is a further map. A run of a scene that an earlier
    version saved has maps, table and provenance only (`kept_files` is None).

    Raises
    ------
    OutputError
        When the folder holds results already and ``overwrite`` is not set, or cannot be written.
    """
    with staged(folder, overwrite=overwrite) as stage:
        for name, content in (kept_files(run.run_id) or {}).items():
            (stage / Path(name).name).write_bytes(content)
        for kind, node in run.maps.items():
            write_image(array_of(node), geometry_of(node), stage / f"{kind}.nii.gz")
        fs = run.maps["fs"]
        for kind in set(IN_EVERY_FOLDER) - set(run.maps):
            nothing = np.full(array_of(fs).shape, np.nan, np.float32)
            write_image(nothing, geometry_of(fs), stage / f"{kind}.nii.gz")
        if run.rows:
            write_table(run.rows, stage / TABLE_FILE)
        (stage / RECORD_FILE).write_text(json.dumps(run.record, indent=1) + "\n", encoding="utf-8")
        return sorted(p.name for p in stage.iterdir())


def write_table(rows: list[dict[str, str]], path: Path) -> None:
    """Write rows of a run as ``roi_statistics.csv`` has them."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(TITLES))
        writer.writeheader()
        writer.writerows(rows)


def _read_map(folder: Path, kind: str) -> tuple[np.ndarray, Geometry]:
    path = folder / f"{kind}.nii.gz"
    if not path.is_file():
        raise ReaderError(f"{folder}: {path.name} is missing; run the quantification again")
    volume = read_volume(path)  # ITK itself would turn NaN into 0
    return volume.array, volume.geometry


def _add_record(record: dict[str, Any], rows: list[dict[str, str]], run: str, name: str) -> Any:
    """Keep the table's numbers too, for `restore_tables`."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", f"{name} provenance")
    node.SetText(json.dumps({"record": record, "rows": rows}, indent=1))
    node.SetAttribute(RUN, run)
    node.SetAttribute(RECORD, name)
    return node
