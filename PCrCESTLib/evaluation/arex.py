"""The model-free bump of AREX at 2.6 ppm: how much PCr a spectrum shows without any tissue model.

The bump is R1·(1 + fm)·[1/Z(2.625 ppm) − line through the flanks 2.12–2.30 and 2.90–3.15 ppm], in s⁻¹, with fm 0.1. Its
flanks lie on the peak's own foot, so only the engine's value for the same flanks makes it fs.
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.preparation.b0 import align, shift_from_dip

PEAK_PPM, FM = 2.625, 0.1
FLANKS_PPM = ((2.12, 2.30), (2.90, 3.15))


def arex_bump(z: np.ndarray, offsets_ppm: np.ndarray, r1_obs: float) -> float:
    """Height of the peak of AREX over its flanks, s⁻¹.

    Parameters
    ----------
    z, offsets_ppm : ndarray
        (n_offsets,) one spectrum measured from its water.
    r1_obs : float
        R1obs in s⁻¹.
    """
    flanks = np.any([(offsets_ppm >= low) & (offsets_ppm <= high) for low, high in FLANKS_PPM], axis=0)
    line = np.polyval(np.polyfit(offsets_ppm[flanks], 1 / z[flanks], 1), offsets_ppm)
    return float(((1 / z - line) * r1_obs * (1 + FM))[np.argmin(np.abs(offsets_ppm - PEAK_PPM))])


def region_bump(z: np.ndarray, offsets_ppm: np.ndarray, r1_obs: np.ndarray) -> float:
    """Bump of the mean of a region's spectra, each moved to its own water, s⁻¹.

    Parameters
    ----------
    z : ndarray
        (n_voxels, n_offsets) as acquired; voxels with a value that is not finite or not positive are left out.
    offsets_ppm : ndarray
        (n_offsets,), ascending.
    r1_obs : ndarray
        (n_voxels,) s⁻¹, of which the median of the finite values is taken.
    """
    usable = z[np.all(np.isfinite(z) & (z > 0), axis=1)]
    shift, _ = shift_from_dip(usable, offsets_ppm)
    mean = align(usable, offsets_ppm, shift, offsets_ppm).mean(axis=0)
    return arex_bump(mean, offsets_ppm, float(np.nanmedian(r1_obs)))
