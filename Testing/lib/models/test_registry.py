"""Which model fits a protocol is decided by what was acquired, and said in words."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.registry import (
    bundled_names,
    choose_card,
    choose_model,
    mismatches,
    training_command,
    which_card,
    which_model,
)
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol, protocol_names, rat_protocol
from PCrCESTLib.saturation import PulseTrain, Saturation

DUAL = named_protocol("rat-4.7T-dual")
HUMAN = named_protocol("human-3T-0.6uT")
TRAIN = PulseTrain("gaussian", 0.05, 0.05, 50)


def card_of(name: str, protocol: Protocol) -> ModelCard:
    return ModelCard(name, protocol, (2e-4, 2e-3), (40.0, 300.0), (0.5, 0.5), {})


# Every model that is or will be bundled, whether its weights are there or not.
CARDS = tuple(card_of(name, named_protocol(name)) for name in protocol_names())


def refusal(protocol: Protocol, remedy: str | None = None) -> str:
    with pytest.raises(ModelMismatchError) as caught:
        choose_card(protocol, CARDS, remedy)
    return str(caught.value)


def with_offsets(protocol: Protocol, keep) -> Protocol:
    frames = [i for i, o in enumerate(protocol.offsets_ppm) if keep(o)]
    return replace(
        protocol,
        offsets_ppm=tuple(protocol.offsets_ppm[i] for i in frames),
        b1_ut=tuple(protocol.b1_ut[i] for i in frames),
    )


def scaled_power(factor: float) -> Protocol:
    return replace(DUAL, b1_ut=tuple(factor * b for b in DUAL.b1_ut))


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_model_is_chosen_for_its_own_protocol(name):
    model, why = choose_model(named_protocol(name))
    assert model.card.name == name
    assert why.startswith(name)
    assert which_model(named_protocol(name)) == f"{name} fits"


@pytest.mark.parametrize("name", protocol_names())
def test_every_reference_protocol_is_fitted_by_its_model_alone(name):
    card, why = choose_card(named_protocol(name), CARDS)
    assert card.name == name
    assert [c.name for c in CARDS if not mismatches(c, named_protocol(name))] == [name]
    assert why.endswith("agree with the scan")


def test_the_reason_names_what_agrees():
    _, why = choose_card(DUAL, CARDS)
    assert why == (
        "rat-4.7T-dual: field 4.7 T, powers 0.5 + 1 µT, saturation (continuous wave 5 s) and 89 offsets agree with "
        "the scan"
    )


def test_the_weights_stay_below_a_megabyte():
    from PCrCESTLib.models.registry import bundled_folder

    assert len(bundled_names()) >= 2
    for name in bundled_names():
        assert (bundled_folder() / f"{name}.npz").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "protocol",
    [
        replace(DUAL, field_t=4.7 * 1.02),
        replace(DUAL, field_t=4.7 * 0.98),
        scaled_power(1.03),
        scaled_power(0.97),
        replace(DUAL, saturation=Saturation(5.25)),
        replace(DUAL, saturation=Saturation(4.75)),
        replace(DUAL, offsets_ppm=tuple(o * 200 / 200.11 for o in DUAL.offsets_ppm)),
        replace(DUAL, offsets_ppm=tuple(o + 0.009 for o in DUAL.offsets_ppm)),
        replace(DUAL, saturation=Saturation(5.0, readout_delay_s=0.005)),
        replace(DUAL, saturation=Saturation(5.0, recovery_s=10.0)),  # from zero, and fully relaxed after it
    ],
)
def test_what_lies_within_the_tolerances_fits_without_a_word(protocol):
    card, why = choose_card(protocol, CARDS)
    assert card.name == "rat-4.7T-dual"
    assert why.endswith("agree with the scan")


@pytest.mark.parametrize(
    ("protocol", "difference"),
    [
        (replace(DUAL, field_t=4.6), "field 4.6 T, model 4.7 T (within 2% fits)"),
        (replace(DUAL, field_t=7.0), "field 7 T, model 4.7 T (within 2% fits)"),
        (scaled_power(1.04), "powers 0.52 + 1.04 µT, model 0.5 + 1 µT (within 3% fits)"),
        (replace(DUAL, saturation=Saturation(5.3)), "saturation 5.3 s, model 5 s (within 5% fits)"),
        (
            replace(DUAL, saturation=Saturation.pulsed(TRAIN)),
            "saturation 50 gaussian pulses of 50 ms with pauses of 50 ms, model continuous wave 5 s",
        ),
        (
            with_offsets(DUAL, lambda o: not 2 < o < 3),
            "at 0.5 µT no offset near 2.25 ppm (within 0.15 ppm fits; 5 of 89 needed offsets between -10 and 10 ppm "
            "are missing)",
        ),
        (with_offsets(DUAL, lambda o: o > -8), "no offset near -10 ppm (within 1.3 ppm fits; 1 of 89"),
        (
            replace(DUAL, saturation=Saturation(5.0, readout_delay_s=0.5)),
            "SaturationReadoutDelay 0.5, model 0: Z of typical muscle differs by up to 0.3 (0.01 fits)",
        ),
        (
            replace(HUMAN, saturation=Saturation(2.0, recovery_s=1.0)),
            "SaturationRecovery 1, model none: Z of typical muscle differs by up to 0.06 (0.01 fits)",
        ),
    ],
)
def test_a_mismatch_is_refused_with_the_exact_difference_and_the_tolerance(protocol, difference):
    name = "human-3T-0.6uT" if protocol.field_t == HUMAN.field_t else "rat-4.7T-dual"
    assert f"the nearest, {name}, differs: " in refusal(protocol)
    assert difference in refusal(protocol)
    assert difference in which_card(protocol, CARDS)


def test_a_pulse_train_fits_within_the_tolerance_of_times():
    ours = replace(DUAL, saturation=Saturation.pulsed(TRAIN))
    card = card_of("pulsed", ours)
    near = Saturation.pulsed(replace(TRAIN, pulse_duration_s=0.051))
    far = Saturation.pulsed(replace(TRAIN, pulse_duration_s=0.056, inter_pulse_delay_s=0.044))
    assert mismatches(card, replace(ours, saturation=near)) == []
    assert mismatches(card, replace(ours, saturation=far)) == [
        "pulse train 50 gaussian pulses of 56 ms with pauses of 44 ms, model 50 gaussian pulses of 50 ms with pauses "
        "of 50 ms (the same shape fits, with times within 5%)"
    ]
    peak = replace(ours, saturation=Saturation.pulsed(TRAIN, b1_definition="peak"))
    assert mismatches(card, peak) == ["SaturationB1Definition peak, model cwpe"]


def test_the_refusal_ends_with_a_command_that_the_program_understands():
    from PCrCESTLib.cli import _parser

    told = refusal(replace(DUAL, field_t=7.0), training_command("my scans/leg_cest.json"))
    words = shlex.split(told.split("Train one with: ")[1])
    args = _parser().parse_args(words[1:])
    assert words[0] == "pcrcest"
    assert args.protocol == "my scans/leg_cest.json"
    assert (args.name, str(args.out)) == ("my-scanner", "models")


def test_three_powers_fit_the_model_of_three_and_without_it_that_of_two():
    three = rat_protocol((0.25, 0.5, 1.0))
    assert choose_card(three, CARDS)[0].name == "rat-4.7T-triple"
    others = tuple(card for card in CARDS if card.name != "rat-4.7T-triple")
    assert "the series at 0.5 + 1 µT alone fit rat-4.7T-dual" in which_card(three, others)


def test_a_power_too_many_is_told_which_series_would_do():
    told = refusal(rat_protocol((0.5, 1.0, 2.0)))
    assert (
        "the nearest, rat-4.7T-dual, differs: powers 0.5 + 1 + 2 µT, model 0.5 + 1 µT (within 3% fits)"
        in told
    )
    assert "; the series at 0.5 + 1 µT alone fit rat-4.7T-dual" in told


def test_one_of_two_powers_is_told_the_fewest_that_are_missing():
    half = rat_protocol((0.5,))
    told = "rat-4.7T-dual fits together with a series at 1 µT"
    assert which_card(half, CARDS) == told
    assert told in refusal(half)
