"""The digital ALS study finds what is there, as often as statistics allows, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from PCrCESTLib.evaluation.als_study import EFFECTS, als_section, significant
from PCrCESTLib.evaluation.animals import (
    MUSCLES,
    N_VOXELS,
    VOXEL_NOISE_SD,
    draw_animals,
    mean_spectra,
    region_estimate,
)
from PCrCESTLib.evaluation.methods import Estimate, PriorMean
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.evaluation.testsets import source_of
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

PROTOCOL = named_protocol("rat-4.7T-dual")
TINY = Effort("tiny", n_spectra=10, n_animals=2, n_studies=30)


def studies(n_bank, size, n_studies, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(n_bank)[: 2 * size] for _ in range(n_studies)])


def bank(n, effect, error, seed):
    """An oracle with a relative measurement error, on animals that vary by 12 %."""
    truth = 1e-3 * np.exp(np.random.default_rng(7).normal(0, 0.12, n))
    return truth * (1 - effect) * (1 + error * np.random.default_rng(seed).standard_normal(n))


def test_without_an_effect_five_percent_of_the_studies_are_significant():
    n = 4000
    share = significant(bank(400, 0, 0.02, 1), bank(400, 0, 0.02, 1), studies(400, 10, n))
    low, high = stats.binom.interval(0.999, n, 0.05)
    assert low <= share.found <= high


def test_a_smaller_error_gives_more_power_and_a_larger_effect_too():
    def power(effect, error):
        return significant(
            bank(400, 0, error, 1), bank(400, effect, error, 2), studies(400, 10, 500), lower_only=True
        ).value

    assert power(0.15, 0.02) > power(0.15, 0.3) + 0.2
    assert power(0.2, 0.02) > power(0.1, 0.02) + 0.2


def test_the_power_agrees_with_theory():
    size, effect = 10, 0.15
    share = significant(
        bank(4000, 0, 0, 1), bank(4000, effect, 0, 1), studies(4000, size, 2000), lower_only=True
    )
    distance = -np.log(1 - effect) / 0.12 / np.sqrt(2 / size)
    expected = stats.nct.sf(stats.t.isf(0.025, 2 * size - 2), 2 * size - 2, distance)
    assert share.value == pytest.approx(expected, abs=0.04)


def test_a_method_that_always_answers_the_same_finds_nothing():
    constant = np.full(100, 1.1e-3)
    assert significant(constant, constant.copy(), studies(100, 5, 50)).found == 0


def test_the_mean_spectrum_is_that_of_the_muscle():
    animals = draw_animals(MUSCLES[0], 3, np.random.default_rng(3))
    means = mean_spectra(animals, PROTOCOL, source_of(PROTOCOL), np.random.default_rng(4))
    tissue = muscle_tissue(
        animals.fs, animals.ksw, animals.t1_s, animals.t2_s, animals.fm, family="reference"
    )
    grid = means.offsets_ppm[1]
    exact = z_spectra(
        tissue, PROTOCOL.saturation, grid, 1.0, PROTOCOL.field_t, relative_b1=animals.relative_b1
    )
    near = np.abs(grid - 2.6) < 1.0
    # B1 differs by 2 % (SD) between the places of an animal, which leaves more than the noise of the mean.
    np.testing.assert_allclose(means.z[1][:, near], exact[:, near], atol=0.015)
    np.testing.assert_allclose(means.sigma, VOXEL_NOISE_SD / np.sqrt(N_VOXELS))


@dataclass(frozen=True)
class PeakHeight:
    """A model-free method: how deep Z is at 2.6 ppm between its flanks."""

    name: str = "peak height"

    def estimate(self, spectra):
        z, at = spectra.z[0], [np.argmin(np.abs(spectra.offsets_ppm[0] - o)) for o in (2.25, 2.625, 3.0)]
        height = (z[:, at[0]] + z[:, at[2]]) / 2 - z[:, at[1]]
        return Estimate(height, np.full(len(z), 100.0))


def test_methods_that_are_not_ours_get_the_same_mean_spectra():
    animals = draw_animals(MUSCLES[1], 4, np.random.default_rng(3))
    means = mean_spectra(animals, PROTOCOL, source_of(PROTOCOL), np.random.default_rng(4))
    np.testing.assert_array_equal(region_estimate(PeakHeight(), means).fs, PeakHeight().estimate(means).fs)


def test_the_section_reports_every_method_and_a_figure():
    section = als_section([PeakHeight(), PriorMean()], PROTOCOL, TINY)
    for rows in section.scores.values():
        assert [row["method"] for row in rows] == ["the true fs", "peak height", "guessing the middle"]
        truth, _, nothing = rows
        assert truth["power"]["0.2"]["share"] >= truth["power"]["0.05"]["share"]
        assert truth["largest_effect_seen_as"] == pytest.approx(EFFECTS[-1])
        assert nothing["smallest_effect_found"] is None
    assert "peak height" in section.text
    assert [name for name, _ in section.figures] == ["als_power.png"]
