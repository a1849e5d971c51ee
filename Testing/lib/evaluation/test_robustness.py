"""Disturbances do what their names say, and their cost is told against the same method undisturbed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.evaluation import robustness
from PCrCESTLib.evaluation.methods import Estimate, PriorMean
from PCrCESTLib.evaluation.robustness import (
    BAR,
    DISTURBANCES,
    USUAL,
    disturbed_scan,
    drift_factors,
    robustness_section,
    robustness_tables,
)
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.evaluation.testsets import source_of
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.families import REFERENCE, draw_muscle
from PCrCESTLib.synthesis.spectra import frames_of

PROTOCOL = named_protocol("rat-4.7T-dual")
TINY = Effort("tiny", n_spectra=40, n_animals=2, n_studies=2)
BY_NAME = {d.name: d for d in DISTURBANCES}
QUIET = 1e-5


@pytest.fixture(scope="module")
def source():
    return source_of(PROTOCOL)


def scan(name, source, noise=QUIET):
    rng = np.random.default_rng(1)
    draw = draw_muscle(REFERENCE, 30, rng)
    return disturbed_scan(replace(BY_NAME[name], noise_sd=noise), draw, source, rng), draw


def test_a_drift_of_two_percent_raises_the_last_frame_of_each_power_by_two_percent():
    factors = drift_factors(PROTOCOL, 0.02)
    _, b1_ut = frames_of(PROTOCOL)
    for power in PROTOCOL.powers_ut:
        of_power = factors[np.abs(b1_ut - power) < 0.01]
        assert of_power[-1] / of_power[0] == pytest.approx(1.02)
    assert np.all(drift_factors(PROTOCOL, 0.0) == 1)


def test_drift_reaches_the_spectra_in_the_order_of_acquisition(source):
    (usual, _), (drifted, _) = scan(USUAL, source), scan("M0 drift 2 %", source)
    offsets, _ = frames_of(PROTOCOL)
    first_is_lowest = offsets[0] < offsets[1]
    ratio = np.median(drifted.z[0] / usual.z[0], axis=0)[:: 1 if first_is_lowest else -1]
    assert ratio[[0, -1]] == pytest.approx([1, 1.02], abs=2e-4)


@pytest.mark.parametrize(("name", "shift"), [("B0 +0.5 ppm", 0.5), ("B0 −0.5 ppm", -0.5), (USUAL, 0.0)])
def test_water_is_found_where_b0_put_it(name, shift, source):
    spectra, _ = scan(name, source)
    np.testing.assert_allclose(spectra.b0_ppm, shift, atol=0.02)


def test_b1_is_told_only_with_a_map_and_changes_the_spectra_either_way(source):
    (usual, _), (unknown, _), (known, _) = (
        scan(name, source) for name in (USUAL, "B1 +25 %, not told", "B1 +25 %, B1 map")
    )
    assert np.all(np.isnan(unknown.relative_b1))
    assert np.all(known.relative_b1 == 1.25)
    np.testing.assert_array_equal(known.z[0], unknown.z[0])
    assert np.mean(known.z[0]) < np.mean(usual.z[0])  # more power saturates more


def test_a_wrong_r1_is_told_and_leaves_the_spectra_alone(source):
    (usual, _), (wrong, _) = scan(USUAL, source), scan("R1obs told 10 % too high", source)
    np.testing.assert_allclose(wrong.r1_obs / usual.r1_obs, 1.1)
    np.testing.assert_array_equal(wrong.z[1], usual.z[1])


@pytest.mark.parametrize(
    "name", ["MT line super-Lorentzian", "MT line Gaussian", "five more pools", "fat 20 %"]
)
def test_other_tissue_changes_the_spectra_more_than_the_noise_does(name, source):
    (usual, _), (other, _) = scan(USUAL, source), scan(name, source)
    assert np.sqrt(np.mean((other.z[0] - usual.z[0]) ** 2)) > 0.005


def test_fat_fills_the_water_dip(source):
    (usual, _), (fat, _) = scan(USUAL, source), scan("fat 20 %", source)
    assert np.all(fat.z[0].min(axis=1) > usual.z[0].min(axis=1) + 0.05)


def test_rician_noise_lifts_what_is_nearly_zero_and_normal_noise_does_not(source):
    (rician, _), (normal, _) = (scan(f"noise 0.01, {kind}", source, 0.05) for kind in ("Rician", "normal"))
    assert rician.z[1].min() >= 0 > normal.z[1].min()
    assert rician.z[1].min(axis=1).mean() > normal.z[1].min(axis=1).mean() + 0.03


class Depth:
    """Takes the depth at 2.6 ppm of the given axis for fs: trusts B0, so a shift must cost it."""

    name = "depth"

    def estimate(self, spectra):
        at = np.argmin(np.abs(spectra.offsets_ppm[0] - 2.6))
        return Estimate(1e-3 * (1 - spectra.z[0][:, at]) / 0.2, np.full(len(spectra), 100.0))


def test_a_guess_costs_nothing_under_any_disturbance_and_a_naive_method_pays_for_a_shift():
    tables = robustness_tables([PriorMean(), Depth()], PROTOCOL, TINY)
    for table in tables.values():
        assert set(table) == set(BY_NAME)
        assert len({row["guessing the middle"] for row in table.values()}) == 1
    assert tables["fs"]["B0 −0.5 ppm"]["depth"] != tables["fs"][USUAL]["depth"]


def test_the_text_names_what_grows_beyond_the_bar():
    table = {d.name: {"ours": 0.10} for d in DISTURBANCES}
    assert f"stays within {BAR:g}" in robustness._verdict(table, "ours", "fs")
    table["fat 20 %"] = {"ours": 0.20}
    assert "fat 20 % (2.00)" in robustness._verdict(table, "ours", "fs")
    table["fat 20 %"], table["noise 0.01, normal"] = {"ours": 0.10}, {"ours": 0.20}
    assert "Rician" not in robustness._verdict(
        table, "ours", "fs"
    )  # judged against normal noise of the same SD


def test_the_section_shows_both_quantities():
    section = robustness_section([PriorMean()], PROTOCOL, TINY)
    assert set(section.scores) == {"fs_rmse", "ksw_rmse"}
    assert [name for name, _ in section.figures] == ["robustness.png"]
