"""The header and the voxels of one NIfTI-1 or NIfTI-2 file.

The voxels are not left to SimpleITK, which turns NaN into 0, fills truncated files with zeros, and allocates
whatever size a header claims. It does give the geometry (``image_io``), as it does in Slicer.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.readers.stored_bytes import read_bytes

NIFTI1_BYTES, NIFTI2_BYTES = 348, 540
MAX_POSITION_MM = 1e6
MAX_TRANSFORM_CODE = 5  # scanner, aligned, Talairach, MNI, other template (nifti1.h)
BYTE_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")

REAL_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
COMPLEX_TYPES = (32, 1792, 2048)
COLOR_TYPES = (128, 2304)


@dataclass(frozen=True)
class NiftiHeader:
    """What is needed to read the voxels.

    Parameters
    ----------
    shape : tuple of int
        Sizes along x, y, z, frames …, as many as the file has axes.
    dtype : dtype
        Stored type, with its byte order.
    data_start : int
        Byte at which the voxels begin.
    slope, intercept : float
        Intensity = slope · stored + intercept.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    data_start: int
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True)
class _Fields:
    order: Literal["<", ">"]
    dim: tuple[int, ...]
    datatype: int
    pixdim: tuple[float, ...]
    data_start: float
    scaling: tuple[float, float]
    codes: tuple[int, int]
    transforms: tuple[float, ...]


def is_nifti(head: bytes) -> bool:
    """Tell a single-file NIfTI-1 or NIfTI-2 by its magic."""
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def parse_header(path: Path, head: bytes) -> NiftiHeader:
    """Read and check the header, ``head`` being the first (decompressed) bytes of ``path``.

    Raises
    ------
    ReaderError
        When it is damaged, or the voxels are not real numbers.
    GeometryError
        When a voxel size or the position is no usable number.
    """
    fields = _fields(path, head)
    shape = fields.dim[1 : fields.dim[0] + 1]
    if not 1 <= fields.dim[0] <= 7 or min(shape) < 1:
        raise ReaderError(
            f"{path}: the NIfTI header gives the impossible size {shape}; export the file again"
        )
    start = fields.data_start
    if not NIFTI1_BYTES <= start < 2**31:
        raise ReaderError(
            f"{path}: the NIfTI header says its image starts at byte {start:g}; export it again"
        )
    _check_voxel_size(path, shape[:3], fields.pixdim[1:4])
    _check_position(path, fields)
    dtype = _real_type(path, fields.datatype).newbyteorder(fields.order)
    return NiftiHeader(shape, dtype, int(start), *_scaling(path, fields.scaling))


def read_voxels(path: Path, header: NiftiHeader) -> np.ndarray:
    """Scaled intensities, axes reversed: (…, frames, z, y, x); the stored type when there is no scaling.

    Raises
    ------
    ReaderError
        When the file is shorter than its header says, or damaged.
    """
    n_bytes = math.prod(header.shape) * header.dtype.itemsize
    stored = read_bytes(path, header.data_start, n_bytes).view(header.dtype).reshape(header.shape[::-1])
    if (header.slope, header.intercept) == (1.0, 0.0):
        return stored.astype(header.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = stored.astype(np.float64)  # then in place: more copies of a large series may not fit
        scaled *= header.slope
        scaled += header.intercept
    return scaled


def _fields(path: Path, head: bytes) -> _Fields:
    second = head[4:8] == b"n+2\0"
    size = NIFTI2_BYTES if second else NIFTI1_BYTES
    if len(head) < size:
        raise ReaderError(f"{path}: the NIfTI header is cut short; copy or export the file again")
    order = next((o for o in BYTE_ORDERS if struct.unpack_from(o + "i", head)[0] == size), None)
    if order is None:
        raise ReaderError(f"{path}: the NIfTI header is damaged (wrong header size); export the file again")

    def take(layout: str, offset: int) -> tuple:
        return struct.unpack_from(order + layout, head, offset)

    if second:
        places = ("8q", 16), ("h", 12), ("8d", 104), ("q", 168), ("2d", 176), ("2i", 344), ("18d", 352)
    else:
        places = ("8h", 40), ("h", 70), ("8f", 76), ("f", 108), ("2f", 112), ("2h", 252), ("18f", 256)
    dim, (datatype,), pixdim, (data_start,), scaling, codes, transforms = (take(*place) for place in places)
    return _Fields(order, dim, datatype, pixdim, float(data_start), scaling, codes, transforms)


def _real_type(path: Path, code: int) -> np.dtype:
    if code in COMPLEX_TYPES:
        raise ReaderError(f"{path}: the image holds complex numbers; save its magnitude instead")
    if code in COLOR_TYPES:
        raise ReaderError(f"{path}: this is a color picture; an image of one number a voxel is expected")
    if code not in REAL_TYPES:
        raise ReaderError(f"{path}: NIfTI datatype {code} is not supported; export the file as 32-bit float")
    return np.dtype(REAL_TYPES[code])


def _scaling(path: Path, scaling: tuple[float, float]) -> tuple[float, float]:
    slope, intercept = scaling
    if slope == 0 or not math.isfinite(slope):  # the standard's way to say "not scaled", and SPM's
        return 1.0, 0.0
    if not math.isfinite(intercept):
        raise ReaderError(
            f"{path}: the NIfTI header scales intensities by {slope:g} and {intercept:g}; export again"
        )
    return slope, intercept


def _check_voxel_size(path: Path, shape: tuple[int, ...], voxel_mm: tuple[float, ...]) -> None:
    # ITK replaces such spacings by 1 mm and goes on.
    for n, spacing in zip(shape, voxel_mm, strict=False):
        if not math.isfinite(spacing) or spacing < 0 or (spacing == 0 and n > 1):
            raise GeometryError(
                f"{path}: a voxel size is {spacing:g} mm; export the image with its voxel sizes"
            )


def _check_position(path: Path, fields: _Fields) -> None:
    # ITK computes on with such numbers and prints pages of matrices.
    qform, sform = fields.transforms[:6], fields.transforms[6:]
    for code, numbers in zip(fields.codes, (qform, sform), strict=True):
        if code > MAX_TRANSFORM_CODE:
            raise GeometryError(
                f"{path}: the NIfTI header says that its position is of kind {code}, but there are"
                f" {MAX_TRANSFORM_CODE}; it is damaged: export the image again"
            )
        if code > 0 and not all(abs(number) < MAX_POSITION_MM for number in numbers):
            raise GeometryError(
                f"{path}: the image position (qform or sform) holds numbers that are not finite or absurdly"
                " large; export the image again from its source"
            )
