"""The files one quantification leaves: maps, table, provenance."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.methods.method import WITHOUT_PCR
from PCrCESTLib.preparation.zseries import ZSeries
from PCrCESTLib.quality import MEANING
from PCrCESTLib.quantify import Maps
from PCrCESTLib.roi import PERCENTILES, RoiRow, RoiSpectrum

MAP_UNITS = {
    "fs": {"quantity": "PCr proton fraction, M0_PCr/M0_water", "unit": "1"},
    "ksw": {"quantity": "PCr exchange rate, solute to water", "unit": "1/s"},
    "fs_sd": {"quantity": "posterior SD of fs", "unit": "1"},
    "ksw_sd": {"quantity": "posterior SD of ksw", "unit": "1/s"},
    "arex": {"quantity": "relaxation rate that PCr adds at 2.6 ppm (AREX)", "unit": "1/s"},
    "arex_sd": {"quantity": "SD of arex", "unit": "1/s"},
    "misfit": {"quantity": "RMS of measured minus fitted Z over its noise SD", "unit": "1"},
    "b0": {"quantity": "frequency of water from its nominal one", "unit": "ppm"},
    "quality": {"quantity": "quality bit flags", "unit": "1"},
}
SPECTRUM_COLUMNS = ("roi", "b1_ut", "offset_ppm", "z", "z_without_pcr", "noise_sd")
COMPONENT_COLUMNS = ("roi", "b1_ut", "offset_ppm", "curve", "z")


def write_maps(result: Maps, geometry: Geometry, folder: Path) -> None:
    """Write fs, ksw, their SDs, the method's further maps, the water frequency and quality as NIfTI."""
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
        writer.writerows(table_cells(row) for row in rows)


def table_cells(row: RoiRow) -> dict[str, Any]:
    """Cells of a row by column, empty where there is no number.

    That is the distribution over voxels where the row is no mean of them, and every number of a row with a reason.
    """
    cells = asdict(row)
    empty = {name: "" for name in PERCENTILES if np.isnan(cells[name])}
    if row.reason:
        empty |= {name: "" for name in ("value", "sd", "flagged_share") if np.isnan(cells[name])} | {"identifiable": ""}
    return cells | empty


def write_roi_spectra(spectra: Sequence[RoiSpectrum], series: ZSeries, path: Path) -> None:
    """Write the mean spectrum of every region, B0-aligned, as measured and as it would be without PCr."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(SPECTRUM_COLUMNS)
        for spectrum in spectra:
            known = {c.b1_ut: c.z for c in spectrum.curves if c.name == WITHOUT_PCR}
            for b1, z in zip(series.powers_ut, spectrum.z, strict=True):
                rest = known.get(b1, np.full(len(z), np.nan))
                for line in zip(spectrum.grid_ppm, z, rest, strict=True):
                    numbers = (f"{v:.6g}" for v in (b1, *line, spectrum.sigma))
                    writer.writerow([spectrum.roi, *numbers])


def write_roi_curves(spectra: Sequence[RoiSpectrum], path: Path) -> None:
    """Write the curves of a fit through every region's mean spectrum: the fit and what each pool takes from Z."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COMPONENT_COLUMNS)
        for spectrum in spectra:
            for curve in spectrum.curves:
                for offset, z in zip(spectrum.grid_ppm, curve.z, strict=True):
                    if np.isfinite(z):
                        writer.writerow(
                            [spectrum.roi, f"{curve.b1_ut:.6g}", f"{offset:.6g}", curve.name, f"{z:.6g}"]
                        )


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write the provenance file."""
    flags = {flag.name: {"bit": int(flag), "meaning": text} for flag, text in MEANING.items()}
    path.write_text(
        json.dumps(record | {"maps": MAP_UNITS, "quality_flags": flags}, indent=1) + "\n", encoding="utf-8"
    )
