"""A result folder of ``pcrcest quantify`` as plain values."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from PCrCESTLib.errors import PCrCESTError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.quality import Quality
from PCrCESTLib.readers.image_io import read_volume, single_frame
from PCrCESTLib.readers.labels import read_rois
from PCrCESTLib.result_folder import ANATOMY, CORRELATION, RECORD, ROIS, TABLE, read_result_folder
from PCrCESTLib.roi import ROI_SPECTRUM, RoiRow

SPECTRA, CURVES = "roi_spectra.csv", "roi_curves.csv"
NEEDED_MAPS = ("fs", "fs_sd", "ksw", "ksw_sd", "quality")
MOTION_PICTURE = "motion.png"

T = TypeVar("T")


@dataclass(frozen=True)
class SpectrumOfRegion:
    """Mean Z-spectrum of a region at one power: (n_offsets,) each, offsets in ppm; NaN where a method says nothing.

    ``curves`` are those of a fit, by name: its fit, and what each pool takes from Z. ``log_correlation`` is that of
    the errors of log fs and log ksw, NaN where the result does not tell it.
    """

    roi: str
    b1_ut: float
    offsets_ppm: np.ndarray
    z: np.ndarray
    without_pcr: np.ndarray
    noise_sd: float
    curves: dict[str, np.ndarray] = field(default_factory=dict)
    log_correlation: float = float("nan")


@dataclass(frozen=True)
class Result:
    """What one quantification left.

    Parameters
    ----------
    folder : Path
        Where it lies.
    record : dict
        ``quantify.json``.
    geometry : Geometry
        Grid of the maps.
    maps : dict
        (z, y, x) by name.
    anatomy : ndarray or None
        Image under the maps, (z, y, x).
    regions : tuple
        (name, mask) of each, mask bool (z, y, x).
    rows : tuple of RoiRow
        The table of regions.
    spectra : tuple of SpectrumOfRegion
        One a region and power.
    motion_picture : bytes or None
        ``motion.png``.
    missing : tuple of str
        What a result folder usually has and this one has not, a sentence each.
    """

    folder: Path
    record: dict[str, Any]
    geometry: Geometry
    maps: dict[str, np.ndarray]
    anatomy: np.ndarray | None
    regions: tuple[tuple[str, np.ndarray], ...]
    rows: tuple[RoiRow, ...]
    spectra: tuple[SpectrumOfRegion, ...]
    motion_picture: bytes | None
    missing: tuple[str, ...]

    @property
    def mapped(self) -> np.ndarray:
        """Voxels with a usable spectrum, bool (z, y, x); outside the tissue there is none, too."""
        found: np.ndarray = (self.maps["quality"].astype(int) & int(Quality.NO_VALUE)) == 0
        return found

    @property
    def inside(self) -> np.ndarray:
        """Voxels of any region, bool (z, y, x)."""
        masks = [mask for _, mask in self.regions]
        return np.any(masks, axis=0) if masks else np.zeros(self.geometry.shape, bool)

    @property
    def tells_ksw(self) -> bool:
        """Whether the method estimates ksw at all."""
        return bool(np.isfinite(self.maps["ksw"]).any())

    def roi_names(self) -> list[str]:
        """Regions of the table, in its order."""
        return list(dict.fromkeys(row.roi for row in self.rows))

    def row(self, roi: str, quantity: str, estimator: str = ROI_SPECTRUM) -> RoiRow | None:
        """Return a number of a region, or None."""
        wanted = (roi, quantity, estimator)
        return next((r for r in self.rows if (r.roi, r.quantity, r.estimator) == wanted), None)


def read_result(folder: Path) -> Result:
    """Read a result folder; what may be missing (regions, anatomy, spectra) is told in ``missing``.

    Raises
    ------
    ReaderError
        When it is no such folder, a map is missing, or a file is damaged.
    GeometryError
        When the maps do not lie on one grid.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ReaderError(f"{folder}: there is no such folder; give a folder that pcrcest quantify wrote")
    found = read_result_folder(folder)
    geometry, maps = found.geometry, found.maps | {"quality": found.quality}
    _require_usable(folder, found.record, maps)

    def has(name: str) -> bool:
        return (folder / name).is_file()

    anatomy = _anatomy(folder / ANATOMY, geometry) if has(ANATOMY) else None
    regions = _regions(folder / ROIS, geometry) if has(ROIS) else ()
    rows = _rows(folder / TABLE) if has(TABLE) else ()
    spectra = _spectra(folder / SPECTRA, found.record.get(CORRELATION)) if has(SPECTRA) else ()
    if has(CURVES):
        spectra = _with_curves(spectra, folder / CURVES)
    picture = folder / MOTION_PICTURE
    return Result(
        folder=folder,
        record=found.record,
        geometry=geometry,
        maps=maps,
        anatomy=anatomy,
        regions=regions,
        rows=rows,
        spectra=spectra,
        motion_picture=picture.read_bytes() if picture.is_file() else None,
        missing=tuple(_missing(anatomy, regions, rows, spectra)),
    )


def _missing(
    anatomy: np.ndarray | None, regions: Sequence[Any], rows: Sequence[Any], spectra: Sequence[Any]
) -> list[str]:
    """Say what of a usual result is not there."""
    found = []
    if anatomy is None:
        found.append("No anatomical image lies with the result; maps are drawn on black.")
    if not rows:
        found.append(
            "No regions were given to the quantification: there are maps, but no numbers per muscle."
        )
    elif not regions:
        found.append("The regions themselves do not lie with the result; the maps show no outlines.")
    if not spectra:
        found.append("No mean spectra lie with the result.")
    return found


def _require_usable(folder: Path, record: dict[str, Any], maps: dict[str, np.ndarray]) -> None:
    lacking = [name for name in NEEDED_MAPS if name not in maps]
    if lacking:
        raise ReaderError(f"{folder}: {lacking[0]}.nii.gz is missing; run pcrcest quantify again")
    wanted = {"inputs": list, "protocol": dict, "method": str}
    senseless = [key for key, kind in wanted.items() if not isinstance(record.get(key), kind)]
    if senseless:
        raise ReaderError(
            f"{folder / RECORD}: it says nothing usable on {senseless[0]}; give a folder that pcrcest quantify wrote"
        )


def _anatomy(path: Path, geometry: Geometry) -> np.ndarray:
    volume = single_frame(read_volume(path), path, "the anatomical image")
    if not volume.geometry.same_as(geometry):
        raise ReaderError(
            f"{path}: {volume.geometry.describe()}, but the maps have {geometry.describe()}; run pcrcest quantify again"
        )
    return np.asarray(volume.array, dtype=float)


def _regions(path: Path, geometry: Geometry) -> tuple[tuple[str, np.ndarray], ...]:
    rois = read_rois(path, geometry)
    return tuple(zip(rois.names, rois.masks, strict=True))


def _table(path: Path, columns: set[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            lacking = columns - set(reader.fieldnames or ())
    except (OSError, ValueError, csv.Error) as error:
        raise ReaderError(f"{path}: this table is damaged; run pcrcest quantify again") from error
    if lacking:
        raise ReaderError(f"{path}: the column {sorted(lacking)[0]} is missing; run pcrcest quantify again")
    return rows


def _parsed(path: Path, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (PCrCESTError, ValueError, TypeError, KeyError) as error:
        raise ReaderError(
            f"{path}: a number in this table cannot be read; run pcrcest quantify again"
        ) from error


def _rows(path: Path) -> tuple[RoiRow, ...]:
    rows = _table(path, {"roi", "quantity", "unit", "estimator", "value", "sd", "identifiable", "n_voxels"})
    return _parsed(path, lambda: tuple(_row(row) for row in rows))


def _row(cells: dict[str, str]) -> RoiRow:
    def number(name: str) -> float:
        return float(cells.get(name) or "nan")

    return RoiRow(
        roi=cells["roi"],
        quantity=cells["quantity"],
        unit=cells["unit"],
        estimator=cells["estimator"],
        value=number("value"),
        sd=number("sd"),
        sd_meaning=cells.get("sd_meaning") or "",
        identifiable=cells["identifiable"] == "True",
        n_voxels=int(cells["n_voxels"]),
        n_total=int(cells.get("n_total") or cells["n_voxels"]),
        volume_mm3=number("volume_mm3"),
        flagged_share=number("flagged_share"),
        median=number("median"),
        q25=number("q25"),
        q75=number("q75"),
        p5=number("p5"),
        p95=number("p95"),
        reason=cells.get("reason") or "",
    )


def _spectra(path: Path, correlations: Any) -> tuple[SpectrumOfRegion, ...]:
    rows = _table(path, {"roi", "b1_ut", "offset_ppm", "z", "z_without_pcr", "noise_sd"})
    spectra = _parsed(path, lambda: tuple(_grouped_spectra(rows)))
    return tuple(replace(s, log_correlation=_correlation(correlations, s.roi)) for s in spectra)


def _correlation(recorded: Any, roi: str) -> float:
    found = recorded.get(roi) if isinstance(recorded, dict) else None
    return float(found) if isinstance(found, int | float) and abs(found) <= 1 else float("nan")


def _grouped_spectra(rows: list[dict[str, str]]) -> list[SpectrumOfRegion]:
    groups: dict[tuple[str, float], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["roi"], float(row["b1_ut"])), []).append(row)
    found = []
    for (roi, b1), lines in groups.items():
        columns = {
            name: np.array([float(line[name]) for line in lines])
            for name in ("offset_ppm", "z", "z_without_pcr")
        }
        order = np.argsort(columns["offset_ppm"], kind="stable")
        offsets, z, rest = (columns[name][order] for name in ("offset_ppm", "z", "z_without_pcr"))
        found.append(SpectrumOfRegion(roi, b1, offsets, z, rest, float(lines[0]["noise_sd"])))
    return found


def _with_curves(spectra: tuple[SpectrumOfRegion, ...], path: Path) -> tuple[SpectrumOfRegion, ...]:
    """Add the curves of a fit, on the offsets of each spectrum."""
    rows = _table(path, {"roi", "b1_ut", "offset_ppm", "curve", "z"})

    def curves() -> tuple[SpectrumOfRegion, ...]:
        known: dict[tuple[str, float, str], dict[float, float]] = {}
        for row in rows:
            key = (row["roi"], float(row["b1_ut"]), row["curve"])
            known.setdefault(key, {})[float(row["offset_ppm"])] = float(row["z"])
        return tuple(_add_curves(s, known) for s in spectra)

    return _parsed(path, curves)


def _add_curves(
    spectrum: SpectrumOfRegion, known: dict[tuple[str, float, str], dict[float, float]]
) -> SpectrumOfRegion:
    own = {
        name: np.array([points.get(float(x), np.nan) for x in spectrum.offsets_ppm])
        for (roi, b1, name), points in known.items()
        if (roi, b1) == (spectrum.roi, spectrum.b1_ut)
    }
    return replace(spectrum, curves=own)
