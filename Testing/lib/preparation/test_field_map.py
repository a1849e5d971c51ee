"""B0 from the phase of two echoes, and B1 from flip angles: units, signs and limits."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.preparation.field_map import dual_echo_shift, phase_in_radians
from PCrCESTLib.preparation.flip_angle_map import relative_b1_of_angles

HZ_PER_PPM_3T = 42.5764 * 3
SPACING_S = 0.00246
SHIFT_PPM = np.linspace(-1, 1, 41)
DIFFERENCE = 2 * np.pi * SHIFT_PPM * HZ_PER_PPM_3T * SPACING_S


def test_phase_that_grows_faster_is_water_at_a_higher_frequency():
    found = dual_echo_shift(DIFFERENCE, SPACING_S, 3.0)
    np.testing.assert_allclose(found.shift_ppm, SHIFT_PPM, atol=1e-12)
    np.testing.assert_allclose(
        dual_echo_shift(DIFFERENCE, SPACING_S, 3.0, sign=-1).shift_ppm, -SHIFT_PPM, atol=1e-12
    )


def test_whole_turns_between_the_echoes_do_not_matter_within_the_limit():
    turns = np.random.default_rng(0).integers(-3, 4, len(DIFFERENCE))
    found = dual_echo_shift(DIFFERENCE + 2 * np.pi * turns, SPACING_S, 3.0)
    np.testing.assert_allclose(found.shift_ppm, SHIFT_PPM, atol=1e-12)
    assert found.limit_ppm == pytest.approx(1 / (2 * SPACING_S * HZ_PER_PPM_3T))


def test_beyond_the_limit_the_map_wraps_and_voxels_near_it_are_counted():
    found = dual_echo_shift(DIFFERENCE, 2 * SPACING_S, 3.0)
    assert found.near_limit == 0
    limit = found.limit_ppm
    beyond = dual_echo_shift(2 * np.pi * (limit + 0.05) * HZ_PER_PPM_3T * np.full(3, 0.005), 0.005, 3.0)
    assert beyond.near_limit == 1
    assert np.all(np.abs(beyond.shift_ppm) <= beyond.limit_ppm)


@pytest.mark.parametrize(
    "stored",
    [
        lambda p: p,
        lambda p: p % (2 * np.pi),
        lambda p: np.round(p / np.pi * 4096),
        lambda p: np.round((p % (2 * np.pi)) / (2 * np.pi) * 4095),
    ],
    ids=["radians around 0", "radians from 0", "-4096 to 4095", "0 to 4095"],
)
def test_phase_images_may_be_in_radians_or_scanner_units(stored):
    phase = np.random.default_rng(1).uniform(-np.pi, np.pi, 4000)
    radians, notes = phase_in_radians("phase.nii.gz", stored(phase))
    error = np.angle(np.exp(1j * (radians - phase)))
    assert np.max(np.abs(error)) < 2e-3 * np.pi
    assert bool(notes) == (np.ptp(stored(phase)) > 7)


def test_a_difference_image_from_0_to_4095_starts_at_minus_pi():
    wrapped, _ = phase_in_radians("phasediff.nii.gz", np.array([0.0, 2048.0, 4095.0]), difference=True)
    np.testing.assert_allclose(wrapped, [-np.pi, 0, np.pi], atol=2e-3)


def test_stated_units_are_believed():
    degrees, _ = phase_in_radians("p.nii", np.array([-180.0, 90.0]), units="deg")
    np.testing.assert_allclose(degrees, [-np.pi, np.pi / 2])
    unwrapped, _ = phase_in_radians("p.nii", np.array([-20.0, 12.5]), units="rad")
    np.testing.assert_array_equal(unwrapped, [-20, 12.5])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([-180.0, 179.5]), "radians, or whole numbers"),
        (np.array([0.0, 65535.0]), "radians, or whole numbers"),
        (np.array([-180, 180]), "radians, or whole numbers"),
        (np.zeros(5), "the same everywhere"),
        (np.full(5, np.nan), "the same everywhere"),
    ],
)
def test_values_that_are_no_phase_are_refused(values, words):
    with pytest.raises(ReaderError, match=words):
        phase_in_radians("p.nii", values)


def test_echoes_at_the_same_time_are_refused():
    with pytest.raises(ProtocolError, match="0 s after the first"):
        dual_echo_shift(DIFFERENCE, 0.0, 3.0)


def test_flip_angles_become_relative_b1():
    reached = np.array([54.0, 60.0, 66.0, 0.0, np.nan])
    for stored in (reached, 10 * reached):
        relative, notes = relative_b1_of_angles("b1.nii.gz", stored, 60.0)
        np.testing.assert_allclose(relative, [0.9, 1.0, 1.1, np.nan, np.nan])
        assert "nominal 60°" in notes[0]


@pytest.mark.parametrize("values", [np.full(3, 20.0), np.full(3, 1500.0), np.zeros(3)])
def test_angles_far_from_the_nominal_one_are_refused(values):
    with pytest.raises(ReaderError, match=r"b1\.nii\.gz"):
        relative_b1_of_angles("b1.nii.gz", values, 60.0)
