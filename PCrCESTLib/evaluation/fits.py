"""Fits as rows of the tables: a peak at 2.6 ppm, turned into fs at a stated exchange rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.evaluation.methods import Estimate, Method
from PCrCESTLib.fitting.peak import exchange_term, fraction
from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.fitting.references import (
    Pair,
    asymmetry,
    at,
    double_power,
    lorentzian_difference,
    multi_pool,
    polynomial_and_lines,
)
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.models.typical import FM
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.preparation.b0 import align

STATED_KSW_PER_S = 110.0  # the middle of the reference paper's range
TYPICAL_R1_PER_S = 0.62


def _six_pools(offsets_ppm: np.ndarray, z: np.ndarray) -> Pair:
    return multi_pool(offsets_ppm, z, POOL_SETS[6])


@dataclass(frozen=True)
class PeakFit:
    """A way to find the peak at the lowest power; ``reference`` gives Z with and without it."""

    name: str
    field_t: float
    powers_ut: tuple[float, ...]
    reference: Callable[[np.ndarray, np.ndarray], Pair]

    def estimate(self, spectra: Spectra) -> Estimate:
        """Fit every spectrum; ksw is what was stated."""
        z = align(spectra.z[0], spectra.offsets_ppm[0], spectra.b0_ppm, spectra.offsets_ppm[0])
        lab, without = self.reference(spectra.offsets_ppm[0], z.astype(float))
        return _estimate(lab, without, spectra, self.powers_ut[0], self.field_t)


@dataclass(frozen=True)
class DoublePower:
    """DSP: the higher power as reference of the lower one."""

    field_t: float
    powers_ut: tuple[float, ...]
    name: str = "DSP"

    def estimate(self, spectra: Spectra) -> Estimate:
        """Compare the two powers at 2.6 ppm."""
        low, high = (
            at(offsets, align(z, offsets, spectra.b0_ppm, offsets), PCR_PPM)
            for z, offsets in zip(spectra.z[:2], spectra.offsets_ppm[:2], strict=True)
        )
        without = double_power(low, high, *self.powers_ut[:2])
        return _estimate(low, without, spectra, self.powers_ut[0], self.field_t)


def _estimate(
    lab: np.ndarray, without: np.ndarray, spectra: Spectra, b1_ut: float, field_t: float
) -> Estimate:
    r1 = np.where(np.isfinite(spectra.r1_obs), spectra.r1_obs, TYPICAL_R1_PER_S)
    rex = exchange_term(lab, without, r1, b1_ut, field_t, FM)
    return Estimate(fraction(rex, STATED_KSW_PER_S, b1_ut), np.full(len(rex), STATED_KSW_PER_S))


def fits_for(field_t: float, powers_ut: tuple[float, ...]) -> list[Method]:
    """Return all fits that a protocol allows."""

    def plof(offsets_ppm: np.ndarray, z: np.ndarray) -> Pair:
        return polynomial_and_lines(offsets_ppm, z, powers_ut[0], field_t)

    fits: list[Method] = [
        PeakFit(name, field_t, powers_ut, reference)
        for name, reference in (
            ("MTR asymmetry", asymmetry),
            ("Lorentzian difference", lorentzian_difference),
            ("six-pool Lorentzian fit", _six_pools),
            ("PLOF", plof),
        )
    ]
    return [*fits, DoublePower(field_t, powers_ut)] if len(powers_ut) > 1 else fits
