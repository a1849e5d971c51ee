"""What an object says of the images it comes from (PS3.3 sections C.7.6.16.2.6 and C.12.2): by frame, and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.source import Source, SourceImage
from PCrCESTLib.geometry import Geometry

PURPOSE = ("121322", "DCM", "Source image for image processing operation")


def set_references(
    dataset: Any, source: Source | None, geometry: Geometry, derivation: tuple[str, str, str], text: str
) -> None:
    """Refer every frame to the source images of its slice, or to nothing where the scan was not DICOM.

    Parameters
    ----------
    dataset : pydicom.Dataset
        A multi-frame object on the grid of the maps.
    source : Source or None
        The images.
    geometry : Geometry
        The grid.
    derivation : tuple of str
        Code for how the frames were made from them.
    text : str
        The same in words.
    """
    for name in ("SourceImageSequence", "ReferencedSeriesSequence"):
        if name in dataset:
            delattr(dataset, name)
    for group in dataset.PerFrameFunctionalGroupsSequence:
        if "DerivationImageSequence" in group:
            del group.DerivationImageSequence
        if source is not None:
            images = source.slices[slice_of(group, geometry)]
            group.DerivationImageSequence = [_derivation(images, source.same_axes, derivation, text)]
    if source is not None:
        dataset.ReferencedSeriesSequence = referenced_series([i for images in source.slices for i in images])


def referenced_series(images: Sequence[SourceImage]) -> list[Any]:
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


def coded(value: tuple[str, str, str]) -> Any:
    """Item of a code sequence."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value
    return item


def _reference(class_uid: str, instance_uid: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = class_uid
    item.ReferencedSOPInstanceUID = instance_uid
    return item


def slice_of(group: Any, geometry: Geometry) -> int:
    """Slice of the maps that a frame lies in, from its functional groups."""
    position = np.asarray(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
    along = (position - geometry.origin_mm) @ geometry.matrix[:, 2] / geometry.spacing_mm[2]
    return round(float(along))


def _derivation(
    images: Sequence[SourceImage], same_axes: bool, derivation: tuple[str, str, str], text: str
) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.DerivationDescription = text
    item.DerivationCodeSequence = [coded(derivation)]
    item.SourceImageSequence = []
    for image in images:
        reference = _reference(image.class_uid, image.instance_uid)
        if image.frames:
            reference.ReferencedFrameNumber = list(image.frames)
        reference.SpatialLocationsPreserved = "YES" if same_axes else "REORIENTED_ONLY"
        reference.PurposeOfReferenceCodeSequence = [coded(PURPOSE)]
        item.SourceImageSequence.append(reference)
    return item
