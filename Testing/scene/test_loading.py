"""A scan comes into the scene with everything that lies beside it, and nothing comes of one that cannot be used."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from PCrCESTLib.errors import NoReferenceError, PCrCESTError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.protocol_json import protocol_to_dict, save_protocol
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.scene import loading
from PCrCESTLib.scene.loading import load_scan, load_simulated_leg, partial_protocol
from PCrCESTLib.scene.muscles import segment_names
from PCrCESTLib.scene.series_nodes import place_of, protocol_of_node, series_of
from PCrCESTLib.scene.volumes import array_of


@pytest.fixture
def leg(scene, tmp_path, monkeypatch):
    """The simulated leg, small, and the folder of its files."""
    monkeypatch.setattr(loading, "SIMULATED_SIZE", 40)
    nodes = load_simulated_leg(tmp_path)
    (folder,) = tmp_path.glob("PCrCEST-leg-*/scan")
    return nodes, folder


def test_a_simulated_leg_has_two_powers_and_its_maps_once(leg):
    (first, second), folder = leg
    assert set(first) == {"series", "anatomy", "r1", "b1", "b0", "fm", "rois"}
    assert set(second) == {"series"}
    assert [protocol_of_node(nodes["series"]).powers_ut for nodes in (first, second)] == [(0.5,), (1.0,)]
    assert first["series"].GetNthDataNode(0).GetImageData().GetDimensions() == (40, 40, 1)
    assert len(segment_names(first["rois"])) == 8
    assert place_of(first["series"]) == (folder / "sub-sim_cest-0.5uT.nii.gz").resolve()


def test_a_map_beside_the_scan_keeps_its_values(leg):
    (first, _second), folder = leg
    (path,) = folder.glob("*R1*.nii.gz")
    assert np.array_equal(array_of(first["r1"]), read_volume(path).array)


def test_a_protocol_that_is_given_counts_instead_of_the_file(leg, series):
    _nodes, folder = leg
    scan = folder / "sub-sim_cest-0.5uT.nii.gz"
    stated = folder / "stated.json"
    document = json.loads(scan.with_name("sub-sim_cest-0.5uT.json").read_text()) | {"SaturationDuration": 3.0}
    stated.write_text(json.dumps(document))
    node = load_scan(scan, stated)["series"]
    assert protocol_of_node(node).saturation.duration_s == 3.0


def test_m0_from_another_scan_is_taken_only_where_it_is_missing(scene, series, tmp_path):
    saturated = [1, 2, 3, 5]
    protocol = series.protocol
    document = protocol_to_dict(protocol) | {
        "SaturationOffsets": [protocol.offsets_ppm[i] for i in saturated],
        "SaturationB1": 0.5,
        "ReferenceFrames": [],
    }
    bare, m0 = tmp_path / "bare_cest.nii.gz", tmp_path / "m0.nii.gz"
    write_image(series.data[saturated], series.geometry, bare)
    bare.with_name("bare_cest.json").write_text(json.dumps(document))
    write_image(series.data[0], series.geometry, m0)
    with pytest.raises(NoReferenceError):
        load_scan(bare)
    found = series_of(load_scan(bare, m0=m0)["series"])
    references = list(found.protocol.reference_frames)
    assert np.array_equal(found.data[references[0]], series.data[0])
    whole = tmp_path / "whole_cest.nii.gz"
    write_image(series.data, series.geometry, whole)
    save_protocol(protocol, whole.with_name("whole_cest.json"))
    assert np.array_equal(series_of(load_scan(whole, m0=m0)["series"]).data, series.data)


def test_what_is_no_scan_leaves_nothing_in_the_scene(scene, tmp_path):
    (tmp_path / "x.nii.gz").write_bytes(b"this is no image")
    before = scene.GetNumberOfNodes()
    with pytest.raises(PCrCESTError, match=r"x\.nii\.gz"):
        load_scan(tmp_path / "x.nii.gz")
    assert scene.GetNumberOfNodes() == before


def test_a_protocol_file_is_offered_although_it_is_incomplete(leg, tmp_path):
    _nodes, folder = leg
    shutil.copy(folder / "sub-sim_cest-0.5uT.nii.gz", tmp_path / "a_cest.nii.gz")
    assert partial_protocol(tmp_path / "a_cest.nii.gz") == {}
    (tmp_path / "a_cest.json").write_text('{"MagneticFieldStrength": 4.7}')
    assert partial_protocol(tmp_path / "a_cest.nii.gz") == {"MagneticFieldStrength": 4.7}
