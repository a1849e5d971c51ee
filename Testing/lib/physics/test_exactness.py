"""The engine gives what the full matrix exponential gives, at every level and for every start and readout."""

from __future__ import annotations

import numpy as np
import pytest
from bloch_reference import bloch_matrix, random_case, reference_z, spoiler
from check_exactness import compare
from scipy.linalg import expm

from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import Saturation

OFFSETS = np.array([-8.0, -3.3, -1.0, -0.1, 0.0, 0.05, 0.6, 2.0, 2.6, 4.0, 9.0])


@pytest.fixture
def muscle():
    pools = (
        Pool("PCr", 2.6, np.array([6e-4, 1.4e-3]), np.array([60.0, 160.0]), 1.3, 0.01),
        Pool("Cr", 2.0, 2e-3, 500.0, 1.3, 0.01),
        Pool("NOE", -3.3, 0.015, 10.0, 1.3, 5e-4),
    )
    return Tissue(Water(1.4, 0.04), pools, SemisolidPool(0.1, 25.0, 1.0, 2e-5))


def test_random_tissues_agree_with_the_full_matrix_exponential():
    result = compare(n_tissues=80, seed=1)
    assert result.error_float64 < 1e-6
    assert result.error_float32 < 1e-4
    levels = (result.points - result.laplace - result.propagation, result.laplace, result.propagation)
    assert min(levels) > 500, f"a level was hardly used: {result}"


@pytest.mark.slow
def test_ten_thousand_random_tissues_agree_with_the_full_matrix_exponential():
    result = compare(n_tissues=10_000, seed=2026)
    assert result.error_float64 < 1e-6
    assert result.error_float32 < 1e-4


@pytest.mark.parametrize(
    "saturation",
    [
        Saturation(5.0),
        Saturation(0.01),
        Saturation(0.3, initial_mz=0.2),
        Saturation(2.0, initial_mz=-1.0, readout_delay_s=0.0065),
        Saturation(2.0, recovery_s=1.5),
        Saturation(4.0, recovery_s=0.5, initial_mz=0.7, readout_delay_s=0.5),
        Saturation(30.0, readout_delay_s=0.02),
    ],
    ids=lambda s: (
        f"{s.duration_s} s from {s.starting_mz} after {s.recovery_s} s, delay {s.readout_delay_s} s"
    ),
)
def test_start_recovery_and_readout_delay(muscle, saturation):
    z = z_spectra(muscle, saturation, OFFSETS, 1.0, 4.7)
    np.testing.assert_allclose(z, reference_z(muscle, saturation, OFFSETS, 1.0, 4.7), atol=1e-7)


def repeated(tissue, index, offset_ppm, times, readout_retains, repetitions=60):
    """Z at the last of many readouts, by stepping the full matrix through every phase of every repetition."""
    rad_per_ppm, (duration_s, delay_s, recovery_s) = GAMMA * 4.7, times
    delta = np.array([offset_ppm * rad_per_ppm])
    irradiated, state = bloch_matrix(tissue, index, delta, GAMMA, rad_per_ppm)
    free, _ = bloch_matrix(tissue, index, delta, 0.0, rad_per_ppm)
    spoil = spoiler(len(state), len(tissue.pools))
    readout = np.append(np.full(len(state) - 1, readout_retains), 1.0)
    saturate, wait, recover = (
        expm(b[0] * time) for b, time in ((irradiated, duration_s), (free, delay_s), (free, recovery_s))
    )
    for _ in range(repetitions):
        seen = wait @ spoil @ saturate @ state
        state = recover @ (readout * seen)
    return seen[2]


@pytest.mark.parametrize("readout_retains", [1.0, 0.9, 0.0])
def test_steady_state_over_tr_is_what_many_repetitions_lead_to(muscle, readout_retains):
    saturation = Saturation(0.4, readout_delay_s=0.01, repetition_time_s=1.0, readout_retains=readout_retains)
    z = z_spectra(muscle, saturation, OFFSETS, 1.0, 4.7)
    for frame in (0, 3, 8):
        expected = repeated(muscle, 1, OFFSETS[frame], (0.4, 0.01, 0.59), readout_retains)
        assert z[1, frame] == pytest.approx(expected, abs=1e-8)


def test_long_saturation_reaches_a_steady_state_that_forgets_the_start(muscle):
    from_equilibrium = z_spectra(muscle, Saturation(40.0), OFFSETS, 1.0, 4.7)
    from_inversion = z_spectra(muscle, Saturation(40.0, initial_mz=-1.0), OFFSETS, 1.0, 4.7)
    np.testing.assert_allclose(from_equilibrium, from_inversion, atol=1e-8)


def test_b0_shift_moves_the_spectrum_along_the_axis(muscle):
    moved = z_spectra(muscle, Saturation(2.0), OFFSETS + 0.3, 1.0, 4.7, b0_shift_ppm=0.3)
    np.testing.assert_allclose(moved, z_spectra(muscle, Saturation(2.0), OFFSETS, 1.0, 4.7), atol=1e-9)


def test_relative_b1_multiplies_b1(muscle):
    scaled = z_spectra(muscle, Saturation(2.0), OFFSETS, 1.0, 4.7, relative_b1=np.array([0.5, 0.8]))
    half = z_spectra(muscle, Saturation(2.0), OFFSETS, 0.5, 4.7)
    np.testing.assert_allclose(scaled[0], half[0], atol=1e-12)


def test_several_powers_are_more_frames(muscle):
    both = z_spectra(muscle, Saturation(2.0), np.tile(OFFSETS, 2), np.repeat([0.5, 1.0], len(OFFSETS)), 4.7)
    np.testing.assert_allclose(both[:, : len(OFFSETS)], z_spectra(muscle, Saturation(2.0), OFFSETS, 0.5, 4.7))
    np.testing.assert_allclose(both[:, len(OFFSETS) :], z_spectra(muscle, Saturation(2.0), OFFSETS, 1.0, 4.7))


def test_result_does_not_depend_on_chunks():
    rng = np.random.default_rng(5)
    tissue, offsets, relative_b1, field_t, _ = random_case(rng, 50)
    whole, parts, sliced = (
        z_spectra(
            tissue,
            Saturation(2.0, readout_delay_s=0.005),
            offsets,
            1.0,
            field_t,
            relative_b1=relative_b1,
            chunk_points=chunk,
        )
        for chunk in (10**6, 300, 7)
    )
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-10)
    np.testing.assert_allclose(sliced, whole, rtol=0, atol=1e-10)


def test_frames_may_be_lists_and_tissues_may_be_none(muscle):
    z = z_spectra(muscle, Saturation(2.0), list(OFFSETS), [1.0] * len(OFFSETS), 4.7, chunk_points=4)
    np.testing.assert_allclose(z, z_spectra(muscle, Saturation(2.0), OFFSETS, 1.0, 4.7), atol=1e-10)
    nobody = Tissue(Water(np.empty(0), 0.04))
    assert z_spectra(nobody, Saturation(2.0), OFFSETS, 1.0, 4.7).shape == (0, len(OFFSETS))


def test_unsaturated_frames_show_the_start():
    tissue = Tissue(Water(1.4, 0.04))
    z = z_spectra(tissue, Saturation(2.0, initial_mz=0.0), np.array([np.inf, -np.inf]), 1.0, 3.0)
    np.testing.assert_allclose(z, 1.0 - np.exp(-2.0 / 1.4), atol=1e-9)
