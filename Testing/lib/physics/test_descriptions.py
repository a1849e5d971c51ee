"""Senseless tissues and saturations are refused with a sentence that says what to do."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import PulseTrain, Saturation

PCR = Pool("PCr", 2.6, 1e-3, 120.0, 1.3, 0.01)
CR = Pool("Cr", 2.0, 2e-3, 500.0, 1.3, 0.01)
TISSUE = Tissue(Water(1.4, 0.04), (PCR, CR))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Water(0.0, 0.04), "t1_s = 0.0; give values above 0"),
        (lambda: Water(1.4, np.array([0.04, -0.01])), "t2_s = -0.01"),
        (lambda: Water(float("nan"), 0.04), "t1_s = nan"),
        (lambda: Pool("PCr", 2.6, -1e-3, 120.0, 1.3, 0.01), "pool 'PCr' has fraction = -0.001"),
        (lambda: SemisolidPool(0.1, 25.0, 1.0, 1e-5, line_shape="box"), "line shape 'box' is unknown"),
        (lambda: Tissue(Water(1.4, 0.04), (PCR, PCR)), "give every pool a name of its own"),
        (lambda: TISSUE.without("NOE"), "no pool 'NOE'; it has PCr, Cr"),
        (lambda: Tissue(Water(np.ones(2), np.ones(3))), r"lengths \[2, 3\]"),
        (lambda: Tissue(Water(np.ones((2, 2)), 0.04)), r"shape \(2, 2\)"),
        (lambda: Saturation(0.0), "duration_s is 0.0; give a time above 0 s"),
        (lambda: Saturation(2.0, b1_definition="mean"), "give one of cwpe, rms, peak"),
        (lambda: Saturation(2.0, initial_mz=2.0), "initial_mz is 2.0"),
        (lambda: Saturation(2.0, readout_delay_s=-1.0), "readout_delay_s is -1.0"),
        (lambda: Saturation(2.0, repetition_time_s=1.0), "shorter than saturation and readout delay"),
        (
            lambda: Saturation(2.0, repetition_time_s=3.0, recovery_s=1.0),
            "leave recovery_s and initial_mz out",
        ),
        (lambda: Saturation(2.0, PulseTrain("block", 0.1, 0.1, 5)), r"use Saturation.pulsed\(train\)"),
        (lambda: PulseTrain("hann", 0.1), "pulse shape 'hann' is unknown"),
        (lambda: PulseTrain("block", 0.1, count=0), "a train has 0 pulses"),
        (lambda: PulseTrain("samples", 0.1), "give samples with shape 'samples'"),
        (lambda: PulseTrain("samples", 0.1, samples=(0.0, 0.0)), "all zero"),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(PhysicsError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"offsets_ppm": np.zeros((2, 2))}, "one offset for each frame"),
        ({"b1_ut": np.ones(4)}, "one B1 or one for each frame"),
        ({"offsets_ppm": np.array([1.0, np.nan, 3.0])}, "give infinity for a frame without irradiation"),
        ({"b1_ut": -1.0}, "give 0 µT or more"),
        ({"field_t": 0.0}, "main field in tesla"),
        ({"relative_b1": np.ones(3), "b0_shift_ppm": np.zeros(2)}, r"lengths \[2, 3\]"),
    ],
)
def test_refusals_of_z_spectra(arguments, sentence):
    usual = {"offsets_ppm": np.array([1.0, 2.0, 3.0]), "b1_ut": 1.0, "field_t": 3.0}
    with pytest.raises(PhysicsError, match=sentence):
        z_spectra(TISSUE, Saturation(2.0), **{**usual, **arguments})


def test_without_and_with_pool_leave_the_rest_in_place():
    assert [pool.name for pool in TISSUE.without("PCr").pools] == ["Cr"]
    stronger = Pool("PCr", 2.6, 2e-3, 120.0, 1.3, 0.01)
    assert TISSUE.with_pool(stronger).pools == (stronger, CR)
    assert TISSUE.without("PCr").with_pool(PCR).pools == (CR, PCR)
    assert TISSUE.with_pool(stronger).water is TISSUE.water


def test_number_of_tissues_is_the_common_length_of_the_arrays():
    assert TISSUE.n_tissues == 1
    assert Tissue(Water(np.ones(7), 0.04), (PCR,)).n_tissues == 7


def test_a_train_lasts_its_pulses_and_the_pauses_between_them():
    saturation = Saturation.pulsed(PulseTrain("gaussian", 0.05, 0.01, 10))
    assert saturation.duration_s == pytest.approx(0.59)
    assert not saturation.is_continuous
    assert saturation.describe() == "10 gaussian pulses of 50 ms with pauses of 10 ms"


@pytest.mark.parametrize("shape", ["block", "gaussian", "sinc-gaussian", "fermi"])
def test_pulses_are_symmetric_and_peak_at_one(shape):
    amplitudes = PulseTrain(shape, 0.05).amplitudes
    assert max(amplitudes) == 1.0
    assert amplitudes == amplitudes[::-1]


def test_recovery_starts_from_nothing_unless_told_otherwise():
    assert Saturation(2.0).starting_mz == 1.0
    assert Saturation(2.0, recovery_s=3.0).starting_mz == 0.0
    assert Saturation(2.0, recovery_s=3.0, initial_mz=0.3).starting_mz == 0.3
