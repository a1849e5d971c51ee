"""The mean spectrum of a region, as the network takes it.

A plain mean fails where B0 differs between voxels; each voxel is moved to its own water first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from PCrCESTLib.models.inference import Spectra, aligned, likely_noise
from PCrCESTLib.models.model import Model


def mean_spectrum(voxels: Spectra, grid_ppm: np.ndarray) -> Spectra:
    """Average water-aligned voxels to one spectrum on ``grid_ppm`` (n_grid,).

    Its noise is the thermal one, RMS of the voxels' over √n; R1obs and B1 are the means of those known.
    """
    n_powers = len(voxels.z)
    mean = aligned(voxels, grid_ppm).mean(axis=0, dtype=np.float64, keepdims=True)
    return Spectra(
        [grid_ppm] * n_powers,
        np.split(mean, n_powers, axis=1),
        np.array([np.sqrt(np.mean(voxels.sigma**2) / len(voxels))]),
        np.zeros(1),
        np.array([_mean_of_known(voxels.r1_obs)]),
        np.array([_mean_of_known(voxels.relative_b1)]),
        None if voxels.fm is None else np.array([_mean_of_known(voxels.fm)]),
    )


def at_likely_noise(model: Model, means: Spectra) -> Spectra:
    """Return mean spectra with the noise at which each is most likely (`likely_noise`), never below its own."""
    z = aligned(means, model.grid_ppm)
    noise = [likely_noise(model, row, float(sigma)) for row, sigma in zip(z, means.sigma, strict=True)]
    return replace(means, sigma=np.array(noise))


def _mean_of_known(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
