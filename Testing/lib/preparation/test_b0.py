"""The water dip gives the B0 shift; aligned spectra do not remember it."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.preparation.b0 import align, samples_water_dip, shift_from_dip
from PCrCESTLib.saturation import Saturation

OFFSETS = np.arange(-5, 5.01, 0.125)


def muscle_spectra(b0: np.ndarray, b1_ut: float) -> np.ndarray:
    tissue = Tissue(
        Water(1.6, 0.03),
        (Pool("PCr", 2.6, 7e-4, 110.0, 1.5, 0.01), Pool("Cr", 2.0, 1.5e-3, 500.0, 1.5, 0.01)),
        SemisolidPool(0.1, 25.0, 1.5, 1e-5),
    )
    return np.asarray(z_spectra(tissue, Saturation(5.0), OFFSETS, b1_ut, 4.7, b0_shift_ppm=b0))


@pytest.mark.parametrize("b1_ut", [0.25, 0.5, 1.0])
def test_the_shift_is_found_from_exact_spectra(b1_ut):
    b0 = np.linspace(-0.6, 0.6, 49)
    shift, found = shift_from_dip(muscle_spectra(b0, b1_ut), OFFSETS)
    assert found.all()
    # Creatine and the semi-solid pool lean on one side of the dip; a few Hz at 4.7 T remain.
    np.testing.assert_allclose(shift, b0, atol=0.02)


def test_noise_moves_the_found_shift_by_little():
    rng = np.random.default_rng(1)
    b0 = rng.uniform(-0.5, 0.5, 400)
    z = muscle_spectra(b0, 0.25) + rng.normal(0, 0.01, (400, len(OFFSETS)))
    shift, found = shift_from_dip(z, OFFSETS)
    assert found.all()
    assert np.std(shift - b0) < 0.005


def test_flat_and_noise_only_spectra_have_no_dip():
    rng = np.random.default_rng(2)
    _, found = shift_from_dip(1 + rng.normal(0, 0.02, (50, len(OFFSETS))), OFFSETS)
    assert not found.any()


def test_offsets_without_water_cannot_give_a_shift():
    assert samples_water_dip(OFFSETS)
    assert not samples_water_dip(np.linspace(1.3, 3.5, 50))
    assert not samples_water_dip(np.arange(-5, 5.1, 0.5))


def test_alignment_undoes_the_shift():
    b0 = np.array([-0.31, 0.0, 0.27])
    moved = align(muscle_spectra(b0, 0.5), OFFSETS, b0, OFFSETS)
    still = muscle_spectra(np.zeros(3), 0.5)
    inner = np.abs(OFFSETS) < 4.5
    np.testing.assert_allclose(moved[:, inner], still[:, inner], atol=0.006)
    window = (OFFSETS > 1.5) & (OFFSETS < 3.5)
    np.testing.assert_allclose(moved[:, window], still[:, window], atol=0.0005)


def test_alignment_without_a_shift_changes_nothing():
    z = muscle_spectra(np.zeros(1), 1.0)
    np.testing.assert_allclose(align(z, OFFSETS, np.zeros(1), OFFSETS), z, rtol=1e-6)
