"""Peaks against their references, fractions from peaks, and their SDs, on spectra whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import MethodError
from PCrCESTLib.fitting.peak import (
    Circumstances,
    exchange_rate_term,
    fraction,
    fraction_with_sd,
    half_width_ppm,
    jhu_fraction,
)
from PCrCESTLib.fitting.peaks import Curves, Peak, at
from PCrCESTLib.fitting.plof import polynomial_and_lines
from PCrCESTLib.fitting.pools import POOL_SETS, pools_for
from PCrCESTLib.fitting.references import (
    asymmetry,
    double_power,
    flank_response,
    local_line,
    lorentzian_difference,
    multi_pool,
)
from PCrCESTLib.physics import GAMMA, Pool, Tissue, Water, z_spectra
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

OFFSETS = np.concatenate([[-20, -15, -10, -8, -7, -6], np.arange(-5, 5.01, 0.125), [6, 7, 7.5, 8, 10, 15, 20]])
LONG = Saturation(duration_s=60.0)
WINDOW = np.arange(1.3, 3.51, 0.05)
METHODS = {
    "MTRasym": asymmetry,
    "LD": lorentzian_difference,
    "MPLF": lambda o, z: multi_pool(o, z, POOL_SETS[6]),
    "PLOF": lambda o, z: polynomial_and_lines(o, z, 0.5, 4.7),
    "AREX": local_line,
}


def scanned(fs, ksw, b1, offsets=OFFSETS):
    """Water with PCr in the steady state."""
    pools = (Pool("PCr", PCR_PPM, np.array([fs]), ksw, 1.5, 0.010),)
    z = z_spectra(Tissue(Water(1.6, 0.06), pools), LONG, offsets, b1, 4.7)
    return np.asarray(z).reshape(1, -1)


def muscle(b1, offsets=OFFSETS):
    """Muscle as set to measured rats."""
    one = np.ones(1)
    tissue = muscle_tissue(1e-3 * one, 110 * one, 1.62 * one, 0.024 * one, 0.1 * one)
    return np.asarray(z_spectra(tissue, Saturation(5.0), offsets, b1, 4.7))


def peak_of(with_pcr, without_pcr, gain=0.0):
    values = [np.atleast_1d(np.asarray(v, dtype=float)) for v in (with_pcr, without_pcr)]
    n = len(values[0])
    return Peak(*values, np.full(n, gain), np.full(n, np.nan), np.ones(n, dtype=bool), Curves(np.empty((n, 0))))


def around(b1=0.5, r1=1 / 1.6, sigma=0.0, r1_sd=0.0, fm=0.0):
    def one(value):
        return np.array([value])

    return Circumstances(one(sigma), one(b1), 4.7, one(r1), one(r1_sd), one(fm), one(0.0))


@pytest.mark.parametrize("b1", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("ksw", [60.0, 110.0, 160.0])
def test_the_fraction_of_a_known_peak_comes_back(b1, ksw):
    """With the exact spectrum without PCr as reference, within 10 %: the formula is an approximation."""
    z, reference = scanned(1e-3, ksw, b1), scanned(0.0, ksw, b1)
    rex, _ = exchange_rate_term(peak_of(at(OFFSETS, z), at(OFFSETS, reference)), around(b1))
    assert fraction(rex, ksw, b1) == pytest.approx(1e-3, rel=0.10)


def test_the_formulas_are_those_of_the_literature():
    w1 = GAMMA * 0.5
    assert fraction(np.array([0.02]), 100.0, 0.5) == pytest.approx(0.02 * (w1**2 + 100 * 200) / (100 * w1**2))
    rex, _ = exchange_rate_term(peak_of(0.7, 0.75), around(0.0, r1=0.6, fm=0.1))
    assert rex == pytest.approx((1 / 0.7 - 1 / 0.75) * 0.6 * 1.1)  # cos²θ is 1 without saturation


def test_the_calibration_gives_its_own_concentration():
    """ΔZ of 0.026 is 39.58 mM (Ju 2023)."""
    fs, _ = jhu_fraction(peak_of(0.700, 0.726), np.zeros(1), protons=2)
    assert fs * 111_000 / 2 == pytest.approx(39.58)


def test_the_peak_of_the_engine_has_the_half_width_of_the_formula():
    """Half the rate is left where the formula says, on the engine's own spectrum of water and PCr."""
    b1, ksw = 0.5, 110.0
    half = half_width_ppm(ksw, np.array([b1]), 4.7)[0]
    places = np.array([PCR_PPM, PCR_PPM + half, PCR_PPM - half])
    increment = (1 / scanned(1e-3, ksw, b1, places) - 1 / scanned(0.0, ksw, b1, places))[0]
    assert increment[1:].mean() / increment[0] == pytest.approx(0.5, abs=0.03)


def test_methods_agree_on_an_isolated_peak():
    """Water and PCr alone: every reference is the spectrum without it, so far as its model allows."""
    z, bare = scanned(1e-3, 110.0, 0.5), scanned(0.0, 110.0, 0.5)
    truth = at(OFFSETS, bare) - at(OFFSETS, z)
    for name, tolerance in (("MTRasym", 0.02), ("LD", 0.15), ("PLOF", 0.15)):
        peak = METHODS[name](OFFSETS, z)
        assert peak.without_pcr - peak.with_pcr == pytest.approx(truth, rel=tolerance), name
    peak = multi_pool(OFFSETS, z, POOL_SETS[5])
    assert peak.without_pcr - peak.with_pcr == pytest.approx(truth, rel=0.25)


def test_the_local_line_sees_the_share_that_the_formula_says():
    z, bare = scanned(1e-3, 110.0, 0.5), scanned(0.0, 110.0, 0.5)
    truth = 1 / at(OFFSETS, z) - 1 / at(OFFSETS, bare)
    seen = local_line(OFFSETS, z).inverse - local_line(OFFSETS, bare).inverse
    share = flank_response(OFFSETS, half_width_ppm(110.0, np.array([0.5]), 4.7))
    assert 0.3 < share[0] < 0.9
    assert seen / truth == pytest.approx(share, rel=0.1)


def test_without_a_peak_there_is_none():
    bare = scanned(0.0, 110.0, 0.5)
    for name, most in (("MTRasym", 1e-6), ("PLOF", 0.001), ("AREX", 0.004)):
        peak = METHODS[name](OFFSETS, bare)
        assert abs(peak.without_pcr - peak.with_pcr)[0] < most, name
    peak = multi_pool(OFFSETS, bare, POOL_SETS[5])
    assert 0 <= (peak.without_pcr - peak.with_pcr)[0] < 0.003


def test_direct_saturation_scales_with_the_square_of_power():
    """Without PCr, the high power predicts the low one; a peak at low power is larger than the square predicts."""
    low, high = (scanned(0.0, 110.0, b1) for b1 in (0.5, 1.0))
    peak = double_power((OFFSETS, low), (OFFSETS, high), 0.5, 1.0)
    assert peak.without_pcr == pytest.approx(peak.with_pcr, abs=1e-3)
    low, high = (scanned(1e-3, 110.0, b1) for b1 in (0.5, 1.0))
    peak = double_power((OFFSETS, low), (OFFSETS, high), 0.5, 1.0)
    assert peak.without_pcr > peak.with_pcr


@pytest.mark.parametrize("name", [*METHODS, "DSP"])
@pytest.mark.parametrize("sigma", [0.005, 0.001])
def test_the_stated_sd_is_the_scatter(name, sigma):
    """Noise realizations of one muscle spectrum scatter as the propagated SD says, within 20 %."""
    rng = np.random.default_rng(7)
    low, high = (np.repeat(muscle(b1), 400, axis=0) for b1 in (0.5, 1.0))
    low, high = (z + sigma * rng.standard_normal(z.shape) for z in (low, high))
    two = double_power((OFFSETS, low), (OFFSETS, high), 0.5, 1.0)
    peak = two if name == "DSP" else METHODS[name](OFFSETS, low)
    assert peak.converged.mean() > 0.97
    stated = np.sqrt(np.mean(peak.inverse_gain**2)) * sigma
    assert stated == pytest.approx(peak.inverse.std(), rel=0.2)


def test_every_uncertainty_reaches_fs():
    """Noise, R1 and the stated rate add in quadrature; against differences of the formula itself."""
    peak, sigma = peak_of(0.70, 0.72, gain=2.0), 0.002
    plain, exact = around(sigma=sigma), around()
    rex, rex_sd = exchange_rate_term(peak, plain)
    assert rex_sd == pytest.approx(2.0 * sigma * rex / peak.inverse, rel=1e-9)
    _, r1_sd = exchange_rate_term(peak_of(0.70, 0.72), around(r1_sd=0.03 / 1.6))
    assert r1_sd / rex == pytest.approx(0.03)
    fs, fs_sd = fraction_with_sd(rex, np.zeros(1), exact.b1_ut, 110.0, 1.0)
    step = (fraction(rex, 110.5, 0.5) - fraction(rex, 109.5, 0.5)) / 1.0
    assert fs_sd == pytest.approx(abs(step), rel=1e-3)
    assert fraction_with_sd(rex, rex_sd, exact.b1_ut, 110.0, 0.0)[1] / fs == pytest.approx(rex_sd / rex)


def test_the_curves_of_a_fit_add_up():
    z = muscle(0.5)
    peak = multi_pool(OFFSETS, z, POOL_SETS[6])
    c = peak.curves
    np.testing.assert_allclose(1 - sum(c.parts.values()), c.fit, atol=1e-12)
    np.testing.assert_allclose(c.without_pcr - c.parts["PCr"], c.fit, atol=1e-12)
    assert np.sqrt(np.mean((c.fit - z) ** 2)) == pytest.approx(peak.rms[0])


def test_plof_takes_the_window_that_the_scan_has():
    z = muscle(0.5, WINDOW)
    peak = polynomial_and_lines(WINDOW, z, 0.5, 4.7)
    assert peak.without_pcr > peak.with_pcr
    assert list(peak.curves.parts) == ["PCr"]
    with pytest.raises(MethodError, match="both sides of the peaks"):
        polynomial_and_lines(WINDOW[WINDOW > 2.4], z[:, WINDOW > 2.4], 0.5, 4.7)


def test_a_scan_of_the_pcr_region_gets_fewer_pools():
    """Neither the water dip nor NOE can be fitted where they are not sampled."""
    assert [p.name for p in pools_for(6, WINDOW)] == ["water", "amide", "PCr", "Cr", "MT"]
    assert pools_for(7, OFFSETS) == POOL_SETS[7]
    peak = multi_pool(WINDOW, muscle(0.5, WINDOW), pools_for(6, WINDOW))
    assert peak.without_pcr > peak.with_pcr
    assert peak.rms[0] < 2e-3
