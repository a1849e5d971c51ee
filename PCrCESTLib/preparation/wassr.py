"""Water frequency of every voxel from a WASSR series: weak saturation at offsets close around water.

Direct saturation is symmetric about the water frequency whatever the shape of the dip, so the center is where a
spectrum agrees best with its own mirror image (Kim 2009, MRM 61:1441): no unsaturated image and no model of the dip is
needed. For independent noise σ of the images the center has the SD σ/√Σ(dS/dx)², which is the Cramér–Rao bound of a dip
of known shape. What that does not count: between offsets 0.1 ppm apart a narrow dip is not known to better than
0.003 ppm, and creatine and PCr lean on one side of a wide one, which shifts it by up to 0.005 ppm (exact spectra).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.preparation.b0 import MIN_DEPTH, align

FEWEST_OFFSETS = 7
CHUNK_VOXELS = 8192
STEPS = 6
SLOPE_PPM = 0.01
LEAST_OVERLAP = 5  # offsets whose mirror image lies among the offsets
LARGEST_SD_STEPS = 0.5  # of the center, in steps of the offsets


@dataclass(frozen=True)
class WaterCenter:
    """Water frequency of n voxels.

    Parameters
    ----------
    shift_ppm, sd_ppm : ndarray
        (n_voxels,) ppm, positive where water lies at a higher frequency than the scanner's; NaN where it was not found.
    found : ndarray of bool
        (n_voxels,) False where the dip is too shallow, at the edge of the offsets, or too noisy.
    """

    shift_ppm: np.ndarray
    sd_ppm: np.ndarray
    found: np.ndarray


def find_water_center(signals: np.ndarray, offsets_ppm: np.ndarray) -> WaterCenter:
    """Find the point of symmetry of every dip.

    Parameters
    ----------
    signals : ndarray
        (n_voxels, n_offsets) of the saturated images, in any unit.
    offsets_ppm : ndarray
        (n_offsets,) ppm, in any order; repeated offsets are averaged.

    Raises
    ------
    ProtocolError
        When the offsets are fewer than seven, not one an image, or all on one side of water.
    """
    x, signals = _sorted(np.asarray(signals, dtype=float), np.asarray(offsets_ppm, dtype=float))
    parts = [_centers(signals[i : i + CHUNK_VOXELS], x) for i in range(0, len(signals), CHUNK_VOXELS)]
    if not parts:
        return WaterCenter(np.empty(0), np.empty(0), np.empty(0, dtype=bool))
    shift, sd, found = (np.concatenate(p) for p in zip(*parts, strict=True))
    return WaterCenter(np.where(found, shift, np.nan), np.where(found, sd, np.nan), found)


def _sorted(signals: np.ndarray, offsets_ppm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if offsets_ppm.shape != signals.shape[1:]:
        raise ProtocolError(f"{offsets_ppm.size} offsets for {signals.shape[-1]} images; give one an image")
    x, place = np.unique(np.round(offsets_ppm, 4), return_inverse=True)
    if len(x) < FEWEST_OFFSETS or not x[0] < 0 < x[-1]:
        reach = f" from {x[0]:g} to {x[-1]:g} ppm" if len(x) else ""
        raise ProtocolError(
            f"{len(x)} different offsets{reach}; WASSR needs {FEWEST_OFFSETS} or more on both "
            "sides of water (0 ppm)"
        )
    if len(x) == len(offsets_ppm):
        return x, signals[:, np.argsort(offsets_ppm)]
    means = [signals[:, place == i].mean(axis=1) for i in range(len(x))]
    return x, np.stack(means, axis=1)


def _centers(signals: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    finite = np.isfinite(signals).all(axis=1)
    top = np.max(np.where(finite[:, None], signals, 0.0), axis=1)
    usable = finite & (top > 0)
    s = np.where(usable[:, None], signals, 1.0) / np.where(usable, top, 1.0)[:, None]
    lowest, depth = _bottom(s)
    center = _best_on_grid(s, x, x[lowest])
    for _ in range(STEPS):
        step, sd = _step(s, x, center)
        center = np.clip(center + step, x[0], x[-1])
    even = float(np.median(np.diff(x)))
    # Where the dip runs out of the offsets, its far flank is not seen, and anything flat is symmetric.
    inside = (center > x[1]) & (center < x[-2]) & (np.abs(step) < 1e-3)
    return center, sd, usable & (depth > MIN_DEPTH) & inside & (sd < LARGEST_SD_STEPS * even)


def _bottom(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the lowest point and its depth below the top, (n,) each, of spectra smoothed over three offsets."""
    smooth = s.copy()
    smooth[:, 1:-1] = (s[:, :-2] + s[:, 1:-1] + s[:, 2:]) / 3
    return np.argmin(smooth, axis=1), 1 - smooth.min(axis=1)


def _mirrored(s: np.ndarray, x: np.ndarray, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra mirrored at ``center`` (n,) and where the mirror image lies among the offsets, both (n, n_offsets)."""
    target = 2 * center[:, None] - x
    return align(s, x, 2 * center, -x), (target >= x[0]) & (target <= x[-1])


def _asymmetry(s: np.ndarray, x: np.ndarray, center: np.ndarray) -> np.ndarray:
    mirror, seen = _mirrored(s, x, center)
    n = seen.sum(axis=1)
    mean = np.where(seen, (s - mirror) ** 2, 0.0).sum(axis=1) / np.maximum(n, 1)
    return np.where(n >= LEAST_OVERLAP, mean, np.inf)


def _best_on_grid(s: np.ndarray, x: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Most symmetric of nine points within two steps of the lowest offset."""
    tried = bottom + np.linspace(-2, 2, 9)[:, None] * float(np.median(np.diff(x)))
    cost = np.stack([_asymmetry(s, x, center) for center in tried])
    return np.asarray(np.take_along_axis(tried, np.argmin(cost, axis=0)[None], axis=0)[0])


def _step(s: np.ndarray, x: np.ndarray, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Newton step towards the point of symmetry, (n,), and the SD of that point, (n,)."""
    mirror, seen = _mirrored(s, x, center)
    ahead, _ = _mirrored(s, x, center + SLOPE_PPM / 2)
    behind, _ = _mirrored(s, x, center - SLOPE_PPM / 2)
    slope = np.where(seen, (ahead - behind) / SLOPE_PPM, 0.0)  # by the center: twice that by the offset
    residual = np.where(seen, s - mirror, 0.0)
    steep = np.maximum((slope**2).sum(axis=1), 1e-12)
    step = (slope * residual).sum(axis=1) / steep
    # Every pair of offsets counts twice and has twice the variance of one image.
    n = np.maximum(seen.sum(axis=1), 3)
    noise_variance = (residual**2).sum(axis=1) / (2 * n) * n / (n - 2)
    largest = float(np.median(np.diff(x)))
    return np.clip(step, -largest, largest), np.sqrt(4 * noise_variance / steep)
