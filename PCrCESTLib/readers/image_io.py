"""Reading one NIfTI or NRRD file with SimpleITK, with readable errors and nothing printed by the C++ side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.volume_header import VolumeHeader, check_volume

IMAGE_IO = {"nifti": "NiftiImageIO", "nrrd": "NrrdImageIO"}


@dataclass(frozen=True)
class Volume:
    """A scalar image as stored.

    Parameters
    ----------
    array : ndarray
        (z, y, x), or (t, z, y, x) when the file has four axes; the stored type, scaled as the header says.
    geometry : Geometry
        Of the first three axes.
    """

    array: np.ndarray
    geometry: Geometry


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK's warnings off the standard error stream while an image is read."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def read_image(path: Path) -> tuple[sitk.Image, VolumeHeader]:
    """Read a NIfTI or NRRD file of any pixel type.

    Raises
    ------
    ReaderError
        When the file is missing, damaged, cut short or no such image.
    GeometryError
        When its axes are not perpendicular or its voxel sizes senseless.
    """
    header = check_volume(path)
    try:
        with quiet_itk():
            return sitk.ReadImage(str(path), sitk.sitkUnknown, IMAGE_IO[header.format]), header
    except (RuntimeError, MemoryError) as error:
        raise _readable(path, error) from error


def read_volume(path: Path) -> Volume:
    """Read a scalar image of up to four axes, a missing axis counting as one slice.

    Raises
    ------
    ReaderError
        As ``read_image``, and for complex, color or vector pixels and for more than four axes.
    GeometryError
        As ``read_image``.
    """
    image, _ = read_image(path)
    require_scalar(image, path)
    array = sitk.GetArrayFromImage(image)
    while array.ndim > 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 4:
        raise ReaderError(
            f"{path}: the image has {array.ndim} axes of sizes {array.shape[::-1]}; at most 4 (x, y, z and"
            " frames) are expected: save it as a 4D image"
        )
    return Volume(array.reshape((1,) * (3 - array.ndim) + array.shape), geometry_of(image, path))


def geometry_of(image: sitk.Image, path: Path) -> Geometry:
    """Geometry of an image, any complaint naming its file."""
    try:
        return Geometry.of_image(image)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error


def require_scalar(image: sitk.Image, path: Path) -> None:
    """Refuse complex, color and vector pixels."""
    kind = sitk.GetPixelIDValueAsString(image.GetPixelID())
    if "complex" in kind:
        raise ReaderError(f"{path}: the image holds complex numbers; save its magnitude instead")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ReaderError(
            f"{path}: each voxel holds {image.GetNumberOfComponentsPerPixel()} numbers (color or vector"
            " image); one number a voxel is expected: save frames along a fourth axis"
        )


def as_float32(array: np.ndarray) -> np.ndarray:
    """Contiguous float32 copy; what does not fit becomes infinite without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def _readable(path: Path, error: BaseException) -> ReaderError | GeometryError:
    text = str(error)
    if "orthonormal" in text or "direction" in text.lower():
        return GeometryError(
            f"{path}: the image axes are not perpendicular (sheared directions in its header); resample it on"
            " a regular grid, or correct its sform, and save it again"
        )
    if isinstance(error, MemoryError) or "allocate" in text:
        return ReaderError(f"{path}: the image does not fit into memory; crop it or use a larger computer")
    return ReaderError(f"{path}: the image is damaged or of an unsupported kind; export it again")
