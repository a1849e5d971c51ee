"""Digital PCr solutions follow chemistry, and the section says who measures them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from PCrCESTLib.evaluation.gel import CONCENTRATIONS_MM, PH_VALUES, gel_solution, simulate_solutions
from PCrCESTLib.evaluation.methods import Estimate, PriorMean
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.evaluation.solutions import agreement, follows_ph, solutions_section
from PCrCESTLib.physics.concentration import concentration_from_fraction
from PCrCESTLib.protocols import named_protocol

PROTOCOL = named_protocol("rat-4.7T-dual")
TINY = Effort("tiny", n_spectra=10, n_animals=2, n_studies=2)


@pytest.fixture(scope="module")
def solutions():
    return simulate_solutions(PROTOCOL, np.random.default_rng(0))


def test_fractions_are_the_concentrations(solutions):
    found = np.unique(concentration_from_fraction(solutions.clean.fs, 2.0).round(6))
    np.testing.assert_allclose(found, CONCENTRATIONS_MM)


def test_base_catalysis_gives_a_decade_of_ksw_a_unit_of_ph(solutions):
    for temperature in (37.0, 22.0):
        assert follows_ph(solutions.clean.ksw, solutions, temperature) == pytest.approx(1.0)


def test_cold_slows_the_exchange(solutions):
    warm, cold = (solutions.clean.ksw[solutions.temperature_c == t] for t in (37.0, 22.0))
    assert np.all(cold < warm / 3)


def test_more_pcr_means_less_signal_at_its_frequency():
    from PCrCESTLib.physics import z_spectra

    tissue = gel_solution(np.array(CONCENTRATIONS_MM), PH_VALUES[2], 37.0)
    z = z_spectra(tissue, PROTOCOL.saturation, np.array([2.6]), 0.5, PROTOCOL.field_t)[:, 0]
    assert np.all(np.diff(z) < 0)


def test_a_perfect_method_lies_on_the_line_of_identity():
    truth = np.linspace(1, 3, 9)
    perfect, constant = agreement(truth, truth), agreement(np.full(9, 2.0), truth)
    assert (perfect.slope, perfect.r2, perfect.rmse) == pytest.approx((1, 1, 0), abs=1e-9)
    assert (constant.slope, constant.r2) == pytest.approx((0, 0), abs=1e-9)
    assert agreement(2 * truth + 1, truth).r2 == pytest.approx(1)


@dataclass(frozen=True)
class Depth:
    """Takes the depth at 2.6 ppm for fs: concentration it sees, rates it does not."""

    name: str = "depth"

    def estimate(self, spectra):
        at = np.argmin(np.abs(spectra.offsets_ppm[0] - 2.6))
        return Estimate(1e-3 * (1 - spectra.z[0][:, at]), np.full(len(spectra), 100.0))


def test_the_section_tells_methods_apart():
    section = solutions_section([Depth(), PriorMean()], PROTOCOL, TINY)
    depth, nothing = section.scores["methods"]
    assert depth["fs, within training range"]["r2"] > 0.3 > nothing["fs, within training range"]["r2"]
    assert "depth: ksw does not follow pH" in section.text
    assert "assumed, not measured" in section.text
    assert [name for name, _ in section.figures] == ["solutions.png"]
