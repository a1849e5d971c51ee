"""The files one quantification leaves: maps, table, provenance."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.quality import MEANING
from PCrCESTLib.quantify import Maps
from PCrCESTLib.roi import RoiRow

MAP_UNITS = {
    "fs": {"quantity": "PCr proton fraction, M0_PCr/M0_water", "unit": "1"},
    "ksw": {"quantity": "PCr exchange rate, solute to water", "unit": "1/s"},
    "fs_sd": {"quantity": "posterior SD of fs", "unit": "1"},
    "ksw_sd": {"quantity": "posterior SD of ksw", "unit": "1/s"},
    "quality": {"quantity": "quality bit flags", "unit": "1"},
}


def write_maps(result: Maps, geometry: Geometry, folder: Path) -> None:
    """Write fs, ksw, their SDs and quality as NIfTI."""
    for name, array in result.maps.items():
        write_image(array, geometry, folder / f"{name}.nii.gz")
    write_image(result.quality, geometry, folder / "quality.nii.gz")


def write_roi_table(rows: Sequence[RoiRow], path: Path) -> None:
    """Write one line a number: region, quantity, unit, estimator, value, SD and what they rest on."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [f.name for f in fields(RoiRow)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write the provenance file."""
    flags = {flag.name: {"bit": int(flag), "meaning": text} for flag, text in MEANING.items()}
    path.write_text(
        json.dumps(record | {"maps": MAP_UNITS, "quality_flags": flags}, indent=1) + "\n", encoding="utf-8"
    )
