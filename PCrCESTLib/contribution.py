"""What PCr does to a measured Z-spectrum: the same spectrum as it would be without it."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.models.typical import FM, T2_S, typical_t1
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.synthesis.phantom_tissue import R1_SEMISOLID, muscle_tissue

_MIN_Z = 1e-3


def without_pcr(
    z: np.ndarray,
    offsets_ppm: np.ndarray,
    b1_ut: float,
    field_t: float,
    saturation: Saturation,
    fs: float,
    ksw_per_s: float,
    r1_obs: float = float("nan"),
) -> np.ndarray:
    """Take the effect of PCr at 2.6 ppm out of a measured spectrum.

    1/Z is additive over slowly exchanging pools (Zaiss and Bachert 2013, Phys Med Biol 58:R221), so the increment of
    1/Z that the exact engine gives PCr in typical muscle is subtracted from the measured 1/Z.

    Parameters
    ----------
    z : ndarray
        (n_offsets,) measured Z, on offsets from water; NaN stays NaN.
    offsets_ppm : ndarray
        (n_offsets,) from water, positive downfield.
    b1_ut : float
        Saturation amplitude, µT.
    field_t : float
        B0, T.
    saturation : Saturation
        Duration and kind.
    fs, ksw_per_s : float
        Estimated proton fraction and exchange rate (s⁻¹) of PCr.
    r1_obs : float
        Observed R1, s⁻¹; NaN for the typical one of the field.

    Returns
    -------
    ndarray
        (n_offsets,), nowhere below ``z``.
    """
    increment = inverse_z_of_pcr(
        offsets_ppm, b1_ut, field_t, saturation, np.array([fs]), np.array([ksw_per_s]), r1_obs
    )[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = 1 / np.maximum(z, _MIN_Z) - increment
        return np.asarray(np.where(z > _MIN_Z, np.maximum(1 / np.maximum(rest, 1e-6), z), z))


def inverse_z_of_pcr(
    offsets_ppm: np.ndarray,
    b1_ut: float,
    field_t: float,
    saturation: Saturation,
    fs: np.ndarray,
    ksw_per_s: np.ndarray,
    r1_obs: float = float("nan"),
) -> np.ndarray:
    """Return what PCr adds to 1/Z of typical muscle, by the exact engine, (n, n_offsets), nowhere below 0.

    Parameters are those of `without_pcr`, with ``fs`` and ``ksw_per_s`` (n,).
    """
    one = np.ones(len(fs))
    t1 = typical_t1(field_t)
    if np.isfinite(r1_obs):
        # R1obs = (R1w + fm R1s) / (1 + fm)
        t1 = 1 / max(r1_obs * (1 + FM) - FM * R1_SEMISOLID, 0.05)
    full = muscle_tissue(fs * one, ksw_per_s * one, t1 * one, T2_S * one, FM * one)
    with_pcr, rest = (
        1 / np.maximum(np.asarray(z_spectra(tissue, saturation, offsets_ppm, b1_ut, field_t)), _MIN_Z)
        for tissue in (full, full.without("PCr"))
    )
    return np.asarray(np.maximum(with_pcr - rest, 0.0))
