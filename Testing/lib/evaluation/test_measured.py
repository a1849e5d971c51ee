"""What needs no truth: the model-free bump, and what left and right legs say of the predicted SDs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.evaluation.chapters import chosen_chapters
from PCrCESTLib.evaluation.measured_human import HUMAN_FOLDER, human_protocol
from PCrCESTLib.evaluation.measured_rats import LegRow, peaks_of_rats, rat_numbers, rats_section
from PCrCESTLib.fitting.references import local_line
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

OFFSETS = np.arange(-5, 5.01, 0.125)


def spectrum(fs, offsets=OFFSETS):
    one = np.ones(1)
    tissue = muscle_tissue(fs * one, 110 * one, 1.62 * one, 0.024 * one, 0.1 * one)
    protocol = named_protocol("rat-4.7T-0.25uT")
    return np.asarray(z_spectra(tissue, protocol.saturation, offsets, 0.25, protocol.field_t))[0]


def bump(z):
    """What 1/Z has over the line through the flanks of PCr."""
    return local_line(OFFSETS, np.atleast_2d(z)).inverse[0]


def test_a_smooth_spectrum_has_no_bump():
    assert bump(1 / (1.2 + 0.05 * (3 - OFFSETS / 5))) == pytest.approx(0, abs=1e-5)


def test_the_bump_grows_in_proportion_to_pcr():
    low, middle, high = (bump(spectrum(fs)) for fs in (0.5e-3, 1.0e-3, 1.5e-3))
    assert high - middle == pytest.approx(middle - low, rel=0.1)
    assert middle > low + 0.005


def test_measured_legs_have_the_arex_of_resting_muscle(shared_data):
    """Published with a simple background window: 0.0096 ± 0.0017 s⁻¹ between animals."""
    animals = sorted((shared_data / "rat_leg_4p7T").glob("sub-*"))
    peaks = peaks_of_rats(animals)
    for key in ("arex", "plof"):
        values = np.array(peaks[key]["arex"])
        assert 0.006 < values.mean() < 0.0135
        assert values.std(ddof=1) < 0.003


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
