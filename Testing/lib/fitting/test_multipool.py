"""Lorentzians in, Lorentzians out; and the same optimum as scipy's on noisy spectra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting import multipool
from PCrCESTLib.fitting.multipool import fit_pools
from PCrCESTLib.fitting.pool_gain import curve_gain
from PCrCESTLib.fitting.pools import POOL_SETS, PoolBounds

OFFSETS = np.concatenate([[-20, -12, -9, -7, -6], np.arange(-5, 5.01, 0.125), [6, 7, 9, 12, 20]])


def spectra(n: int, n_pools: int, rng: np.random.Generator, noise: float = 0.0):
    """Sums of lines within the inner part of the bounds, with their heights and water frequency."""
    pools = POOL_SETS[n_pools]

    def inside(low, high):
        return low + (high - low) * rng.uniform(0.25, 0.75, n)

    shift = rng.uniform(-0.3, 0.3, n)
    total, heights = np.zeros((n, len(OFFSETS))), []
    for k, pool in enumerate(pools):
        height = rng.uniform(0.75, 0.9, n) if k == 0 else inside(pool.height[0] * 0.8, pool.height[0] * 2)
        place = shift + (inside(*pool.position_ppm[1:]) if k else 0)
        width = rng.uniform(0.8, 1.5, n) if k == 0 else inside(*pool.width_ppm[1:])
        total += height[:, None] / (1 + (2 * (OFFSETS - place[:, None]) / width[:, None]) ** 2)
        heights.append(height)
    return 1 - total + noise * rng.standard_normal(total.shape), np.array(heights).T, shift


@pytest.mark.parametrize("n_pools", [5, 6, 7])
def test_lines_in_lines_out(n_pools):
    """Without noise the sum is met, and with it what can be told apart: water, its frequency, and PCr."""
    z, heights, shift = spectra(200, n_pools, np.random.default_rng(1))
    fit = fit_pools(OFFSETS, z, POOL_SETS[n_pools])
    good = fit.rms < 1e-5
    assert good.mean() > 0.9
    assert np.abs(fit.b0_ppm - shift)[good].max() < 0.01
    assert np.abs(fit.of("PCr") - heights[:, 2])[good].max() < 0.005
    assert np.allclose(1 - fit.curve(OFFSETS)[good], z[good], atol=1e-4)


def scipy_fit(z, n_pools):
    """What curve_fit finds from the documented start: parameters and their covariance for noise of SD 1."""
    start, low, high = (
        np.array(
            [
                getattr(p, name)[k]
                for name in ("height", "position_ppm", "width_ppm")
                for p in POOL_SETS[n_pools]
            ]
        )
        for k in range(3)
    )
    return curve_fit(
        model, OFFSETS, z, start, np.ones(len(z)), absolute_sigma=True, bounds=(low, high), max_nfev=5000
    )


def model(offsets, *x):
    height, place, width = np.array(x).reshape(3, -1)
    center = np.concatenate([place[:1], place[0] + place[1:]])
    return 1 - np.sum(height[:, None] / (1 + (2 * (offsets - center[:, None]) / width[:, None]) ** 2), axis=0)


def test_scipy_finds_no_better_optimum():
    z, _, _ = spectra(12, 6, np.random.default_rng(2), noise=0.005)
    fit = fit_pools(OFFSETS, z, POOL_SETS[6])
    theirs = np.array([np.sum((model(OFFSETS, *scipy_fit(row, 6)[0]) - row) ** 2) for row in z])
    ours = fit.rms**2 * len(OFFSETS)
    assert fit.converged.all()
    assert np.mean(ours <= theirs * (1 + 1e-6)) > 0.9  # either may end in another valley


def separate(n, noise, rng):
    """Spectra of four lines that can be told apart, far from all bounds, and the pools to fit."""
    pools = [
        PoolBounds("water", (0.8, 0.2, 1.0), (0.0, -1.0, 1.0), (1.2, 0.3, 6.0)),
        PoolBounds("PCr", (0.1, 0.0, 0.5), (2.6, 2.2, 3.0), (0.6, 0.1, 2.0)),
        PoolBounds("NOE", (0.1, 0.0, 0.5), (-3.3, -3.9, -2.7), (1.5, 0.3, 4.0)),
    ]
    z = model(OFFSETS, 0.85, 0.15, 0.2, 0.05, 2.65, -3.2, 1.0, 0.7, 1.8)
    return z + noise * rng.standard_normal((n, len(OFFSETS))), pools


def test_the_gain_of_a_curve_gives_the_variance_of_scipy():
    """Where no parameter stands at a bound: gᵀCg with scipy's covariance C and a numerical gradient g at 2.7 ppm."""
    z, pools = separate(3, 0.004, np.random.default_rng(8))
    fit = fit_pools(OFFSETS, z, pools)
    here = np.array([2.7])
    for names in (("PCr",), ("water", "PCr", "NOE")):
        gain = curve_gain(fit, pools, OFFSETS, here[0], names)
        for i, row in enumerate(z):
            place = np.append(fit.b0_ppm[i], fit.position_ppm[i, 1:])
            x = np.concatenate([fit.height[i], place, fit.width_ppm[i]])
            _, covariance = curve_fit(model, OFFSETS, row, x, np.ones(len(row)), absolute_sigma=True)
            shown = np.tile([name in names for name in fit.names], 3)

            def curve(values, shown=shown):
                height = np.where(shown[:3], values[:3], 0)
                return 1 - model(here, *height, *values[3:])[0]

            step = 1e-6 * np.eye(9)
            gradient = np.array([(curve(x + d) - curve(x - d)) / 2e-6 for d in step])
            assert np.sum(gain[i] ** 2) == pytest.approx(gradient @ covariance @ gradient, rel=1e-3)


def test_the_gain_is_the_change_that_one_point_makes():
    """Lift one offset of one spectrum a little, fit again."""
    z, pools = separate(1, 0.0, np.random.default_rng(9))
    gain = curve_gain(fit_pools(OFFSETS, z, pools), pools, OFFSETS, 2.65, ("PCr",))[0]
    height = fit_pools(OFFSETS, z, pools).curve(np.array([2.65]), "PCr")[0, 0]
    for at in (np.argmin(np.abs(OFFSETS - 2.65)), np.argmin(np.abs(OFFSETS - 1.5))):
        lifted = z.copy()
        lifted[0, at] -= 1e-4  # more of 1 − Z
        change = fit_pools(OFFSETS, lifted, pools).curve(np.array([2.65]), "PCr")[0, 0] - height
        assert change / 1e-4 == pytest.approx(gain[at], abs=0.02)


def test_a_pool_that_starts_in_the_wrong_place_is_found():
    """At the documented start its line would only harm, and without height nothing pulls it elsewhere."""
    z, pools = separate(5, 0.001, np.random.default_rng(10))
    z += 0.02 / (1 + (2 * (OFFSETS - 4.8) / 0.4) ** 2) - 0.05 / (1 + (2 * (OFFSETS - 4.0) / 0.5) ** 2)
    fit = fit_pools(
        OFFSETS, z, [*pools, PoolBounds("late", (0.0, 0.0, 0.2), (4.8, 3.6, 5.0), (0.4, 0.3, 2.0))]
    )
    assert fit.of("late") == pytest.approx(np.full(5, 0.05), abs=0.01)
    assert fit.position_ppm[:, 3] == pytest.approx(np.full(5, 4.0), abs=0.1)


def test_bounds_hold():
    z, _, _ = spectra(50, 6, np.random.default_rng(3), noise=0.05)
    fit = fit_pools(OFFSETS, z, POOL_SETS[6])
    for k, pool in enumerate(POOL_SETS[6]):
        for values, (_, low, high) in (
            (fit.height[:, k], pool.height),
            (fit.width_ppm[:, k], pool.width_ppm),
            *(((fit.position_ppm[:, k], pool.position_ppm),) if k else ()),
        ):
            assert np.all((values >= low) & (values <= high)), pool.name


def test_too_few_offsets_are_refused():
    with pytest.raises(PCrCESTError, match="18 offsets cannot determine 6 pools"):
        fit_pools(np.linspace(-5, 5, 18), np.ones((2, 18)), POOL_SETS[6])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_a_spectrum_without_numbers_is_marked_and_harms_no_other(bad):
    z, _, _ = spectra(4, 5, np.random.default_rng(4), noise=0.003)
    alone = fit_pools(OFFSETS, z[[0, 1, 3]], POOL_SETS[5])
    z[2, 5] = bad
    fit = fit_pools(OFFSETS, z, POOL_SETS[5])
    assert fit.converged.tolist() == [True, True, False, True]
    for name in ("height", "position_ppm", "width_ppm", "b0_ppm", "rms"):
        values = getattr(fit, name)
        assert np.allclose(values[[0, 1, 3]], getattr(alone, name))
        assert np.isnan(values[2]).sum() >= values[2].size - 1  # water stands at 0 by definition


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, -3.0, 1e30, 1e150])
def test_a_flat_spectrum_gets_numbers_within_bounds_or_is_marked(value):
    fit = fit_pools(OFFSETS, np.full((2, len(OFFSETS)), value), POOL_SETS[6])
    low, high = ([p.height[k] for p in POOL_SETS[6]] for k in (1, 2))
    inside = np.all((fit.height >= low) & (fit.height <= high), axis=1) & np.isfinite(fit.rms)
    assert np.all(inside | ~fit.converged)


def test_running_out_of_steps_is_said(monkeypatch):
    z, _, _ = spectra(20, 6, np.random.default_rng(6), noise=0.01)
    monkeypatch.setattr(multipool, "ROUGH_STEPS", 1)
    monkeypatch.setattr(multipool, "FINE_STEPS", 2)
    fit = fit_pools(OFFSETS, z, POOL_SETS[6])
    assert not fit.converged.all()
    assert np.isfinite(fit.height).all()


def test_no_spectra_are_no_fits():
    fit = fit_pools(OFFSETS, np.empty((0, len(OFFSETS))), POOL_SETS[5])
    assert fit.height.shape == (0, 5)


def test_progress_rises_and_can_stop_the_fit():
    z, _, _ = spectra(1200, 5, np.random.default_rng(5))
    seen = []
    fit_pools(OFFSETS, z, POOL_SETS[5], seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1

    def stop(_fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_pools(OFFSETS, z, POOL_SETS[5], stop)
