"""What an object says of the images it comes from (PS3.3 sections C.7.6.16.2.6 and C.12.2): by frame, and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.source import Source, SourceImage
from PCrCESTLib.geometry import Geometry

PURPOSE = ("121322", "DCM", "Source image for image processing operation")


class References:
    """References of all objects of one export; a scan has thousands of images, so each is described once.

    Parameters
    ----------
    source : Source or None
        The images, None where the scan was not DICOM.
    geometry : Geometry
        The grid of the maps.
    """

    def __init__(self, source: Source | None, geometry: Geometry) -> None:
        """Describe the images of every slice, and list all by series."""
        self._geometry = geometry
        self._images = () if source is None else source.slices
        same_axes = source is None or source.same_axes
        self._items = [[_source_item(image, same_axes) for image in images] for images in self._images]
        self._series = _referenced_series([i for images in self._images for i in images])

    @property
    def key(self) -> str:
        """Text that tells one set of images from another."""
        return " ".join(f"{i.instance_uid}/{i.frames}" for images in self._images for i in images)

    @property
    def series_uid(self) -> str:
        """Series of the first image, empty without one."""
        return self._images[0][0].series_uid if self._images else ""

    def set(self, dataset: Any, derivation: tuple[str, str, str], text: str) -> None:
        """Refer every frame to the source images of its slice, or to nothing where the scan was not DICOM.

        Parameters
        ----------
        dataset : pydicom.Dataset
            A multi-frame object on the grid of the maps.
        derivation : tuple of str
            Code for how the frames were made from them.
        text : str
            The same in words.
        """
        for name in ("SourceImageSequence", "ReferencedSeriesSequence"):
            dataset.pop(name, None)
        for group in dataset.PerFrameFunctionalGroupsSequence:
            group.pop("DerivationImageSequence", None)
            if self._items:
                images = self._items[slice_of(group, self._geometry)]
                group.DerivationImageSequence = [_derivation(images, derivation, text)]
        if self._series:
            dataset.ReferencedSeriesSequence = self._series


def coded(value: tuple[str, str, str]) -> Any:
    """Item of a code sequence."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value
    return item


def slice_of(group: Any, geometry: Geometry) -> int:
    """Slice of the maps that a frame lies in, from its functional groups."""
    position = np.asarray(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
    along = (position - geometry.origin_mm) @ geometry.matrix[:, 2] / geometry.spacing_mm[2]
    return round(float(along))


def _referenced_series(images: Sequence[SourceImage]) -> list[Any]:
    """Items that list images by series, each once."""
    from pydicom.dataset import Dataset

    listed: dict[str, dict[str, str]] = {}
    for image in images:
        listed.setdefault(image.series_uid, {})[image.instance_uid] = image.class_uid
    items = []
    for series_uid, instances in listed.items():
        item = Dataset()
        item.SeriesInstanceUID = series_uid
        item.ReferencedInstanceSequence = [_reference(c, i) for i, c in instances.items()]
        items.append(item)
    return items


def _reference(class_uid: str, instance_uid: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = class_uid
    item.ReferencedSOPInstanceUID = instance_uid
    return item


def _source_item(image: SourceImage, same_axes: bool) -> Any:
    item = _reference(image.class_uid, image.instance_uid)
    if image.frames:
        item.ReferencedFrameNumber = list(image.frames)
    item.SpatialLocationsPreserved = "YES" if same_axes else "REORIENTED_ONLY"
    item.PurposeOfReferenceCodeSequence = [coded(PURPOSE)]
    return item


def _derivation(images: list[Any], derivation: tuple[str, str, str], text: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.DerivationDescription = text
    item.DerivationCodeSequence = [coded(derivation)]
    item.SourceImageSequence = images
    return item
