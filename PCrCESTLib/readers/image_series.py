"""Several images of the same slices that differ in one setting (inversion time, flip angle, echo time, offset).

They come as one 4D file, as 3D files one an image, as folders of such, or mixed; NIfTI or NRRD. What was set stands in
the JSON file beside each (BIDS keys): a list with one value an image of that file, or one number for all of them.
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
from PCrCESTLib.readers.folder import frame_files
from PCrCESTLib.readers.image_io import Volume, read_volume
from PCrCESTLib.readers.nifti import stem_of


@dataclass(frozen=True)
class ImageSeries:
    """Images on one grid.

    Parameters
    ----------
    data : ndarray
        (n_images, z, y, x), float64, in the order of the files.
    geometry : Geometry
        Where all of them lie.
    files : tuple of Path
        The files they came from.
    counts : tuple of int
        How many images each file holds.
    documents : tuple of dict
        What the JSON file of each says; empty where there is none.
    """

    data: np.ndarray
    geometry: Geometry
    files: tuple[Path, ...]
    counts: tuple[int, ...]
    documents: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """The first file, for messages."""
        return str(self.files[0])

    @property
    def sidecars(self) -> tuple[Path, ...]:
        """JSON files that were read."""
        return tuple(sidecar_of(f) for f, d in zip(self.files, self.documents, strict=True) if d)

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
        parts = zip(self.files, self.counts, self.documents, strict=True)
        return np.concatenate([_values(file, key, document[key], count) for file, count, document in parts])

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


def read_image_series(paths: Sequence[Path]) -> ImageSeries:
    """Read the images of ``paths``, in that order; a folder stands for its NIfTI files in the order of their names.

    Raises
    ------
    ReaderError
        When a file is missing, damaged, or no image.
    GeometryError
        When they do not lie on one grid.
    ProtocolError
        When a JSON file beside them cannot be read.
    """
    files = [file for path in map(Path, paths) for file in (frame_files(path) if path.is_dir() else [path])]
    volumes = [read_volume(file) for file in files]
    first = volumes[0].geometry
    for file, volume in zip(files, volumes, strict=True):
        if not volume.geometry.same_as(first):
            raise GeometryError(
                f"{file}: this image has {volume.geometry.describe()}, but {files[0].name} has {first.describe()}; all "
                "images of a series must lie on one grid"
            )
    images = [_images(volume) for volume in volumes]
    data = np.concatenate(images)
    empty = [i for i, image in enumerate(data) if not np.any(np.isfinite(image))]
    if empty:
        raise ReaderError(
            f"{files[0]}: image {empty[0]} of the series has no finite value ({len(empty)} such images); export it "
            "again, or leave it out with its setting"
        )
    if not np.any(np.isfinite(data) & (data != 0)):
        raise ReaderError(f"{files[0]}: every voxel of every image is zero; this is not an image of anything")
    documents = tuple(_document(sidecar_of(file)) for file in files)
    return ImageSeries(data, first, tuple(files), tuple(map(len, images)), documents)


def sidecar_of(path: Path) -> Path:
    """JSON file of an image: beside it, under the same stem."""
    return path.with_name(stem_of(path) + ".json")


def _images(volume: Volume) -> np.ndarray:
    array = volume.array.astype(np.float64)
    return array if array.ndim == 4 else array[None]


def _document(sidecar: Path) -> dict[str, Any]:
    return read_document(sidecar) if sidecar.is_file() else {}


def _values(file: Path, key: str, value: Any, count: int) -> np.ndarray:
    values = value if isinstance(value, list) else [value] * count
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise ProtocolError(f"{sidecar_of(file)}: {key} is {value!r}; numbers are expected")
    if len(values) != count:
        raise ProtocolError(
            f"{sidecar_of(file)}: {key} lists {len(values)} values for the {count} images of {file.name}; list one an "
            "image"
        )
    return np.array([_float(v) for v in values])


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON allows integers of any length
        return math.inf
