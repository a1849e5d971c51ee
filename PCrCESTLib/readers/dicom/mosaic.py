"""Siemens mosaic: the slices of one volume side by side in one large image.

The mosaic is square and filled row by row. The position in its header is that of a slice of the mosaic's size with
the same center, and the slices follow each other along the normal that the CSA table states (documentation of
NiBabel, *Siemens mosaic*).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.dicom.csa import csa_entries

if TYPE_CHECKING:
    from PCrCESTLib.readers.dicom.headers import Frame


def is_mosaic(dataset: Any) -> bool:
    """Tell a mosaic by its image type."""
    return "MOSAIC" in [str(w).upper() for w in dataset.get("ImageType") or []]


def tiles(path: Path, dataset: Any, whole: Frame) -> tuple[Frame, ...]:
    """Return the slices of a mosaic as frames of their own.

    Parameters
    ----------
    path : Path
        Its file, for messages.
    dataset : pydicom.Dataset
        Its header.
    whole : Frame
        The mosaic as if it were one large slice.

    Raises
    ------
    ReaderError
        When the number of slices or their direction is not known or does not fit.
    """
    column_axis, row_axis = np.array(whole.axes[:3]), np.array(whole.axes[3:])
    across = np.cross(column_axis, row_axis)
    count, normal = _mosaic_facts(dataset)
    side = math.isqrt(max(count - 1, 0)) + 1
    rows, columns = whole.size[0] // side, whole.size[1] // side
    along = float(np.dot(across, normal))
    # Without the normal the slices could be stacked the wrong way round.
    if count < 1 or abs(abs(along) - 1) > 0.01 or (rows * side, columns * side) != whole.size:
        raise ReaderError(
            f"{path}: a mosaic whose Siemens header (0029,1010) does not say how many slices it has and in which"
            f" direction, or not fitting its {whole.size[1]} x {whole.size[0]} pixels; export it without"
            " anonymizing that header"
        )
    across = np.copysign(1.0, along) * across
    first = (
        np.array(whole.position_mm)
        + column_axis * whole.spacing_mm[1] * (whole.size[1] - columns) / 2
        + row_axis * whole.spacing_mm[0] * (whole.size[0] - rows) / 2
    )
    return tuple(
        replace(
            whole,
            tile=(n // side * rows, n % side * columns),
            size=(rows, columns),
            position_mm=tuple(float(v) for v in first + n * whole.slice_mm * across),
        )
        for n in range(count)
    )


def _mosaic_facts(dataset: Any) -> tuple[int, list[float]]:
    """Return the number of slices and their normal; zeros where the header does not say."""
    try:
        entries = csa_entries(bytes(dataset.private_block(0x0029, "SIEMENS CSA HEADER")[0x10].value or b""))
    except KeyError:
        entries = {}
    count = entries.get("NumberOfImagesInMosaic") or ["0"]
    normal = [float(v) for v in entries.get("SliceNormalVector", [])]
    return int(count[0]), normal if len(normal) == 3 else [0.0, 0.0, 0.0]
