"""Muscles to draw: what a segmentation needs beyond Slicer's own tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.muscles import Muscle, muscle_color, segment_name, terminology
from PCrCESTLib.readers import RoiSet
from PCrCESTLib.scene.volumes import array_of, geometry_of
from PCrCESTLib.segment_file import Region, write_segments


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
    tag = slicer.vtkSegment.GetTerminologyEntryTagName()
    contents.GetSegment(segment_id).SetTag(tag, terminology(side, muscle))
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


def segmentation_from_rois(rois: RoiSet, reference: Any, title: str) -> Any:
    """Add a segmentation of regions on the grid of a volume node, with their colors and terms."""
    import slicer

    node = add_segmentation(reference, title)
    tag = slicer.vtkSegment.GetTerminologyEntryTagName()
    for region in rois.regions:
        segment_id = str(node.GetSegmentation().AddEmptySegment(region.name, region.name, region.color))
        if region.terminology:
            node.GetSegmentation().GetSegment(segment_id).SetTag(tag, region.terminology)
        set_segment_mask(node, segment_id, region.mask, reference)
    return node


def write_segmentation(segmentation: Any, reference: Any, path: Path) -> list[str]:
    """Write all non-empty segments as ``.seg.nrrd`` on the grid of a volume node; return the names of empty ones.

    Raises
    ------
    ReaderError
        When no segment has a voxel.
    OutputError
        When the file cannot be written.
    """
    import slicer
    import vtk

    contents = segmentation.GetSegmentation()
    tag = slicer.vtkSegment.GetTerminologyEntryTagName()
    filled, empty = [], []
    for i in range(contents.GetNumberOfSegments()):
        segment = contents.GetNthSegment(i)
        mask = segment_mask(segmentation, contents.GetNthSegmentID(i), reference)
        name = str(segment.GetName())
        terms = vtk.reference("")
        if not mask.any():
            empty.append(name)
            continue
        filled.append(Region(name, mask, segment.GetColor(), str(terms) if segment.GetTag(tag, terms) else ""))
    if not filled:
        raise ReaderError(
            f"{segmentation.GetName()}: no muscle has a voxel on the CEST images; draw one, or choose no segmentation"
        )
    write_segments(filled, geometry_of(reference), path)
    return empty
