"""Files in, series, maps and ROIs out. One module a format; the table below tells them apart by content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PCrCESTLib.errors import NoReferenceError, ProtocolError, ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.readers.bruker.scan import is_bruker, read_bruker
from PCrCESTLib.readers.dicom.file import is_dicom
from PCrCESTLib.readers.dicom.folder import is_dicom_folder
from PCrCESTLib.readers.dicom.series import read_dicom
from PCrCESTLib.readers.folder import read_folder
from PCrCESTLib.readers.labels import RoiSet, read_rois
from PCrCESTLib.readers.m0 import read_with_m0
from PCrCESTLib.readers.maps import MapOnGrid, read_map, read_mask
from PCrCESTLib.readers.matlab import read_matlab
from PCrCESTLib.readers.matlab_arrays import is_matlab
from PCrCESTLib.readers.nifti import read_nifti
from PCrCESTLib.readers.nifti_file import is_nifti
from PCrCESTLib.readers.nrrd_file import is_nrrd
from PCrCESTLib.readers.nrrd_series import read_nrrd_series
from PCrCESTLib.readers.stored_bytes import sniff
from PCrCESTLib.series import CestSeries

__all__ = ["MapOnGrid", "RoiSet", "read_map", "read_mask", "read_powers", "read_rois", "read_series"]


class Format(NamedTuple):
    """A file format: how its first bytes look, and who reads it."""

    name: str
    matches: Callable[[bytes], bool]
    read: Callable[[Path, Protocol | Path | None], CestSeries]


# A new format is one line here and one module.
FORMATS = (
    Format("4D NIfTI (.nii, .nii.gz)", is_nifti, read_nifti),
    Format("MATLAB (.mat)", is_matlab, read_matlab),
    Format("3D Slicer sequence (.seq.nrrd)", is_nrrd, read_nrrd_series),
    Format("DICOM", is_dicom, read_dicom),
)


def read_series(
    path: Path,
    protocol: Protocol | Path | None = None,
    *,
    variable: str | None = None,
    m0: Path | None = None,
) -> CestSeries:
    """Read one CEST series as acquired; the format is told by its content, not its name.

    Parameters
    ----------
    path : Path
        A 4D NIfTI file, a folder of 3D NIfTI files (one a frame), a MATLAB file, a Slicer sequence, a Bruker scan
        (folder), or DICOM (a folder, an enhanced file, or one file of a series).
    protocol : Protocol or Path, optional
        What was acquired, or a protocol file; by default the file of the same stem beside the images.
    variable : str, optional
        Name of the image array in a MATLAB file, when it has an unusual one.
    m0 : Path, optional
        The scan that holds the image without saturation, when the series has none (``m0``).

    Raises
    ------
    ReaderError
        When the file is missing, damaged, or not a CEST series.
    ProtocolError
        When the protocol is missing, senseless, or of another number of frames.
    GeometryError
        When the image has no usable geometry, or the frames of a folder differ in theirs.
    MissingExtraError
        When an optional package is needed (h5py for MATLAB v7.3, brukerapi for Bruker, pydicom for DICOM).
    """
    path = Path(path)
    if m0 is not None:
        return read_with_m0(partial(read_series, variable=variable), path, protocol, Path(m0))
    if is_bruker(path):
        return read_bruker(path, protocol)
    if path.is_dir():
        return read_dicom(path, protocol) if is_dicom_folder(path) else read_folder(path, protocol)
    head = sniff(path)
    if variable is not None and is_matlab(head):
        return read_matlab(path, protocol, variable=variable)
    for known in FORMATS:
        if known.matches(head):
            return known.read(path, protocol)
    names = ", ".join(known.name for known in FORMATS)
    raise ReaderError(f"{path}: not a format this version reads ({names}, a folder of 3D NIfTI files, a Bruker scan)")


def read_powers(
    paths: Sequence[Path], protocol: Protocol | Path | None = None, m0: Path | None = None
) -> list[CestSeries]:
    """Read the series of one subject, one a power; those without an unsaturated image take ``m0``.

    Raises
    ------
    PCrCESTError
        As `read_series` does, and when no series needs the ``m0`` that was given.
    """
    if m0 is None or len(paths) == 1:
        return [read_series(path, protocol, m0=m0) for path in paths]
    series, needed = [], False
    for path in paths:
        try:
            series.append(read_series(path, protocol))
        except NoReferenceError:
            series.append(read_series(path, protocol, m0=m0))
            needed = True
    if not needed:
        raise ProtocolError(f"{m0}: every series has images without saturation itself; leave --m0 out")
    return series
