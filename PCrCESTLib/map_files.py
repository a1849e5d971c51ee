"""The files one quantification leaves: maps, table, provenance."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.contribution import without_pcr
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.preparation.zseries import ZSeries
from PCrCESTLib.quality import MEANING
from PCrCESTLib.quantify import Maps
from PCrCESTLib.roi import ROI_SPECTRUM, RoiRow, RoiSpectrum

MAP_UNITS = {
    "fs": {"quantity": "PCr proton fraction, M0_PCr/M0_water", "unit": "1"},
    "ksw": {"quantity": "PCr exchange rate, solute to water", "unit": "1/s"},
    "fs_sd": {"quantity": "posterior SD of fs", "unit": "1"},
    "ksw_sd": {"quantity": "posterior SD of ksw", "unit": "1/s"},
    "b0": {"quantity": "frequency of water from its nominal one", "unit": "ppm"},
    "quality": {"quantity": "quality bit flags", "unit": "1"},
}
SPECTRUM_COLUMNS = ("roi", "b1_ut", "offset_ppm", "z", "z_without_pcr", "noise_sd")


def write_maps(result: Maps, geometry: Geometry, folder: Path) -> None:
    """Write fs, ksw, their SDs, the water frequency and quality as NIfTI."""
    for name, array in result.maps.items():
        write_image(array, geometry, folder / f"{name}.nii.gz")
    b0 = np.full(geometry.shape, np.nan, dtype=np.float32)
    b0[result.voxels.mask] = np.where(result.voxels.dip_found, result.voxels.spectra.b0_ppm, np.nan)
    write_image(b0, geometry, folder / "b0.nii.gz")
    write_image(result.quality, geometry, folder / "quality.nii.gz")


def write_roi_table(rows: Sequence[RoiRow], path: Path) -> None:
    """Write one line a number: region, quantity, unit, estimator, value, SD and what they rest on."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [f.name for f in fields(RoiRow)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_roi_spectra(
    spectra: Sequence[RoiSpectrum], rows: Sequence[RoiRow], series: ZSeries, path: Path
) -> None:
    """Write the mean spectrum of every region, B0-aligned, as measured and as it would be without PCr."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(SPECTRUM_COLUMNS)
        for spectrum in spectra:
            value = {
                r.quantity: r.value for r in rows if r.roi == spectrum.roi and r.estimator == ROI_SPECTRUM
            }
            for b1, z in zip(series.powers_ut, spectrum.z, strict=True):
                rest = without_pcr(
                    z, spectrum.grid_ppm, b1, series.field_t, series.saturation, value["fs"], value["ksw"],
                    spectrum.r1_obs,
                )  # fmt: skip
                for line in zip(spectrum.grid_ppm, z, rest, strict=True):
                    numbers = (f"{v:.6g}" for v in (b1, *line, spectrum.sigma))
                    writer.writerow([spectrum.roi, *numbers])


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write the provenance file."""
    flags = {flag.name: {"bit": int(flag), "meaning": text} for flag, text in MEANING.items()}
    path.write_text(
        json.dumps(record | {"maps": MAP_UNITS, "quality_flags": flags}, indent=1) + "\n", encoding="utf-8"
    )
