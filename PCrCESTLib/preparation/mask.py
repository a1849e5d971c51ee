"""Which voxels are tissue, when no mask was given."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.preparation.zseries import ZSeries

MIN_ISLAND_VOXELS = 12


def body_mask(series: ZSeries) -> np.ndarray:
    """Mask of the body, bool (z, y, x): Otsu's threshold on M0, or the non-zero voxels of normalized data.

    Raises
    ------
    ReaderError
        When no voxel qualifies.
    """
    usable = np.all([np.all(np.isfinite(b.z), axis=0) for b in series.blocks], axis=0)
    if series.m0 is None:
        mask = usable & np.all([np.any(b.z != 0, axis=0) for b in series.blocks], axis=0)
        # Normalized noise has wild ratios; tissue keeps 0 <= Z <= 1 up to noise.
        mask &= np.all([np.median(b.z, axis=0) < 1.3 for b in series.blocks], axis=0)
    else:
        mask = usable & bright_voxels(series.m0)
    mask = _without_islands(mask)
    if not mask.any():
        raise ReaderError(
            "no tissue was found in the series (no voxel above the background); give a mask with --mask"
        )
    return mask


def bright_voxels(image: np.ndarray) -> np.ndarray:
    """Voxels above Otsu's threshold, bool, shaped like the image; NaN is background."""
    import SimpleITK as sitk

    # The square root compresses coil shading, which would otherwise drop tissue far from the coil.
    compressed = np.sqrt(np.clip(np.nan_to_num(image), 0, None)).astype(np.float32)
    if np.ptp(compressed) == 0:
        return np.asarray(compressed > 0)
    otsu = sitk.OtsuThreshold(sitk.GetImageFromArray(compressed), 0, 1, 128)
    return np.asarray(sitk.GetArrayFromImage(otsu) > 0)


def _without_islands(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= min(MIN_ISLAND_VOXELS, max(sizes[1:], default=0))
    keep[0] = False
    return np.asarray(keep[labels])
