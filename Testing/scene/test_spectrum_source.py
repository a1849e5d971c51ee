"""What is plotted of a voxel or a muscle: its spectra at every power, and a heading that says what they are."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from PCrCESTLib.scene import loading
from PCrCESTLib.scene.loading import load_simulated_leg
from PCrCESTLib.scene.muscles import segment_mask
from PCrCESTLib.scene.runs import Run
from PCrCESTLib.scene.series_nodes import document_of, set_protocol
from PCrCESTLib.scene.spectra import write_spectra
from PCrCESTLib.scene.spectrum_source import SpectrumSource
from PCrCESTLib.scene.volumes import add_volume, array_of, geometry_of, ijk_to_ras


@pytest.fixture
def leg(scene, tmp_path, monkeypatch):
    """Series nodes and muscles of the simulated leg, and a run of constant fs and ksw."""
    monkeypatch.setattr(loading, "SIMULATED_SIZE", 40)
    first, second = load_simulated_leg(tmp_path)
    nodes, muscles = [first["series"], second["series"]], first["rois"]
    frame = nodes[0].GetNthDataNode(0)
    mask = segment_mask(muscles, muscles.GetSegmentation().GetNthSegmentID(0), frame)
    maps = {
        kind: add_volume(np.where(mask, value, np.nan).astype(np.float32), geometry_of(frame), kind)
        for kind, value in (("fs", 1e-3), ("fs_sd", 1.5e-4), ("ksw", 112.0), ("ksw_sd", 30.0), ("b0", 0.0))
    }
    run = Run("1", "leg", maps, None, None, [], {"method": "two-branch"})
    return nodes, muscles, mask, run


def place(node, ijk):
    return tuple((ijk_to_ras(geometry_of(node)) @ [*ijk, 1])[:3])


def test_a_voxel_has_a_spectrum_at_each_power_and_its_numbers_in_the_heading(leg):
    nodes, _muscles, mask, run = leg
    k, j, i = np.argwhere(mask)[5]
    spectra, heading = SpectrumSource().at_voxel(nodes, place(nodes[0].GetNthDataNode(0), (i, j, k)), run)
    assert heading == f"voxel {i}, {j}, {k}: fs 1 ± 0.15·10⁻³, ksw 112 ± 30 1/s"
    assert [s.b1_ut for s in spectra] == [0.5, 1.0]
    assert all(np.all(s.rest >= s.z) for s in spectra)


def test_a_voxel_without_result_has_a_bare_heading_and_no_curve_without_pcr(leg):
    nodes, _muscles, mask, run = leg
    k, j, i = np.argwhere(mask)[5]
    ras = place(nodes[0].GetNthDataNode(0), (i, j, k))
    spectra, heading = SpectrumSource().at_voxel(nodes, ras, None)
    assert heading == f"voxel {i}, {j}, {k}"
    assert all(np.isnan(s.rest).all() for s in spectra)
    array_of(run.maps["fs"])[k, j, i] = np.nan
    assert SpectrumSource().at_voxel(nodes, ras, run)[1].startswith(f"voxel {i}, {j}, {k}: ksw 112")


def test_a_muscle_has_the_mean_of_its_voxels(leg):
    nodes, muscles, mask, run = leg
    contents = muscles.GetSegmentation()
    segment_id = contents.GetNthSegmentID(0)
    source = SpectrumSource()
    spectra, heading = source.of_muscle(nodes, muscles, segment_id, run)
    assert heading == f"{contents.GetNthSegment(0).GetName()}, mean of {int(mask.sum())} voxels"
    block = source.prepared(nodes).blocks[0]
    near = np.abs(block.offsets_ppm) <= 10
    assert spectra[0].z == pytest.approx(block.z[:, mask].mean(axis=1)[near], abs=1e-5)
    empty = contents.AddEmptySegment("empty", "nothing drawn")
    assert source.of_muscle(nodes, muscles, empty, run) == ([], "nothing drawn, mean of 0 voxels")


def test_where_there_is_nothing_it_is_said_why(leg):
    nodes, muscles, _mask, run = leg
    source = SpectrumSource()
    assert source.at_voxel(nodes, (1e4, 0.0, 0.0), run) == ([], "no voxel under the crosshair")
    assert source.at_voxel(nodes, None, run) == ([], "no voxel under the crosshair")
    assert source.at_voxel([], (0.0, 0.0, 0.0), run) == ([], "no CEST series is chosen")
    assert source.of_muscle(nodes, muscles, "no such segment", run) == ([], "")
    assert source.of_muscle(nodes, None, "a", run) == ([], "")
    set_protocol(nodes[1], document_of(nodes[1]) | {"MagneticFieldStrength": 7.0})
    for spectra, reason in (
        source.at_voxel(nodes, (0.0, 0.0, 0.0), run),
        source.of_muscle(nodes, muscles, muscles.GetSegmentation().GetNthSegmentID(0), run),
    ):
        assert spectra == []
        assert "were acquired at 4.7 and 7 T" in reason
    assert source.prepared(nodes) is None


def test_a_run_of_another_scan_takes_no_pcr_out(leg, oblique):
    nodes, muscles, _mask, run = leg
    maps = {kind: add_volume(np.ones(oblique.shape, np.float32), oblique, kind) for kind in run.maps}
    other = Run("2", "other", maps, None, None, [], {})
    segment_id = muscles.GetSegmentation().GetNthSegmentID(0)
    spectra, _heading = SpectrumSource().of_muscle(nodes, muscles, segment_id, other)
    assert all(np.isnan(s.rest).all() for s in spectra)


def test_series_are_prepared_once_until_they_change(leg):
    nodes, *_ = leg
    source = SpectrumSource()
    before = source.prepared(nodes)
    assert source.prepared(nodes) is before
    assert len(source.prepared(nodes[:1]).blocks) == 1
    changed = document_of(nodes[0]) | {"SaturationB1": 0.6}
    set_protocol(nodes[0], changed)
    assert source.prepared(nodes).blocks[0].b1_ut == pytest.approx(0.6)
    kept = source.prepared(nodes)
    source.forget()
    assert source.prepared(nodes) is not kept


def test_spectra_become_rows_a_spreadsheet_reads(leg, tmp_path):
    nodes, muscles, _mask, run = leg
    spectra, heading = SpectrumSource().of_muscle(nodes, muscles, muscles.GetSegmentation().GetNthSegmentID(0), run)
    path = tmp_path / "spectrum.csv"
    path.write_text("an earlier one")
    write_spectra(path, heading, spectra)
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["what", "b1_ut", "offset_ppm", "z", "z_without_pcr"]
    assert {row["what"] for row in rows} == {heading}
    assert len(rows) == sum(len(s.z) for s in spectra)
    of_second = [float(row["z"]) for row in rows if row["b1_ut"] == "1"]
    assert of_second == pytest.approx(spectra[1].z, rel=1e-5)
