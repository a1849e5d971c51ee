"""What 3D Slicer itself saves as ``.seq.nrrd`` is read without it, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_series
from PCrCESTLib.scene.series_nodes import add_series
from PCrCESTLib.scene.volumes import add_volume
from PCrCESTLib.series import CestSeries


def save(node, path, compress=True):
    """Save a sequence node with the storage that Slicer saves it with."""
    import slicer

    assert node.GetDefaultStorageNodeClassName() == "vtkMRMLVolumeSequenceStorageNode"
    storage = slicer.vtkMRMLVolumeSequenceStorageNode()
    storage.SetFileName(str(path))
    storage.SetUseCompression(compress)
    assert storage.WriteData(node)
    return path


@pytest.mark.parametrize("compress", [True, False])
def test_a_series_of_ours_comes_back_whole(scene, series, tmp_path, compress):
    back = read_series(save(add_series(series, "leg"), tmp_path / "leg.seq.nrrd", compress))
    assert np.array_equal(back.data, series.data)
    assert back.geometry.same_as(series.geometry)
    assert back.protocol == series.protocol


def test_one_slice_and_frames_without_saturation(scene, series, tmp_path):
    flat = Geometry(
        (12, 10, 1), *(getattr(series.geometry, n) for n in ("spacing_mm", "origin_mm", "direction"))
    )
    protocol = replace(series.protocol, offsets_ppm=(np.inf, 2.6, -2.6, 2.6, np.inf, 0.0))
    one = CestSeries(series.data[:, :1], flat, protocol)
    back = read_series(save(add_series(one, "leg"), tmp_path / "leg.seq.nrrd"))
    assert np.array_equal(back.data, one.data)
    assert back.geometry.same_as(flat)
    assert back.protocol == protocol


def test_a_sequence_from_elsewhere_gives_its_offsets(scene, series, tmp_path):
    """16-bit frames under a numeric index, which Slicer sorts."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "elsewhere")
    node.SetIndexName("offset")
    node.SetIndexUnit("ppm")
    frames = np.round(series.data[:3]).astype(np.int16)
    for frame, value in zip(frames, ("100", "2.6", "-2.6"), strict=True):
        node.SetDataNodeAtValue(add_volume(frame, series.geometry, "v"), value)
    path = save(node, tmp_path / "elsewhere.seq.nrrd")
    (tmp_path / "elsewhere.json").write_text(
        '{"MagneticFieldStrength": 4.7, "SaturationB1": 0.5, "SaturationDuration": 4}'
    )
    back = read_series(path)
    assert back.protocol.offsets_ppm == (-2.6, 2.6, 100)
    assert np.array_equal(back.data, frames[::-1])
    assert any("not by time" in note for note in back.notes)


def test_it_converts_to_nifti_without_loss(scene, series, tmp_path):
    path = save(add_series(series, "leg"), tmp_path / "leg.seq.nrrd")
    assert main(["convert", str(path), "--out", str(tmp_path / "out" / "leg.nii.gz")]) == 0
    back = read_series(tmp_path / "out" / "leg.nii.gz")
    assert np.array_equal(back.data, series.data)
    assert back.geometry.same_as(series.geometry)
    assert back.protocol == series.protocol
