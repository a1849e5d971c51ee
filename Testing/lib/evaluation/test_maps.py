"""Maps of a digital leg: a method that knows the truth has no error, and all methods see the same voxels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from PCrCESTLib.evaluation.maps import NOISE_SD, maps_section, scanned_leg
from PCrCESTLib.evaluation.methods import Estimate, PriorMean
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.protocols import named_protocol

PROTOCOL = named_protocol("rat-4.7T-dual")
TINY = Effort("tiny", n_spectra=10, n_animals=2, n_studies=2)


@pytest.fixture(scope="module")
def leg():
    return scanned_leg(PROTOCOL, TINY)


@dataclass(frozen=True)
class Oracle:
    """Knows the truth of one leg."""

    fs: np.ndarray
    ksw: np.ndarray
    name: str = "oracle"
    seen: list = field(default_factory=list)

    def estimate(self, spectra):
        self.seen.append(spectra)
        return Estimate(self.fs, self.ksw, np.full(len(self.fs), 0.1), np.full(len(self.fs), 0.1))


def test_the_leg_is_prepared_from_its_images(leg):
    spectra = leg.voxels.spectra
    assert len(spectra) == len(leg.fs) == np.count_nonzero(leg.phantom.labels)
    assert np.median(spectra.sigma) == pytest.approx(NOISE_SD, rel=0.35)
    np.testing.assert_allclose(spectra.b0_ppm, leg.phantom.b0_ppm[leg.voxels.mask], atol=0.06)


def test_the_truth_has_no_error_and_the_guess_has_one(leg):
    oracle = Oracle(leg.fs, leg.ksw)
    section = maps_section([oracle, PriorMean()], PROTOCOL, TINY)
    perfect, guess = section.scores["methods"]
    assert perfect["fs"]["rmse"] == perfect["ksw"]["rmse"] == 0
    assert perfect["fs"]["coverage90"] == 1
    assert guess["fs"]["rmse"] > 0.05
    assert "–" in section.text.split("guessing the middle")[1]  # no interval without uncertainty
    ((name, figure),) = section.figures
    assert name == "maps.png"
    titles = [axes.get_title() for axes in figure.axes]
    assert titles.count("oracle") == titles.count("truth") == 2
