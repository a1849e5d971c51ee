"""The DICOM images a result was computed from: found, checked against the maps, and referred to frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.dicom.file import is_dicom, read_header
from PCrCESTLib.readers.dicom.folder import is_dicom_folder
from PCrCESTLib.readers.dicom.frames import Stack
from PCrCESTLib.readers.dicom.series import find_scan
from PCrCESTLib.readers.stored_bytes import sniff

OTHER_FORMATS = (".nii", ".nii.gz", ".mat", ".nrrd")
NOT_DICOM = "the scan was not DICOM: the objects stand in a study of their own, without a patient"
SAME_VOXEL = 0.02  # of a voxel: positions in DICOM and NIfTI are rounded differently


@dataclass(frozen=True)
class SourceImage:
    """One stored image of the source; ``frames`` are those of one slice, from 1, empty for a single-frame image."""

    class_uid: str
    instance_uid: str
    series_uid: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Source:
    """The source of a result.

    Attributes
    ----------
    header : pydicom.Dataset
        Header of its first image.
    slices : tuple
        Images of each slice of the maps, all offsets.
    same_axes : bool
        Whether pixels run as in the maps (a conversion to NIfTI may have turned rows around).
    """

    header: Any
    slices: tuple[tuple[SourceImage, ...], ...]
    same_axes: bool


def source_paths(result: Result, given: Sequence[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """Where the DICOM source lies: as given, or as the result's record says; with what the user should know."""
    if given:
        return list(given), ()
    recorded = [Path(str(entry.get("path"))) for entry in result.inputs("series")]
    candidates = [path for path in recorded if not path.name.lower().endswith(OTHER_FORMATS)]
    missing = [path for path in candidates if not path.exists()]
    if missing:
        return [], (
            f"the scan is not at {missing[0]} any more; if it was DICOM, give its folder with --source, so that the"
            " maps join its study",
        )
    dicom = [path for path in candidates if is_dicom_scan(path)]
    if dicom and len(dicom) == len(recorded):
        return dicom, ()
    return [], (NOT_DICOM,)


def read_source(paths: Sequence[Path], geometry: Geometry) -> Source:
    """Read the headers of all source images and match their slices with those of the maps.

    Raises
    ------
    ReaderError
        When they are no readable CEST scan, or of several patients or studies.
    GeometryError
        When they do not lie where the maps lie.
    MissingExtraError
        When pydicom is not installed.
    """
    slices: list[list[SourceImage]] = [[] for _ in range(geometry.size[2])]
    header: Any = None
    same_axes = True
    for path in paths:
        for stack in _stacks(path):
            order, same = _matched_slices(path, stack.geometry, geometry)
            same_axes &= same
            headers = _headers(stack)
            for z, source_z in enumerate(order):
                slices[z] += _images(stack, source_z, headers)
            for file, found in headers.items():
                header = found if header is None else header
                _require_same_study(file, found, header)
    return Source(header, tuple(tuple(images) for images in slices), same_axes)


def is_dicom_scan(path: Path) -> bool:
    """Tell whether a path is a DICOM file, or a folder with some."""
    return is_dicom_folder(path) if path.is_dir() else path.is_file() and is_dicom(sniff(path))


def _stacks(path: Path) -> list[Stack]:
    """Images of a scan on their grid, and those without saturation where they are a series of their own."""
    if not (path.is_dir() or is_dicom_scan(path)):
        found = "this is no DICOM file" if path.exists() else "there is no such file or folder"
        raise ReaderError(
            f"{path}: {found}; give the folder of DICOM images that the maps were computed from"
        )
    scan = find_scan(path)
    return [scan.stack] if scan.m0 is None else [scan.stack, scan.m0.stack]


def _headers(stack: Stack) -> dict[Path, Any]:
    files = dict.fromkeys(frame.path for image in stack.frames for frame in image)
    return {file: read_header(file, lambda dataset, _: dataset) for file in files}


def _images(stack: Stack, z: int, headers: dict[Path, Any]) -> list[SourceImage]:
    """Images of one slice, all offsets; of a file with several frames those that lie there."""
    frames: dict[Path, list[int]] = {}
    for image in stack.frames:
        frames.setdefault(image[z].path, []).append(image[z].index + 1)
    return [_image(headers[file], numbers) for file, numbers in frames.items()]


def _image(header: Any, frames: list[int]) -> SourceImage:
    several = int(header.get("NumberOfFrames") or 1) > 1
    return SourceImage(
        str(header.SOPClassUID),
        str(header.SOPInstanceUID),
        str(header.SeriesInstanceUID),
        tuple(sorted(frames)) if several else (),
    )


def _require_same_study(path: Path, header: Any, first: Any) -> None:
    for keyword, what in (
        ("PatientID", "patient"),
        ("StudyInstanceUID", "study"),
        ("FrameOfReferenceUID", "frame of reference"),
    ):
        if str(header.get(keyword, "")) != str(first.get(keyword, "")):
            raise ReaderError(
                f"{path}: it is of another {what} than the first source image; one result belongs to one: give the"
                " folders of the scan that the maps were computed from"
            )
    if not header.get("SOPInstanceUID") or not header.get("SeriesInstanceUID"):
        raise ReaderError(
            f"{path}: the image has no identifier to refer to; export it from the scanner again"
        )


def _matched_slices(path: Path, source: Geometry, maps: Geometry) -> tuple[list[int], bool]:
    """Slice of the source for each slice of the maps, and whether rows and columns run alike.

    The grids must have the same voxels; axes may run the other way, as converters to NIfTI turn them.
    """
    corners = np.array([np.zeros(3), np.subtract(maps.size, 1)])
    world = np.asarray(maps.origin_mm) + (corners * maps.spacing_mm) @ maps.matrix.T
    index = ((world - source.origin_mm) @ source.matrix) / source.spacing_mm
    first, last = np.sort(index, axis=0)
    turns = source.matrix.T @ maps.matrix
    alike = (
        maps.size == source.size
        and np.allclose(maps.spacing_mm, source.spacing_mm, rtol=1e-3)
        and np.allclose(np.abs(turns), np.eye(3), atol=1e-3)
        and np.allclose(first, 0, atol=SAME_VOXEL)
        and np.allclose(last, np.subtract(source.size, 1), atol=SAME_VOXEL)
    )
    if not alike:
        raise GeometryError(
            f"{path}: these images have {source.describe()}, but the maps {maps.describe()} in another place or"
            " direction; give the DICOM folder of the scan that the maps were computed from"
        )
    n = maps.size[2]
    order = list(range(n)) if turns[2, 2] > 0 else list(range(n))[::-1]
    return order, bool(turns[0, 0] > 0 and turns[1, 1] > 0)
