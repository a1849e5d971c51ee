"""Why a voxel's number deserves doubt: the bit flags of ``quality.nii.gz``."""

from __future__ import annotations

from enum import IntFlag

import numpy as np

from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.inference import SIGMA_LIMITS, Posterior

# A posterior this close to the width of what is known of muscle beforehand (`ModelCard.prior_log_sd`) does not tell
# what the scan shows.
IDENTIFIABLE_SHARE = 0.9


class Quality(IntFlag):
    """Bits of the quality map; 0 is a voxel without objection."""

    LOW_SNR = 1
    NO_WATER_DIP = 2
    OUTSIDE_TRAINING = 4
    HIGH_RESIDUAL = 8
    FS_NOT_IDENTIFIABLE = 16
    KSW_NOT_IDENTIFIABLE = 32
    NO_VALUE = 64


MEANING = {
    Quality.LOW_SNR: f"noise of Z above {SIGMA_LIMITS[1]:g}, the most the model was trained for",
    Quality.NO_WATER_DIP: "water frequency not found in the spectrum; a shift of 0 ppm was assumed",
    Quality.OUTSIDE_TRAINING: "unlike any training spectrum (fat, bone, artifact), or acquired otherwise than stated",
    Quality.HIGH_RESIDUAL: "spectrum holds structure beyond noise that no training spectrum has",
    Quality.FS_NOT_IDENTIFIABLE: "fs no better known after the scan than from the usual range of muscle",
    Quality.KSW_NOT_IDENTIFIABLE: "ksw no better known after the scan than from the usual range of muscle",
    Quality.NO_VALUE: "no usable spectrum; the maps are NaN here",
}


def limits_of(powers_ut: tuple[float, ...]) -> tuple[str, ...]:
    """Say what a scan at these saturation powers cannot tell, however good it is."""
    if len(powers_ut) > 1:
        return ()
    return (
        f"one saturation power ({powers_ut[0]:g} µT) hardly tells ksw; its map mostly repeats the training range: a "
        "second power would identify it",
    )


def flags(posterior: Posterior, sigma: np.ndarray, dip_found: np.ndarray, card: ModelCard) -> np.ndarray:
    """Quality bits of n voxels, uint8 (n,).

    Parameters
    ----------
    posterior : Posterior
        What the network gave for them.
    sigma : ndarray
        (n,) noise SD of Z.
    dip_found : ndarray of bool
        (n,) whether the water frequency is known.
    card : ModelCard
        Holds the thresholds and the prior.
    """
    conditions = {
        Quality.LOW_SNR: sigma > SIGMA_LIMITS[1],
        Quality.NO_WATER_DIP: ~dip_found,
        Quality.OUTSIDE_TRAINING: (posterior.distance > card.thresholds["distance"])
        | (posterior.suspicion > card.thresholds.get("suspicion", np.inf)),
        Quality.HIGH_RESIDUAL: posterior.residual > card.thresholds["residual"],
        Quality.FS_NOT_IDENTIFIABLE: posterior.log_sd_fs > IDENTIFIABLE_SHARE * card.prior_log_sd[0],
        Quality.KSW_NOT_IDENTIFIABLE: posterior.log_sd_ksw > IDENTIFIABLE_SHARE * card.prior_log_sd[1],
    }
    bits = np.zeros(len(sigma), dtype=np.uint8)
    for flag, condition in conditions.items():
        bits |= np.where(condition, np.uint8(flag), np.uint8(0))
    return bits
