"""Images onto the CEST grid: untouched if the grids coincide, interpolated if they overlap, else refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PCrCESTLib.errors import GeometryError
from PCrCESTLib.geometry import Geometry

VALID_WEIGHT = (
    0.5  # a resampled voxel needs at least this share of its interpolation weight from valid voxels
)


def overlap_fraction(image: Geometry, grid: Geometry) -> float:
    """Share of the voxel centers of ``grid`` that lie inside ``image``."""
    inside = np.ones(image.shape, np.uint8)
    return float(_resample(inside, image, grid, sitk.sitkNearestNeighbor).mean())


def resample_map(values: np.ndarray, image: Geometry, grid: Geometry) -> np.ndarray:
    """Interpolate a map linearly between its valid voxels.

    Invalid voxels (NaN) take no part: the weights of the valid ones are normalized, and a voxel of ``grid``
    with less than half its weight from valid ones, or outside the image, becomes NaN.

    Parameters
    ----------
    values : ndarray
        float64 (z, y, x) on ``image``, NaN where invalid.
    image, grid : Geometry
        Where the values lie, and where they are wanted.

    Returns
    -------
    ndarray
        float64 (z, y, x) on ``grid``; the very same array when the grids coincide.
    """
    if image.same_as(grid):
        return values
    valid = np.isfinite(values)
    weight = _resample(valid.astype(np.float64), image, grid, sitk.sitkLinear)
    total = _resample(np.where(valid, values, 0.0), image, grid, sitk.sitkLinear)
    result = np.full(grid.shape, np.nan)
    np.divide(total, weight, out=result, where=weight >= VALID_WEIGHT)
    return result


def resample_labels(labels: np.ndarray, image: Geometry, grid: Geometry) -> np.ndarray:
    """Take the nearest label, 0 outside the image; integer (z, y, x) in, the same type on ``grid`` out."""
    if image.same_as(grid):
        return labels
    return _resample(labels, image, grid, sitk.sitkNearestNeighbor)


def placement_note(path: Path, image: Geometry, grid: Geometry) -> tuple[str, ...]:
    """Say how an image will be brought to the CEST grid; nothing when it already lies on it.

    Raises
    ------
    GeometryError
        When no voxel center of the grid lies inside the image.
    """
    if image.same_as(grid):
        return ()
    fraction = overlap_fraction(image, grid)
    if fraction == 0:
        hint = (
            "it has as many voxels, so a tool may have dropped its position: copy the CEST image's header"
            " to it"
            if image.size == grid.size
            else "give a map of the same region, or correct its position"
        )
        raise GeometryError(
            f"{path}: this image ({image.describe()}) does not overlap the CEST images ({grid.describe()});"
            f" {hint}"
        )
    return (f"{path.name} was resampled to the CEST grid and covers {100 * fraction:.3g} % of its voxels",)


def _resample(array: np.ndarray, image: Geometry, grid: Geometry, interpolator: int) -> np.ndarray:
    resampled = sitk.Resample(
        image.to_image(array),
        grid.size,
        sitk.Transform(),
        interpolator,
        grid.origin_mm,
        grid.spacing_mm,
        grid.direction,
        0.0,
        sitk.sitkUnknown,
    )
    return sitk.GetArrayFromImage(resampled)
