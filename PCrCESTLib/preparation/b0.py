"""Water frequency of every voxel from its own dip, and spectra moved to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline

WINDOW_PPM = 0.6
MAX_SHIFT_PPM = 1.0
MIN_DEPTH = 0.25


def samples_water_dip(offsets_ppm: np.ndarray) -> bool:
    """Tell whether the offsets sample the water dip well enough to locate it (five within 0.75 ppm)."""
    near = np.sort(offsets_ppm[np.abs(offsets_ppm) <= 0.75])
    return len(near) >= 5 and near[0] < -0.2 and near[-1] > 0.2 and float(np.max(np.diff(near))) <= 0.3


def shift_from_dip(z: np.ndarray, offsets_ppm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Locate the water dip of every spectrum.

    Around resonance 1 − Z is a Lorentzian in the offset, so 1/(1 − Z) is a parabola whose vertex is the water
    frequency: a weighted linear fit of three numbers a voxel, no iteration. The weights (1 − Z)⁴ make it the
    maximum-likelihood fit for constant noise of Z.

    Parameters
    ----------
    z : ndarray
        (n_voxels, n_offsets), one power (the lowest has the sharpest dip).
    offsets_ppm : ndarray
        (n_offsets,), ascending.

    Returns
    -------
    shift_ppm : ndarray
        (n_voxels,) water frequency, ppm; 0 where no dip was found.
    found : ndarray of bool
        (n_voxels,) False where the dip is too shallow, out of range or not convex.
    """
    near = np.abs(offsets_ppm) <= MAX_SHIFT_PPM + WINDOW_PPM
    x = offsets_ppm[near].astype(np.float32)
    depth = 1 - np.nan_to_num(z[:, near].astype(np.float32), nan=1.0)
    smooth = depth.copy()
    smooth[:, 1:-1] = (depth[:, :-2] + depth[:, 1:-1] + depth[:, 2:]) / 3
    inside = np.abs(x) <= MAX_SHIFT_PPM
    shift = x[inside][np.argmax(smooth[:, inside], axis=1)]
    found = np.max(smooth[:, inside], axis=1) > MIN_DEPTH
    for _ in range(2):  # the second time with the window centered on the first answer
        shift, convex = _parabola_vertex(x, depth, shift)
        found &= convex
        shift = np.where(found, shift, 0.0)
    return shift, found


def _parabola_vertex(x: np.ndarray, depth: np.ndarray, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    u = x[None, :] - center[:, None]
    square = depth * depth
    weight = np.where((np.abs(u) <= WINDOW_PPM) & (depth > 0.05), square * square, np.float32(0))
    u2 = u * u
    wu2, wy = weight * u2, weight / np.maximum(depth, 0.05)
    moments = [
        weight.sum(axis=1),
        np.einsum("vo,vo->v", weight, u),
        wu2.sum(axis=1),
        np.einsum("vo,vo->v", wu2, u),
        np.einsum("vo,vo->v", wu2, u2),
    ]
    rhs = [wy.sum(axis=1), np.einsum("vo,vo->v", wy, u), np.einsum("vo,vo->v", wy, u2)]
    m0, m1, m2, m3, m4 = (m.astype(np.float64) for m in moments)
    r0, r1, r2 = (r.astype(np.float64) for r in rhs)
    # Cramer's rule for y = c + b u + a u²; only b/a is needed, so the common determinant drops out.
    b = m0 * (r1 * m4 - r2 * m3) - r0 * (m1 * m4 - m2 * m3) + m2 * (m1 * r2 - m2 * r1)
    a = m0 * (m2 * r2 - m3 * r1) - m1 * (m1 * r2 - m2 * r1) + r0 * (m1 * m3 - m2 * m2)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(a > 0, -b / (2 * a), 0.0)
    vertex = center + np.clip(step, -WINDOW_PPM, WINDOW_PPM)
    return vertex, (a > 0) & (np.abs(step) < WINDOW_PPM) & (np.abs(vertex) <= MAX_SHIFT_PPM)


def _spline_slopes(offsets_ppm: np.ndarray) -> np.ndarray:
    """Matrix (n_offsets, n_offsets) that turns spectra into the slopes of their cubic splines, float32."""
    return _slopes_of(tuple(offsets_ppm.tolist()))


@lru_cache(maxsize=8)
def _slopes_of(offsets_ppm: tuple[float, ...]) -> np.ndarray:
    unit = CubicSpline(offsets_ppm, np.eye(len(offsets_ppm)))
    return np.asarray(unit(offsets_ppm, 1).T, dtype=np.float32)


@dataclass(frozen=True)
class Alignment:
    """Where the grid points of every spectrum lie among its offsets: made once, used for every power.

    ``flat`` (n, n_grid) is the index of the offset to the left in the flattened spectra, ``width`` the step to the
    next (ppm), and the rest the cubic Hermite weights of the right value and of both slopes.
    """

    flat: np.ndarray
    width: np.ndarray
    right: np.ndarray
    left_slope: np.ndarray
    right_slope: np.ndarray


def alignment(offsets_ppm: np.ndarray, shift_ppm: np.ndarray, grid_ppm: np.ndarray) -> Alignment:
    """Find ``grid_ppm`` (n_grid,), measured from each water frequency ``shift_ppm`` (n,), among the offsets."""
    x = offsets_ppm.astype(np.float32)
    target = grid_ppm.astype(np.float32)[None, :] + shift_ppm.astype(np.float32)[:, None]
    np.clip(target, x[0], x[-1], out=target)
    cell = _cells(x, target)
    width = np.take(np.diff(x), cell, mode="clip")
    t = (target - np.take(x, cell, mode="clip")) / width
    t2 = t * t
    t3 = t2 * t
    flat = cell + (np.arange(len(shift_ppm), dtype=cell.dtype) * len(x))[:, None]
    return Alignment(flat, width, 3 * t2 - 2 * t3, t3 - 2 * t2 + t, t3 - t2)


def _cells(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Index of the offset to the left of every target, 0 … len(x) − 2.

    A table over fine even steps gives it or the one before; a binary search took a quarter of the alignment's time.
    """
    fine = np.min(np.diff(x)) / 2
    edges = x[0] + fine * np.arange(int((x[-1] - x[0]) / fine) + 2, dtype=np.float32)
    table = np.clip(np.searchsorted(x, edges, side="right") - 1, 0, len(x) - 2)
    cell = np.take(table, ((target - x[0]) / fine).astype(np.int64), mode="clip")
    cell += target >= np.take(x, cell + 1, mode="clip")
    return np.minimum(cell, len(x) - 2, out=cell)


def align(
    z: np.ndarray,
    offsets_ppm: np.ndarray,
    shift_ppm: np.ndarray,
    grid_ppm: np.ndarray,
    places: Alignment | None = None,
) -> np.ndarray:
    """Evaluate every spectrum on ``grid_ppm`` measured from its own water frequency.

    Cubic spline (at 0.125 ppm, three-point tangents would miss the PCr peak by 0.001); beyond the sampled range the
    end value holds, since the far ends of a Z-spectrum are flat on the scale of a B0 shift.

    Parameters
    ----------
    z : ndarray
        (n_voxels, n_offsets).
    offsets_ppm : ndarray
        (n_offsets,), ascending.
    shift_ppm : ndarray
        (n_voxels,).
    grid_ppm : ndarray
        (n_grid,).
    places : Alignment, optional
        What `alignment` gives for these offsets, shifts and grid.

    Returns
    -------
    ndarray
        float32 (n_voxels, n_grid).
    """
    at = alignment(offsets_ppm, shift_ppm, grid_ppm) if places is None else places
    z = np.ascontiguousarray(z, dtype=np.float32)
    z_flat, slope = z.ravel(), (z @ _spline_slopes(offsets_ppm)).ravel()
    next_flat = at.flat + 1
    # Every index is in range; "clip" spares NumPy the check and the buffer that goes with it.
    left, right = np.take(z_flat, at.flat, mode="clip"), np.take(z_flat, next_flat, mode="clip")
    curve = at.left_slope * np.take(slope, at.flat, mode="clip")
    curve += at.right_slope * np.take(slope, next_flat, mode="clip")
    return np.asarray(left + at.right * (right - left) + at.width * curve, dtype=np.float32)
