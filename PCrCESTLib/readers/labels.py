"""Regions of interest from label maps: NIfTI or NRRD, and Slicer's .seg.nrrd with overlapping segments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.muscles import Color, region_color, region_terminology
from PCrCESTLib.readers.image_io import read_layers
from PCrCESTLib.readers.label_tables import Label, color_of_segment, table_beside, terms_of_segment
from PCrCESTLib.readers.resample import placement_note, resample_labels
from PCrCESTLib.segment_file import Region

MAX_ROIS = 1000  # more different values than this is an image, not a label map


@dataclass(frozen=True)
class RoiSet:
    """Named regions on the CEST grid; they may overlap.

    Parameters
    ----------
    names : tuple of str
        One a region, all different.
    masks : ndarray
        bool (n_rois, z, y, x), each with at least one voxel.
    label_values : tuple of int
        The value of each region in its file.
    colors : tuple
        (red, green, blue) of each, 0 to 1.
    terminology : tuple of str
        Its terms as 3D Slicer stores them (``TerminologyEntry``), or ``""``.
    notes : tuple of str
        What was done to them, each a sentence.
    source : str
        The file they came from.
    """

    names: tuple[str, ...]
    masks: np.ndarray
    label_values: tuple[int, ...]
    colors: tuple[Color, ...]
    terminology: tuple[str, ...]
    notes: tuple[str, ...] = ()
    source: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def union(self) -> np.ndarray:
        """Voxels of any region, bool (z, y, x)."""
        return np.any(self.masks, axis=0)

    @property
    def regions(self) -> list[Region]:
        """The regions one by one."""
        columns = zip(self.names, self.masks, self.colors, self.terminology, strict=True)
        return [Region(*column) for column in columns]


@dataclass(frozen=True)
class _Region:
    name: str
    value: int
    layer: int
    color: Color | None = None
    terminology: str = ""


def read_rois(path: Path, geometry: Geometry) -> RoiSet:
    """Read regions of interest onto the CEST grid (nearest voxel).

    Names, colors and terms come from the segments of a ``.seg.nrrd``, or names and colors from a table beside the label
    map (`label_tables`); a region without a name is called ``label 3``, and one named like a preset's muscle has that
    muscle's color and terms.

    Parameters
    ----------
    path : Path
        NIfTI or NRRD label map, 3D, or with one layer a component as Slicer stores overlapping segments.
    geometry : Geometry
        The CEST grid.

    Raises
    ------
    ReaderError
        When the file is damaged, is no label map, or has no region on the grid.
    GeometryError
        When it does not overlap the CEST grid.
    """
    path = Path(path)
    volume = read_layers(path)
    layers = [_as_labels(path, layer) for layer in volume.array.reshape(-1, *volume.geometry.shape)]
    notes = placement_note(path, volume.geometry, geometry)
    regions = _segments(path, volume.metadata) or _plain_labels(path, layers)
    placed = [resample_labels(layer, volume.geometry, geometry) for layer in layers]
    masks, kept, lost = [], [], []
    for region in regions:
        mask = (
            placed[region.layer] == region.value
            if region.layer < len(placed)
            else np.zeros(geometry.shape, bool)
        )
        if mask.any():
            masks.append(mask)
            kept.append(region)
        else:
            lost.append(region.name)
    if not kept:
        raise ReaderError(
            f"{path}: no region has a voxel on the CEST grid; draw the regions over the CEST images"
        )
    if lost:
        notes = (*notes, f"{path.name}: no voxel on the CEST grid for {', '.join(lost)}")
    names = _unique([region.name for region in kept])
    return RoiSet(
        names,
        np.stack(masks),
        tuple(region.value for region in kept),
        tuple(region.color or region_color(region.name, i) for i, region in enumerate(kept)),
        tuple(region.terminology or region_terminology(region.name) for region in kept),
        notes,
        str(path),
    )


def _as_labels(path: Path, layer: np.ndarray) -> np.ndarray:
    if layer.dtype.kind == "f" and not (np.isfinite(layer).all() and (layer == np.round(layer)).all()):
        raise ReaderError(
            f"{path}: the image holds fractions or NaN; regions need a label map of whole numbers"
        )
    if layer.min() < -(2**31) or layer.max() >= 2**31:
        raise ReaderError(
            f"{path}: the image holds numbers beyond 32 bits; regions need a label map of small numbers"
        )
    return layer.astype(np.int32)


def _plain_labels(path: Path, layers: list[np.ndarray]) -> list[_Region]:
    table = table_beside(path)
    regions = []
    for number, layer in enumerate(layers):
        values = [int(v) for v in np.unique(layer) if v != 0]
        if len(values) > MAX_ROIS:
            raise ReaderError(
                f"{path}: the image holds {len(values)} different values; regions need a label map of a few"
                " whole numbers"
            )
        for v in values:
            label = table.get(v, Label(f"label {v}"))
            regions.append(_Region(label.name, v, number, label.color))
    if not regions:
        raise ReaderError(f"{path}: the label map is empty; draw at least one region")
    return regions


def _segments(path: Path, metadata: dict[str, str]) -> list[_Region]:
    """Regions as Slicer names them: ``Segment0_Name``, ``Segment0_LabelValue``, ``Segment0_Layer``."""
    regions = []
    for index in range(MAX_ROIS):
        prefix = f"Segment{index}_"
        if not any(key.startswith(prefix) for key in metadata):
            break
        # Slicer before 4.11 wrote one layer a segment and neither value nor layer.
        value = metadata.get(prefix + "LabelValue", "1")
        layer = metadata.get(prefix + "Layer", str(index))
        name = metadata.get(prefix + "Name") or f"segment {index + 1}"
        color = color_of_segment(metadata.get(prefix + "Color"))
        terms = terms_of_segment(metadata.get(prefix + "Tags"))
        try:
            region = _Region(name, int(value), int(layer), color, terms)
        except ValueError as error:
            raise ReaderError(
                f"{path}: segment {index} has label value {value!r} and layer {layer!r}; whole numbers are"
                " expected: save the segmentation again"
            ) from error
        if region.layer < 0:
            raise ReaderError(f"{path}: segment {index} lies on layer {layer}; save the segmentation again")
        regions.append(region)
    return regions


def _unique(names: list[str]) -> tuple[str, ...]:
    taken: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name} ({number})", number + 1
        taken.append(candidate)
    return tuple(taken)
