"""Z as it would be without PCr, by the ways in common use: what a peak is measured against.

Every function takes water-aligned spectra (n, n_offsets) and returns Z at 2.6 ppm with and without the peak, (n,) each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PCrCESTLib.fitting.multipool import fit_pools
from PCrCESTLib.fitting.peak import PCR_PPM
from PCrCESTLib.fitting.pools import WATER, PoolBounds

MT = PoolBounds("MT", (0.10, 0.0, 0.7), (-1.0, -3.0, 1.0), (30.0, 8.0, 100.0))
# Offsets that hold neither CEST nor NOE: near water, and far from it.
LD_NEAR_PPM, LD_FAR_PPM = 0.6, 6.0
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


def double_power(z_low: np.ndarray, z_high: np.ndarray, b1_low_ut: float, b1_high_ut: float) -> np.ndarray:
    """DSP: Z at the low power as the high one predicts it without the peak (Zu 2022, as in the reference paper).

    Direct saturation and MT grow with B1²; PCr at high power is saturated already and hardly grows.
    """
    return np.asarray(1 / (1 + (1 / np.maximum(z_high, 0.01) - 1) * (b1_low_ut / b1_high_ut) ** 2))
