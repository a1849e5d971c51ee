"""A series in the scene keeps its values, its place, its order and its protocol."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import GeometryError, ProtocolError
from PCrCESTLib.protocol_json import protocol_to_dict
from PCrCESTLib.scene.series_nodes import (
    add_series,
    document_of,
    frame_volume,
    protocol_of_node,
    series_of,
    set_protocol,
    show_frame,
    shown_frame,
)
from PCrCESTLib.scene.volumes import add_volume, array_of, geometry_of, ijk_to_ras, slice_center, voxel_at


def test_round_trip_loses_nothing(scene, series):
    node = add_series(series, "leg")
    back = series_of(node)
    assert np.array_equal(back.data, series.data)
    assert back.geometry.same_as(series.geometry)
    assert back.protocol == series.protocol
    assert back.notes == series.notes


def test_frames_stay_in_order_of_acquisition(scene, series):
    node = add_series(series, "leg")
    values = [node.GetNthIndexValue(i) for i in range(node.GetNumberOfDataNodes())]
    assert values == ["300", "2.6", "-2.6", "2.6 (4)", "300 (5)", "0"]
    assert (node.GetIndexName(), node.GetIndexUnit()) == ("offset", "ppm")


def test_no_helper_node_stays_behind(scene, series):
    add_series(series, "leg")
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_place_in_the_world_agrees_with_itk(scene, series, oblique):
    """Slicer's RAS position of a voxel is ITK's LPS position with two signs turned."""
    image = oblique.to_image(series.data[0])
    node = add_volume(series.data[0], oblique, "v")
    for ijk in ((0, 0, 0), (3, 7, 2)):
        lps = np.array(image.TransformIndexToPhysicalPoint(ijk))
        ras = (ijk_to_ras(oblique) @ [*ijk, 1])[:3]
        assert np.allclose(ras, lps * [-1, -1, 1])
        assert voxel_at(node, tuple(ras)) == ijk
    assert voxel_at(node, (1e4, 0, 0)) is None


def test_slicer_itself_writes_the_volume_where_we_say(scene, series, oblique, tmp_path):
    """The file that Slicer's own writer makes has our geometry."""
    import SimpleITK as sitk
    import slicer

    from PCrCESTLib.geometry import Geometry

    node = add_volume(series.data[0], oblique, "v")
    assert slicer.util.arrayFromVolume(node).shape == oblique.shape
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(tmp_path / "v.nii.gz"))
    assert storage.WriteData(node)
    image = sitk.ReadImage(str(tmp_path / "v.nii.gz"))
    assert Geometry.of_image(image).same_as(oblique)
    assert np.array_equal(sitk.GetArrayFromImage(image), series.data[0])


def test_a_shift_by_a_transform_counts(scene, series, oblique):
    import slicer
    import vtk

    node = add_volume(series.data[0], oblique, "v")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 5.0)  # 5 mm to the right: LPS x falls by 5
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    assert np.allclose(np.subtract(geometry_of(node).origin_mm, oblique.origin_mm), [-5, 0, 0])
    assert voxel_at(node, slice_center(node, 2)) == (6, 5, 2)
    matrix.SetElement(0, 0, 1.4)
    matrix.SetElement(0, 1, 0.5)
    transform.SetMatrixTransformToParent(matrix)
    with pytest.raises(GeometryError, match="v: the image axes are not perpendicular"):
        geometry_of(node)


def test_a_warp_is_refused(scene, series, oblique):
    import slicer
    import vtk

    node = add_volume(series.data[0], oblique, "v")
    spline = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for i, at in enumerate(((0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9), (9, 9, 9))):
        points[0].InsertNextPoint(at)
        points[1].InsertNextPoint(at[0] + 0.5 * (i == 4), at[1], at[2])
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    warp.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(GeometryError, match="under the transform warp, which bends it"):
        geometry_of(node)


def test_a_sequence_without_protocol_offers_its_index(scene, series):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "from elsewhere")
    node.SetIndexUnit("ppm")
    volume = add_volume(series.data[0], series.geometry, "v")
    for value in ("2.6", "3.5"):
        node.SetDataNodeAtValue(volume, value)
    assert document_of(node) == {"SaturationOffsets": [2.6, 3.5], "SaturationOffsetsUnits": "ppm"}
    with pytest.raises(ProtocolError, match="from elsewhere: MagneticFieldStrength is missing"):
        protocol_of_node(node)
    set_protocol(node, protocol_to_dict(series.protocol))
    with pytest.raises(ProtocolError, match="has 2 frames but the protocol lists 6 offsets"):
        series_of(node)


def test_a_frame_can_be_shown_and_changed(scene, series):
    node = add_series(series, "leg")
    shown = frame_volume(node, 1)
    assert shown.GetName() == "leg at 2.6"
    assert np.array_equal(array_of(shown), series.data[1])
    assert frame_volume(node, 2, shown) is shown
    assert np.array_equal(array_of(shown), series.data[2])
    assert np.array_equal(series_of(node).data, series.data)


def test_one_volume_shows_the_frames_of_a_series_in_turn(scene, series):
    first, second = add_series(series, "leg"), add_series(series, "other leg")
    assert shown_frame(first) is None
    shown = show_frame(first, 1)
    assert shown_frame(first) is shown
    assert show_frame(first, 3) is shown
    assert np.array_equal(array_of(shown), series.data[3])
    assert shown_frame(second) is None
    assert show_frame(second, 0) is not shown


def test_a_saved_scene_comes_back(scene, series, tmp_path):
    import slicer

    add_series(series, "leg")
    scene.SetRootDirectory(str(tmp_path))
    path = str(tmp_path / "scene.mrb")
    assert scene.WriteToMRB(path)
    scene.Clear(False)
    assert scene.ReadFromMRB(path)
    node = slicer.util.getFirstNodeByClassByName("vtkMRMLSequenceNode", "leg")
    back = series_of(node)
    assert np.array_equal(back.data, series.data)
    assert back.protocol == series.protocol
    assert back.geometry.same_as(series.geometry)
