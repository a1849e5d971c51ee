"""Which model fits a protocol is decided by what was acquired, and said in words."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.interpolation import LARGEST_ERROR, interpolation_error
from PCrCESTLib.models.registry import (
    bundled_names,
    choose_model,
    find_model,
    interpolation_note,
    mismatches,
    which_model,
)
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.saturation import PulseTrain, Saturation
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

DUAL = named_protocol("rat-4.7T-dual")


def with_offsets(protocol: Protocol, keep) -> Protocol:
    frames = [i for i, o in enumerate(protocol.offsets_ppm) if keep(o)]
    return replace(
        protocol,
        offsets_ppm=tuple(protocol.offsets_ppm[i] for i in frames),
        b1_ut=tuple(protocol.b1_ut[i] for i in frames),
    )


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_model_is_chosen_for_its_own_protocol(name):
    model, why = choose_model(named_protocol(name))
    assert model.card.name == name
    assert why.startswith(name)
    assert which_model(named_protocol(name)) == f"{name} fits"


def test_the_weights_stay_below_a_megabyte():
    from PCrCESTLib.models.registry import bundled_folder

    assert len(bundled_names()) >= 2
    for name in bundled_names():
        assert (bundled_folder() / f"{name}.npz").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (replace(DUAL, field_t=7.0), ["field 7 T, model 4.7 T (within 2% fits)"]),
        (replace(DUAL, b1_ut=tuple(2 * b for b in DUAL.b1_ut)), ["powers 1 + 2 µT"]),
        (replace(DUAL, saturation=Saturation(2.0)), ["saturation 2 s, model 5 s"]),
        (replace(DUAL, saturation=Saturation.pulsed(PulseTrain("gaussian", 0.05, 0.05, 50))), ["gaussian"]),
        (with_offsets(DUAL, lambda o: not 2 < o < 3), ["no offset near", "missing"]),
    ],
)
def test_a_mismatch_is_refused_with_the_exact_difference_and_the_remedy(protocol, words):
    with pytest.raises(ModelMismatchError) as refusal:
        choose_model(protocol)
    for word in [*words, "pcrcest train"]:
        assert word in str(refusal.value)
    assert which_model(protocol).startswith("none fits")


def test_one_of_two_powers_is_told_what_is_missing():
    half = with_offsets(DUAL, lambda o: True)
    frames = [i for i, b in enumerate(half.b1_ut) if b < 0.75]
    half = replace(
        half,
        offsets_ppm=tuple(half.offsets_ppm[i] for i in frames),
        b1_ut=tuple(half.b1_ut[i] for i in frames),
    )
    assert which_model(half) == "rat-4.7T-dual fits together with a series at 1 µT"


def test_small_differences_of_a_real_scanner_are_no_mismatch():
    card = find_model("rat-4.7T-dual").card
    real = replace(
        DUAL,
        field_t=4.70,
        b1_ut=tuple(1.01 * b for b in DUAL.b1_ut),
        offsets_ppm=tuple(o * 200 / 200.11 for o in DUAL.offsets_ppm),
        saturation=Saturation(5.05),
    )
    assert mismatches(card, real) == []


def test_the_refusal_ends_with_a_command_that_the_program_understands():
    from PCrCESTLib.cli import _parser

    with pytest.raises(ModelMismatchError) as refusal:
        choose_model(replace(DUAL, field_t=7.0), "my scans/leg_cest.json")
    command = str(refusal.value).split("Train one with: ")[1]
    words = shlex.split(command)
    args = _parser().parse_args(words[1:])
    assert words[0] == "pcrcest"
    assert args.protocol == "my scans/leg_cest.json"


def test_a_power_too_many_is_told_which_series_would_do():
    third = named_protocol("rat-4.7T-dual")
    offsets = third.offsets_ppm[: len(third.offsets_ppm) // 2]
    more = replace(third, offsets_ppm=third.offsets_ppm + offsets, b1_ut=third.b1_ut + (2.0,) * len(offsets))
    assert which_model(more).startswith("the series at 0.5 + 1 µT alone fit rat-4.7T-dual")


def resampled(step_ppm: float) -> Protocol:
    """The dual protocol with other offsets within ±5 ppm, begun half a step off."""
    inner = np.arange(-5 - step_ppm / 2, 5.2, step_ppm)
    outer = np.array([6.25, 7.5, 8.75, 10.0])
    offsets = tuple(float(o) for o in np.concatenate([-outer, inner, outer]))
    return replace(DUAL, offsets_ppm=offsets * 2, b1_ut=(0.5,) * len(offsets) + (1.0,) * len(offsets))


def test_other_offsets_that_cover_the_range_are_accepted_with_a_stated_error():
    fine = resampled(0.1)
    model, why = choose_model(fine)
    assert model.card.name == "rat-4.7T-dual"
    assert why.startswith("rat-4.7T-dual")
    note = interpolation_note(model, fine)
    assert "111 offsets are not the model's 89" in note
    assert which_model(fine).endswith(note)
    assert interpolation_note(model, DUAL) is None


def test_the_stated_error_is_that_of_a_cubic_spline_through_the_scan():
    """Against SciPy's spline and the exact engine, water at zero; the stated one is the worst of several shifts."""
    fine = resampled(0.1)
    offsets = np.array(sorted(set(fine.offsets_ppm)))
    grid = np.array(sorted(set(DUAL.offsets_ppm)))
    tissue = muscle_tissue(*(np.array([v]) for v in (1.0e-3, 110.0, 1.62, 0.03, 0.10)))

    def z(at: np.ndarray) -> np.ndarray:
        return np.asarray(z_spectra(tissue, DUAL.saturation, at, np.full(len(at), 0.5), 4.7))[0]

    error = np.abs(CubicSpline(offsets, z(offsets))(grid) - z(grid))
    window = (grid >= 1.5) & (grid <= 3.5)
    single_precision = 1e-6
    assert error[window].max() <= interpolation_error(DUAL, fine).window + single_precision < LARGEST_ERROR


def test_offsets_too_far_apart_for_pcr_are_refused_by_their_error():
    coarse = resampled(0.25)
    assert not interpolation_error(DUAL, coarse).acceptable
    with pytest.raises(ModelMismatchError, match=r"50 offsets .* errs by up to 0\.005 .* \(up to 0\.003"):
        choose_model(coarse)
