"""Starts and bounds of multi-pool Lorentzian fits of muscle, as data.

Positions from water in ppm, widths (FWHM) in ppm, heights as a share of M0. Water, amide, NOE and MT are those of the
five-pool fit in common use (Windschuh 2015, NMR Biomed 28:529; Deshmane 2019, Magn Reson Med 81:2412); PCr and Cr
stand at 2.6 and 2.0 ppm (Chung 2019, Magn Reson Med 81:3476), with widths for saturation below 1 µT. The positions of
small pools may move by a tenth of a ppm: more, and PCr and Cr change places in noisy spectra.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PoolBounds:
    """Start, lowest and highest value of height, position and width of one pool."""

    name: str
    height: tuple[float, float, float]
    position_ppm: tuple[float, float, float]
    width_ppm: tuple[float, float, float]


WATER = PoolBounds("water", (0.85, 0.2, 1.0), (0.0, -1.0, 1.0), (1.2, 0.3, 6.0))
_AMIDE = PoolBounds("amide", (0.02, 0.0, 0.2), (3.5, 3.4, 3.65), (1.0, 0.4, 4.0))
_PCR = PoolBounds("PCr", (0.02, 0.0, 0.2), (2.6, 2.5, 2.7), (0.6, 0.3, 1.5))
_CR = PoolBounds("Cr", (0.02, 0.0, 0.2), (2.0, 1.9, 2.1), (0.8, 0.3, 2.0))
_NOE = PoolBounds("NOE", (0.03, 0.0, 0.4), (-3.3, -3.7, -2.9), (3.0, 1.0, 6.0))
_NOE_NEAR = PoolBounds("NOE -1.6", (0.02, 0.0, 0.2), (-1.6, -1.8, -1.4), (1.0, 0.4, 3.0))
MT = PoolBounds("MT", (0.10, 0.0, 0.7), (-1.0, -3.0, 1.0), (30.0, 8.0, 100.0))

# By number of pools.
POOL_SETS: dict[int, tuple[PoolBounds, ...]] = {
    5: (WATER, _AMIDE, _PCR, _NOE, MT),
    6: (WATER, _AMIDE, _PCR, _CR, _NOE, MT),
    7: (WATER, _AMIDE, _PCR, _CR, _NOE, _NOE_NEAR, MT),
}

# Where neither the water dip nor the far ends are sampled, water keeps its place and MT is a level.
_FIXED_WATER = PoolBounds("water", (0.85, 0.2, 1.0), (0.0, 0.0, 0.0), (1.2, 0.3, 6.0))
_LEVEL = PoolBounds("MT", (0.10, 0.0, 0.7), (-1.0, -1.0, -1.0), (30.0, 30.0, 30.0))
NARROW_PPM = 6.0


def pools_for(n_pools: int, offsets_ppm: np.ndarray) -> tuple[PoolBounds, ...]:
    """Return the pools that a scan can be fitted with: those of its side of water, when it samples one side only."""
    pools = POOL_SETS[n_pools]
    if offsets_ppm.min() < -1.0 and np.abs(offsets_ppm).max() >= NARROW_PPM:
        return pools
    fixed = {"water": _FIXED_WATER, "MT": _LEVEL}
    low, high = offsets_ppm.min() - 0.3, offsets_ppm.max() + 0.3
    return tuple(fixed.get(p.name, p) for p in pools if p.name in fixed or low <= p.position_ppm[0] <= high)
