"""Which model fits a protocol is decided by what was acquired, and said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.registry import bundled_names, choose_model, find_model, mismatches, which_model
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.saturation import PulseTrain, Saturation

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
        (replace(DUAL, field_t=7.0), ["field 7 T, model 4.7 T"]),
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
