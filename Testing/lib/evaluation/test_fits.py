"""Fits as rows of the tables: they answer for every spectrum, at a stated exchange rate, and follow fs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.evaluation.fits import fits_for
from PCrCESTLib.evaluation.testsets import reference_bound, reference_set, scanned, source_of
from PCrCESTLib.fitting.peak import STATED_KSW_PER_S
from PCrCESTLib.methods.bloch_method import BlochMethod
from PCrCESTLib.models.typical import typical_t1
from PCrCESTLib.physics.library import reference_muscle
from PCrCESTLib.physics.prior import default_prior
from PCrCESTLib.protocols import named_protocol

DUAL = named_protocol("rat-4.7T-dual")
FITS = {fit.key: fit for fit in fits_for(DUAL)}


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(5)
    clean = reference_set(DUAL, 300, rng)
    return clean, scanned(source_of(DUAL), clean, 0.0005, rng)


def test_what_needs_two_powers_is_offered_with_two():
    assert list(FITS) == ["mtrasym", "ld", "mplf", "plof", "arex", "dsp"]
    assert "dsp" not in [fit.key for fit in fits_for(named_protocol("rat-4.7T-0.25uT"))]


@pytest.mark.parametrize("key", FITS)
def test_every_fit_follows_fs_and_keeps_the_stated_rate(key, spectra):
    clean, scan = spectra
    estimate = FITS[key].estimate(scan)
    assert estimate.fs.shape == clean.fs.shape
    assert np.isfinite(estimate.fs).all()
    assert np.all(estimate.ksw == STATED_KSW_PER_S)
    assert np.corrcoef(estimate.fs, clean.fs)[0, 1] > 0.45


def test_an_unknown_r1_is_taken_as_typical_of_the_field(spectra):
    _, scan = spectra
    r1 = np.full(len(scan), 1 / typical_t1(4.7))
    known, unknown = (
        FITS["mtrasym"].method.estimate(replace(scan, r1_obs=r)) for r in (r1, np.full(len(scan), np.nan))
    )
    np.testing.assert_allclose(unknown.fs, known.fs)
    assert np.all(unknown.fs_sd > known.fs_sd)


def test_the_fit_of_the_physics_reaches_the_bound_with_honest_intervals(spectra):
    """On the muscle it takes for granted: RMSE within 20 % of the Cramér–Rao bound, 90 % intervals hold 82 to 96 %."""
    clean, scan = spectra
    tissue = reference_muscle()
    estimate = BlochMethod(DUAL, tissue, default_prior(tissue)).estimate(scan.rows(slice(0, 150)))
    bound = next(b for b in reference_bound(DUAL) if b.noise_sd == 0.0005)
    for name, limit in (("fs", bound.fs), ("ksw", bound.ksw)):
        truth, found, sd = getattr(clean, name)[:150], getattr(estimate, name), getattr(estimate, f"{name}_sd")
        assert np.sqrt(np.mean((found - truth) ** 2)) / truth.mean() < 1.2 * limit
        assert 0.82 < np.mean(np.abs(np.log(found / truth)) < 1.645 * sd / found) < 0.96
