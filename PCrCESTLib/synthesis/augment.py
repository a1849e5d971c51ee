"""What a scan does to a clean spectrum: noise, M0 error, drift, and background no engine knows."""

from __future__ import annotations

import numpy as np

NOISE_RANGE = (2e-4, 3e-2)
M0_ERROR_SD = 0.003
BUMP_SD_RANGE = (1e-4, 4e-3)
OUTER_PPM = 5.5
OUTER_SD = 0.005  # six rat legs: the frames beyond 5 ppm miss any smooth curve through the others by 0.003–0.01
UNSATURATED_RANGE = (1e-3, 0.1)
UNSATURATED_PRESENCE = 0.5
DRIFT_LIMIT = 0.025
DRIFT_PRESENCE = 0.5
BLUR_PPM = 0.06
BLUR_PRESENCE = 0.5
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


def add_unsaturated(z: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Add signal that the saturation never reached (slice profile, inflow): Z becomes (Z + r)/(1 + r).

    Six rat legs at 0.25 µT keep Z = 0.055 at the bottom of the water dip, where tissue alone would leave 0.006. A
    network that knew no such signal took it for other tissue and fs rose by a third.

    Parameters
    ----------
    z : list of ndarray
        One (n, n_offsets) a power; the ratio is the same at every power.
    rng : Generator
        Source of randomness.
    """
    n = len(z[0])
    ratio = np.exp(rng.uniform(np.log(UNSATURATED_RANGE[0]), np.log(UNSATURATED_RANGE[1]), (n, 1)))
    ratio = np.where(rng.random((n, 1)) < UNSATURATED_PRESENCE, ratio, 0.0).astype(np.float32)
    return [(block + ratio) / (1 + ratio) for block in z]


def blur(z: np.ndarray, offsets_ppm: np.ndarray, width_ppm: np.ndarray) -> np.ndarray:
    """Spread a spectrum over the water frequencies within a voxel or region.

    Parameters
    ----------
    z : ndarray
        (n, n_offsets), one power.
    offsets_ppm : ndarray
        (n_offsets,), ascending.
    width_ppm : ndarray
        (n,) SD of the frequencies, small against the sampling; to second order Z gains ½·width²·d²Z/dΔ².
    """
    step = np.diff(offsets_ppm)
    even = np.nonzero(np.abs(step[1:] - step[:-1]) < 0.05 * step[:-1])[0] + 1
    curvature = (z[:, even - 1] - 2 * z[:, even] + z[:, even + 1]) / step[even].astype(np.float32) ** 2
    blurred = z.copy()
    blurred[:, even] += 0.5 * (width_ppm[:, None] ** 2).astype(np.float32) * curvature
    return blurred


def add_drift(z: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Let the signal drift linearly from the first offset to the last, by the same factor at every power.

    A drift of 2 % that training had never met doubled the error of fs (noise 0.002).

    Parameters
    ----------
    z : list of ndarray
        One (n, n_offsets) a power, offsets ascending; up or down stands for either order of acquisition.
    rng : Generator
        Source of randomness.
    """
    n = len(z[0])
    drift = np.where(rng.random(n) < DRIFT_PRESENCE, rng.uniform(-DRIFT_LIMIT, DRIFT_LIMIT, n), 0.0)
    slope = drift[:, None].astype(np.float32)
    return [block * (1 + slope * np.linspace(-0.5, 0.5, block.shape[1], dtype=np.float32)) for block in z]


def disturb(z: list[np.ndarray], offsets_ppm: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Do to clean spectra, power by power, all that a scan does besides noise."""
    n = len(z[0])
    width = np.where(rng.random(n) < BLUR_PRESENCE, rng.uniform(0, BLUR_PPM, n), 0.0)
    changed = []
    for block, offsets in zip(add_drift(add_unsaturated(z, rng), rng), offsets_ppm, strict=True):
        smooth = perturb_background(blur(block, offsets, width), offsets, rng)
        changed.append(disturb_outer_frames(smooth, offsets, rng))
    return changed


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


def draw_m0_factors(n: int, rng: np.random.Generator) -> np.ndarray:
    """Errors of the unsaturated reference (drift, one noisy frame) as factors of Z, (n,)."""
    return np.asarray(1 + M0_ERROR_SD * rng.standard_normal(n, dtype=np.float32))


def add_noise(z: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add Rician noise of SD ``sigma`` (n,) to spectra (n, n_offsets)."""
    noise = rng.standard_normal((2, *z.shape), dtype=np.float32) * sigma[:, None]
    real, imaginary = z + noise[0], noise[1]
    return np.asarray(np.sqrt(real * real + imaginary * imaginary), dtype=np.float32)
