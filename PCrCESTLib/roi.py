"""Numbers per region: the mean of its voxels, and the estimate from its mean spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from PCrCESTLib.models.device import Device
from PCrCESTLib.models.inference import Posterior, Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.region import at_likely_noise, mean_spectrum
from PCrCESTLib.physics.concentration import concentration_from_fraction
from PCrCESTLib.quality import IDENTIFIABLE_SHARE, Quality
from PCrCESTLib.quantify import Maps

VOXEL_MEAN = "mean of voxels"
ROI_SPECTRUM = "ROI spectrum"
UNITS = {"fs": "1", "ksw": "1/s", "PCr": "mM"}


@dataclass(frozen=True)
class RoiRow:
    """One number of one region.

    ``estimator`` is ``mean of voxels`` (``sd`` is then the SD between voxels) or ``ROI spectrum`` (the network on the
    B0-aligned mean spectrum at its own noise level; ``sd`` is then the SD of the estimate). ``identifiable`` is
    False where the estimate only repeats the training range. ``flagged_share`` is the share of voxels with a
    quality flag other than the two on identifiability.
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


@dataclass(frozen=True)
class RoiSpectrum:
    """B0-aligned mean spectrum of a region: ``z`` (n_powers, n_grid) on ``grid_ppm`` with noise SD ``sigma``.

    ``r1_obs`` is the mean of those known, s⁻¹, or NaN.
    """

    roi: str
    grid_ppm: np.ndarray
    z: np.ndarray
    sigma: float
    r1_obs: float


def roi_rows(
    maps: Maps,
    rois: Sequence[tuple[str, np.ndarray]],
    model: Model,
    device: Device,
    voxel_volume_mm3: float,
    pcr_protons: float,
) -> tuple[list[RoiRow], list[RoiSpectrum]]:
    """Return both estimates of fs, ksw and PCr concentration for every region, and its mean spectrum.

    A region without a usable voxel has neither.

    Parameters
    ----------
    maps : Maps
        Result of `quantify`.
    rois : sequence of (name, mask)
        Masks bool (z, y, x); they may overlap.
    model, device : Model, Device
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
        usable = Quality.LOW_SNR | Quality.NO_WATER_DIP | Quality.OUTSIDE_TRAINING | Quality.HIGH_RESIDUAL
        flagged = float(np.mean((maps.quality[mask & maps.voxels.mask] & usable) > 0))
        mean, posterior = _roi_estimate(maps.voxels.spectra, inside, model, device, name)
        spectra.append(mean)
        common = {
            "n_voxels": n_voxels,
            "n_total": n_total,
            "volume_mm3": n_voxels * voxel_volume_mm3,
            "flagged_share": flagged,
        }
        rows += _rows(name, maps.posterior, inside, posterior, model, pcr_protons, common)
    return rows, spectra


def _roi_estimate(
    spectra: Spectra, inside: np.ndarray, model: Model, device: Device, name: str
) -> tuple[RoiSpectrum, Posterior]:
    """Network on the mean of the region's B0-aligned spectra at the noise level of that mean (`likely_noise`)."""
    mean = at_likely_noise(model, mean_spectrum(spectra.rows(np.nonzero(inside)[0]), model.grid_ppm))
    spectrum = RoiSpectrum(name, model.grid_ppm, np.concatenate(mean.z), float(mean.sigma[0]), float(mean.r1_obs[0]))
    return spectrum, predict(model, mean, device.backend)


def _rows(
    name: str,
    voxels: Posterior,
    inside: np.ndarray,
    roi: Posterior,
    model: Model,
    pcr_protons: float,
    common: dict[str, float],
) -> list[RoiRow]:
    rows = []
    for i, quantity in enumerate(("fs", "ksw")):
        values = getattr(voxels, quantity)[inside]
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        limit = IDENTIFIABLE_SHARE * model.card.prior_log_sd[i]
        voxel_ok = bool(np.median(getattr(voxels, f"log_sd_{quantity}")[inside]) <= limit)
        roi_ok = bool(getattr(roi, f"log_sd_{quantity}")[0] <= limit)
        for estimator, value, sd, meaning, ok in (
            (VOXEL_MEAN, float(values.mean()), spread, "between voxels", voxel_ok),
            (
                ROI_SPECTRUM,
                float(getattr(roi, quantity)[0]),
                float(getattr(roi, f"{quantity}_sd")[0]),
                "of estimate",
                roi_ok,
            ),
        ):
            row = RoiRow(name, quantity, UNITS[quantity], estimator, value, sd, meaning, ok, **common)  # type: ignore[arg-type]
            rows.append(row)
            if quantity == "fs":
                to_mm = concentration_from_fraction(1.0, pcr_protons)
                rows.append(
                    replace(row, quantity="PCr", unit=UNITS["PCr"], value=value * to_mm, sd=sd * to_mm)
                )
    return rows
