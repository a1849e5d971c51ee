"""Numbers per region: the mean of its voxels, and the estimate from its mean spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from PCrCESTLib.methods.method import Curve, Estimates, Method
from PCrCESTLib.physics.concentration import concentration_from_fraction
from PCrCESTLib.quality import Quality
from PCrCESTLib.quantify import Maps

VOXEL_MEAN = "mean of voxels"
ROI_SPECTRUM = "ROI spectrum"
PERCENTILES = {"median": 50, "q25": 25, "q75": 75, "p5": 5, "p95": 95}
UNITS = {"fs": "1", "ksw": "1/s", "PCr": "mM", "AREX": "1/s"}
OBJECTIONS = (
    Quality.LOW_SNR
    | Quality.NO_WATER_DIP
    | Quality.OUTSIDE_TRAINING
    | Quality.HIGH_RESIDUAL
    | Quality.NOT_CONVERGED
)
NOT_IDENTIFIABLE = {"fs": Quality.FS_NOT_IDENTIFIABLE, "ksw": Quality.KSW_NOT_IDENTIFIABLE}


@dataclass(frozen=True)
class RoiRow:
    """One number of one region.

    ``estimator`` is ``mean of voxels`` (``sd`` is then the SD between voxels) or ``ROI spectrum`` (the method on the
    B0-aligned mean spectrum at its own noise level; ``sd`` is then the SD of the estimate). ``identifiable`` is
    False where the estimate is hardly better known than before the scan. ``flagged_share`` is the share of voxels with
    a quality flag other than the two on identifiability. ``median``, ``q25``, ``q75``, ``p5`` and ``p95`` describe the
    distribution over voxels; they are NaN for the ROI spectrum, which is one number.
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


@dataclass(frozen=True)
class RoiSpectrum:
    """B0-aligned mean spectrum of a region: ``z`` (n_powers, n_grid) on ``grid_ppm`` with noise SD ``sigma``.

    ``curves`` are the method's own.
    """

    roi: str
    grid_ppm: np.ndarray
    z: np.ndarray
    sigma: float
    curves: tuple[Curve, ...]


def roi_rows(
    maps: Maps,
    rois: Sequence[tuple[str, np.ndarray]],
    method: Method,
    voxel_volume_mm3: float,
    pcr_protons: float,
) -> tuple[list[RoiRow], list[RoiSpectrum]]:
    """Return both estimates of every quantity the method tells for every region, and its mean spectrum.

    A region without a usable voxel has neither.

    Parameters
    ----------
    maps : Maps
        Result of `quantify`.
    rois : sequence of (name, mask)
        Masks bool (z, y, x); they may overlap.
    method : Method
        As used for the maps.
    voxel_volume_mm3 : float
        Volume of one voxel.
    pcr_protons : float
        Exchangeable protons a molecule, for mM = fs·111 000/n.
    """
    rows: list[RoiRow] = []
    spectra: list[RoiSpectrum] = []
    for name, mask in rois:
        inside = mask[maps.voxels.mask]
        n_voxels, n_total = int(inside.sum()), int(mask.sum())
        if n_voxels == 0:
            continue
        bits = maps.quality[mask & maps.voxels.mask]
        mean, estimate = method.region(maps.voxels.spectra.rows(np.nonzero(inside)[0]))
        spectra.append(
            RoiSpectrum(
                name,
                method.grid_ppm,
                np.concatenate(mean.z),
                float(mean.sigma[0]),
                tuple(method.curves(mean, estimate)),
            )
        )
        common = {
            "n_voxels": n_voxels,
            "n_total": n_total,
            "volume_mm3": n_voxels * voxel_volume_mm3,
            "flagged_share": float(np.mean((bits & OBJECTIONS) > 0)),
        }
        rows += _rows(name, (maps.estimates, inside, bits), estimate, pcr_protons, common)
    return rows, spectra


def _rows(
    name: str,
    voxels: tuple[Estimates, np.ndarray, np.ndarray],
    roi: Estimates,
    pcr_protons: float,
    common: dict[str, Any],
) -> list[RoiRow]:
    rows = []
    of_voxels, inside, bits = voxels
    for quantity, (values, _) in _quantities(of_voxels).items():
        value, sd = (float(v[0]) for v in _quantities(roi)[quantity])
        known = values[inside][np.isfinite(values[inside])]
        if not len(known):
            continue
        unknown = NOT_IDENTIFIABLE.get(quantity, 0)
        spread = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
        for estimator, number, its_sd, meaning, ok in (
            (
                VOXEL_MEAN,
                float(known.mean()),
                spread,
                "between voxels",
                float(np.mean((bits & unknown) > 0)) <= 0.5,
            ),
            (ROI_SPECTRUM, value, sd, "of estimate", not roi.flags[0] & unknown),
        ):
            row = RoiRow(
                name, quantity, UNITS[quantity], estimator, number, its_sd, meaning, bool(ok), **common
            )
            if estimator == VOXEL_MEAN:
                spreads: dict[str, Any] = {k: float(np.percentile(known, q)) for k, q in PERCENTILES.items()}
                row = replace(row, **spreads)
            rows.append(row)
            if quantity == "fs":
                rows.append(_in_mm(row, pcr_protons))
    return rows


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
