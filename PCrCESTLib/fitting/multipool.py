"""Multi-pool Lorentzian fit (MPLF) of thousands of Z-spectra at once.

Z(Δ) = 1 − Σ A_i / [1 + ((Δ − δ − p_i)/(w_i/2))²] (Zaiss 2011, J Magn Reson 211:149), with the water frequency δ as a
parameter that all pools share. Heights, positions and widths keep the bounds of `pools`.

In noise such fits have several minima. Every spectrum is searched from two starts, the fit of the mean spectrum and
the other pools as `pools` has them around the water of that fit. Wherever a pool ends without height, it is tried again
where the misfit wants it most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting.lines import LineSum
from PCrCESTLib.fitting.newton import Minimum, minimize
from PCrCESTLib.fitting.pools import PoolBounds

CHUNK = 1024
WORKERS = 2
LARGEST_Z = 1e6  # no normalized spectrum comes near
REKINDLINGS = 3  # of one search
# Single precision finds the valley in half the time; its bottom needs double, and the last few spectra more steps.
ROUGH_STEPS, ROUGH_TOLERANCE = 14, 1e-3
FINE_STEPS, FINE_TOLERANCE, FINE_DAMPING = 100, 1e-7, 1e-3


@dataclass(frozen=True)
class PoolFit:
    """Fitted pools of n spectra.

    ``height`` (share of M0), ``position_ppm`` (from water) and ``width_ppm`` are (n, n_pools) in the order of
    ``names``; ``b0_ppm`` (n,) the water frequency; ``rms`` (n,) the root mean square of measured minus fitted Z;
    ``converged`` (n,).

    Spectra that are not finite, or beyond `LARGEST_Z`, have NaN throughout and have not converged.
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
    z = np.asarray(z, dtype=float)
    usable = np.nonzero(np.all(np.abs(z) <= LARGEST_Z, axis=1))[0]
    values, converged = np.full((len(z), 3 * len(pools) + 1), np.nan), np.zeros(len(z), dtype=bool)
    if len(usable):
        search = _Search(offsets_ppm, pools)
        search.begin_at(1 - np.mean(z[usable], axis=0, keepdims=True))
        size = min(CHUNK, -(-len(usable) // WORKERS))
        parts = [usable[i : i + size] for i in range(0, len(usable), size)]
        with ThreadPoolExecutor(WORKERS) as workers:
            for done, found in enumerate(workers.map(lambda rows: search.fit(1 - z[rows]), parts)):
                values[parts[done]], converged[parts[done]] = found
                if progress is not None:
                    progress((done + 1) / len(parts))
    height, position, width = np.split(values[:, :-1], 3, axis=1)
    shift, position = position[:, 0], np.concatenate([np.zeros((len(z), 1)), position[:, 1:]], axis=1)
    names = tuple(p.name for p in pools)
    return PoolFit(names, height, position, width, shift, values[:, -1], converged)


class _Search:
    """The search for pools in spectra 1 − Z, (n, n_offsets); parameters and their bounds are those of `LineSum`."""

    def __init__(self, offsets_ppm: np.ndarray, pools: Sequence[PoolBounds]) -> None:
        # By pool, kind of parameter, and (start, low, high).
        table = np.array([(p.height, p.position_ppm, p.width_ppm) for p in pools])
        start, low, high = np.moveaxis(np.concatenate([table[:, :2], np.log(table[:, 2:])], axis=1), 2, 0)
        self._offsets, self._heights = offsets_ppm, (low[:, 0], high[:, 0])
        self._widths = table[:, 2, 1:].T[:, :, None]
        self._low, self._high = (limit[:, 1:].T.ravel() for limit in (low, high))
        self._starts = start[:, 1:].T.reshape(-1, 1)

    def begin_at(self, spectrum: np.ndarray) -> None:
        """Let every search begin where that of ``spectrum`` (1, n_offsets) ends, besides the documented start."""
        mean = self._rough(spectrum).x
        second = self._starts.copy()
        water = [0, len(second) // 2]
        second[water] = mean[water]
        self._starts = np.concatenate([mean, second], axis=1)

    def fit(self, spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heights, positions, widths and misfit, (n, 3P + 1); whether converged, (n,)."""
        n = len(spectra)
        found = self._rough(np.tile(spectra, (self._starts.shape[1], 1)))
        best = np.where(found.cost[:n] <= found.cost[n:], found.x[:, :n], found.x[:, n:])
        found = self._fine(spectra, best.astype(float))
        x = found.x
        height = LineSum(self._offsets, spectra, *self._heights).heights(x)
        rms = np.sqrt(2 * np.maximum(found.cost, 0) / spectra.shape[1])
        place, width = x[: len(x) // 2], np.clip(np.exp(x[len(x) // 2 :]), *self._widths)
        values = np.concatenate([height, place, width, rms[None]]).T
        return values, found.converged

    def _rough(self, spectra: np.ndarray) -> Minimum:
        """Search from all starts; ``spectra`` are repeated for them."""
        start = np.repeat(self._starts, len(spectra) // self._starts.shape[1], axis=1)
        return self._minimize(
            spectra.astype(np.float32),
            start.astype(np.float32),
            tolerance=ROUGH_TOLERANCE,
            max_steps=ROUGH_STEPS,
        )

    def _fine(self, spectra: np.ndarray, start: np.ndarray) -> Minimum:
        return self._minimize(
            spectra, start, tolerance=FINE_TOLERANCE, max_steps=FINE_STEPS, damping=FINE_DAMPING
        )

    def _minimize(self, spectra: np.ndarray, start: np.ndarray, **how: Any) -> Minimum:
        lines = LineSum(self._offsets, spectra, *self._heights)
        rekindled = np.zeros(len(spectra), dtype=int)

        def restart(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            moved, x = lines.rekindle(x, rows, self._low, self._high)
            moved &= rekindled[rows] < REKINDLINGS
            rekindled[rows] += moved
            return moved, x

        with np.errstate(all="ignore"):  # what is not finite is no better, and not taken
            return minimize(
                lines, start, self._low, self._high, restart=restart, negligible=lines.rounding, **how
            )
