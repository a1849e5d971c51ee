"""Numbers per muscle as table nodes: all of them in full precision, and a summary that fits a narrow panel."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PCrCESTLib.roi import PERCENTILES, ROI_SPECTRUM, has_value
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
    "median": "median",
    "q25": "25 %",
    "q75": "75 %",
    "p5": "5 %",
    "p95": "95 %",
    "reason": "no value because",
}
NUMBERS = {"value", "sd", "n_voxels", "n_total", "volume_mm3", "flagged_share", *PERCENTILES}
WHOLE = {"n_voxels", "n_total"}
# Title with unit, and what the value is multiplied by.
SUMMARY = {
    "fs": ("fs (10⁻³)", 1e3),
    "ksw": ("ksw (1/s)", 1.0),
    "PCr": ("PCr (mM)", 1.0),
    "AREX": ("AREX (10⁻³/s)", 1e3),
}


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
            text = row.get(key) or ("nan" if key in NUMBERS else "")
            if key in WHOLE:
                column.InsertNextValue(int(text))
            elif key in NUMBERS:
                column.InsertNextValue(float(text))
            else:
                column.InsertNextValue({"True": "yes", "False": "no"}.get(text, text))
        node.AddColumn(column)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)  # a slip of the keyboard in a view would change a result


def summary_rows(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """One row a muscle: the estimates from its mean spectrum as ``value ± SD``, and what is not identifiable."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["estimator"] != ROI_SPECTRUM:
            continue
        summary = found.setdefault(row["roi"], {"muscle": row["roi"], "voxels": row["n_voxels"], "note": ""})
        title, factor = SUMMARY[row["quantity"]]
        if not has_value(row):
            summary[title] = "–"
            summary["note"] = summary["note"] or f"no value: {row['reason']}"
            continue
        summary[title] = f"{float(row['value']) * factor:.3g} ± {float(row['sd']) * factor:.2g}"
        if row["identifiable"] != "True" and row["quantity"] in ("fs", "ksw"):
            summary["note"] = ", ".join(
                filter(None, [summary["note"], f"{row['quantity']} not identifiable"])
            )
    told = {row["quantity"] for row in rows} | {"fs", "PCr"}
    order = ("muscle", *(title for q, (title, _) in SUMMARY.items() if q in told), "voxels", "note")
    return [{key: row.get(key, "") for key in order} for row in found.values()]


def add_summary(rows: Sequence[dict[str, str]], run: str, name: str) -> Any:
    """Add a table node of `summary_rows`, all text."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    node.SetAttribute(TABLE, "summary")
    node.SetAttribute(RUN, run)
    _fill_texts(node, summary_rows(rows))
    return node


def comparison_rows(
    rows: Sequence[dict[str, str]], others: Sequence[dict[str, str]], names: tuple[str, str]
) -> list[dict[str, str]]:
    """One row a muscle: fs of two results from its mean spectrum, ``value ± SD``, and how they differ."""
    first, second = (_fs_of(r) for r in (rows, others))
    titles = [f"fs (10⁻³), {name}" for name in names]
    found = []
    for muscle in [*first, *(m for m in second if m not in first)]:
        pair = [table.get(muscle) for table in (first, second)]
        row = {"muscle": muscle}
        for title, known in zip(titles, pair, strict=True):
            row[title] = "" if known is None else f"{known[0] * 1e3:.3g} ± {known[1] * 1e3:.2g}"
        a, b = pair
        row["difference"] = "" if a is None or b is None or not a[0] else f"{b[0] / a[0] - 1:+.0%}"
        found.append(row)
    return found


def show_comparison(rows: Sequence[dict[str, str]]) -> Any:
    """Fill the one table of the scene that compares two results; returns its node."""
    import slicer

    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    node = next((t for t in tables if t.GetAttribute(TABLE) == "comparison"), None)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "PCrCEST comparison")
        node.SetAttribute(TABLE, "comparison")
    node.RemoveAllColumns()
    _fill_texts(node, rows)
    return node


def _fs_of(rows: Sequence[dict[str, str]]) -> dict[str, tuple[float, float]]:
    chosen = (r for r in rows if r["estimator"] == ROI_SPECTRUM and r["quantity"] == "fs" and has_value(r))
    return {r["roi"]: (float(r["value"]), float(r["sd"])) for r in chosen}


def _fill_texts(node: Any, rows: Sequence[dict[str, str]]) -> None:
    import vtk

    for title in rows[0] if rows else ():
        column = vtk.vtkStringArray()
        column.SetName(title)
        for row in rows:
            column.InsertNextValue(row[title])
        node.AddColumn(column)
    node.SetUseColumnTitleAsColumnHeader(True)


def table_of(run: str, kind: str = "statistics") -> Any | None:
    """Table node of a run, ``statistics`` or ``summary``."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        if node.GetAttribute(TABLE) == kind and node.GetAttribute(RUN) == run:
            return node
    return None
