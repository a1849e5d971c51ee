"""Trains of pulses: step-by-step integration, power definitions, spoiling, and limits that must hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bloch_reference import bloch_matrix, reference_z, spoiler
from scipy.linalg import expm

from PCrCESTLib import saturation as saturation_module
from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import PulseTrain, Saturation

FIELD_T = 3.0
OFFSETS = np.array([-3.5, -0.4, 0.0, 0.7, 2.6, 5.0])
TISSUE = Tissue(
    Water(1.3, 0.05),
    (Pool("PCr", 2.6, 1e-3, 120.0, 1.3, 0.01), Pool("Cr", 2.0, 2e-3, 500.0, 1.3, 0.01)),
    SemisolidPool(0.1, 25.0, 1.0, 1e-5),
)


def stepped(train, b1_peak_ut, offset_ppm, delay_s=0.0):
    """Z after the train, propagating the magnetization through one step after another."""
    rad_per_ppm = GAMMA * FIELD_T
    delta = np.array([offset_ppm * rad_per_ppm])

    def evolve(b1_ut, time_s):
        matrix, _ = bloch_matrix(TISSUE, 0, delta, GAMMA * b1_ut, rad_per_ppm)
        return expm(matrix[0] * time_s)

    _, state = bloch_matrix(TISSUE, 0, delta, 0.0, rad_per_ppm)
    spoil = spoiler(len(state), len(TISSUE.pools))
    step_s = train.pulse_duration_s / len(train.amplitudes)
    steps = {amplitude: evolve(b1_peak_ut * amplitude, step_s) for amplitude in set(train.amplitudes)}
    pause = evolve(0.0, train.inter_pulse_delay_s)
    for number in range(train.count):
        if number:
            state = pause @ state
        for amplitude in train.amplitudes:
            state = steps[amplitude] @ state
        if train.spoiled:
            state = spoil @ state
    return (evolve(0.0, delay_s) @ spoil @ state)[2]


@pytest.mark.parametrize("spoiled", [True, False])
@pytest.mark.parametrize(
    "train",
    [
        PulseTrain("block", 0.05, 0.05, 5),
        PulseTrain("gaussian", 0.02, 0.01, 7),
        PulseTrain("samples", 0.03, 0.0, 4, samples=(0.2, 1.0, -0.7, 0.4)),
        PulseTrain("fermi", 0.04, 0.03, 1),
    ],
    ids=lambda train: train.shape,
)
def test_train_agrees_with_step_by_step_integration(train, spoiled):
    train = PulseTrain(**{**vars(train), "spoiled": spoiled})
    saturation = Saturation.pulsed(train, b1_definition="peak", readout_delay_s=0.0065)
    z = z_spectra(TISSUE, saturation, OFFSETS, 2.0, FIELD_T)[0]
    expected = [stepped(train, 2.0, offset, 0.0065) for offset in OFFSETS]
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-8)


def test_one_block_pulse_is_continuous_wave():
    train = PulseTrain("block", 2.0)
    pulsed = z_spectra(TISSUE, Saturation.pulsed(train), OFFSETS, 1.0, FIELD_T)
    np.testing.assert_allclose(pulsed, reference_z(TISSUE, Saturation(2.0), OFFSETS, 1.0, FIELD_T), atol=1e-9)


def test_block_pulses_without_pause_or_spoiling_are_continuous_wave():
    train = PulseTrain("block", 0.1, 0.0, 20, spoiled=False)
    pulsed = z_spectra(TISSUE, Saturation.pulsed(train), OFFSETS, 1.0, FIELD_T)
    continuous = z_spectra(TISSUE, Saturation(2.0), OFFSETS, 1.0, FIELD_T)
    np.testing.assert_allclose(pulsed, continuous, atol=1e-7)


def test_cwpe_rms_and_peak_state_the_same_pulse_differently():
    train = PulseTrain("gaussian", 0.05, 0.05, 4)
    mean_square = np.mean(np.square(train.amplitudes))
    peak = z_spectra(TISSUE, Saturation.pulsed(train, b1_definition="peak"), OFFSETS, 2.0, FIELD_T)
    rms_ut = 2.0 * math.sqrt(mean_square)
    rms = z_spectra(TISSUE, Saturation.pulsed(train, b1_definition="rms"), OFFSETS, rms_ut, FIELD_T)
    cwpe = z_spectra(TISSUE, Saturation.pulsed(train), OFFSETS, rms_ut * math.sqrt(0.5), FIELD_T)
    np.testing.assert_allclose(rms, peak, atol=1e-12)
    np.testing.assert_allclose(cwpe, peak, atol=1e-12)


@pytest.mark.parametrize("shape", ["gaussian", "sinc-gaussian", "fermi"])
def test_steps_of_a_shaped_pulse_are_fine_enough(shape, monkeypatch):
    train = PulseTrain(shape, 0.05, 0.05, 2)
    monkeypatch.setattr(saturation_module, "_STEPS", 1024)
    finer = PulseTrain("samples", 0.05, 0.05, 2, samples=train.amplitudes)
    monkeypatch.undo()
    coarse_z, fine_z = (
        z_spectra(TISSUE, Saturation.pulsed(t, b1_definition="rms"), OFFSETS[[0, 3, 4]], 1.0, FIELD_T)
        for t in (train, finer)
    )
    np.testing.assert_allclose(coarse_z, fine_z, rtol=0, atol=5e-5)


def test_a_train_repeated_over_tr_reaches_the_state_of_a_long_train():
    one = Saturation.pulsed(PulseTrain("gaussian", 0.02, 0.0, 1), repetition_time_s=0.05, b1_definition="rms")
    many = Saturation.pulsed(PulseTrain("gaussian", 0.02, 0.03, 400), b1_definition="rms")
    np.testing.assert_allclose(
        z_spectra(TISSUE, one, OFFSETS, 2.0, FIELD_T),
        z_spectra(TISSUE, many, OFFSETS, 2.0, FIELD_T),
        atol=1e-6,
    )
