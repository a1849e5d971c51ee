"""How the fitted pools' curve at one place answers to the measured points: the error propagation of `multipool`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PCrCESTLib.fitting.multipool import PoolFit
from PCrCESTLib.fitting.pools import PoolBounds
from PCrCESTLib.fitting.propagation import free_parameters, gain

CHUNK = 512


def curve_gain(
    fit: PoolFit, pools: Sequence[PoolBounds], offsets_ppm: np.ndarray, place_ppm: float, names: Sequence[str]
) -> np.ndarray:
    """Return the derivative of the named pools' summed height at ``place_ppm`` by each 1 − Z, (n, n_offsets).

    ``fit`` is that of ``pools`` to spectra at ``offsets_ppm``. The height of PCr counts as free even where it ended at
    0: that it cannot be negative does not make it known.
    """
    low, high = (_bounds(pools, k) for k in (1, 2))
    places = np.append(offsets_ppm, place_ppm)
    named = np.tile([name in names for name in fit.names], 3)
    answers = []
    for i in range(0, len(fit.height), CHUNK):
        rows = slice(i, i + CHUNK)
        x = np.concatenate([a[rows] for a in (fit.height, _places(fit), fit.width_ppm)], axis=1)
        free = free_parameters(x, low, high)
        if "PCr" in fit.names:
            free[:, fit.names.index("PCr")] = True
        slope = _slope(x, len(pools), places)
        # The water frequency moves every pool, also those that are not named.
        here = slope[:, -1] * named
        here[:, len(pools)] = np.sum(
            _by_place(x, len(pools), places[-1:])[:, 0] * named[: len(pools)], axis=1
        )
        answers.append(np.einsum("np,npm->nm", here, gain(slope[:, :-1], free)))
    return np.concatenate(answers) if answers else np.empty((0, len(offsets_ppm)))


def _bounds(pools: Sequence[PoolBounds], k: int) -> np.ndarray:
    return np.array([getattr(p, name)[k] for name in ("height", "position_ppm", "width_ppm") for p in pools])


def _places(fit: PoolFit) -> np.ndarray:
    """Positions from water, with the water frequency in water's own place, (n, n_pools)."""
    return np.concatenate([fit.b0_ppm[:, None], fit.position_ppm[:, 1:]], axis=1)


def _lines(x: np.ndarray, n_pools: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reduced offsets u and lines of height 1, (n, n_places, n_pools)."""
    center, width = x[:, n_pools : 2 * n_pools].copy(), x[:, 2 * n_pools :]
    center[:, 1:] += center[:, :1]
    u = 2 * (places[None, :, None] - center[:, None, :]) / width[:, None, :]
    return u, 1 / (1 + u * u)


def _by_place(x: np.ndarray, n_pools: int, places: np.ndarray) -> np.ndarray:
    u, line = _lines(x, n_pools, places)
    return np.asarray(x[:, None, :n_pools] * 4 * u * line**2 / x[:, None, 2 * n_pools :])


def _slope(x: np.ndarray, n_pools: int, places: np.ndarray) -> np.ndarray:
    """Return the derivatives of the sum of lines by heights, positions (water's is the shared shift) and widths."""
    u, line = _lines(x, n_pools, places)
    by_place = _by_place(x, n_pools, places)
    by_width = by_place * u / 2
    by_place[:, :, 0] = by_place.sum(axis=2)
    return np.concatenate([line, by_place, by_width], axis=2)
