"""Line shapes of the semi-solid pool: unit area, quadrature, and the cut of the super-Lorentzian."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from PCrCESTLib.physics.arrays import NumpyBackend
from PCrCESTLib.physics.lineshape import LINE_SHAPES, line_shape

NUMPY = NumpyBackend(float)
T2_S = 12e-6


def super_lorentzian_by_quadrature(delta_rad_s, t2_s):
    """The integral over the angle, with the magic angle as a breakpoint."""

    def integrand(u):
        a = abs(3 * u * u - 1)
        return np.sqrt(2 / np.pi) * t2_s / a * np.exp(-2 * (delta_rad_s * t2_s / a) ** 2) if a else 0.0

    magic = 1 / np.sqrt(3)
    return sum(
        quad(integrand, *ends, epsabs=0, epsrel=1e-11, limit=500)[0] for ends in ((0, magic), (magic, 1))
    )


@pytest.mark.parametrize("delta_rad_s", [3.0, 100.0, 1e3, 7e3, 3e4, 1e5, 3e5])
def test_super_lorentzian_table_is_as_good_as_adaptive_quadrature(delta_rad_s):
    g = line_shape(NUMPY, "super-lorentzian", np.array([delta_rad_s]), T2_S)
    assert g[0] == pytest.approx(super_lorentzian_by_quadrature(delta_rad_s, T2_S), rel=1e-7)


@pytest.mark.parametrize("kind", LINE_SHAPES)
def test_area_is_one(kind):
    # The wing of the Lorentzian beyond 1e5 widths holds 2/π · 1e-5 of the area.
    delta = np.concatenate([[0.0], np.logspace(-7, 5, 200_001)]) / T2_S
    g = line_shape(NUMPY, kind, delta, T2_S)
    assert 2 * np.trapezoid(g, delta) == pytest.approx(1.0, abs=2e-5)


@pytest.mark.parametrize("kind", LINE_SHAPES)
def test_line_is_symmetric_and_falls_away_from_its_middle(kind):
    delta = np.linspace(10.0, 2e5, 500)
    g = line_shape(NUMPY, kind, delta, T2_S)
    np.testing.assert_array_equal(g, line_shape(NUMPY, kind, -delta, T2_S))
    assert np.all(np.diff(g) < 0)


def test_cut_joins_the_super_lorentzian_with_equal_value_and_slope():
    cut = 800.0
    beside = cut + np.array([-2e-3, -1e-3, 1e-3, 2e-3])
    g = line_shape(NUMPY, "super-lorentzian", beside, T2_S, cut)
    slopes = np.diff(g) / np.diff(beside)
    assert g[1] == pytest.approx(g[2], rel=1e-5)
    assert slopes[0] == pytest.approx(slopes[2], rel=1e-4)


def test_cut_changes_nothing_outside_and_stays_finite_inside():
    delta = np.array([0.0, 1.0, 799.0, 801.0, 5000.0])
    cut = line_shape(NUMPY, "super-lorentzian", delta, T2_S, 800.0)
    whole = line_shape(NUMPY, "super-lorentzian", delta, T2_S)
    np.testing.assert_array_equal(cut[3:], whole[3:])
    assert np.all(cut[:3] < whole[:3])
    assert np.all(cut[:3] >= cut[3])
