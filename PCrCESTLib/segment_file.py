"""Named regions in one file, as 3D Slicer stores a segmentation (``.seg.nrrd``).

Keys: vtkMRMLSegmentationStorageNode of 3D Slicer (``Segment0_Name``, ``Segment0_Layer`` …).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import OutputError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.muscles import Color

TERMS_TAG = "TerminologyEntry"


@dataclass(frozen=True)
class Region:
    """A region: its name, its voxels, bool (z, y, x), its color, and its terms as Slicer writes them or ``""``."""

    name: str
    mask: np.ndarray
    color: Color
    terminology: str = ""


def write_segments(regions: Sequence[Region], geometry: Geometry, path: Path) -> None:
    """Write regions; those that overlap take layers of their own.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    import SimpleITK as sitk

    layers, places = _layered(regions)
    images = [geometry.to_image(layer) for layer in layers]
    image = sitk.Compose(images) if len(images) > 1 else images[0]
    for i, (region, (layer, value)) in enumerate(zip(regions, places, strict=True)):
        for key, text in _keys(i, region, layer, value):
            image.SetMetaData(f"Segment{i}_{key}", text)
    for key, text in (("MasterRepresentation", "Binary labelmap"), ("ReferenceImageExtentOffset", "0 0 0")):
        image.SetMetaData(f"Segmentation_{key}", text)
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OutputError(f"{path}: the regions cannot be written; is the disk full?") from error


def _layered(regions: Sequence[Region]) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    """Put every region into the first layer where it meets no other; layers, and (layer, value) of each region."""
    layers: list[np.ndarray] = []
    places = []
    for region in regions:
        free = (i for i, layer in enumerate(layers) if not layer[region.mask].any())
        at = next(free, len(layers))
        if at == len(layers):
            layers.append(np.zeros(region.mask.shape, np.uint16))
        value = int(layers[at].max()) + 1
        layers[at][region.mask] = value
        places.append((at, value))
    return layers, places


def _keys(index: int, region: Region, layer: int, value: int) -> list[tuple[str, str]]:
    # A line break would end the header's line, a bar the tag.
    name = " ".join(region.name.split())
    terms = region.terminology.replace("|", " ")
    tags = f"{TERMS_TAG}:{terms}|" if terms else ""
    z, y, x = (np.flatnonzero(region.mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3))
    extent = " ".join(f"{axis[0]} {axis[-1]}" if len(axis) else "0 -1" for axis in (x, y, z))
    return [
        ("ID", f"Segment_{index + 1}"),
        ("Name", name),
        ("Color", " ".join(f"{c:.6g}" for c in region.color)),
        ("LabelValue", str(value)),
        ("Layer", str(layer)),
        ("Extent", extent),
        *([("Tags", tags)] if tags else []),
    ]
