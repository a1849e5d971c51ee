"""Unusual spectra are what they are called; the bundled model flags them and leaves muscle in peace."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.evaluation import unusual
from PCrCESTLib.evaluation.mistakes import CASES, SWAPPED, Case, cases_of, muscle_frames, reference_tissues
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.evaluation.testsets import source_of
from PCrCESTLib.evaluation.unusual import Detection, detected, unusual_section
from PCrCESTLib.models.registry import find_model
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.spectra import frames_of

PROTOCOL = named_protocol("rat-4.7T-dual")
TINY = Effort("tiny", n_spectra=400, n_animals=2, n_studies=2)


@pytest.fixture(scope="module")
def source():
    return source_of(PROTOCOL)


@pytest.fixture(scope="module")
def model():
    return find_model("rat-4.7T-dual")


def frames(name, source, n=20):
    return source.blocks(CASES[name].frames(source, n, np.random.default_rng(2), reference_tissues))


def muscle(source, n=20):
    return source.blocks(muscle_frames(source, n, np.random.default_rng(2), reference_tissues))


def test_swapping_exchanges_the_powers_and_one_power_cannot_be_swapped(source):
    (low, high), (swapped_low, swapped_high) = muscle(source), frames(SWAPPED, source)
    np.testing.assert_array_equal(swapped_low, high)
    np.testing.assert_array_equal(swapped_high, low)
    assert SWAPPED in cases_of(PROTOCOL)
    assert SWAPPED not in cases_of(named_protocol("rat-4.7T-0.25uT"))


def test_mirroring_reverses_every_power(source):
    for given, turned in zip(muscle(source), frames("offsets with the wrong sign", source), strict=True):
        np.testing.assert_array_equal(turned, given[:, ::-1])


def test_power_and_field_change_saturation_as_they_must(source):
    away = np.abs(source.offsets_ppm[0]) > 1
    usual = muscle(source)[0][:, away].mean()
    more, less = (frames(name, source)[0][:, away].mean() for name in ("twice the power", "half the power"))
    assert more < usual < less
    assert frames("twice the field", source)[0][:, away].mean() > usual  # direct saturation narrows in ppm


@pytest.mark.parametrize(
    ("name", "factor"), [("motion: signal jumps by 30 %", 1.3), ("motion: air in half of the frames", 0.02)]
)
def test_motion_changes_what_is_acquired_second_at_each_power(name, factor, source):
    rng = [np.random.default_rng(2) for _ in range(2)]
    usual = muscle_frames(source, 20, rng[0], reference_tissues)
    ratio = CASES[name].frames(source, 20, rng[1], reference_tissues) / usual
    _, b1_ut = frames_of(PROTOCOL)
    for power in PROTOCOL.powers_ut:
        of_power = ratio[:, np.abs(b1_ut - power) < 0.01]
        half = of_power.shape[1] // 2
        np.testing.assert_allclose(of_power[:, :half], 1)
        np.testing.assert_allclose(of_power[:, half:], factor)


def test_swapped_water_and_fat_put_the_dip_at_the_frequency_of_fat(source):
    z, offsets = frames("water and fat swapped", source)[0], source.offsets_ppm[0]
    np.testing.assert_allclose(offsets[z.argmin(axis=1)], -3.4, atol=0.3)


def test_fat_has_its_dip_away_from_water(source):
    z, offsets = frames("fat", source)[0], source.offsets_ppm[0]
    assert np.median(offsets[z.argmin(axis=1)]) == pytest.approx(-3.4, abs=0.5)


@pytest.mark.parametrize(
    "name",
    ["fat", "motion: fat in half of the frames", "motion: signal jumps by 30 %", "water and fat swapped"],
)
def test_what_is_no_muscle_is_flagged_by_its_spectrum(name, model, source):
    found = detected(model, source, CASES[name], TINY)
    assert min(found.reference, found.realistic, found.by_spectrum) >= 0.95


def test_muscle_itself_is_not_flagged(model, source):
    found = detected(model, source, Case(muscle_frames), TINY)
    assert max(found.reference, found.realistic) <= 0.02


def test_noise_that_is_too_high_counts_but_is_told_apart(model, source):
    found = detected(model, source, Case(muscle_frames, noise_sd=0.04), TINY)
    assert found.reference == 1
    assert found.by_spectrum < 0.1


def test_the_section_names_every_case_and_muscle(model):
    section = unusual_section(model, PROTOCOL, Effort("tiny", 60, 2, 2))
    assert set(section.scores["detection"]) == set(CASES)
    assert all(
        f"| {name} | {'yes' if case.learned else 'no'} |" in section.text for name, case in CASES.items()
    )


def test_the_verdict_tells_learned_mistakes_from_others():
    found = {"a": Detection(1.0, 0.5, 1.0, learned=True), "b": Detection(0.2, 1.0, 1.0, learned=False)}
    text = unusual._verdict(found, {"rich": [0.01, 0.031], "broad": [0.01, 0.02]})
    assert "trained on, below the bar: a (50.0%)" in text
    assert "not trained on, below the bar: b (20.0%)" in text
    assert "rich (3.1%)" in text
    assert "broad" not in text
