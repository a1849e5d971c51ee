"""Sums of lines and their derivatives, and steps from them."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.fitting.lines import LineSum
from PCrCESTLib.fitting.newton import minimize

OFFSETS = np.linspace(-8, 8, 90)
LOW, HIGH = np.zeros(3), np.array([1.0, 0.5, 0.5])


def problem(n, rng):
    """Noisy spectra of three lines, and places near the true ones: positions, then logarithms of widths."""
    truth = np.array([[0.1, 2.6, -3.3, np.log(1.0), np.log(0.8), np.log(2.0)]]).T
    center, width = truth[:3, 0] + [0, 0.1, 0.1], np.exp(truth[3:, 0])
    lines = 1 / (1 + (2 * (OFFSETS - center[:, None]) / width[:, None]) ** 2)
    spectra = np.array([0.8, 0.1, 0.15]) @ lines + 0.01 * rng.standard_normal((n, len(OFFSETS)))
    return LineSum(OFFSETS, spectra, LOW, HIGH), truth + 0.1 * rng.standard_normal((6, n))


@pytest.mark.parametrize("i", range(6))
def test_derivatives_are_those_of_small_differences(i):
    model, x = problem(20, np.random.default_rng(1))
    rows, step = np.arange(20), 1e-5 * np.eye(6)[:, [i]]
    here, up, down = model(x, rows), model(x + step, rows), model(x - step, rows)
    assert here.gradient[i] == pytest.approx((up.cost - down.cost) / 2e-5, rel=1e-4, abs=1e-5)
    assert here.curvature[i] == pytest.approx((up.gradient - down.gradient) / 2e-5, rel=1e-4, abs=1e-4)


def test_single_precision_stays_single_and_agrees():
    model, x = problem(20, np.random.default_rng(2))
    single = LineSum(OFFSETS, model._spectra.astype(np.float32), LOW, HIGH)
    double, rows = model(x, np.arange(20)), np.arange(20)
    rough = single(x.astype(np.float32), rows)
    for name in ("cost", "gradient", "curvature", "scale"):
        assert getattr(rough, name).dtype == np.float32
        assert np.allclose(getattr(rough, name), getattr(double, name), rtol=1e-2, atol=1e-4)


def test_steps_end_where_the_gradient_vanishes():
    model, x = problem(50, np.random.default_rng(3))
    wide = np.array([1.0, 3, 3, 1, 1, 1])
    found = minimize(
        model, x, np.array([0.1, 2.6, -3.3, 0, 0, 0]) - wide, np.array([0.1, 2.6, -3.3, 0, 0, 0]) + wide
    )
    assert found.converged.all()
    assert np.abs(model(found.x, np.arange(50)).gradient).max() < 1e-4
