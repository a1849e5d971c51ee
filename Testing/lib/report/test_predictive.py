"""The predicted spectrum is the measured one when the estimate is right, and leaves it when it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.report.predictive import contribution_at_peak, misfit_over_noise, predictions
from PCrCESTLib.report.result import read_result


@pytest.fixture(scope="module")
def result(a_result):
    return read_result(a_result)


@pytest.fixture(scope="module")
def protocol(result):
    return protocol_from_dict(result.record["protocol"])


def test_pcr_takes_most_at_2_6_ppm_within_its_band(result, protocol):
    for roi in result.roi_names():
        for prediction in predictions(result, protocol, roi):
            offset, effect, low, high = contribution_at_peak(prediction)
            assert offset == pytest.approx(2.6, abs=0.13)
            assert 0 < low < effect < high < 10


def test_a_wider_sd_makes_a_wider_band(result, protocol):
    roi = result.roi_names()[0]
    wider = replace(
        result, rows=tuple(replace(r, sd=3 * r.sd) if r.quantity == "fs" else r for r in result.rows)
    )
    bands = [contribution_at_peak(predictions(r, protocol, roi)[0]) for r in (result, wider)]
    assert bands[1][3] - bands[1][2] > 2 * (bands[0][3] - bands[0][2])


def test_the_prediction_fits_the_data_that_it_comes_from_better_than_one_without_pcr(result, protocol):
    roi = result.roi_names()[0]
    noise = result.spectra[0].noise_sd
    prediction = predictions(result, protocol, roi)[0]
    without = replace(
        prediction, predicted=np.where(np.isfinite(prediction.predicted), prediction.without_pcr, np.nan)
    )
    assert misfit_over_noise(prediction, noise) < 0.5 * misfit_over_noise(without, noise)
