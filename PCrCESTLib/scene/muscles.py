"""Muscles to draw: presets, and what a segmentation needs beyond Slicer's own tools."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import GeometryError, OutputError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.scene.volumes import array_of, geometry_of

SIDES = ("left", "right", "")
# Codes as DICOM's own dictionary gives them. It has none for single muscles, and none is invented here: the name says
# which muscle it is, the codes that it is a skeletal muscle of the lower limb, and its side.
_CATEGORY = "SCT^123037004^Anatomical Structure"
_TYPE = "SCT^127954009^Skeletal muscle"
_REGION = "SCT^102292000^Skeletal muscle structure of lower limb"
_SIDE_CODES = {"left": "SCT^7771000^Left", "right": "SCT^24028007^Right", "": "^^"}
_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"


@dataclass(frozen=True)
class Muscle:
    """A muscle and the abbreviation in common use."""

    name: str
    short: str


PRESETS = {
    "Rat hindlimb": (
        Muscle("Tibialis anterior", "TA"),
        Muscle("Extensor digitorum longus", "EDL"),
        Muscle("Peroneus", "PER"),
        Muscle("Gastrocnemius", "GAS"),
        Muscle("Plantaris", "PL"),
        Muscle("Soleus", "SOL"),
        Muscle("Biceps femoris", "BF"),
        Muscle("Whole leg", "leg"),
    ),
    "Human calf": (
        Muscle("Tibialis anterior", "TA"),
        Muscle("Extensor digitorum longus", "EDL"),
        Muscle("Peroneus", "PER"),
        Muscle("Tibialis posterior", "TP"),
        Muscle("Flexor digitorum longus", "FDL"),
        Muscle("Soleus", "SOL"),
        Muscle("Gastrocnemius medialis", "GM"),
        Muscle("Gastrocnemius lateralis", "GL"),
    ),
    "Human thigh": (
        Muscle("Rectus femoris", "RF"),
        Muscle("Vastus lateralis", "VL"),
        Muscle("Vastus intermedius", "VI"),
        Muscle("Vastus medialis", "VM"),
        Muscle("Sartorius", "SAR"),
        Muscle("Gracilis", "GRA"),
        Muscle("Adductor magnus", "AM"),
        Muscle("Semimembranosus", "SM"),
        Muscle("Semitendinosus", "ST"),
        Muscle("Biceps femoris", "BF"),
    ),
}


def segment_name(muscle: Muscle, side: str) -> str:
    """Name of a muscle's segment, as it appears in the table."""
    return f"{muscle.name} {side}".strip()


def muscle_color(muscle: Muscle, side: str) -> tuple[float, float, float]:
    """Color of a muscle, the same in every scene; the two sides differ in brightness."""
    names = sorted({m.name for group in PRESETS.values() for m in group})
    hue = names.index(muscle.name) * 0.618034 % 1.0  # golden ratio: neighbors in the list differ most
    return colorsys.hsv_to_rgb(hue, 0.75, 0.7 if side == "right" else 0.95)


def add_segmentation(reference: Any, name: str) -> Any:
    """Add a segmentation node on the grid of a volume node."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    return node


def add_muscle(segmentation: Any, muscle: Muscle, side: str) -> str:
    """Add an empty segment of a muscle with its terms and color; return its ID, that of the old one if it exists."""
    import slicer

    name = segment_name(muscle, side)
    contents = segmentation.GetSegmentation()
    existing = contents.GetSegmentIdBySegmentName(name)
    if existing:
        return str(existing)
    segment_id = str(contents.AddEmptySegment(name, name, muscle_color(muscle, side)))
    terms = f"{_CONTEXT}~{_CATEGORY}~{_TYPE}~{_SIDE_CODES[side]}~{_REGION_CONTEXT}~{_REGION}~^^"
    contents.GetSegment(segment_id).SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terms)
    return segment_id


def segment_names(segmentation: Any) -> list[str]:
    """Names of all segments, in order."""
    contents = segmentation.GetSegmentation()
    return [str(contents.GetNthSegment(i).GetName()) for i in range(contents.GetNumberOfSegments())]


def segment_mask(segmentation: Any, segment_id: str, reference: Any) -> np.ndarray:
    """Voxels of a segment on the grid of a volume node, bool (z, y, x)."""
    import slicer
    import vtk

    drawn, placed = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    shape = array_of(reference).shape
    if not segmentation.GetBinaryLabelmapRepresentation(segment_id, drawn) or drawn.GetNumberOfPoints() == 0:
        return np.zeros(shape, bool)
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(segmentation.GetParentTransformNode(), None, to_world)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
        drawn, _grid_of(reference), placed, False, False, to_world
    )
    return _scalars(placed).reshape(shape) > 0


def set_segment_mask(segmentation: Any, segment_id: str, mask: np.ndarray, reference: Any) -> None:
    """Replace the voxels of a segment, bool (z, y, x) on the grid of a volume node.

    Raises
    ------
    GeometryError
        When the segmentation lies under a transform.
    """
    import slicer

    image = _grid_of(reference)
    image.AllocateScalars(3, 1)  # unsigned char
    _scalars(image)[:] = mask.ravel()
    if segmentation.GetParentTransformNode() is not None:
        raise GeometryError(
            f"{segmentation.GetName()} lies under a transform; harden it (module Transforms), then draw or copy"
        )
    slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(
        image, segmentation, segment_id, slicer.vtkSlicerSegmentationsModuleLogic.MODE_REPLACE
    )


def _grid_of(volume: Any) -> Any:
    """Empty oriented image on the grid of a volume node in the world; no node is made, unlike in ``slicer.util``."""
    import slicer

    grid = slicer.vtkSlicerSegmentationsModuleLogic.CreateOrientedImageDataFromVolumeNode(volume)
    grid.UnRegister(None)
    return grid


def _scalars(image: Any) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars()))


def copy_to_next_slice(segmentation: Any, segment_id: str, reference: Any, k: int, step: int = 1) -> int:
    """Copy what a segment covers in slice ``k`` of a volume node to the slice ``step`` further; return that slice.

    Raises
    ------
    ReaderError
        When the segment is empty in that slice, or there is no further slice.
    """
    mask = segment_mask(segmentation, segment_id, reference)
    name = segmentation.GetSegmentation().GetSegment(segment_id).GetName()
    if not mask[k].any():
        raise ReaderError(f"{name} is empty in slice {k + 1}; draw it there, then copy")
    target = k + step
    if not 0 <= target < len(mask):
        raise ReaderError(f"slice {k + 1} is the last one in this direction; there is none to copy {name} to")
    mask[target] |= mask[k]
    set_segment_mask(segmentation, segment_id, mask, reference)
    return target


def segmentation_from_rois(names: tuple[str, ...], masks: np.ndarray, reference: Any, title: str) -> Any:
    """Add a segmentation of named masks, bool (n, z, y, x) on the grid of a volume node."""
    node = add_segmentation(reference, title)
    known = {m.name.lower(): m for group in PRESETS.values() for m in group}
    for name, mask in zip(names, masks, strict=True):
        base, side = _split_side(name)
        muscle = known.get(base.lower())
        if muscle is not None:
            segment_id = add_muscle(node, muscle, side)
            node.GetSegmentation().GetSegment(segment_id).SetName(name)
        else:
            segment_id = str(node.GetSegmentation().AddEmptySegment(name, name))
        set_segment_mask(node, segment_id, mask, reference)
    return node


def _split_side(name: str) -> tuple[str, str]:
    """Muscle and side of ``soleus left`` or ``left soleus``."""
    words = name.split()
    for words_left, side in ((words[:-1], words[-1:]), (words[1:], words[:1])):
        if words_left and side[0].lower() in ("left", "right"):
            return " ".join(words_left), side[0].lower()
    return name, ""


def write_segmentation(segmentation: Any, reference: Any, path: Path) -> list[str]:
    """Write all non-empty segments as ``.seg.nrrd`` on the grid of a volume node; return the names of empty ones.

    Raises
    ------
    ReaderError
        When no segment has a voxel.
    OutputError
        When the file cannot be written.
    """
    contents = segmentation.GetSegmentation()
    filled, empty, masks = [], [], []
    for i in range(contents.GetNumberOfSegments()):
        segment_id = contents.GetNthSegmentID(i)
        mask = segment_mask(segmentation, segment_id, reference)
        name = str(contents.GetNthSegment(i).GetName())
        if mask.any():
            filled.append(name)
            masks.append(mask)
        else:
            empty.append(name)
    if not filled:
        raise ReaderError(
            f"{segmentation.GetName()}: no muscle has a voxel on the CEST images; draw one, or choose no segmentation"
        )
    _write_layers(np.stack(masks), filled, geometry_of(reference), path)
    return empty


def _write_layers(masks: np.ndarray, names: list[str], geometry: Geometry, path: Path) -> None:
    """One layer a segment, with Slicer's own keys for names, layers and values (overlap is kept)."""
    import SimpleITK as sitk

    layers = [geometry.to_image(mask.astype(np.uint8)) for mask in masks]
    image = sitk.Compose(layers) if len(layers) > 1 else layers[0]
    for i, name in enumerate(names):
        for key, value in (
            ("ID", f"Segment_{i + 1}"),
            ("Name", name),
            ("LabelValue", "1"),
            ("Layer", str(i)),
        ):
            image.SetMetaData(f"Segment{i}_{key}", value)
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OutputError(f"{path}: the muscles cannot be written ({error})") from error
