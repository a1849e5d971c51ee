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
from PCrCESTLib.readers.dicom_csa import csa_entries

if TYPE_CHECKING:
    from PCrCESTLib.readers.dicom_headers import Frame


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
        When the number of slices is not known or does not fit.
    """
    count, normal = _mosaic_facts(dataset)
    side = math.isqrt(max(count - 1, 0)) + 1
    rows, columns = whole.size[0] // side, whole.size[1] // side
    if count < 1 or rows < 1 or columns < 1 or whole.size[0] % side or whole.size[1] % side:
        raise ReaderError(
            f"{path}: a mosaic of {count or 'an unknown number of'} slices in {whole.size[1]} x"
            f" {whole.size[0]} pixels; export it without anonymizing the Siemens header (0029,1010)"
        )
    column_axis, row_axis = np.array(whole.axes[:3]), np.array(whole.axes[3:])
    across = np.cross(column_axis, row_axis)
    across = across if normal is None or np.dot(across, normal) >= 0 else -across
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


def _mosaic_facts(dataset: Any) -> tuple[int, list[float] | None]:
    try:
        entries = csa_entries(bytes(dataset.private_block(0x0029, "SIEMENS CSA HEADER")[0x10].value))
    except KeyError:
        entries = {}
    count = entries.get("NumberOfImagesInMosaic", [])
    normal = [float(v) for v in entries.get("SliceNormalVector", [])]
    if not count:
        try:
            count = [str(dataset.private_block(0x0019, "SIEMENS MR HEADER")[0x0A].value)]
        except KeyError:
            count = ["0"]
    return int(count[0]), normal if len(normal) == 3 else None
