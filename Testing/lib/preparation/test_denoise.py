"""Denoising keeps what stands out of the noise, says how much that is, and never pretends to have gained precision."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.preparation.denoise import MIN_VOXELS, denoise, denoise_series
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.series import CestSeries


def low_rank(n, m, rank, rng):
    """Signal of ``rank`` components around a mean, (n, m)."""
    return 1 + rng.normal(0, 1, (n, rank)) @ rng.normal(0, 0.2, (rank, m))


@pytest.mark.parametrize("rank", [0, 1, 3, 6])
@pytest.mark.parametrize(("n", "m"), [(800, 90), (60, 90)])
def test_the_rank_and_the_noise_are_found_and_the_error_falls(rank, n, m):
    rng = np.random.default_rng(rank)
    truth = low_rank(n, m, rank, rng)
    noisy = truth + rng.normal(0, 0.01, truth.shape)
    clean, noise, k = denoise(noisy)
    assert rank <= k <= rank + 1  # the largest eigenvalue of noise can lie just above the edge
    assert noise == pytest.approx(0.01, rel=0.05)
    expected = 0.01 * np.sqrt(k / m + k / n + 1 / n)  # freedom that the model keeps
    assert np.sqrt(np.mean((clean - truth) ** 2)) == pytest.approx(expected, rel=0.2)


def test_data_without_noise_come_back_as_they_were():
    truth = low_rank(300, 40, 3, np.random.default_rng(1))
    clean, noise, _ = denoise(truth)
    np.testing.assert_allclose(clean, truth, atol=1e-9)
    assert noise < 1e-6


def series(side, rng):
    protocol = Protocol(4.7, (300.0, *np.arange(-5, 5.1, 0.25)), (0.5,) * 42, Saturation(5.0), (0,))
    data = np.abs(rng.normal(0, 5, (42, 1, side, side)))
    data[:, :, 2:-2, 2:-2] += 1000
    return CestSeries(data.astype(np.float32), Geometry((side, side, 1)), protocol)


def test_background_and_unknown_voxels_stay_as_they_are():
    scan = series(20, np.random.default_rng(2))
    scan.data[3, 0, 5, 5] = np.nan
    (clean,), (how,) = denoise_series([scan])
    np.testing.assert_array_equal(clean.data[:, :, :2], scan.data[:, :, :2])
    np.testing.assert_array_equal(clean.data[:, 0, 5, 5], scan.data[:, 0, 5, 5])
    assert how.n_voxels == 16 * 16 - 1
    assert "the mean and 0 of 42 components were kept" in how.note


def test_too_few_voxels_are_not_denoised_and_that_is_said():
    scan = series(10, np.random.default_rng(3))
    (same,), (how,) = denoise_series([scan])
    assert same is scan
    assert not how.done
    assert str(MIN_VOXELS) in how.note
