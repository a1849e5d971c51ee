"""From the height of the PCr peak to its proton fraction, at an exchange rate that must be stated.

A fit gives Z with and without the peak. Their inverse difference is the relaxation rate in the rotating frame that
exchange adds (Zaiss 2014, NMR Biomed 27:240), and that rate is proportional to the fraction (Zaiss and Bachert 2013,
Phys Med Biol 58:R221):

    Rex = (1/Z_lab − 1/Z_ref)·R1obs·cos²θ·(1 + fm),    fs = Rex·[ω1² + k(k + R2s)]/(k·ω1²)
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.physics import GAMMA
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.synthesis.backgrounds import spin_lock_angle

PCR_R2_PER_S = 100.0  # T2 of 10 ms
_LEAST_Z = 0.01


def exchange_term(
    z_lab: np.ndarray,
    z_ref: np.ndarray,
    r1_obs: np.ndarray,
    b1_ut: float,
    field_t: float,
    fm: float = 0.0,
    offset_ppm: float = PCR_PPM,
) -> np.ndarray:
    """Return Rex (AREX), s⁻¹, from Z with (``z_lab``) and without the peak (``z_ref``), (n,).

    ``r1_obs`` (n,) in s⁻¹, ``b1_ut`` in µT, ``field_t`` in T, ``fm`` the MT pool-size ratio.
    """
    cos2, _ = spin_lock_angle(np.array([offset_ppm]), np.array([b1_ut]), field_t)
    inverse = 1 / np.maximum(z_lab, _LEAST_Z) - 1 / np.maximum(z_ref, _LEAST_Z)
    return np.asarray(inverse * r1_obs * cos2[0] * (1 + fm))


def fraction(rex_per_s: np.ndarray, ksw_per_s: float, b1_ut: float) -> np.ndarray:
    """Return fs (n,) that gives ``rex_per_s`` (n,) on resonance, at the exchange rate ``ksw_per_s`` and B1 (µT)."""
    w1_squared = (GAMMA * b1_ut) ** 2
    return np.asarray(rex_per_s * (w1_squared + ksw_per_s * (ksw_per_s + PCR_R2_PER_S)) / (ksw_per_s * w1_squared))
