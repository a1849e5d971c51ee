"""``pcrcest info`` on a whole study: its scans, and which of them are CEST, T1, T2, B1 and so on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PCrCESTLib.commands.companion_offers import Offer, companion_offers
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.scan_facts import ScanFacts

HEADINGS = ("scan", "kind", "size", "frames", "name", "method", "because")


def study_report(study: Path, scans: Sequence[ScanFacts], as_json: bool) -> str:
    """Lay out the scans of a study as a table with the path of each below it, or as one JSON object.

    Below are the scans that give a companion map for its CEST scans, with the commands.
    """
    if as_json:
        companions = [
            {"cest": [s.number for s in of], "offers": [offer.entry() for offer in offers]}
            for of, offers in _offers(scans)
        ]
        document = {"study": str(study), "scans": [_entry(scan) for scan in scans], "companions": companions}
        return json.dumps(document, indent=1) + "\n"
    table = [HEADINGS, *map(_row, scans)]
    paths = [(str(scan.number), _plain(str(scan.give))) for scan in scans]
    offered = "".join(
        f"\ncompanion maps on the slices of {', '.join(str(s.number) for s in of)}:\n"
        + "".join(f"{_plain(offer.text())}\n" for offer in offers)
        for of, offers in _offers(scans)
    )
    return f"study {study}\n{_laid_out(table)}\nto read one, give:\n{_laid_out(paths)}{offered}"


def _offers(scans: Sequence[ScanFacts]) -> list[tuple[list[ScanFacts], list[Offer]]]:
    """CEST scans on the same grid, and what gives companion maps for them."""
    grids: list[tuple[Geometry, list[ScanFacts]]] = []
    for scan in scans:
        if scan.kind == "CEST" and scan.geometry is not None:
            same = next((members for grid, members in grids if grid.same_as(scan.geometry)), None)
            if same is None:
                grids.append((scan.geometry, same := []))
            same.append(scan)
    found = [(members, companion_offers(grid, scans)) for grid, members in grids]
    return [(members, offers) for members, offers in found if offers]


def _laid_out(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(line.rstrip() + "\n" for line in lines)


def _entry(scan: ScanFacts) -> dict[str, Any]:
    return {
        "scan": scan.number,
        "path": str(scan.give),
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
    cells = (str(scan.number), scan.kind, size, frames, scan.name, scan.method, scan.reason)
    return tuple(map(_plain, cells))


def _plain(cell: str) -> str:
    return "".join(c if c.isprintable() else " " for c in cell)
