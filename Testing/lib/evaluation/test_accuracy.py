"""Accuracy: what guesses and oracles must score, and that the text says what the numbers say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from PCrCESTLib.evaluation import accuracy
from PCrCESTLib.evaluation.accuracy import accuracy_scores, accuracy_section
from PCrCESTLib.evaluation.methods import Estimate, PriorMean
from PCrCESTLib.evaluation.outside import OUTSIDE, outside_set
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.evaluation.testsets import NOISE_LEVELS, BoundRow, reference_bound, reference_set
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.families import TRAINING_FAMILIES

PROTOCOL = named_protocol("rat-4.7T-dual")
TINY = Effort("tiny", n_spectra=300, n_animals=2, n_studies=2)


@dataclass(frozen=True)
class Oracle:
    """Knows the truth of the reference set up to a log-normal error of SD ``sd``."""

    sd: float
    name: str = "oracle"

    def estimate(self, spectra):
        n = len(spectra)
        clean = reference_set(PROTOCOL, n, np.random.default_rng(TINY.seed))
        error = np.exp(self.sd * np.random.default_rng(3).standard_normal((2, n)))
        sd = np.full(n, self.sd)
        return Estimate(clean.fs * error[0], clean.ksw * error[1], sd, sd)


@pytest.fixture(scope="module")
def scores():
    return accuracy_scores([Oracle(0.05), PriorMean()], PROTOCOL, TINY)[0]


def test_guessing_explains_nothing_and_is_far_above_the_bound_where_noise_is_low(scores):
    bounds = reference_bound(PROTOCOL)
    for quantity in ("fs", "ksw"):
        ratios = [
            scores["guessing the middle"][b.noise_sd][quantity].rmse / getattr(b, quantity) for b in bounds
        ]
        assert scores["guessing the middle"][0.0005][quantity].r2 == pytest.approx(0, abs=0.05)
        assert ratios == sorted(ratios)
        assert ratios[-1] > 5
        assert ratios[0] < 2


def test_an_oracle_scores_its_own_error_at_every_noise_level(scores):
    for noise in NOISE_LEVELS:
        for found in scores["oracle"][noise].values():
            assert found.relative_rmse == pytest.approx(0.05, rel=0.12)
            assert found.coverage90 == pytest.approx(0.90, abs=0.05)


def test_the_verdict_names_what_is_missed_and_who_is_better(scores):
    bounds = [BoundRow(noise, 0.02, 0.02) for noise in NOISE_LEVELS]
    missed = accuracy._verdict(scores, bounds, "fs")
    assert missed.count("missed") == len(NOISE_LEVELS)
    ratio = scores["oracle"][0.01]["fs"].rmse / 0.02
    assert f"{ratio:.2f}" in missed
    kept = accuracy._verdict(scores, [BoundRow(noise, 1.0, 1.0) for noise in NOISE_LEVELS], "fs")
    assert "smallest RMSE at every level" in kept
    turned = dict(reversed(scores.items()))
    assert "*oracle* is not worse" in accuracy._verdict(turned, bounds, "fs")


def test_the_section_has_every_method_level_and_muscle(monkeypatch):
    monkeypatch.setattr(accuracy, "OTHER_NOISE", (0.002,))
    section = accuracy_section([PriorMean(), PriorMean(name="another")], PROTOCOL, Effort("tiny", 40, 2, 2))
    assert set(section.scores["reference"]["another"]) == {f"{noise:g}" for noise in NOISE_LEVELS}
    assert {label.split(",")[0] for label in section.scores["other muscle"]} == {
        "outside",
        "realistic",
        "rich",
        "broad",
    }
    assert [name for name, _ in section.figures] == ["accuracy_over_bound.png", "accuracy_scatter.png"]
    assert section.text.count("\n| another |") == 4  # a row of both tables of both quantities
    assert "nan" not in section.text


def apart(a, b):
    return a.high < b.low or b.high < a.low


def test_outside_muscle_lies_outside_every_training_family():
    same_line = [f for f in TRAINING_FAMILIES if f.line_shape == OUTSIDE.line_shape]
    assert all(apart(OUTSIDE.semisolid_t2_s, f.semisolid_t2_s) for f in same_line)
    assert all(apart(OUTSIDE.semisolid_shift_ppm, f.semisolid_shift_ppm) for f in TRAINING_FAMILIES)
    for name in ("imidazole", "NOE -4.6"):
        stranger = next(p for p in OUTSIDE.pools if p.name == name)
        assert all(apart(stranger.shift_ppm, p.shift_ppm) for f in TRAINING_FAMILIES for p in f.pools), name
    second = next(p for p in OUTSIDE.pools if p.name == "second MT")
    assert all(apart(second.t2_s, p.t2_s) for f in TRAINING_FAMILIES for p in f.pools)
    clean = outside_set(PROTOCOL, 50, np.random.default_rng(0))
    assert np.all((clean.fs >= 0.5e-3) & (clean.fs <= 1.5e-3))
    assert np.all((clean.z >= 0) & (clean.z <= 1))
