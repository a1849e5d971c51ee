"""What of a result becomes files beside its maps: names, the table, and the scan that DICOM objects refer to."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.dicom_export.source import is_dicom_scan
from PCrCESTLib.errors import OutputError
from PCrCESTLib.outputs import staged_files
from PCrCESTLib.scene.runs import Run, series_of_run, write_table
from PCrCESTLib.scene.series_nodes import place_of


def file_stem(name: str) -> str:
    """Head of file names from the name of a result or node: letters, digits, ``-``, ``_`` and dots."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def require_table(run: Run) -> None:
    """Raise `OutputError` when a result has no muscles."""
    if not run.rows:
        raise OutputError("the result has no muscles; draw some and compute it again")


def export_table(run: Run, path: Path) -> None:
    """Write the table of a result as CSV: whole or not at all, in place of a file of that name.

    Raises
    ------
    OutputError
        When there is no table, or the file cannot be written.
    """
    require_table(run)
    with staged_files([path], overwrite=True) as stage:
        write_table(run.rows, stage / path.name)


def dicom_source(run: Run) -> list[Path]:
    """Where the images of a result's scan lie, if all of them are DICOM files that are still there."""
    places = [place_of(node) for node in series_of_run(run)]
    found = [place for place in places if place is not None and is_dicom_scan(place)]
    return list(dict.fromkeys(found)) if len(found) == len(places) else []
