"""What a scan does to a clean spectrum: noise, M0 error, drift, and background no engine knows."""

from __future__ import annotations

import numpy as np

NOISE_RANGE = (2e-4, 3e-2)
M0_ERROR_SD = 0.003
BUMP_SD_RANGE = (1e-4, 4e-3)
OUTER_PPM = 5.5
OUTER_SD = 0.005  # six rat legs: the frames beyond 5 ppm miss any smooth curve through the others by 0.003–0.01
BUMP_LENGTH_PPM = (2.5, 10.0)


def draw_noise_levels(n: int, rng: np.random.Generator) -> np.ndarray:
    """Noise SD of Z for ``n`` spectra, (n,), log-uniform from an ROI mean to a poor voxel."""
    return np.exp(rng.uniform(np.log(NOISE_RANGE[0]), np.log(NOISE_RANGE[1]), n)).astype(np.float32)


def perturb_background(z: np.ndarray, offsets_ppm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multiply spectra by 1 + a smooth random curve, the mismatch between any tissue model and tissue.

    Parameters
    ----------
    z : ndarray
        (n, n_offsets), one power.
    offsets_ppm : ndarray
        (n_offsets,).
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray
        float32 (n, n_offsets). The curve is a sum of five cosines with wavelengths of 2.5–10 ppm and over
        (much wider than the 0.3 ppm of PCr) and an SD drawn log-uniformly from 1e-4 to 4e-3.
    """
    n = len(z)
    waves = 5
    frequency = rng.uniform(0, 1 / BUMP_LENGTH_PPM[0], (n, waves)).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, (n, waves)).astype(np.float32)
    sd = np.exp(rng.uniform(np.log(BUMP_SD_RANGE[0]), np.log(BUMP_SD_RANGE[1]), n)).astype(np.float32)
    x = offsets_ppm.astype(np.float32)
    curve = np.zeros(z.shape, dtype=np.float32)
    for w in range(waves):
        curve += np.cos(2 * np.pi * frequency[:, w, None] * x + phase[:, w, None])
    return np.asarray(z * (1 + sd[:, None] * np.sqrt(2 / waves) * curve), dtype=np.float32)


def disturb_outer_frames(z: np.ndarray, offsets_ppm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give the sparse frames beyond 5.5 ppm errors of their own, of an SD drawn anew for every spectrum.

    Measured spectra have them (the first and the last frames are not in the steady state of the others), and a
    network that trusts these frames to the noise level reads them as tissue.

    Parameters
    ----------
    z : ndarray
        (n, n_offsets), one power.
    offsets_ppm : ndarray
        (n_offsets,).
    rng : Generator
        Source of randomness.
    """
    outer = np.nonzero(np.abs(offsets_ppm) > OUTER_PPM)[0]
    sd = np.abs(rng.normal(0, OUTER_SD, (len(z), 1)))
    disturbed = z.copy()
    disturbed[:, outer] += (sd * rng.standard_normal((len(z), len(outer)))).astype(np.float32)
    return disturbed


def add_noise(z: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add Rician noise of SD ``sigma`` (n,) to spectra (n, n_offsets), and a common M0 error to each spectrum."""
    noise = rng.standard_normal((2, *z.shape), dtype=np.float32) * sigma[:, None]
    m0 = 1 + M0_ERROR_SD * rng.standard_normal((len(z), 1), dtype=np.float32)
    return np.asarray(np.hypot(z * m0 + noise[0], noise[1]), dtype=np.float32)
