"""The predicted spectrum is the measured one when the estimate is right, and leaves it when it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from PCrCESTLib.contribution import inverse_z_of_pcr
from PCrCESTLib.evaluation.testsets import reference_set, scanned, source_of
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import predict
from PCrCESTLib.models.registry import find_model
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.report.predictive import (
    BAND,
    contribution_at_peak,
    draw,
    log_variance,
    misfit_over_noise,
    predictions,
)
from PCrCESTLib.report.result import read_result
from PCrCESTLib.report.spectra import spectra_section
from PCrCESTLib.result_folder import CORRELATION


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


def test_nine_in_ten_bands_hold_the_true_contribution_and_without_the_correlation_they_are_wider():
    """Over reference muscle at the noise of a region; fs and ksw trade for each other, so independence exaggerates."""
    model = find_model("rat-4.7T-dual")
    protocol, rng = model.card.protocol, np.random.default_rng(3)
    clean = reference_set(protocol, 150, rng)
    p = predict(model, scanned(source_of(protocol), clean, 0.002, rng), NumpyBackend())
    peak, b1 = np.array([PCR_PPM]), protocol.powers_ut[0]

    def at_peak(fs, ksw):
        return inverse_z_of_pcr(peak, b1, protocol.field_t, protocol.saturation, fs, ksw)[:, 0]

    truth = at_peak(clean.fs, clean.ksw)
    held, width = {}, {}
    for known in (True, False):
        bands = []
        for i in range(len(truth)):
            fs, ksw = (
                SimpleNamespace(value=value[i], sd=sd[i]) for value, sd in ((p.fs, p.fs_sd), (p.ksw, p.ksw_sd))
            )
            drawn = draw(fs, ksw, p.log_correlation[i] if known else np.nan)
            bands.append(np.percentile(at_peak(*drawn), BAND))
        low, high = np.transpose(bands)
        held[known] = np.mean((low <= truth) & (truth <= high))
        width[known] = np.median((high - low) / truth)
    assert np.median(p.log_correlation) < -0.3
    assert 0.84 < held[True] < 0.95
    assert width[False] > 1.1 * width[True]


def test_draws_have_the_sd_and_the_correlation_they_are_drawn_from():
    fs, ksw = SimpleNamespace(value=1e-3, sd=3e-4), SimpleNamespace(value=100.0, sd=20.0)
    logs = np.log(draw(fs, ksw, -0.8))
    assert np.exp(logs[:, 0]) == pytest.approx([1e-3, 100])
    assert logs[:, 1:].std(axis=1) == pytest.approx(np.sqrt([log_variance(0.3), log_variance(0.2)]), rel=0.12)
    assert np.corrcoef(logs[:, 1:])[0, 1] == pytest.approx(-0.8, abs=0.06)
    s2 = log_variance(0.3)  # SD over median of a log-normal
    assert np.exp(s2 / 2) * np.sqrt(np.expm1(s2)) == pytest.approx(0.3)


def test_the_correlation_stands_in_the_record_and_below_the_figure(result, protocol, a_result):
    recorded = json.loads((a_result / "quantify.json").read_text(encoding="utf-8"))[CORRELATION]
    assert set(recorded) == set(result.roi_names())
    assert all(-1 < value < 0 for value in recorded.values())
    html = spectra_section(result, protocol).html
    assert "with the correlation of their errors" in html
    for value in recorded.values():
        assert f"{value:+.2f}".replace("-", "\u2212") in html


@pytest.mark.parametrize("recorded", [None, "much", {"soleus": -0.5}, {}])
def test_without_a_usable_correlation_the_band_is_said_to_assume_none(a_copy, protocol, recorded):
    path = a_copy / "quantify.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {CORRELATION: recorded}), encoding="utf-8")
    html = spectra_section(read_result(a_copy), protocol).html
    assert "taken as independent" in html
    assert "correlation of their errors (of" not in html
