"""The point of symmetry of a WASSR spectrum is the water frequency."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.preparation.wassr import find_water_center
from PCrCESTLib.saturation import Saturation

OFFSETS, FINE = np.arange(-1, 1.01, 0.1), np.arange(-1, 1.01, 0.05)
B0_PPM = np.linspace(-0.5, 0.5, 301)


def dips(b0_ppm=B0_PPM, b1_ut=0.1, field_t=4.7, offsets=OFFSETS):
    tissue = Tissue(
        Water(1.6, 0.03),
        (Pool("PCr", 2.6, 7e-4, 110.0, 1.5, 0.01), Pool("Cr", 2.0, 1.5e-3, 500.0, 1.5, 0.01)),
        SemisolidPool(0.1, 25.0, 1.5, 1e-5),
    )
    return np.asarray(z_spectra(tissue, Saturation(0.5), offsets, b1_ut, field_t, b0_shift_ppm=b0_ppm))


def magnitude(z, sd, seed=0):
    rng = np.random.default_rng(seed)
    return np.hypot(z + rng.normal(0, sd, z.shape), rng.normal(0, sd, z.shape))


@pytest.mark.parametrize(("b1_ut", "field_t"), [(0.1, 3.0), (0.1, 4.7), (0.2, 9.4)])
def test_the_center_is_within_a_hundredth_of_a_ppm_at_snr_100(b1_ut, field_t):
    z = dips(b1_ut=b1_ut, field_t=field_t)
    found = find_water_center(730 * magnitude(z, 0.01), OFFSETS)
    assert found.found.all()
    assert np.max(np.abs(found.shift_ppm - B0_PPM)) < 0.01
    assert np.sqrt(np.mean((found.shift_ppm - B0_PPM) ** 2)) < 0.003


def test_the_stated_sd_is_the_scatter():
    found = find_water_center(magnitude(dips(offsets=FINE), 0.03), FINE)
    error = found.shift_ppm - B0_PPM
    assert np.sqrt(np.mean(error**2) / np.mean(found.sd_ppm**2)) == pytest.approx(1, abs=0.2)


def test_the_center_agrees_with_a_lorentzian_fitted_by_scipy():
    z = magnitude(dips(offsets=FINE)[::20], 0.01)
    ours = find_water_center(z, FINE).shift_ppm
    for spectrum, center in zip(z, ours, strict=True):
        theirs, _ = curve_fit(
            lambda x, top, depth, width, c: top - depth / (1 + ((x - c) / width) ** 2),
            FINE, spectrum, [1.0, 0.9, 0.2, FINE[np.argmin(spectrum)]],
        )  # fmt: skip
        assert center == pytest.approx(theirs[3], abs=0.006)


def test_no_unsaturated_image_no_order_and_no_single_visit_is_needed():
    order = np.random.default_rng(1).permutation(2 * len(OFFSETS))
    twice = np.tile(OFFSETS, 2)[order]
    z = np.tile(dips(), (1, 2))[:, order]
    found = find_water_center(z * 1e4, twice)
    np.testing.assert_allclose(found.shift_ppm, B0_PPM, atol=0.005)


def test_a_double_dip_of_strong_pulses_is_symmetric_too():
    """Oscillating saturation leaves no Lorentzian, but a symmetric shape."""
    shape = 1 - 0.8 * np.exp(-(((np.abs(FINE - B0_PPM[:, None]) - 0.15) / 0.12) ** 2))
    found = find_water_center(shape, FINE)
    inner = np.abs(B0_PPM) < 0.4
    np.testing.assert_allclose(found.shift_ppm[inner], B0_PPM[inner], atol=0.005)


def test_spectra_without_a_whole_dip_have_no_center():
    rng = np.random.default_rng(2)
    flat = 1 + rng.normal(0, 0.01, (30, len(OFFSETS)))
    beyond = dips(np.linspace(1.05, 1.6, 30))
    broken = np.where(np.arange(len(OFFSETS)) == 3, np.nan, dips(np.zeros(2)))
    nothing = np.zeros((2, len(OFFSETS)))
    found = find_water_center(np.vstack([flat, beyond, broken, nothing]), OFFSETS)
    assert not found.found.any()
    assert np.isnan(found.shift_ppm).all()


@pytest.mark.parametrize(
    ("offsets", "words"),
    [
        (OFFSETS[1:], "20 offsets for 21 images"),
        (np.linspace(0.1, 2.1, 21), "both sides of water"),
        (np.tile([-0.2, 0.0, 0.2], 7), "3 different offsets"),
    ],
)
def test_offsets_that_cannot_show_the_symmetry_are_refused(offsets, words):
    with pytest.raises(ProtocolError, match=words):
        find_water_center(dips(), offsets)
