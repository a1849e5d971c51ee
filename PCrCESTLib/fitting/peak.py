"""From the PCr peak of a spectrum to its relaxation rate (AREX) and proton fraction, with their SDs.

A fit gives Z with and without the peak. Their inverse difference is the relaxation rate in the rotating frame that
exchange adds (Zaiss 2014, NMR Biomed 27:240), and that rate is proportional to the fraction (Zaiss and Bachert 2013,
Phys Med Biol 58:R221):

    Rex = (1/Z_lab − 1/Z_ref)·R1obs·cos²θ·(1 + fm),    fs = Rex·[ω1² + k(k + R2s)]/(k·ω1²)

Both hold in the steady state. k cannot be told from one peak and has to be stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.fitting.peaks import Peak
from PCrCESTLib.physics import GAMMA
from PCrCESTLib.physics.concentration import PCR_PPM, fraction_from_concentration
from PCrCESTLib.synthesis.backgrounds import spin_lock_angle

PCR_R2_PER_S = 100.0  # T2 of 10 ms
# The middle and the spread of the reference paper's range, 60 to 160 s⁻¹ (PMID 41964083).
STATED_KSW_PER_S, STATED_KSW_SD_PER_S = 110.0, 36.0
# Calibration of the Johns Hopkins group at 3 T, 0.6 µT for 2 s: PCr in mM for a ΔZ of 1 at 2.6 ppm (Ju 2023).
JHU_MM_PER_DELTA_Z = 39.58 / 0.026
JHU_FIELD_T, JHU_B1_UT, JHU_DURATION_S = 3.0, 0.6, 2.0


@dataclass(frozen=True)
class Circumstances:
    """What a peak has to be read with, for n spectra.

    Parameters
    ----------
    sigma : ndarray
        (n,) noise SD of Z.
    b1_ut : ndarray
        (n,) true B1, µT.
    field_t : float
        B0, T.
    r1_obs, r1_obs_sd : ndarray
        (n,) s⁻¹.
    fm, fm_sd : ndarray
        (n,) MT pool-size ratio.
    """

    sigma: np.ndarray
    b1_ut: np.ndarray
    field_t: float
    r1_obs: np.ndarray
    r1_obs_sd: np.ndarray
    fm: np.ndarray
    fm_sd: np.ndarray


def exchange_rate_term(peak: Peak, around: Circumstances) -> tuple[np.ndarray, np.ndarray]:
    """Return Rex (AREX) at 2.6 ppm and its SD, s⁻¹, (n,) each: noise of Z, of R1 and of fm are propagated."""
    cos2, _ = spin_lock_angle(np.array([PCR_PPM]), around.b1_ut, around.field_t)
    scale = around.r1_obs * cos2 * (1 + around.fm)
    rex = peak.inverse * scale
    relative = np.hypot(around.r1_obs_sd / around.r1_obs, around.fm_sd / (1 + around.fm))
    return rex, np.hypot(peak.inverse_gain * around.sigma * scale, rex * relative)


def fraction(rex_per_s: np.ndarray, ksw_per_s: float, b1_ut: float | np.ndarray) -> np.ndarray:
    """Return fs (n,) that gives ``rex_per_s`` (n,) on resonance, at the exchange rate ``ksw_per_s`` and B1 (µT)."""
    w1_squared = (GAMMA * np.asarray(b1_ut)) ** 2
    return np.asarray(
        rex_per_s * (w1_squared + ksw_per_s * (ksw_per_s + PCR_R2_PER_S)) / (ksw_per_s * w1_squared)
    )


def fraction_with_sd(
    rex_per_s: np.ndarray,
    rex_sd_per_s: np.ndarray,
    b1_ut: np.ndarray,
    ksw_per_s: float = STATED_KSW_PER_S,
    ksw_sd_per_s: float = STATED_KSW_SD_PER_S,
) -> tuple[np.ndarray, np.ndarray]:
    """Return fs and its SD, (n,) each, at a stated exchange rate known to ``ksw_sd_per_s``."""
    k, square = ksw_per_s, (GAMMA * np.asarray(b1_ut)) ** 2
    fs = fraction(rex_per_s, k, b1_ut)
    # d ln fs / d ln k
    steepness = k * (2 * k + PCR_R2_PER_S) / (square + k * (k + PCR_R2_PER_S)) - 1
    per_rex = fraction(np.ones(1), k, b1_ut)
    return fs, np.hypot(rex_sd_per_s * per_rex, fs * steepness * ksw_sd_per_s / k)


def half_width_ppm(ksw_per_s: float, b1_ut: np.ndarray, field_t: float) -> np.ndarray:
    """Half width at half height of PCr's peak of Rex, ppm, (n,): √[(ω1² + k(k + R2s))·(k + R2s)/k]."""
    total = ksw_per_s + PCR_R2_PER_S
    square = ((GAMMA * np.asarray(b1_ut)) ** 2 + ksw_per_s * total) * total / ksw_per_s
    return np.asarray(np.sqrt(square) / (GAMMA * field_t))


def jhu_fraction(peak: Peak, sigma: np.ndarray, protons: float) -> tuple[np.ndarray, np.ndarray]:
    """Return fs and its SD, (n,) each, by the JHU calibration of ΔZ in mM; only for its own protocol."""
    product = peak.with_pcr * peak.without_pcr  # ΔZ = Δ(1/Z)·Z·Z_ref
    per_unit = JHU_MM_PER_DELTA_Z * fraction_from_concentration(1.0, protons)
    delta = peak.without_pcr - peak.with_pcr
    return delta * per_unit, peak.inverse_gain * sigma * product * per_unit
