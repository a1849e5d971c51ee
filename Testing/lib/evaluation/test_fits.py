"""Fits as rows of the tables: they answer for every spectrum, at a stated exchange rate, and follow fs."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.evaluation.fits import STATED_KSW_PER_S, fits_for
from PCrCESTLib.evaluation.testsets import reference_set, scanned, source_of
from PCrCESTLib.protocols import named_protocol

DUAL = named_protocol("rat-4.7T-dual")
FITS = {fit.name: fit for fit in fits_for(DUAL.field_t, DUAL.powers_ut)}


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(5)
    clean = reference_set(DUAL, 300, rng)
    return clean, scanned(source_of(DUAL), clean, 0.0005, rng)


def test_what_needs_two_powers_is_offered_with_two():
    assert list(FITS) == ["MTR asymmetry", "Lorentzian difference", "six-pool Lorentzian fit", "PLOF", "DSP"]
    assert "DSP" not in [fit.name for fit in fits_for(4.7, (0.25,))]


@pytest.mark.parametrize("name", FITS)
def test_every_fit_follows_fs_and_keeps_the_stated_rate(name, spectra):
    clean, scan = spectra
    estimate = FITS[name].estimate(scan)
    assert estimate.fs.shape == clean.fs.shape
    assert np.isfinite(estimate.fs).all()
    assert np.all(estimate.ksw == STATED_KSW_PER_S)
    assert np.corrcoef(estimate.fs, clean.fs)[0, 1] > 0.45


def test_an_unknown_r1_is_taken_as_typical(spectra):
    from dataclasses import replace

    _, scan = spectra
    known = FITS["MTR asymmetry"].estimate(replace(scan, r1_obs=np.full(len(scan), 0.62))).fs
    unknown = FITS["MTR asymmetry"].estimate(replace(scan, r1_obs=np.full(len(scan), np.nan))).fs
    np.testing.assert_allclose(unknown, known)
