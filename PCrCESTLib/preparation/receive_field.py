"""The receive coil stays where it is when the leg moves: the same tissue then gives another signal.

After a jump of 1.5 mm under a surface coil M changes by some per cent, as much as PCr changes Z, while M0 was
taken before it. Reference frames acquired at different poses show it: at the reference position their ratio is
c(T x)/c(x) with the receive sensitivity c in scanner coordinates, here the exponential of a cubic polynomial. With c
known so far, every frame can be divided by its own ratio; directions that no reference frame moved along stay flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from scipy import ndimage

_ORDER = 3
_MOST_VOXELS = 5000
# SDs of what is expected of the polynomial's coefficients (half a field of view), of a gain and of a drift over a scan:
# they decide where the references do not, for instance between a jump and a drift when there are only two.
_FIELD_SD, _GAIN_SD, _DRIFT_SD, _NOISE_SD = 0.5, 1.0, 0.03, 0.02


def fit_receive_field(
    references: np.ndarray,
    poses: np.ndarray,
    series: Sequence[int],
    times: np.ndarray,
    tissue: np.ndarray,
    spacing_mm: np.ndarray,
) -> np.ndarray:
    """Fit log c to aligned reference frames; a gain and a linear drift of every series are fitted with it.

    Parameters
    ----------
    references : ndarray
        (n, ...) reference frames brought to the reference position.
    poses : ndarray
        (n, d+1, d+1) where the tissue lay in them.
    series : sequence of int
        (n,) the series they belong to.
    times : ndarray
        (n,) when they were acquired, 0 to 1 within a series.
    tissue : ndarray of bool
        Where there is signal.
    spacing_mm : ndarray
        (d,) along x, y[, z].

    Returns
    -------
    ndarray
        Coefficients for `relative_sensitivity`.
    """
    usable = ndimage.binary_erosion(tissue) & np.all(np.nan_to_num(references) > 0, axis=0)
    at = np.argwhere(usable)
    at = at[:: max(1, len(at) // _MOST_VOXELS)]
    n_terms = len(_exponents(len(spacing_mm)))
    if len(references) < 2 or len(at) < 10 * n_terms:
        return np.zeros(n_terms)
    logs = np.log(references[(slice(None), *at.T)].astype(np.float64))
    points, shape = at[:, ::-1] * spacing_mm, tissue.shape
    fields = np.stack([_terms(points @ p[:-1, :-1].T + p[:-1, -1], shape, spacing_mm) for p in poses])
    member = np.equal.outer(np.asarray(series), np.unique(series)).astype(float)
    gains = np.concatenate([member, member * times[:, None]], axis=1)
    nuisance = np.broadcast_to(gains[:, None, :], (*fields.shape[:2], gains.shape[1]))
    design = np.concatenate([fields, nuisance], axis=2)
    design = (design - design.mean(axis=0)).reshape(-1, design.shape[2])
    target = (logs - logs.mean(axis=0)).ravel()
    n_series = member.shape[1]
    expected_sd = np.repeat([_FIELD_SD, _GAIN_SD, _DRIFT_SD], [n_terms, n_series, n_series])
    ridge = np.diag((_NOISE_SD / expected_sd) ** 2)
    solution = np.zeros(design.shape[1])
    for _ in range(3):  # voxels that changed otherwise (vessels, edges) drop out
        rest = np.abs(target - design @ solution)
        kept = rest <= 3 * 1.4826 * np.median(rest) + 1e-12
        normal = design[kept].T @ design[kept]
        solution = np.linalg.solve(normal + ridge, design[kept].T @ target[kept])
    return solution[:n_terms]


def relative_sensitivity(
    coefficients: np.ndarray, pose: np.ndarray, shape: tuple[int, ...], spacing_mm: np.ndarray
) -> np.ndarray:
    """c(T x)/c(x) of every voxel x of the reference position, (...), for tissue that lies at T x in the frame."""
    points = (
        np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)[..., ::-1] * spacing_mm
    )
    flat = points.reshape(-1, len(spacing_mm))
    there, here = (_terms(p, shape, spacing_mm) for p in (flat @ pose[:-1, :-1].T + pose[:-1, -1], flat))
    return np.asarray(np.exp((there - here) @ coefficients).reshape(shape))


def _exponents(d: int) -> list[tuple[int, ...]]:
    return [c for order in range(1, _ORDER + 1) for c in combinations_with_replacement(range(d), order)]


def _terms(points: np.ndarray, shape: tuple[int, ...], spacing_mm: np.ndarray) -> np.ndarray:
    """Products of coordinates up to the third order, (n_points, n_terms); −1 to 1 over the grid, and held beyond it."""
    half = spacing_mm * np.array(shape[::-1]) / 2
    unit = np.clip((points - half + spacing_mm / 2) / half, -1, 1)
    return np.stack([np.prod(unit[:, list(c)], axis=1) for c in _exponents(len(spacing_mm))], axis=1)
