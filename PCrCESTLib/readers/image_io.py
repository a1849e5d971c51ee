"""One NIfTI or NRRD image, with readable errors and nothing printed by the C++ side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.nifti_file import is_nifti, parse_header, read_voxels
from PCrCESTLib.readers.nrrd_file import check_nrrd, is_nrrd
from PCrCESTLib.readers.stored_bytes import sniff, starts_compressed


@dataclass(frozen=True)
class Volume:
    """An image as stored.

    Parameters
    ----------
    array : ndarray
        (z, y, x), or (t, z, y, x) when the file has four axes; layers (NRRD vectors) come first, like frames.
    geometry : Geometry
        Of the first three axes.
    metadata : dict
        Key/value pairs of an NRRD file.
    n_components : int
        Numbers a voxel; above 1 they are the first axis of ``array``.
    """

    array: np.ndarray
    geometry: Geometry
    metadata: dict[str, str] = field(default_factory=dict)
    n_components: int = 1


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK's warnings off the standard error stream while an image is read."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def read_volume(path: Path) -> Volume:
    """Read a scalar image of up to four axes, a missing axis counting as one slice.

    Raises
    ------
    ReaderError
        When the file is missing, damaged, cut short, neither NIfTI nor NRRD, or holds complex numbers, colors
        or vectors.
    GeometryError
        When its axes are not perpendicular or its voxel sizes senseless.
    """
    volume = read_layers(path)
    if volume.n_components > 1:
        raise ReaderError(
            f"{path}: each voxel holds {volume.n_components} numbers (color or vector image); one number a"
            " voxel is expected: save frames along a fourth axis"
        )
    return volume


def read_layers(path: Path) -> Volume:
    """Read an image as ``read_volume`` does, but let an NRRD file have several numbers a voxel."""
    head = sniff(path)
    if is_nifti(head):
        return _read_nifti(path, head)
    if is_nrrd(head):
        return _read_nrrd(path)
    raise ReaderError(f"{path}: not a NIfTI (.nii, .nii.gz) or NRRD (.nrrd) image; convert it to one of them")


def single_frame(volume: Volume, path: Path, role: str) -> Volume:
    """Drop a fourth axis of length one.

    Raises
    ------
    ReaderError
        When there are several frames.
    """
    if volume.array.ndim == 3:
        return volume
    if len(volume.array) == 1:
        return Volume(volume.array[0], volume.geometry, volume.metadata)
    raise ReaderError(f"{path}: {role} has {len(volume.array)} frames; one 3D image is expected")


def as_float32(array: np.ndarray) -> np.ndarray:
    """Contiguous float32 copy; what does not fit becomes infinite without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def _read_nifti(path: Path, head: bytes) -> Volume:
    header = parse_header(path, head)
    _check_suffix(path)
    geometry = _nifti_geometry(path)
    if len(header.shape) > 4 and header.shape[3] == 1:
        raise ReaderError(
            f"{path}: each voxel holds {header.shape[4]} numbers (vector image); one number a voxel is"
            " expected: save frames along a fourth axis"
        )
    return Volume(_up_to_four_axes(path, read_voxels(path, header)), geometry)


def _check_suffix(path: Path) -> None:
    # ITK goes by the name.
    compressed = starts_compressed(path)
    if not path.name.lower().endswith((".nii.gz",) if compressed else (".nii", ".nii.gz")):
        suffix = ".nii.gz" if compressed else ".nii"
        raise ReaderError(
            f"{path}: this is a NIfTI file by its content; rename it so that it ends in {suffix}"
        )


def _nifti_geometry(path: Path) -> Geometry:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NiftiImageIO")
    try:
        with quiet_itk():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _readable(path, error) from error
    return _geometry(path, reader)


def _read_nrrd(path: Path) -> Volume:
    metadata = check_nrrd(path).metadata
    try:
        with quiet_itk():
            image = sitk.ReadImage(str(path), sitk.sitkUnknown, "NrrdImageIO")
    except (RuntimeError, MemoryError) as error:
        raise _readable(path, error) from error
    if "complex" in sitk.GetPixelIDValueAsString(image.GetPixelID()):
        raise ReaderError(f"{path}: the image holds complex numbers; save its magnitude instead")
    array = sitk.GetArrayFromImage(image)
    n_components = image.GetNumberOfComponentsPerPixel()
    if n_components > 1:
        array = np.moveaxis(array.reshape((1,) * (4 - array.ndim) + array.shape), -1, 0)
    return Volume(_up_to_four_axes(path, array), _geometry(path, image), metadata, n_components)


def _up_to_four_axes(path: Path, array: np.ndarray) -> np.ndarray:
    while array.ndim > 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 4:
        raise ReaderError(
            f"{path}: the image has {array.ndim} axes of sizes {array.shape[::-1]}; at most 4 (x, y, z and"
            " frames) are expected: save it as a 4D image"
        )
    return array.reshape((1,) * (3 - array.ndim) + array.shape)


def _geometry(path: Path, image: sitk.Image | sitk.ImageFileReader) -> Geometry:
    try:
        return Geometry.of_image(image)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error


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
