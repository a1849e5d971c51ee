"""Multi-pool Lorentzian fit (MPLF) of thousands of Z-spectra at once.

Z(Δ) = 1 − Σ A_i / [1 + ((Δ − δ − p_i)/(w_i/2))²] (Zaiss 2011, J Magn Reson 211:149), with the water frequency δ as a
parameter that all pools share. Heights, positions and widths keep the bounds of `pools`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting.levenberg import Solution, solve
from PCrCESTLib.fitting.pools import PoolBounds

CHUNK = 512  # spectra whose derivatives fit into a processor's cache
WORKERS = 2


@dataclass(frozen=True)
class PoolFit:
    """Fitted pools of n spectra.

    ``height`` (share of M0), ``position_ppm`` (from water) and ``width_ppm`` are (n, n_pools) in the order of
    ``names``; ``b0_ppm`` (n,) the water frequency; ``rms`` (n,) the root mean square of measured minus fitted Z;
    ``converged`` (n,).
    """

    names: tuple[str, ...]
    height: np.ndarray
    position_ppm: np.ndarray
    width_ppm: np.ndarray
    b0_ppm: np.ndarray
    rms: np.ndarray
    converged: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """Heights of one pool, (n,)."""
        return np.asarray(self.height[:, self.names.index(name)])

    def curve(self, offsets_ppm: np.ndarray, *names: str) -> np.ndarray:
        """Sum of the named pools' lines (all without a name), (n, n_offsets)."""
        chosen = [i for i, name in enumerate(self.names) if not names or name in names]
        center = self.b0_ppm[:, None] + self.position_ppm[:, chosen]
        u = 2 * (offsets_ppm - center[:, :, None]) / self.width_ppm[:, chosen, None]
        return np.einsum("np,npm->nm", self.height[:, chosen], 1 / (1 + u**2))


def fit_pools(
    offsets_ppm: np.ndarray,
    z: np.ndarray,
    pools: Sequence[PoolBounds],
    progress: Callable[[float], None] | None = None,
) -> PoolFit:
    """Fit all spectra.

    Parameters
    ----------
    offsets_ppm : ndarray
        (n_offsets,).
    z : ndarray
        (n, n_offsets) normalized spectra.
    pools : sequence of PoolBounds
        The first is water.
    progress : callable, optional
        Gets the fraction done; what it raises stops the fit.

    Raises
    ------
    PCrCESTError
        When there are not more offsets than parameters.
    """
    if len(offsets_ppm) <= 3 * len(pools):
        raise PCrCESTError(
            f"{len(offsets_ppm)} offsets cannot determine {len(pools)} pools of three parameters each; fit fewer "
            "pools or measure more offsets"
        )
    start, low, high = (_table(pools, k) for k in range(3))
    slices = [slice(i, i + CHUNK) for i in range(0, len(z), CHUNK)]

    def one(rows: slice) -> Solution:
        values = np.asarray(z[rows], dtype=float)
        return solve(_misfit(offsets_ppm, values, len(pools)), np.tile(start, (len(values), 1)), low, high)

    parts = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(one, slices):
            parts.append(part)
            if progress is not None:
                progress(len(parts) / len(slices))
    x, cost = np.concatenate([p.x for p in parts]), np.concatenate([p.cost for p in parts])
    height, position, width = np.split(x, 3, axis=1)
    shift, position = position[:, 0], np.concatenate([np.zeros((len(x), 1)), position[:, 1:]], axis=1)
    converged = np.concatenate([p.converged for p in parts])
    rms = np.sqrt(2 * cost / len(offsets_ppm))
    return PoolFit(tuple(p.name for p in pools), height, position, width, shift, rms, converged)


def _table(pools: Sequence[PoolBounds], k: int) -> np.ndarray:
    """Return starts (0), lowest (1) or highest values (2): heights, positions (first the water frequency), widths."""
    return np.array([getattr(p, name)[k] for name in ("height", "position_ppm", "width_ppm") for p in pools])


def _misfit(
    offsets_ppm: np.ndarray, z: np.ndarray, n_pools: int
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    def model(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, place, width = (x[:, k * n_pools : (k + 1) * n_pools, None] for k in range(3))
        center = place.copy()
        center[:, 1:] += place[:, :1]
        u = 2 * (offsets_ppm - center) / width
        line = 1 / (1 + u * u)
        # Fitted minus measured, 1 − Σ A·line − Z, and its derivatives.
        slope = np.empty((len(x), len(offsets_ppm), 3 * n_pools))
        by_width = -2 * height * line * (1 - line) / width
        by_place = 2 * by_width / np.where(np.abs(u) < 1e-9, 1e-9, u)
        by_place[:, :1] = by_place.sum(axis=1, keepdims=True)
        for k, part in enumerate((-line, by_place, by_width)):
            slope[:, :, k * n_pools : (k + 1) * n_pools] = np.swapaxes(part, 1, 2)
        return 1 - np.sum(height * line, axis=1) - z[rows], slope

    return model
