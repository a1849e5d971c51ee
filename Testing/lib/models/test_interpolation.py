"""A scan's own offsets are interpolated to the model's, and what that costs is said or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.interpolation import LARGEST_ERROR, grid_of, interpolation_error
from PCrCESTLib.models.registry import choose_card, which_card
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol, protocol_names
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

DUAL = named_protocol("rat-4.7T-dual")
HUMAN = named_protocol("human-3T-0.6uT")
CARDS = tuple(
    ModelCard(name, named_protocol(name), (2e-4, 2e-3), (40.0, 300.0), (0.5, 0.5), {})
    for name in protocol_names()
)
SINGLE_PRECISION = 1e-6


def at(protocol: Protocol, offsets: np.ndarray) -> Protocol:
    """The protocol at other offsets, the same at every power."""
    powers = protocol.powers_ut
    return replace(
        protocol,
        offsets_ppm=tuple(float(o) for o in offsets) * len(powers),
        b1_ut=tuple(p for p in powers for _ in offsets),
        reference_frames=(),
        normalized=True,
    )


def resampled(step_ppm: float) -> Protocol:
    """The dual protocol with other steps within ±5 ppm, begun half a step off."""
    inner = np.arange(-5 - step_ppm / 2, 5.2, step_ppm)
    outer = np.array([6.25, 7.5, 8.75, 10.0])
    return at(DUAL, np.concatenate([-outer[::-1], inner, outer]))


def z_of_muscle(at_ppm: np.ndarray, b1_ut: float, b0_ppm: float = 0.0) -> np.ndarray:
    tissue = muscle_tissue(*(np.array([v]) for v in (1.0e-3, 110.0, 1.62, 0.03, 0.10)))
    return np.asarray(z_spectra(tissue, DUAL.saturation, at_ppm, b1_ut, 4.7, b0_shift_ppm=b0_ppm))[0]


def test_the_same_offsets_need_no_word():
    assert interpolation_error(DUAL, DUAL) is None
    assert (
        interpolation_error(DUAL, replace(DUAL, offsets_ppm=tuple(o + 0.009 for o in DUAL.offsets_ppm)))
        is None
    )
    repeated = grid_of(DUAL)[[0, *range(89), 40]]
    assert interpolation_error(DUAL, at(DUAL, repeated)) is None


def test_other_offsets_that_cover_the_range_are_accepted_with_a_stated_error():
    card, why = choose_card(resampled(0.1), CARDS)
    assert card.name == "rat-4.7T-dual"
    assert "range of offsets agree with the scan; the scan's 111 offsets are not the model's 89" in why
    note = interpolation_error(DUAL, resampled(0.1)).sentence()
    assert why.endswith(note)
    assert which_card(resampled(0.1), CARDS) == f"rat-4.7T-dual fits; {note}"


def test_the_error_is_said_in_units_of_the_noise_where_that_is_known():
    error = interpolation_error(DUAL, resampled(0.15))
    assert error.window == pytest.approx(0.001, rel=0.2)
    assert (
        "errs by up to 0.001 (RMS 0.0002) in the PCr window, 0.2 of a voxel's noise, and"
        in error.sentence(0.005)
    )
    assert "noise" not in error.sentence()
    assert "noise" not in error.sentence(0.0)


@pytest.mark.parametrize("step_ppm", [0.1, 0.2])
def test_the_stated_error_is_that_of_a_cubic_spline_through_the_scan(step_ppm):
    """Against SciPy's spline and the exact engine over the same shifts of water."""
    scan = resampled(step_ppm)
    offsets, grid = grid_of(scan), grid_of(DUAL)
    window = (grid >= 1.5) & (grid <= 3.5)
    errors = [
        CubicSpline(offsets, z_of_muscle(offsets, b1, b0))(grid[window] + b0) - z_of_muscle(grid[window], b1)
        for b1 in DUAL.powers_ut
        for b0 in (0.0, 0.1, -0.1, step_ppm / 2, -step_ppm / 2)
    ]
    stated = interpolation_error(DUAL, scan)
    assert stated.window == pytest.approx(np.max(np.abs(errors)), abs=SINGLE_PRECISION)
    assert stated.window_rms == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=SINGLE_PRECISION)


def test_offsets_too_far_apart_for_pcr_are_refused_by_their_error():
    assert interpolation_error(DUAL, resampled(0.2)).window < LARGEST_ERROR
    coarse = resampled(0.25)
    assert not interpolation_error(DUAL, coarse).acceptable
    with pytest.raises(
        ModelMismatchError, match=r"50 offsets .* errs by up to 0\.005 .* \(up to 0\.003 in the PCr"
    ):
        choose_card(coarse, CARDS)


def test_steps_that_match_the_grid_by_chance_are_no_better_under_a_b0_shift():
    grid = grid_of(DUAL)
    every_second = grid[(np.abs(grid) > 5) | (np.arange(89) % 2 == 0)]
    assert interpolation_error(DUAL, at(DUAL, every_second)).window > LARGEST_ERROR


def test_without_the_outermost_offsets_a_scan_is_refused_though_the_next_are_near_enough():
    grid = grid_of(DUAL)
    inner = at(DUAL, grid[np.abs(grid) < 9])
    assert interpolation_error(DUAL, inner).window < LARGEST_ERROR
    with pytest.raises(ModelMismatchError, match=r"and 0\.03 elsewhere \(.* and 0\.01 elsewhere fits\)"):
        choose_card(inner, CARDS)


def test_edges_that_the_model_itself_does_not_sample_are_not_held_against_the_scan():
    """The human offsets end at 3.5 ppm, inside the PCr window: shifted water moves its end out of reach."""
    fine = interpolation_error(HUMAN, at(HUMAN, np.linspace(1.3, 3.5, 60)))
    assert fine.window < 1e-5
    wide = interpolation_error(HUMAN, at(HUMAN, np.arange(-4, 4.05, 0.1)))
    assert wide.window < 1e-4
    short = interpolation_error(HUMAN, at(HUMAN, np.arange(1.3, 3.41, 0.1)))
    assert short.window > fine.window


def test_powers_may_have_different_offsets():
    fine, own = grid_of(resampled(0.1)), grid_of(DUAL)
    scan = replace(
        DUAL, offsets_ppm=(*fine.tolist(), *own.tolist()), b1_ut=(0.5,) * len(fine) + (1.0,) * len(own)
    )
    error = interpolation_error(DUAL, scan)
    assert (error.n_scan, error.n_model) == (111, 89)
    assert error.acceptable
