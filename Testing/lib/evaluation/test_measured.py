"""What needs no truth: the model-free bump, and what left and right legs say of the predicted SDs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.evaluation.arex import arex_bump, region_bump
from PCrCESTLib.evaluation.chapters import chosen_chapters
from PCrCESTLib.evaluation.measured_human import HUMAN_FOLDER, human_protocol
from PCrCESTLib.evaluation.measured_rats import LegRow, rat_numbers, rats_section
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.readers import read_map, read_rois, read_series
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

OFFSETS = np.arange(-5, 5.01, 0.125)


def spectrum(fs, offsets=OFFSETS):
    one = np.ones(1)
    tissue = muscle_tissue(fs * one, 110 * one, 1.62 * one, 0.024 * one, 0.1 * one)
    protocol = named_protocol("rat-4.7T-0.25uT")
    return np.asarray(z_spectra(tissue, protocol.saturation, offsets, 0.25, protocol.field_t))[0]


def test_a_smooth_spectrum_has_no_bump():
    assert arex_bump(1 / (1.2 + 0.05 * (3 - OFFSETS / 5)), OFFSETS, 0.6) == pytest.approx(0, abs=1e-12)


def test_the_bump_grows_in_proportion_to_pcr():
    low, middle, high = (arex_bump(spectrum(fs), OFFSETS, 0.62) for fs in (0.5e-3, 1.0e-3, 1.5e-3))
    assert high - middle == pytest.approx(middle - low, rel=0.1)
    assert middle > low + 0.003


def test_a_region_with_shifted_water_has_the_bump_of_its_tissue():
    voxels = np.stack([spectrum(1e-3, OFFSETS - shift) for shift in (-0.1, 0.0, 0.07)])
    r1 = np.array([0.62, np.nan, 0.62])
    assert region_bump(voxels, OFFSETS, r1) == pytest.approx(
        arex_bump(spectrum(1e-3), OFFSETS, 0.62), rel=0.15
    )


def test_the_bump_of_measured_legs_is_that_of_resting_muscle(shared_data):
    folder = shared_data / "rat_leg_4p7T" / "sub-control01"
    stem = folder / folder.name
    series = prepare_series([read_series(stem.with_name(f"{stem.name}_cest.nii.gz"))])
    rois = read_rois(stem.with_name(f"{stem.name}_legs.nii.gz"), series.geometry)
    r1 = read_map(stem.with_name(f"{stem.name}_R1obs.nii.gz"), "r1", series.geometry).values
    block = series.blocks[0]
    for mask in rois.masks:
        assert 0.004 < region_bump(block.z[:, mask].T, block.offsets_ppm, r1[mask]) < 0.012


def legs(differences, sd=0.1e-3):
    rows = []
    for i, difference in enumerate(differences):
        left = LegRow(
            f"rat {i}",
            "left",
            (1 + 0.1 * i) * 1e-3,
            sd,
            100.0,
            30.0,
            False,
            1e-3,
            100.0,
            0.0,
            7e-3 + 1e-3 * i,
        )
        rows += [left, replace(left, leg="right", fs=left.fs + difference)]
    return rows


def test_legs_that_differ_as_predicted_have_a_ratio_of_one():
    sd = 0.1e-3
    assert rat_numbers(legs([np.sqrt(2) * sd] * 4, sd))["left_right_over_predicted_sd"] == pytest.approx(1)
    assert rat_numbers(legs([0.0] * 4, sd))["left_right_fs"] == pytest.approx(0)


def test_fs_that_rises_with_the_bump_correlates_with_it():
    assert rat_numbers(legs([0.0] * 5))["bump_correlation_animals"] == pytest.approx(1)


def test_missing_data_are_named(tmp_path):
    with pytest.raises(ReaderError, match="rat_leg_4p7T"):
        rats_section(None, tmp_path)


def test_measured_chapters_without_data_are_left_out_with_a_reason(tmp_path):
    chapters, notes = chosen_chapters(["als", "rats", "human"], None)
    assert [c.name for c in chapters] == ["als"]
    assert all("--data was not given" in note for note in notes)
    _, notes = chosen_chapters(["rats"], tmp_path)
    assert "holds no rat_leg_4p7T" in notes[0]


def test_the_human_protocol_takes_the_offsets_of_the_file(shared_data):
    protocol = human_protocol(shared_data / HUMAN_FOLDER / "Data.mat")
    named = named_protocol("human-3T-0.6uT")
    frames = list(protocol.saturated_frames)
    assert frames == list(named.saturated_frames)
    np.testing.assert_allclose(
        np.array(protocol.offsets_ppm)[frames], np.array(named.offsets_ppm)[frames], atol=0.01
    )
