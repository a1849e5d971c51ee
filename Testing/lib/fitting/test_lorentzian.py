"""Lines go in, the same lines come out."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting.lorentzian import Bounded, Line, dip, fit_lines, fixed, rates
from PCrCESTLib.synthesis.backgrounds import spin_lock_angle

OFFSETS = np.arange(-10, 10.01, 0.125)
ONE_PERCENT = np.full(len(OFFSETS), 0.01)
TRUTH = {"water": (0.9, 0.0, 1.5), "MT": (0.1, -1.5, 30.0), "PCr": (0.04, 2.6, 0.5), "NOE": (0.06, -3.4, 3.0)}


def true_sum(offsets: np.ndarray) -> np.ndarray:
    return sum(a / (1 + (2 * (offsets - c) / w) ** 2) for a, c, w in TRUTH.values())


def loose_lines() -> list[Line]:
    """Starting values wrong by a factor, limits wide."""
    return [
        Line(name, Bounded(0.5 * a, 0, 2), Bounded(c + 0.1, c - 1, c + 1), Bounded(1.5 * w, 0.2 * w, 3 * w))
        for name, (a, c, w) in TRUTH.items()
    ]


def test_the_lines_of_a_dip_spectrum_are_found():
    fit = fit_lines(OFFSETS, 1 - true_sum(OFFSETS), ONE_PERCENT, loose_lines())
    np.testing.assert_allclose(
        np.stack([fit.amplitude, fit.center_ppm, fit.fwhm_ppm]).T, [*TRUTH.values()], atol=1e-4
    )
    np.testing.assert_allclose(fit.residual, 0, atol=1e-6)
    np.testing.assert_allclose(
        fit.curve(OFFSETS, "PCr", "NOE"), fit.curve(OFFSETS) - fit.curve(OFFSETS, "water", "MT"), atol=1e-12
    )


def test_rates_add_up_in_the_inverse_of_z_and_water_is_a_line_as_wide_as_b1():
    """Z of water with R2w alone, R1·cos²θ/(R1·cos²θ + R2w·sin²θ), is fitted exactly by one line of FWHM 2·B1/B0."""
    r1, r2w, b1, field = 0.65, 30.0, 0.8, 4.7
    cos2, sin2 = spin_lock_angle(OFFSETS, np.full(len(OFFSETS), b1), field)
    z = r1 * cos2 / (r1 * cos2 + r2w * sin2)
    water = Line("water", Bounded(10.0, 1.0, 100.0), fixed(0.0), fixed(2 * b1 / field))
    fit = fit_lines(OFFSETS, z, ONE_PERCENT, [water], rates(r1 * cos2))
    assert fit.amplitude[0] == pytest.approx(r2w, rel=1e-5)
    assert fit.fwhm_ppm[0] == 2 * b1 / field
    np.testing.assert_allclose(fit.residual, 0, atol=1e-5)


@pytest.mark.parametrize("link", [dip, rates(np.full(len(OFFSETS), 0.6))], ids=["dip", "rates"])
def test_links_state_their_own_slope(link):
    total = true_sum(OFFSETS)
    step = 1e-6
    slope = (link(total + step)[0] - link(total - step)[0]) / (2 * step)
    np.testing.assert_allclose(link(total)[1], slope, rtol=1e-6)


def test_limits_hold_where_the_spectrum_wants_otherwise():
    lines = [
        Line("dip", Bounded(0.1, 0.0, 0.3), Bounded(0.5, 0.4, 0.8), Bounded(2.0, 1.0, 4.0)),
    ]
    fit = fit_lines(OFFSETS, 1 - true_sum(OFFSETS), ONE_PERCENT, lines)
    assert fit.amplitude[0] == pytest.approx(0.3, abs=1e-6)
    assert fit.center_ppm[0] == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize(("sd", "expected"), [(0.002, 0.02), (10.0, 0.04)])
def test_what_is_known_beforehand_counts_against_the_noise(sd, expected):
    """Two lines in one place: the sum is seen, the shares come from what is known."""
    center, width = fixed(2.6), fixed(0.5)
    z = 1 - 0.06 / (1 + (2 * (OFFSETS - 2.6) / 0.5) ** 2)
    lines = [
        Line("usual", Bounded(0.02, 0.0, 1.0, sd), center, width),
        Line("other", Bounded(0.02, 0.0, 1.0, sd if sd > 1 else float("inf")), center, width),
    ]
    fit = fit_lines(OFFSETS, z, np.full(len(OFFSETS), 1e-4), lines)
    assert fit.amplitude.sum() == pytest.approx(0.06, abs=1e-4)
    assert fit.amplitude[0] == pytest.approx(min(expected, 0.03), abs=5e-4)


def test_more_parameters_than_offsets_are_refused():
    few = OFFSETS[::20]
    with pytest.raises(PCrCESTError, match="cannot determine 12 parameters"):
        fit_lines(few, 1 - true_sum(few), np.full(len(few), 0.01), loose_lines())
