"""Estimates of a region: what multiplies, what averages, and that the comparison names the best."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.evaluation import regions
from PCrCESTLib.evaluation.regions import Region, regions_section
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.models.registry import find_model


@pytest.fixture(scope="module")
def model():
    return find_model("rat-4.7T-dual")


def test_a_product_of_equal_posteriors_is_narrower_and_at_the_same_place_when_the_prior_says_nothing(model):
    sd = 0.1 * model.log_sd
    part = Region(model.log_mean.astype(float), np.diag(sd.astype(float) ** 2))
    joined = regions._product([part] * 4, model)
    np.testing.assert_allclose(joined.mean, model.log_mean, rtol=1e-6)
    # Precision of four likelihoods and one prior: 4/0.01 − 3 in units of the prior's.
    np.testing.assert_allclose(np.sqrt(np.diag(joined.covariance)) / model.log_sd, (4 / 0.01 - 3) ** -0.5, rtol=1e-5)


def test_the_mean_spectrum_beats_the_mean_of_voxels_on_muscle_of_the_reference(model):
    section = regions_section(model, model.card.protocol, Effort("tiny", 400, 4, 4))
    ksw = {name: errors[1] for name, errors in section.scores["reference"].items()}
    assert ksw["B0-aligned mean spectrum"] < ksw["mean of voxels"]
    for name, _ in regions.ESTIMATORS:
        assert name in section.text
