"""Lorentzians in, Lorentzians out; and the same optimum as scipy's on noisy spectra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.fitting.multipool import fit_pools
from PCrCESTLib.fitting.pools import POOL_SETS

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


def test_scipy_finds_no_better_optimum_from_the_same_start():
    pools = POOL_SETS[6]
    z, _, _ = spectra(12, 6, np.random.default_rng(2), noise=0.005)
    fit = fit_pools(OFFSETS, z, pools)
    start, low, high = (
        np.array([getattr(p, name)[k] for name in ("height", "position_ppm", "width_ppm") for p in pools])
        for k in range(3)
    )

    def model(offsets, *x):
        height, place, width = np.array(x).reshape(3, -1)
        center = np.concatenate([place[:1], place[0] + place[1:]])
        return 1 - np.sum(height[:, None] / (1 + (2 * (offsets - center[:, None]) / width[:, None]) ** 2), axis=0)

    theirs = []
    for row in z:
        found, _ = curve_fit(model, OFFSETS, row, start, bounds=(low, high), max_nfev=5000)
        theirs.append(np.sum((model(OFFSETS, *found) - row) ** 2))
    ours = fit.rms**2 * len(OFFSETS)
    assert np.median(ours / theirs) <= 1 + 1e-6
    assert np.mean(ours <= np.array(theirs) * (1 + 1e-6)) >= 0.75  # either may end in another valley


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


def test_a_spectrum_without_numbers_is_marked():
    z, _, _ = spectra(4, 5, np.random.default_rng(4))
    z[2] = np.nan
    fit = fit_pools(OFFSETS, z, POOL_SETS[5])
    assert fit.converged.tolist()[2] is False
    assert fit.converged[[0, 1, 3]].all()


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
