"""The table per muscle as a table node: every number with its unit, in full precision, ready to copy."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PCrCESTLib.scene.map_nodes import RUN

TABLE = "PCrCEST.Table"
TITLES = {
    "roi": "muscle",
    "quantity": "quantity",
    "unit": "unit",
    "estimator": "estimator",
    "value": "value",
    "sd": "SD",
    "sd_meaning": "SD is",
    "identifiable": "identifiable",
    "n_voxels": "voxels used",
    "n_total": "voxels drawn",
    "volume_mm3": "volume (mm³)",
    "flagged_share": "share flagged",
}
NUMBERS = {"value", "sd", "n_voxels", "n_total", "volume_mm3", "flagged_share"}
WHOLE = {"n_voxels", "n_total"}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of ``roi_statistics.csv``."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def add_table(rows: Sequence[dict[str, str]], run: str, name: str) -> Any:
    """Add a table node of statistics rows; numbers stay numbers, so that Slicer sorts, plots and copies them."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    node.SetAttribute(TABLE, "statistics")
    node.SetAttribute(RUN, run)
    fill_table(node, rows)
    return node


def fill_table(node: Any, rows: Sequence[dict[str, str]]) -> None:
    """Replace the columns of a table node by those of statistics rows."""
    import vtk

    node.RemoveAllColumns()
    for key, title in TITLES.items():
        if key in WHOLE:
            column = vtk.vtkIntArray()
        elif key in NUMBERS:
            column = vtk.vtkDoubleArray()
        else:
            column = vtk.vtkStringArray()
        column.SetName(title)
        for row in rows:
            text = row[key]
            if key in WHOLE:
                column.InsertNextValue(int(text))
            elif key in NUMBERS:
                column.InsertNextValue(float(text))
            else:
                column.InsertNextValue({"True": "yes", "False": "no"}.get(text, text))
        node.AddColumn(column)
    node.SetUseColumnTitleAsColumnHeader(True)


def table_of(run: str) -> Any | None:
    """Statistics table node of a run."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        if node.GetAttribute(TABLE) == "statistics" and node.GetAttribute(RUN) == run:
            return node
    return None
