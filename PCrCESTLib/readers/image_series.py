"""Several images of the same slices that differ in one setting (inversion time, flip angle, echo time, offset).

They come as one 4D file, as 3D files one an image, as folders of such (NIfTI or NRRD), as Bruker scans, as DICOM
series, or mixed. What was set stands in the JSON file beside each (BIDS keys): a list with one value an image of that
file, or one number for all of them; or in the parameters of the scan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol_json import read_document
from PCrCESTLib.readers.bruker.files import is_bruker_scan, scan_folders
from PCrCESTLib.readers.bruker.images import read_bruker_images
from PCrCESTLib.readers.dicom.images import is_dicom_source, read_dicom_images
from PCrCESTLib.readers.folder import frame_files
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.readers.source_images import Component, SourceImages


@dataclass(frozen=True)
class ImageSeries:
    """Images on one grid.

    Parameters
    ----------
    data : ndarray
        (n_images, z, y, x), float64, in the order of the files.
    geometry : Geometry
        Where all of them lie.
    sources : tuple of SourceImages
        What they came from.
    """

    data: np.ndarray
    geometry: Geometry
    sources: tuple[SourceImages, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files or folders they came from."""
        return tuple(source.path for source in self.sources)

    @property
    def documents(self) -> tuple[dict[str, Any], ...]:
        """What the JSON file, or the parameters, of each say; empty where there are none."""
        return tuple(source.document for source in self.sources)

    @property
    def name(self) -> str:
        """The first file, for messages."""
        return str(self.files[0])

    @property
    def sidecars(self) -> tuple[Path, ...]:
        """JSON files that were read."""
        return tuple(source.sidecar for source in self.sources if source.sidecar is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how they were read."""
        return tuple(note for source in self.sources for note in source.notes)

    def gap(self, *keys: str) -> str | None:
        """Why none of ``keys`` is there, where a scan should have it."""
        return next((s.gaps[key] for s in self.sources for key in keys if key in s.gaps), None)

    def each(self, *keys: str) -> np.ndarray | None:
        """One value an image, (n_images,), of the first of ``keys`` that all files have; None if there is none.

        Raises
        ------
        ProtocolError
            When a value is no number, or a list has another length than its file has images.
        """
        key = next((k for k in keys if all(d.get(k) is not None for d in self.documents)), None)
        if key is None:
            return None
        return np.concatenate([_values(source, key) for source in self.sources])

    def common(self, key: str) -> Any:
        """Value of ``key`` where the files have it, the same in all of them; None if there is none.

        Raises
        ------
        ProtocolError
            When two files differ in it.
        """
        stated = [
            (f, d[key]) for f, d in zip(self.files, self.documents, strict=True) if d.get(key) is not None
        ]
        for file, value in stated[1:]:
            if value != stated[0][1]:
                raise ProtocolError(
                    f"{file}: {key} is {value!r}, but {stated[0][1]!r} for {stated[0][0].name}; images of one series "
                    "must agree in it"
                )
        return stated[0][1] if stated else None


def read_image_series(paths: Sequence[Path], component: Component = "magnitude") -> ImageSeries:
    """Read the images of ``paths``, in that order.

    A folder stands for its NIfTI files in the order of their names, for its DICOM images, or for a Bruker scan.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    component : str
        What is wanted of scans that hold several: ``"magnitude"``, ``"phase"``, or ``"map"``, the values of a ready
        map.

    Raises
    ------
    ReaderError
        When a file is missing, damaged, or no image of that kind.
    GeometryError
        When they do not lie on one grid.
    ProtocolError
        When the settings cannot be read.
    MissingExtraError
        When a format needs a package that is not installed.
    """
    sources = [source for path in map(Path, paths) for source in _sources(path, component)]
    first = sources[0]
    for source in sources:
        if not source.geometry.same_as(first.geometry):
            raise GeometryError(
                f"{source.path}: this image has {source.geometry.describe()}, but {first.path.name} has "
                f"{first.geometry.describe()}; all images of a series must lie on one grid"
            )
    data = np.concatenate([source.data for source in sources]).astype(np.float64)
    empty = [i for i, image in enumerate(data) if not np.any(np.isfinite(image))]
    if empty:
        raise ReaderError(
            f"{first.path}: image {empty[0]} of the series has no finite value ({len(empty)} such images); export it "
            "again, or leave it out with its setting"
        )
    if not np.any(np.isfinite(data) & (data != 0)):
        raise ReaderError(
            f"{first.path}: every voxel of every image is zero; this is not an image of anything"
        )
    return ImageSeries(data, first.geometry, tuple(sources))


def sidecar_of(path: Path) -> Path:
    """JSON file of an image: beside it, under the same stem."""
    return path.with_name(stem_of(path) + ".json")


def _sources(path: Path, component: Component) -> list[SourceImages]:
    if is_bruker_scan(path):
        return [read_bruker_images(path, component)]
    if scan_folders(path):
        raise ReaderError(
            f"{path}: this is a whole study; see its scans with pcrcest info, and give the folder of one"
        )
    if is_dicom_source(path):
        return [read_dicom_images(path, component)]
    return [_of_file(file) for file in (frame_files(path) if path.is_dir() else [path])]


def _of_file(file: Path) -> SourceImages:
    volume, sidecar = read_volume(file), sidecar_of(file)
    images = volume.array if volume.array.ndim == 4 else volume.array[None]
    document = read_document(sidecar) if sidecar.is_file() else {}
    return SourceImages(images, volume.geometry, file, document, sidecar, sidecar if document else None)


def _values(source: SourceImages, key: str) -> np.ndarray:
    value, count = source.document[key], len(source.data)
    values = value if isinstance(value, list) else [value] * count
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise ProtocolError(f"{source.origin}: {key} is {value!r}; numbers are expected")
    if len(values) != count:
        raise ProtocolError(
            f"{source.origin}: {key} lists {len(values)} values for the {count} images of {source.path.name}; list one"
            " an image"
        )
    return np.array([_float(v) for v in values])


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON allows integers of any length
        return math.inf
