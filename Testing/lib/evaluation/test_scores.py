"""Scores of estimates whose errors are known, and the bound that they are divided by."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.evaluation.scores import score
from PCrCESTLib.evaluation.testsets import reference_bound
from PCrCESTLib.physics.bound import bound
from PCrCESTLib.physics.library import reference_muscle
from PCrCESTLib.physics.prior import FS, KSW
from PCrCESTLib.protocols import named_protocol, rat_protocol

N = 40_000


@pytest.fixture
def truth():
    return np.random.default_rng(0).uniform(0.5e-3, 1.5e-3, N)


@pytest.mark.parametrize("sd", [0.02, 0.1])
def test_normal_error_of_the_logarithm_is_the_relative_rmse_and_nine_in_ten_truths_are_covered(sd, truth):
    estimate = truth * np.exp(sd * np.random.default_rng(1).standard_normal(N))
    found = score(estimate, truth, np.full(N, sd))
    assert found.relative_rmse == pytest.approx(sd, rel=0.03)
    assert found.rmse == pytest.approx(sd * np.sqrt(np.mean(truth**2)) / np.mean(truth), rel=0.03)
    assert found.coverage90 == pytest.approx(0.90, abs=0.005)
    assert abs(found.bias) < 0.01


def test_an_interval_half_as_wide_as_the_error_covers_too_little(truth):
    estimate = truth * np.exp(0.1 * np.random.default_rng(1).standard_normal(N))
    assert score(estimate, truth, np.full(N, 0.05)).coverage90 == pytest.approx(0.589, abs=0.01)


def test_guessing_the_mean_explains_nothing_and_a_wrong_scale_is_a_bias(truth):
    guess = score(np.full(N, truth.mean()), truth)
    assert guess.r2 == pytest.approx(0, abs=1e-9)
    assert guess.rmse == pytest.approx(
        1 / np.sqrt(12), rel=0.02
    )  # uniform over a range as wide as its middle
    assert np.isnan(guess.coverage90)
    assert score(1.2 * truth, truth).bias == pytest.approx(0.2)
    assert score(truth, truth).r2 == 1


@pytest.mark.parametrize(
    ("noise", "fs_percent", "ksw_percent"),
    [(0.01, 18, 29), (0.005, 13, 25), (0.002, 8.7, 17), (0.0005, 3.4, 6.8)],
)
def test_the_bound_over_the_reference_grid_is_that_of_an_independent_program(noise, fs_percent, ksw_percent):
    fs, ksw = (g.ravel() for g in np.meshgrid([6e-4, 1e-3, 1.4e-3], [60.0, 105.0, 160.0], indexing="ij"))
    found = bound(rat_protocol((0.5, 1.0)), reference_muscle(fs, ksw), noise)
    rms = [100 * np.sqrt(np.mean(found.relative_sd(path) ** 2)) for path in (FS, KSW)]
    assert rms == pytest.approx([fs_percent, ksw_percent], rel=0.1)


def test_the_bound_of_the_evaluation_falls_with_the_noise_and_two_powers_beat_one():
    two, one = (reference_bound(named_protocol(name)) for name in ("rat-4.7T-dual", "rat-4.7T-0.25uT"))
    for rows in (two, one):
        assert [r.noise_sd for r in rows] == sorted((r.noise_sd for r in rows), reverse=True)
        assert np.all(np.diff([(r.fs, r.ksw) for r in rows], axis=0) < 0)
    assert all(a.fs < b.fs and a.ksw < b.ksw for a, b in zip(two, one, strict=True))
