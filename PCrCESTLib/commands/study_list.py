"""``pcrcest info`` on a whole study: its scans, and which of them are CEST, T1, T2, B1 and so on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PCrCESTLib.readers.bruker.study import ScanFacts, list_scans

HEADINGS = ("scan", "kind", "size", "frames", "name", "method", "because")


def study_report(study: Path, as_json: bool) -> str:
    """List the scans of a study, as a table or as one JSON object.

    Raises
    ------
    MissingExtraError
        When brukerapi is not installed.
    """
    scans = list_scans(study)
    if as_json:
        document = {"study": str(study), "scans": [_entry(scan) for scan in scans]}
        return json.dumps(document, indent=1) + "\n"
    rows = [HEADINGS, *map(_row, scans)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return f"study {study}\n" + "".join(line.rstrip() + "\n" for line in lines)


def _entry(scan: ScanFacts) -> dict[str, Any]:
    return {
        "scan": int(scan.folder.name),
        "folder": str(scan.folder),
        "kind": scan.kind,
        "reason": scan.reason,
        "size": None if scan.size is None else list(scan.size),
        "frames": scan.n_frames,
        "name": scan.name,
        "method": scan.method,
    }


def _row(scan: ScanFacts) -> tuple[str, ...]:
    size = "-" if scan.size is None else " x ".join(map(str, scan.size))
    frames = "-" if scan.n_frames is None else str(scan.n_frames)
    cells = (scan.folder.name, scan.kind, size, frames, scan.name, scan.method, scan.reason)
    return tuple("".join(c if c.isprintable() else " " for c in cell) for cell in cells)
