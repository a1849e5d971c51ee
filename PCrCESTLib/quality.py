"""Why a voxel's number deserves doubt: the bit flags of ``quality.nii.gz``."""

from __future__ import annotations

from enum import IntFlag

import numpy as np

from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.inference import SIGMA_LIMITS, Posterior

# A posterior this close to the width of what is known of muscle beforehand (`ModelCard.prior_log_sd`) does not tell
# what the scan shows.
IDENTIFIABLE_SHARE = 0.9
# Spread of the usual range of muscle, fs 0.5 to 1.5·10⁻³ and ksw 50 to 170 s⁻¹ (`ModelCard.prior_log_sd` of their
# middle): what a fit has to narrow down, which knows nothing beforehand.
USUAL_FS_SD, USUAL_KSW_SD_PER_S = 0.31e-3, 37.0
MOST_MISFIT = 1.5  # times the noise


class Quality(IntFlag):
    """Bits of the quality map; 0 is a voxel without objection."""

    LOW_SNR = 1
    NO_WATER_DIP = 2
    OUTSIDE_TRAINING = 4
    HIGH_RESIDUAL = 8
    FS_NOT_IDENTIFIABLE = 16
    KSW_NOT_IDENTIFIABLE = 32
    NO_VALUE = 64
    NOT_CONVERGED = 128


# What makes a number wrong, and not merely uninformative.
OBJECTIONS = (
    Quality.LOW_SNR
    | Quality.NO_WATER_DIP
    | Quality.OUTSIDE_TRAINING
    | Quality.HIGH_RESIDUAL
    | Quality.NOT_CONVERGED
)
MEANING = {
    Quality.LOW_SNR: f"noise of Z above {SIGMA_LIMITS[1]:g}, the most that networks are trained for",
    Quality.NO_WATER_DIP: "water frequency not found in the spectrum; a shift of 0 ppm was assumed",
    Quality.OUTSIDE_TRAINING: "unlike any training spectrum (fat, bone, artifact), or acquired otherwise than stated",
    Quality.HIGH_RESIDUAL: "spectrum holds structure beyond noise that no training spectrum has, or a fit misses",
    Quality.FS_NOT_IDENTIFIABLE: "fs no better known after the scan than from the usual range of muscle",
    Quality.KSW_NOT_IDENTIFIABLE: "ksw no better known after the scan than from the usual range of muscle",
    Quality.NO_VALUE: "no usable spectrum; the maps are NaN here",
    Quality.NOT_CONVERGED: "the fit did not converge",
}


def limits_of(powers_ut: tuple[float, ...]) -> tuple[str, ...]:
    """Say what a scan at these saturation powers cannot tell, however good it is."""
    if len(powers_ut) > 1:
        return ()
    return (
        f"one saturation power ({powers_ut[0]:g} µT) hardly tells ksw; its map mostly repeats the usual range: a "
        "second power would identify it",
    )


def scan_flags(sigma: np.ndarray, dip_found: np.ndarray) -> np.ndarray:
    """Bits of n voxels that concern the scan whatever the method, uint8 (n,): from their noise SD and B0."""
    return _bits({Quality.LOW_SNR: sigma > SIGMA_LIMITS[1], Quality.NO_WATER_DIP: ~dip_found})


def network_flags(posterior: Posterior, card: ModelCard) -> np.ndarray:
    """Bits of n voxels that the network's own answer sets, uint8 (n,); ``card`` holds thresholds and prior."""
    return _bits(
        {
            Quality.OUTSIDE_TRAINING: (posterior.distance > card.thresholds["distance"])
            | (posterior.suspicion > card.thresholds.get("suspicion", np.inf)),
            Quality.HIGH_RESIDUAL: posterior.residual > card.thresholds["residual"],
            Quality.FS_NOT_IDENTIFIABLE: posterior.log_sd_fs > IDENTIFIABLE_SHARE * card.prior_log_sd[0],
            Quality.KSW_NOT_IDENTIFIABLE: posterior.log_sd_ksw > IDENTIFIABLE_SHARE * card.prior_log_sd[1],
        }
    )


def fit_flags(fs_sd: np.ndarray, ksw_sd: np.ndarray, misfit: np.ndarray, converged: np.ndarray) -> np.ndarray:
    """Bits of n voxels that a fit sets, uint8 (n,).

    Parameters
    ----------
    fs_sd, ksw_sd : ndarray
        (n,) SDs; NaN where the method does not tell.
    misfit : ndarray
        (n,) RMS of measured minus fitted Z over the noise SD; NaN where nothing is fitted.
    converged : ndarray of bool
        (n,).
    """
    return _bits(
        {
            Quality.HIGH_RESIDUAL: misfit > MOST_MISFIT,
            Quality.FS_NOT_IDENTIFIABLE: ~(fs_sd <= IDENTIFIABLE_SHARE * USUAL_FS_SD),
            Quality.KSW_NOT_IDENTIFIABLE: ~(ksw_sd <= IDENTIFIABLE_SHARE * USUAL_KSW_SD_PER_S),
            Quality.NOT_CONVERGED: ~converged,
        }
    )


def _bits(conditions: dict[Quality, np.ndarray]) -> np.ndarray:
    bits = np.zeros(len(next(iter(conditions.values()))), dtype=np.uint8)
    for flag, condition in conditions.items():
        bits |= np.where(condition, np.uint8(flag), np.uint8(0))
    return bits
