"""Numbers per region: the mean of its voxels, and the estimate from its mean spectrum."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from PCrCESTLib.methods.method import Curve, Estimates, Method
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.physics.concentration import concentration_from_fraction
from PCrCESTLib.quality import OBJECTIONS, Quality
from PCrCESTLib.quantify import Maps
from PCrCESTLib.selection import ALL, Selection

VOXEL_MEAN = "mean of voxels"
ROI_SPECTRUM = "ROI spectrum"
SD_MEANINGS = {VOXEL_MEAN: "between voxels", ROI_SPECTRUM: "of estimate"}
PERCENTILES = {"median": 50, "q25": 25, "q75": 75, "p5": 5, "p95": 95}
UNITS = {
    "fs": "1", "ksw": "1/s", "PCr": "mM", "AREX": "1/s",
    "fs_sd": "1", "ksw_sd": "1/s", "AREX_sd": "1/s", "misfit": "1", "b0": "ppm",
}  # fmt: skip
NOT_IDENTIFIABLE = {"fs": Quality.FS_NOT_IDENTIFIABLE, "ksw": Quality.KSW_NOT_IDENTIFIABLE}


@dataclass(frozen=True)
class RoiRow:
    """One number of one region.

    ``estimator`` is ``mean of voxels`` (``sd`` is then the SD between voxels) or ``ROI spectrum`` (the method on the
    B0-aligned mean spectrum at its own noise level; ``sd`` is then the SD of the estimate). ``identifiable`` is
    False where the estimate is hardly better known than before the scan. ``flagged_share`` is the share of voxels with
    a quality flag other than the two on identifiability. ``median``, ``q25``, ``q75``, ``p5`` and ``p95`` describe the
    distribution over voxels; they are NaN for the ROI spectrum, which is one number. Where there is no number,
    ``value`` and ``sd`` are NaN and ``reason`` says why; it is empty otherwise.
    """

    roi: str
    quantity: str
    unit: str
    estimator: str
    value: float
    sd: float
    sd_meaning: str
    identifiable: bool
    n_voxels: int
    n_total: int
    volume_mm3: float
    flagged_share: float
    median: float = float("nan")
    q25: float = float("nan")
    q75: float = float("nan")
    p5: float = float("nan")
    p95: float = float("nan")
    reason: str = ""


def has_value(cells: Mapping[str, str]) -> bool:
    """Whether a row read from a table has a number; one without says why in its column ``reason``."""
    return not cells.get("reason")


@dataclass(frozen=True)
class RoiSpectrum:
    """B0-aligned mean spectrum of a region: ``z`` (n_powers, n_grid) on ``grid_ppm`` with noise SD ``sigma``.

    ``curves`` are the method's own; ``log_correlation`` is that of its errors of log fs and log ksw, NaN if unknown.
    """

    roi: str
    grid_ppm: np.ndarray
    z: np.ndarray
    sigma: float
    curves: tuple[Curve, ...]
    log_correlation: float = float("nan")


def roi_rows(
    maps: Maps,
    rois: Sequence[tuple[str, np.ndarray]],
    method: Method,
    voxel_volume_mm3: float,
    pcr_protons: float,
    selection: Selection = ALL,
) -> tuple[list[RoiRow], list[RoiSpectrum]]:
    """Return both estimates of every quantity the method tells for every region, and its mean spectrum.

    A region without a usable voxel has rows without value, which say why, and no spectrum.

    Parameters
    ----------
    maps : Maps
        Result of `quantify`.
    rois : sequence of (name, mask)
        Masks bool (z, y, x), as drawn; they may overlap.
    method : Method
        As used for the maps.
    voxel_volume_mm3 : float
        Volume of one voxel.
    pcr_protons : float
        Exchangeable protons a molecule, for mM = fs·111 000/n.
    selection : Selection
        Which voxels of the regions count.
    """
    rows: list[RoiRow] = []
    spectra: list[RoiSpectrum] = []
    values = told({quantity: of_voxels for quantity, (of_voxels, _) in _quantities(maps.estimates).items()})
    for name, mask in rois:
        used = selection.of(mask, maps.quality)
        inside = used[maps.voxels.mask]
        region = Region(
            name, int(mask.sum()), maps.quality[used & maps.voxels.mask], voxel_volume_mm3, pcr_protons
        )
        if not inside.any():
            why = selection.why_none(mask, maps.quality)
            rows += [*region.rows_without(values, VOXEL_MEAN, why), *region.rows_without(values, ROI_SPECTRUM, why)]
            continue
        estimates, spectrum = spectrum_rows(
            region, method, maps.voxels.spectra.rows(np.nonzero(inside)[0]), values
        )
        rows += voxel_rows(region, {quantity: v[inside] for quantity, v in values.items()}) + estimates
        spectra.append(spectrum)
    return rows, spectra


def told(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the quantities that have a number in some voxel, and fs: a method that states ksw does not tell it."""
    return {quantity: v for quantity, v in values.items() if quantity == "fs" or np.isfinite(v).any()}


@dataclass(frozen=True)
class Region:
    """What the rows of a region share; ``bits`` (n_voxels,) are those of `Quality` of the voxels that count."""

    name: str
    n_drawn: int
    bits: np.ndarray
    voxel_volume_mm3: float
    pcr_protons: float

    def row(
        self, quantity: str, estimator: str, value: float, sd: float, meaning: str, identifiable: bool, n: int
    ) -> RoiRow:
        """Make a row that rests on ``n`` voxels."""
        flagged = float(np.mean((self.bits & OBJECTIONS) > 0)) if len(self.bits) else float("nan")
        volume = n * self.voxel_volume_mm3
        unit = UNITS[quantity]
        return RoiRow(
            self.name, quantity, unit, estimator, value, sd, meaning, identifiable, n, self.n_drawn, volume, flagged
        )  # fmt: skip

    def rows_without(
        self, quantities: Iterable[str], estimator: str, reason: str, n: int = 0
    ) -> list[RoiRow]:
        """Make rows without value, so that no quantity of a region is missing silently."""
        nan = float("nan")
        rows = []
        for quantity in quantities:
            row = self.row(quantity, estimator, nan, nan, SD_MEANINGS.get(estimator, SD_MEANINGS[VOXEL_MEAN]), False, n)
            rows += _with_mm(replace(row, reason=reason), self.pcr_protons)
        return rows


def voxel_rows(region: Region, values: dict[str, np.ndarray]) -> list[RoiRow]:
    """Return mean, SD and percentiles over voxels of each quantity, of the voxels (n_voxels,) that have a value."""
    rows: list[RoiRow] = []
    for quantity, every in values.items():
        known = every[np.isfinite(every)]
        if not len(known):
            why = f"none of its voxels ({len(every)}) has a value of {quantity}"
            rows += region.rows_without([quantity], VOXEL_MEAN, why)
            continue
        sd = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
        doubtful = float(np.mean((region.bits & NOT_IDENTIFIABLE.get(quantity, 0)) > 0))
        row = region.row(
            quantity, VOXEL_MEAN, float(known.mean()), sd, SD_MEANINGS[VOXEL_MEAN], doubtful <= 0.5, len(known)
        )
        spread: dict[str, Any] = {k: float(np.percentile(known, q)) for k, q in PERCENTILES.items()}
        rows += _with_mm(replace(row, **spread), region.pcr_protons)
    return rows


def spectrum_rows(
    region: Region, method: Method, spectra: Spectra, quantities: Collection[str]
) -> tuple[list[RoiRow], RoiSpectrum]:
    """Return the estimates of ``quantities`` from the mean of a region's ``spectra``, and that mean."""
    mean, estimate = method.region(spectra)
    rows: list[RoiRow] = []
    for quantity, (values, sds) in _quantities(estimate).items():
        known = not estimate.flags[0] & NOT_IDENTIFIABLE.get(quantity, 0)
        value, sd = float(values[0]), float(sds[0])
        if quantity not in quantities:
            continue
        n, meaning = len(region.bits), SD_MEANINGS[ROI_SPECTRUM]
        if np.isfinite(value):
            row = region.row(quantity, ROI_SPECTRUM, value, sd, meaning, bool(known), n)
            rows += _with_mm(row, region.pcr_protons)
        else:
            why = f"the mean spectrum gives no value of {quantity}"
            rows += region.rows_without([quantity], ROI_SPECTRUM, why, n)
    curves = tuple(method.curves(mean, estimate))
    z, sigma = np.concatenate(mean.z), float(mean.sigma[0])
    together = float("nan") if estimate.log_correlation is None else float(estimate.log_correlation[0])
    return rows, RoiSpectrum(region.name, method.grid_ppm, z, sigma, curves, together)


def _with_mm(row: RoiRow, pcr_protons: float) -> list[RoiRow]:
    return [row, _in_mm(row, pcr_protons)] if row.quantity == "fs" else [row]


def _in_mm(row: RoiRow, pcr_protons: float) -> RoiRow:
    """Return the concentration that a row of fs means."""
    to_mm = concentration_from_fraction(1.0, pcr_protons)
    numbers = ("value", "sd", *PERCENTILES)
    scaled: dict[str, Any] = {name: getattr(row, name) * to_mm for name in numbers}
    return replace(row, quantity="PCr", unit=UNITS["PCr"], **scaled)


def _quantities(e: Estimates) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values and SDs, (n,) each, of what the method tells; a stated ksw is no result."""
    found = {"fs": (e.fs, e.fs_sd), "ksw": (e.ksw, e.ksw_sd)}
    if "arex" in e.further:
        found["AREX"] = (e.further["arex"], e.further["arex_sd"])
    return found
