"""From water-aligned spectra to fs, ksw, their SDs and how usual the spectrum is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.models.backend import Array, Backend, NumpyBackend
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.network import NetworkInput, conditions, forward
from PCrCESTLib.preparation.b0 import align, alignment

CHUNK = 4096
SIGMA_LIMITS = (2e-4, 3e-2)  # the noise range of the training; beyond it the nearest end is used
MAX_STANDARDIZED = 4.0
# 95 % of the training spectra lie nearer (1.5 to 1.9 by family). Beyond, the network extrapolates, and its errors grow
# while its own SDs do not: on muscle outside all families they are twice as large as stated.
USUAL_DISTANCE, WIDENING = 1.6, 2.0
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Spectra:
    """Spectra of n voxels as acquired.

    Parameters
    ----------
    offsets_ppm : sequence of ndarray
        One a power, (n_offsets,) ascending.
    z : sequence of ndarray
        One a power, (n, n_offsets).
    sigma : ndarray
        (n,) noise SD of Z.
    b0_ppm : ndarray
        (n,) water frequency.
    r1_obs, relative_b1 : ndarray
        (n,) s⁻¹ and dimensionless; NaN where unknown.
    fm : ndarray or None
        (n,) MT pool-size ratio, NaN where unknown; None where no map was given. The network does without it.
    """

    offsets_ppm: Sequence[np.ndarray]
    z: Sequence[np.ndarray]
    sigma: np.ndarray
    b0_ppm: np.ndarray
    r1_obs: np.ndarray
    relative_b1: np.ndarray
    fm: np.ndarray | None = None

    def rows(self, rows: slice | np.ndarray) -> Spectra:
        """Return some of the voxels, by a slice or an array of indices."""
        return Spectra(
            self.offsets_ppm,
            [z[rows] for z in self.z],
            self.sigma[rows],
            self.b0_ppm[rows],
            self.r1_obs[rows],
            self.relative_b1[rows],
            None if self.fm is None else self.fm[rows],
        )

    def __len__(self) -> int:
        return len(self.sigma)


@dataclass(frozen=True)
class Posterior:
    """What the spectra say of fs and ksw (s⁻¹), each (n,).

    ``log_*`` are posterior means of the logarithms; ``fs`` and ``ksw`` are their exponentials, the middle of the 90 %
    interval (the mean of a log-normal would lie above, by 5 % at an SD of 30 %); ``*_sd`` are SDs of the log-normal.
    ``log_sd_*`` are SDs of the logarithm, ``log_correlation`` their correlation. ``residual`` is the RMS of
    the spectrum outside the training spectra's span over its noise SD; ``distance`` the RMS of its standardized
    scores inside it. Both are near 1 for spectra like those of the training. ``suspicion`` is the guard's logit that
    the spectrum was acquired otherwise than the model's (−∞ for a model without a guard). Where ``distance`` is
    unusual, the SDs are wider than the network's own (`USUAL_DISTANCE`).
    """

    fs: np.ndarray
    ksw: np.ndarray
    fs_sd: np.ndarray
    ksw_sd: np.ndarray
    log_fs: np.ndarray
    log_ksw: np.ndarray
    log_sd_fs: np.ndarray
    log_sd_ksw: np.ndarray
    log_correlation: np.ndarray
    residual: np.ndarray
    distance: np.ndarray
    suspicion: np.ndarray


def aligned(spectra: Spectra, grid_ppm: np.ndarray) -> np.ndarray:
    """Spectra of all powers on the model's grid, measured from water, float32 (n, n_powers·n_grid)."""
    first = spectra.offsets_ppm[0]
    shared = alignment(first, spectra.b0_ppm, grid_ppm)
    parts = [
        align(z, o, spectra.b0_ppm, grid_ppm, shared if np.array_equal(o, first) else None)
        for z, o in zip(spectra.z, spectra.offsets_ppm, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def network_input(z: np.ndarray, spectra: Spectra, backend: Backend) -> NetworkInput:
    """Bring aligned spectra ``z`` and their conditions to the backend."""
    sigma = np.clip(spectra.sigma, *SIGMA_LIMITS).astype(np.float32)
    cond = conditions(sigma, spectra.r1_obs, spectra.relative_b1)
    return NetworkInput(backend.asarray(z), backend.asarray(sigma), backend.asarray(cond))


def predict(model: Model, spectra: Spectra, backend: Backend, progress: Progress | None = None) -> Posterior:
    """Run the network over all voxels in chunks.

    NumPy runs two chunks at a time in threads (its kernels release the interpreter lock). A GPU that runs out
    of memory gets half-sized chunks.
    """
    params = {name: backend.asarray(values) for name, values in model.params.items()}
    workers = 2 if isinstance(backend, NumpyBackend) else 1
    slices = [slice(i, min(i + CHUNK, len(spectra))) for i in range(0, len(spectra), CHUNK)]
    parts: list[np.ndarray] = []
    with ThreadPoolExecutor(workers) as pool:
        for part in pool.map(lambda rows: _chunk(model, spectra.rows(rows), params, backend), slices):
            parts.append(part)
            if progress is not None:
                progress(len(parts) / len(slices))
    table = np.concatenate(parts) if parts else np.empty((0, 8))
    return _posterior(model, table)


def _chunk(model: Model, spectra: Spectra, params: dict[str, Array], backend: Backend) -> np.ndarray:
    """Network output and the three measures of unusualness, (n, 8)."""
    try:
        z = aligned(spectra, model.grid_ppm)
        out = forward(network_input(z, spectra, backend), params, model.local, model.n_powers, backend)
        return np.concatenate([backend.numpy(out), unusualness(model, z, spectra.sigma)], axis=1)
    except RuntimeError as error:
        if "out of memory" not in str(error).lower() or len(spectra) < 64:
            raise
        half = len(spectra) // 2
        return np.concatenate(
            [
                _chunk(model, spectra.rows(rows), params, backend)
                for rows in (slice(0, half), slice(half, None))
            ]
        )


def unusualness(model: Model, z: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Residual outside and distance inside the span of the training spectra, and suspicion (n, 3): see `Posterior`."""
    p = model.params
    centered = z - p["global.mean"]
    scores = centered @ p["global.basis"]
    dimensions = z.shape[1] - scores.shape[1]
    # Pythagoras: what the orthonormal scores do not hold lies outside their span.
    outside = np.sum(centered**2, axis=1) - np.sum(scores**2, axis=1)
    variance = np.clip(sigma, *SIGMA_LIMITS).astype(np.float32)[:, None] ** 2
    residual = np.sqrt(np.maximum(outside, 0) / (dimensions * variance[:, 0]))
    distance = np.sqrt(np.mean(scores**2 / (p["global.variance"] + variance), axis=1))
    return np.stack([residual, distance, _suspicion(model, _guard_input(model, scores, variance))], axis=1)


def guard_input(model: Model, z: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return what the guard sees of aligned spectra ``z`` with noise SD ``sigma`` (n,): shrunk scores and noise."""
    scores = (z - model.params["global.mean"]) @ model.params["global.basis"]
    return _guard_input(model, scores, np.clip(sigma, *SIGMA_LIMITS)[:, None] ** 2)


def _guard_input(model: Model, scores: np.ndarray, variance: np.ndarray) -> np.ndarray:
    p = model.params
    shrunk = scores * p["global.scale"] / (p["global.variance"] + variance)
    # Scores far outside the training belong to `distance`; clipped, they cannot make the guard say anything.
    noise = (0.5 * np.log(variance) - np.log(2.5e-3)) / 1.5
    return np.concatenate([np.clip(shrunk, -10, 10), noise], axis=1).astype(np.float32)


def _suspicion(model: Model, x: np.ndarray) -> np.ndarray:
    p = model.params
    if "guard.0.weight" not in p:
        return np.full(len(x), -np.inf)
    backend = NumpyBackend()
    for i in (0, 1):
        x = backend.silu(x @ p[f"guard.{i}.weight"] + p[f"guard.{i}.bias"])
    return np.asarray((x @ p["guard.2.weight"] + p["guard.2.bias"])[:, 0])


def likely_noise(model: Model, z: np.ndarray, at_least: float) -> float:
    """Noise SD at which one spectrum is most likely among the training spectra, never below ``at_least``.

    Averaging n voxels divides their thermal noise by √n, but not what all voxels share (frame-to-frame instability,
    imperfect dummy scans) nor what the simulated tissues miss. Both show as scores larger than tissue and noise
    explain, t² > λ + σ²; the σ that maximizes the normal likelihood of the scores and of the part outside their
    span takes that up, and the posterior widens accordingly.

    Parameters
    ----------
    z : ndarray
        (n_powers·n_grid,) aligned spectrum.
    at_least : float
        Its thermal noise.
    """
    p = model.params
    centered = z - p["global.mean"]
    scores = centered @ p["global.basis"]
    outside = max(float(np.sum(centered**2) - np.sum(scores**2)), 0.0)
    sigma = np.geomspace(max(at_least, SIGMA_LIMITS[0]), 1.01 * max(at_least, SIGMA_LIMITS[1]), 200)
    total = p["global.variance"].astype(np.float64) + sigma[:, None] ** 2
    minus_log = np.sum(np.log(total) + scores**2 / total, axis=1)
    minus_log += (len(z) - len(scores)) * np.log(sigma**2) + outside / sigma**2
    return float(sigma[np.argmin(minus_log)])


def _posterior(model: Model, table: np.ndarray) -> Posterior:
    table = table.astype(np.float64)
    # Spectra unlike any of the training can drive the network anywhere; they are flagged, and their numbers stay
    # finite within a few prior widths.
    table[:, :2] = np.clip(table[:, :2], -MAX_STANDARDIZED, MAX_STANDARDIZED)
    table[:, 2:5] = np.clip(table[:, 2:5], -MAX_STANDARDIZED / 2, MAX_STANDARDIZED / 2)
    scale, offset = model.log_sd.astype(np.float64), model.log_mean.astype(np.float64)
    l11, l21, l22 = table[:, 2], table[:, 3], table[:, 4]
    sd_fs, sd_ksw = _widened(np.stack([l11, np.hypot(l21, l22)]), table[:, 6]) * scale[:, None]
    log_fs, log_ksw = table[:, 0] * scale[0] + offset[0], table[:, 1] * scale[1] + offset[1]
    fs, ksw = np.exp(log_fs), np.exp(log_ksw)
    return Posterior(
        fs=fs,
        ksw=ksw,
        fs_sd=fs * _spread(sd_fs),
        ksw_sd=ksw * _spread(sd_ksw),
        log_fs=log_fs,
        log_ksw=log_ksw,
        log_sd_fs=sd_fs,
        log_sd_ksw=sd_ksw,
        log_correlation=l21 / np.hypot(l21, l22),
        residual=table[:, 5],
        distance=table[:, 6],
        suspicion=table[:, 7],
    )


def _widened(sd: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Standardized SDs (2, n), wider in proportion to the square of an unusual distance, up to two prior widths."""
    factor = np.maximum(distance / USUAL_DISTANCE, 1.0) ** WIDENING
    return np.minimum(sd * factor, np.maximum(sd, MAX_STANDARDIZED / 2))


def _spread(log_sd: np.ndarray) -> np.ndarray:
    """SD of a log-normal over its median."""
    return np.asarray(np.exp(log_sd**2 / 2) * np.sqrt(np.expm1(log_sd**2)))
