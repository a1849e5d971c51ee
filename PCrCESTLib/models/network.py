"""The two-branch global–local network, conditioned on the noise level.

Both branches see Wiener-shrunk principal scores of their input, t·√λ/(λ + σ²), the best linear estimate at noise σ:
directions buried in noise fade out by themselves, and one network serves a single voxel and a 400-voxel mean.

- *global*: the whole water-aligned spectrum at all powers; it learns what T2, MT, Cr, amine, B1 and R1 do.
- *local*: 1/Z of the PCr window (1.5–3.5 ppm) minus its chord, where the effect of a pool is additive and a smooth
  background drops out.

The head joins them and gives mean and covariance of (log fs, log ksw).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.models.backend import Array, Backend

LOCAL_WINDOW_PPM = (1.5, 3.5)
N_CONDITIONS = 5  # noise level, R1obs and whether known, relative B1 and whether known
MIN_LOG_SD = 0.004
_MIN_Z = 0.02


@dataclass(frozen=True)
class Sizes:
    """Widths of the layers."""

    global_branch: tuple[int, int] = (352, 240)
    local_branch: tuple[int, int] = (160, 128)
    head: tuple[int, int] = (352, 240)


@dataclass(frozen=True)
class NetworkInput:
    """One chunk of voxels on the network's grid.

    ``z`` (n, n_powers·n_grid) water-aligned spectra, power after power; ``sigma`` (n,) noise SD of Z;
    ``r1_obs`` (n,) s⁻¹ and ``relative_b1`` (n,), NaN where unknown. All float32 arrays of one backend.
    """

    z: Array
    sigma: Array
    conditions: Array


def conditions(sigma: np.ndarray, r1_obs: np.ndarray, relative_b1: np.ndarray) -> np.ndarray:
    """Scale what the network is told besides the spectrum, (n, 5) float32; unknown values are zero and marked."""
    known_r1, known_b1 = np.isfinite(r1_obs), np.isfinite(relative_b1)
    return np.stack(
        [
            (np.log(sigma) - np.log(2.5e-3)) / 1.5,
            np.where(known_r1, (np.nan_to_num(r1_obs, nan=0.65) - 0.65) / 0.12, 0.0),
            known_r1,
            np.where(known_b1, (np.nan_to_num(relative_b1, nan=1.0) - 1.0) / 0.15, 0.0),
            known_b1,
        ],
        axis=-1,
    ).astype(np.float32)


def local_indices(grid_ppm: np.ndarray) -> np.ndarray:
    """Return the indices of the grid that form the PCr window."""
    low, high = LOCAL_WINDOW_PPM
    return np.nonzero((grid_ppm >= low - 1e-6) & (grid_ppm <= high + 1e-6))[0]


def local_features(z: Array, local: np.ndarray, n_powers: int, backend: Backend) -> Array:
    """1/Z in the PCr window minus the chord between its ends, power after power.

    Parameters
    ----------
    z : Array
        (n, n_powers·n_grid).
    local : ndarray
        Indices of the window within one power.
    """
    n_grid = z.shape[-1] // n_powers
    # The chord runs through the mean of the first two and of the last two points: 0 and 1 on this ramp.
    ramp = backend.asarray((np.arange(len(local)) - 0.5) / (len(local) - 2))
    parts = []
    for p in range(n_powers):
        window = z[:, p * n_grid + int(local[0]) : p * n_grid + int(local[-1]) + 1]
        y = 1 / window.clip(_MIN_Z)
        left, right = (y[:, :2].mean(-1), y[:, -2:].mean(-1))
        parts.append(y - left[:, None] - (right - left)[:, None] * ramp)
    return backend.concatenate(parts)


def _scores(x: Array, params: dict[str, Array], branch: str, variance: Array) -> Array:
    t = (x - params[f"{branch}.mean"]) @ params[f"{branch}.basis"]
    power = params[f"{branch}.variance"]
    return t * params[f"{branch}.scale"] / (power + variance[:, None] * params[f"{branch}.noise_gain"])


def _dense(x: Array, params: dict[str, Array], name: str) -> Array:
    return x @ params[f"{name}.weight"] + params[f"{name}.bias"]


def _hidden(x: Array, params: dict[str, Array], name: str, backend: Backend) -> Array:
    return backend.silu(_dense(backend.silu(_dense(x, params, f"{name}.0")), params, f"{name}.1"))


def forward(
    inputs: NetworkInput, params: dict[str, Array], local: np.ndarray, n_powers: int, backend: Backend
) -> Array:
    """Run the network.

    Returns
    -------
    Array
        (n, 5): standardized mean of log fs and log ksw, then the covariance's Cholesky factor l11, l21, l22.
    """
    variance = inputs.sigma**2
    cond = inputs.conditions
    whole = _scores(inputs.z, params, "global", variance)
    window = _scores(local_features(inputs.z, local, n_powers, backend), params, "local", variance)
    g = _hidden(backend.concatenate([whole, cond]), params, "global", backend)
    x = _hidden(backend.concatenate([window, cond]), params, "local", backend)
    h = _hidden(backend.concatenate([g, x, cond]), params, "head", backend)
    out = _dense(h, params, "head.2")
    floor = MIN_LOG_SD
    return backend.concatenate(
        [
            out[:, :2],
            backend.softplus(out[:, 2:3]) + floor,
            out[:, 3:4],
            backend.softplus(out[:, 4:5]) + floor,
        ]
    )


def initial_parameters(
    n_global: int, n_local: int, sizes: Sizes, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw starting weights: He-normal matrices, zero biases, a head that starts near the prior."""
    joined = sizes.global_branch[1] + sizes.local_branch[1] + N_CONDITIONS
    layers = {
        "global.0": (n_global + N_CONDITIONS, sizes.global_branch[0]),
        "global.1": (sizes.global_branch[0], sizes.global_branch[1]),
        "local.0": (n_local + N_CONDITIONS, sizes.local_branch[0]),
        "local.1": (sizes.local_branch[0], sizes.local_branch[1]),
        "head.0": (joined, sizes.head[0]),
        "head.1": (sizes.head[0], sizes.head[1]),
        "head.2": (sizes.head[1], 5),
    }
    params: dict[str, np.ndarray] = {}
    for name, (n_in, n_out) in layers.items():
        gain = 0.1 if name == "head.2" else 1.4
        params[f"{name}.weight"] = (rng.standard_normal((n_in, n_out)) * gain / np.sqrt(n_in)).astype(
            np.float32
        )
        params[f"{name}.bias"] = np.zeros(n_out, dtype=np.float32)
    params["head.2.bias"][[2, 4]] = 0.5  # softplus(0.5) is about 1: the prior's own width
    return params


def principal_scores(x: np.ndarray, n_components: int, noise_gain: float) -> dict[str, np.ndarray]:
    """Fit mean, basis and variances of the Wiener-shrunk scores to clean features x (n, n_features)."""
    mean = x.mean(axis=0, dtype=np.float64)
    centered = x - mean
    values, vectors = np.linalg.eigh(centered.T @ centered / len(x))
    order = np.argsort(values)[::-1][:n_components]
    variance = np.maximum(values[order], 1e-10)
    return {
        "mean": mean.astype(np.float32),
        "basis": vectors[:, order].astype(np.float32),
        "variance": variance.astype(np.float32),
        "scale": np.sqrt(variance).astype(np.float32),
        "noise_gain": np.full(len(order), noise_gain, dtype=np.float32),
    }
