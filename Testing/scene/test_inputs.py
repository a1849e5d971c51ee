"""What a panel hands to the job is what the scene shows: same numbers, same places, same muscles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.readers import RoiSet, read_map, read_mask, read_rois, read_series
from PCrCESTLib.scene.inputs import Inputs, write_inputs
from PCrCESTLib.scene.muscles import segmentation_from_rois
from PCrCESTLib.scene.series_nodes import add_series
from PCrCESTLib.scene.volumes import add_volume


def test_everything_arrives(scene, series, oblique, tmp_path):
    node = add_series(series, "leg")
    r1 = np.linspace(0.5, 0.8, np.prod(oblique.shape)).reshape(oblique.shape).astype(np.float32)
    masks = np.zeros((1, *oblique.shape), bool)
    masks[0, 1, 2:5, 3:6] = True
    muscles = segmentation_from_rois(
        RoiSet(("Soleus left",), masks, (1,), ((1.0, 0.0, 0.0),), ("",)), node.GetNthDataNode(0), "muscles"
    )
    inputs = Inputs([node], {"r1": add_volume(r1, oblique, "R1")}, muscles, only_muscles=True)
    arguments = write_inputs(inputs, tmp_path)
    assert Path(arguments[0]).name == "leg.nii.gz"  # messages of the job name the node
    back = read_series(Path(arguments[0]))
    assert np.array_equal(back.data, series.data)
    assert back.protocol == series.protocol
    assert back.geometry.same_as(oblique)
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    assert set(given) == {"--r1", "--rois", "--mask"}
    assert np.allclose(read_map(Path(given["--r1"]), "r1", oblique).values, r1, rtol=1e-6)
    assert read_rois(tmp_path / "muscles.seg.nrrd", oblique).names == ("Soleus left",)
    assert np.array_equal(read_mask(tmp_path / "mask.nii.gz", oblique).values, masks[0])


def test_a_map_moved_by_a_transform_arrives_where_it_is_shown(scene, series, oblique, tmp_path):
    import slicer
    import vtk

    node = add_series(series, "leg")
    volume = add_volume(np.ones(oblique.shape, np.float32), oblique, "R1")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 500.0)
    transform.SetMatrixTransformToParent(matrix)
    volume.SetAndObserveTransformNodeID(transform.GetID())
    path = Path(write_inputs(Inputs([node], {"r1": volume}), tmp_path)[-1])
    with pytest.raises(GeometryError, match="overlap"):
        read_map(path, "r1", oblique)


def test_a_color_image_is_no_map(scene, series, oblique, tmp_path):
    import slicer

    node = add_series(series, "leg")
    color = slicer.util.addVolumeFromArray(
        np.zeros((*oblique.shape, 3), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode", name="photo"
    )
    with pytest.raises(ReaderError, match="photo: a volume with one value a voxel"):
        write_inputs(Inputs([node], {"r1": color}), tmp_path)
