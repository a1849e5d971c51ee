"""Peaks against their references, and fractions from peaks, on spectra whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.fitting.peak import exchange_term, fraction
from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.fitting.references import (
    asymmetry,
    at,
    double_power,
    lorentzian_difference,
    multi_pool,
    polynomial_and_lines,
)
from PCrCESTLib.physics import GAMMA, Pool, Tissue, Water, z_spectra
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.saturation import Saturation

OFFSETS = np.concatenate([[-20, -15, -10, -8, -7, -6], np.arange(-5, 5.01, 0.125), [6, 7, 7.5, 8, 10, 15, 20]])
LONG = Saturation(duration_s=60.0)


def scanned(fs, ksw, b1, *others):
    """Water with PCr in the steady state."""
    pools = (Pool("PCr", PCR_PPM, np.array([fs]), ksw, 1.5, 0.010), *others)
    z = z_spectra(Tissue(Water(1.6, 0.06), pools), LONG, OFFSETS, b1, 4.7)
    return np.asarray(z).reshape(1, -1)


@pytest.mark.parametrize("b1", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("ksw", [60.0, 110.0, 160.0])
def test_the_fraction_of_a_known_peak_comes_back(b1, ksw):
    """With the exact spectrum without PCr as reference, within 10 %: the formula is an approximation."""
    z, reference = scanned(1e-3, ksw, b1), scanned(0.0, ksw, b1)
    rex = exchange_term(at(OFFSETS, z, PCR_PPM), at(OFFSETS, reference, PCR_PPM), np.array([1 / 1.6]), b1, 4.7)
    assert fraction(rex, ksw, b1) == pytest.approx(1e-3, rel=0.10)


def test_the_formula_is_that_of_the_literature():
    w1 = GAMMA * 0.5
    assert fraction(np.array([0.02]), 100.0, 0.5) == pytest.approx(0.02 * (w1**2 + 100 * 200) / (100 * w1**2))
    rex = exchange_term(np.array([0.7]), np.array([0.75]), np.array([0.6]), 0.0, 4.7, fm=0.1)
    assert rex == pytest.approx((1 / 0.7 - 1 / 0.75) * 0.6 * 1.1)  # cos²θ is 1 without saturation


def test_methods_agree_on_an_isolated_peak():
    """Water and PCr alone: every reference is the spectrum without it, so far as its model allows."""
    z, bare = scanned(1e-3, 110.0, 0.5), scanned(0.0, 110.0, 0.5)
    truth = at(OFFSETS, bare, PCR_PPM) - at(OFFSETS, z, PCR_PPM)
    for method, tolerance in ((asymmetry, 0.02), (lorentzian_difference, 0.15)):
        lab, reference = method(OFFSETS, z)
        assert reference - lab == pytest.approx(truth, rel=tolerance), method.__name__
    lab, reference = polynomial_and_lines(OFFSETS, z, 0.5, 4.7)
    assert reference - lab == pytest.approx(truth, rel=0.15)
    lab, reference = multi_pool(OFFSETS, z, POOL_SETS[5])
    assert reference - lab == pytest.approx(truth, rel=0.25)


def test_without_a_peak_there_is_none():
    bare = scanned(0.0, 110.0, 0.5)
    lab, reference = asymmetry(OFFSETS, bare)
    assert abs(reference - lab) < 1e-6
    lab, reference = polynomial_and_lines(OFFSETS, bare, 0.5, 4.7)
    assert 0 <= (reference - lab)[0] < 0.001
    lab, reference = multi_pool(OFFSETS, bare, POOL_SETS[5])
    assert 0 <= (reference - lab)[0] < 0.003


def test_direct_saturation_scales_with_the_square_of_power():
    """Far from water, the high power predicts the low one without a peak."""
    low, high = (at(OFFSETS, scanned(0.0, 110.0, b1), 5.0) for b1 in (0.5, 1.0))
    assert double_power(low, high, 0.5, 1.0) == pytest.approx(low, abs=2e-4)
    with_peak = at(OFFSETS, scanned(1e-3, 110.0, 0.5), PCR_PPM)
    predicted = double_power(with_peak, at(OFFSETS, scanned(1e-3, 110.0, 1.0), PCR_PPM), 0.5, 1.0)
    assert predicted > with_peak  # the peak at low power is larger than the square predicts
