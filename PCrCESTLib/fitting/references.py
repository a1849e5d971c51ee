"""Z as it would be without PCr, by the ways in common use: what a peak is measured against.

Every function takes water-aligned spectra (n, n_offsets) and returns Z at 2.6 ppm with and without the peak, (n,) each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PCrCESTLib.fitting.levenberg import solve
from PCrCESTLib.fitting.multipool import fit_pools
from PCrCESTLib.fitting.pools import MT, WATER, PoolBounds
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.synthesis.backgrounds import spin_lock_angle

# Offsets that hold neither CEST nor NOE: near water, and far from it.
LD_NEAR_PPM, LD_FAR_PPM = 0.6, 6.0
# Background beside the peaks. At these fields direct saturation reaches into the window, and has a term of its own.
PLOF_WINDOW_PPM, PLOF_PEAKS_PPM, PLOF_DEGREE = (0.8, 7.8), (1.5, 5.0), 3
# Center, lowest and highest half width of the peaks over the background, ppm.
PLOF_LINES = ((3.5, 0.2, 0.8), (2.6, 0.1, 0.5), (2.0, 0.15, 0.6))
Pair = tuple[np.ndarray, np.ndarray]


def at(offsets_ppm: np.ndarray, z: np.ndarray, place_ppm: float) -> np.ndarray:
    """Z at one place by linear interpolation, (n,)."""
    cell = int(np.clip(np.searchsorted(offsets_ppm, place_ppm) - 1, 0, len(offsets_ppm) - 2))
    t = (place_ppm - offsets_ppm[cell]) / (offsets_ppm[cell + 1] - offsets_ppm[cell])
    return np.asarray((1 - t) * z[:, cell] + t * z[:, cell + 1])


def asymmetry(offsets_ppm: np.ndarray, z: np.ndarray) -> Pair:
    """MTRasym: the other side of water (Guivel-Scharen 1998, J Magn Reson 133:36)."""
    return at(offsets_ppm, z, PCR_PPM), at(offsets_ppm, z, -PCR_PPM)


def lorentzian_difference(offsets_ppm: np.ndarray, z: np.ndarray) -> Pair:
    """LD: water and MT fitted where neither CEST nor NOE is (Jones 2013, NeuroImage 77:114)."""
    quiet = (np.abs(offsets_ppm) <= LD_NEAR_PPM) | (np.abs(offsets_ppm) >= LD_FAR_PPM)
    fit = fit_pools(offsets_ppm[quiet], z[:, quiet], (WATER, MT))
    return at(offsets_ppm, z, PCR_PPM), 1 - fit.curve(np.array([PCR_PPM]))[:, 0]


def multi_pool(offsets_ppm: np.ndarray, z: np.ndarray, pools: Sequence[PoolBounds]) -> Pair:
    """MPLF: the fitted spectrum with and without its PCr line."""
    fit = fit_pools(offsets_ppm, z, pools)
    others = [name for name in fit.names if name != "PCr"]
    place = np.array([PCR_PPM])
    return 1 - fit.curve(place)[:, 0], 1 - fit.curve(place, *others)[:, 0]


def polynomial_and_lines(offsets_ppm: np.ndarray, z: np.ndarray, b1_ut: float, field_t: float) -> Pair:
    """PLOF: a cubic in the relaxation rate beside the peaks, then Lorentzians over it.

    Chen 2019, Magn Reson Med 81:69. In the steady state cos²θ/Z = R1ρ/R1, to which water adds a multiple of sin²θ, MT
    and fast exchange the polynomial, and every slow pool a Lorentzian line.
    """
    low, high = PLOF_WINDOW_PPM
    window = (offsets_ppm >= low) & (offsets_ppm <= high)
    x = offsets_ppm[window]
    cos2, sin2 = spin_lock_angle(x, np.array(b1_ut), field_t)
    rate = cos2 / np.maximum(z[:, window], 0.01)
    terms = _background_terms(x, sin2)
    beside = (x <= PLOF_PEAKS_PPM[0]) | (x >= PLOF_PEAKS_PPM[1])
    coefficients = np.linalg.lstsq(terms[beside], rate[:, beside].T, rcond=None)[0]
    heights = _line_heights(x, rate - (terms @ coefficients).T)
    cos2, sin2 = spin_lock_angle(np.array([PCR_PPM]), np.array(b1_ut), field_t)
    background = (_background_terms(np.array([PCR_PPM]), sin2) @ coefficients)[0]
    return cos2[0] / np.maximum(background + heights, 0.01), cos2[0] / np.maximum(background, 0.01)


def _background_terms(x: np.ndarray, sin2: np.ndarray) -> np.ndarray:
    return np.column_stack([np.vander(x - PCR_PPM, PLOF_DEGREE + 1), sin2])


def _line_heights(x: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Heights of the PCr line in ``peaks`` (n, n_offsets), fitted with its neighbors."""
    centers, narrow, wide = (np.array([line[k] for line in PLOF_LINES]) for k in range(3))
    n, n_lines = len(peaks), len(centers)

    def model(p: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, half = p[:, :n_lines, None], p[:, n_lines:, None]
        u = (x - centers[:, None]) / half
        line = 1 / (1 + u * u)
        slope = np.concatenate([line, 2 * height * line * (1 - line) / half], axis=1)
        return np.sum(height * line, axis=1) - peaks[rows], np.swapaxes(slope, 1, 2)

    inside = (x > PLOF_PEAKS_PPM[0]) & (x < PLOF_PEAKS_PPM[1])
    most = 2 * np.maximum(np.abs(peaks[:, inside]).max(axis=1), 1e-6)[:, None] * np.ones(n_lines)
    low = np.concatenate([np.zeros((n, n_lines)), np.tile(narrow, (n, 1))], axis=1)
    high = np.concatenate([most, np.tile(wide, (n, 1))], axis=1)
    start = np.concatenate([most / 4, np.tile((narrow + wide) / 2, (n, 1))], axis=1)
    return np.asarray(solve(model, start, low, high).x[:, 1])


def double_power(z_low: np.ndarray, z_high: np.ndarray, b1_low_ut: float, b1_high_ut: float) -> np.ndarray:
    """DSP: Z at the low power as the high one predicts it without the peak (Zu 2022, as in the reference paper).

    Direct saturation and MT grow with B1²; PCr at high power is saturated already and hardly grows.
    """
    return np.asarray(1 / (1 + (1 / np.maximum(z_high, 0.01) - 1) * (b1_low_ut / b1_high_ut) ** 2))
