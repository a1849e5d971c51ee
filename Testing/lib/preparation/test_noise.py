"""The noise level of Z is found from the spectra alone."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.preparation.noise import estimate_noise


def muscle_like(n: int, offsets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spectra of n voxels that differ in MT, T2, B0 and CEST, (n, n_offsets)."""
    b0 = rng.normal(0, 0.1, (n, 1))
    x = offsets - b0
    water = rng.uniform(0.1, 0.3, (n, 1)) ** 2
    mt = rng.uniform(0.05, 0.2, (n, 1)) / (1 + (x / 20) ** 2)
    pcr = rng.uniform(0.0, 0.03, (n, 1)) / (1 + ((x - 2.6) / 0.25) ** 2)
    noe = rng.uniform(0.0, 0.1, (n, 1)) / (1 + ((x + 3.3) / 1.5) ** 2)
    return (1 - mt) * x**2 / (x**2 + water) - pcr - noe


OFFSETS = np.arange(-5, 5.01, 0.125)


@pytest.mark.parametrize("sigma", [0.002, 0.005, 0.01, 0.02])
@pytest.mark.parametrize("n", [100, 300, 1500])
def test_known_noise_is_found_within_ten_percent(sigma, n):
    rng = np.random.default_rng(3)
    z = muscle_like(n, OFFSETS, rng) + rng.normal(0, sigma, (n, len(OFFSETS)))
    assert estimate_noise(z, OFFSETS).scan == pytest.approx(sigma, rel=0.1)


def test_a_noisy_voxel_is_told_from_a_quiet_one():
    rng = np.random.default_rng(4)
    sigma = np.where(np.arange(400) < 200, 0.004, 0.012)
    z = muscle_like(400, OFFSETS, rng) + rng.normal(0, 1, (400, len(OFFSETS))) * sigma[:, None]
    level = estimate_noise(z, OFFSETS)
    assert np.median(level.voxel[:200]) == pytest.approx(0.004, rel=0.1)
    assert np.median(level.voxel[200:]) == pytest.approx(0.012, rel=0.1)


def test_noise_that_an_earlier_interpolation_smoothed_is_not_taken_for_signal():
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.01, (800, len(OFFSETS) + 1))
    z = muscle_like(800, OFFSETS, rng) + (0.7 * noise[:, 1:] + 0.3 * noise[:, :-1])
    level = estimate_noise(z, OFFSETS)
    assert level.rank < 15
    assert level.scan == pytest.approx(0.01 * np.hypot(0.7, 0.3), rel=0.1)


def test_a_single_spectrum_still_gets_a_noise_level():
    rng = np.random.default_rng(6)
    z = muscle_like(1, OFFSETS, rng) + rng.normal(0, 0.01, (1, len(OFFSETS)))
    assert estimate_noise(z, OFFSETS).scan == pytest.approx(0.01, rel=0.4)


def test_voxels_without_a_finite_spectrum_have_no_noise_level():
    rng = np.random.default_rng(7)
    z = muscle_like(100, OFFSETS, rng) + rng.normal(0, 0.01, (100, len(OFFSETS)))
    z[3, 5] = np.nan
    level = estimate_noise(z, OFFSETS)
    assert np.isnan(level.voxel[3])
    assert np.all(np.isfinite(np.delete(level.voxel, 3)))
