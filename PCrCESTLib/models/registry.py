"""The bundled models, and which one fits a protocol by the tolerances of `models.matching`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from importlib import resources
from pathlib import Path

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.interpolation import grid_of, interpolation_error, same_offsets
from PCrCESTLib.models.matching import common_powers, differences, listed
from PCrCESTLib.models.model import Model, load_model
from PCrCESTLib.protocol import Protocol

PROTOCOL_FILE = "PROTOCOL.json"


def bundled_folder() -> Path:
    """Folder of the bundled weights."""
    return Path(str(resources.files("PCrCESTLib.models"))) / "weights"


def bundled_names() -> tuple[str, ...]:
    """Names of the bundled models."""
    return tuple(sorted(p.stem for p in bundled_folder().glob("*.json")))


def bundled_cards() -> tuple[ModelCard, ...]:
    """Cards of the bundled models."""
    paths = (bundled_folder() / f"{name}.json" for name in bundled_names())
    return tuple(ModelCard.from_json(path.read_text(encoding="utf-8"), path) for path in paths)


def find_model(name: str) -> Model:
    """Load a bundled model by name, or any model by the path of its file.

    Raises
    ------
    ModelMismatchError
        When there is neither.
    """
    if name in bundled_names():
        return load_model(bundled_folder() / f"{name}.json")
    path = Path(name)
    if path.suffix in {".npz", ".json"}:
        return load_model(path)
    raise ModelMismatchError(
        f"no model is called '{name}'; bundled are {', '.join(bundled_names())}, or give a file"
    )


def training_command(protocol_file: str = PROTOCOL_FILE) -> str:
    """Return the command that trains a model for a protocol file."""
    return f"pcrcest train --protocol {shlex.quote(protocol_file)} --name my-scanner --out models"


def choose_model(protocol: Protocol, remedy: str | None = None) -> tuple[Model, str]:
    """Pick the bundled model that fits, and say why.

    Parameters
    ----------
    protocol : Protocol
        What was acquired.
    remedy : str, optional
        Command that trains a model for it, for the refusal; by default `training_command`.

    Raises
    ------
    ModelMismatchError
        When none fits: the message lists what differs for the nearest one, what fewer or further powers would do,
        and the command that would train one.
    """
    card, reason = choose_card(protocol, bundled_cards(), remedy)
    return find_model(card.name), reason


def choose_card(
    protocol: Protocol, cards: tuple[ModelCard, ...], remedy: str | None = None
) -> tuple[ModelCard, str]:
    """Pick the card that fits as `choose_model` does; of several, the one whose offsets are met best."""
    fitting = [card for card in cards if not mismatches(card, protocol)]
    if fitting:
        card = min(fitting, key=lambda c: _error_in_window(c.protocol, protocol))
        return card, _reason(card, protocol)
    raise ModelMismatchError(
        f"no bundled model fits this scan ({protocol.describe()}); {_why_none(protocol, cards)}. Train one with: "
        f"{remedy or training_command()}"
    )


def which_model(protocol: Protocol, remedy: str | None = None) -> str:
    """Say in one line which bundled model fits a series, alone or with a further power, or why none does."""
    return which_card(protocol, bundled_cards(), remedy)


def which_card(protocol: Protocol, cards: tuple[ModelCard, ...], remedy: str | None = None) -> str:
    """Say of these cards what `which_model` says of the bundled ones."""
    try:
        card, _ = choose_card(protocol, cards)
    except ModelMismatchError:
        further = _with_further_powers(protocol, cards)
        return (
            further
            or f"none fits; {_why_none(protocol, cards)}; train one with: {remedy or training_command()}"
        )
    note = _note(card.protocol, protocol)
    return f"{card.name} fits{f'; {note}' if note else ''}"


def why_model(protocol: Protocol, remedy: str | None = None) -> str:
    """Say which bundled model fits and why, or what stands against it and the remedy."""
    try:
        return choose_card(protocol, bundled_cards())[1]
    except ModelMismatchError:
        return which_model(protocol, remedy)


def starting_model(protocol: Protocol) -> Model | None:
    """Return the bundled model whose training can go on for a protocol, None when there is none."""
    for card in bundled_cards():
        if not obstacles(card.protocol, protocol):
            return find_model(card.name)
    return None


def obstacles(ours: Protocol, protocol: Protocol) -> list[str]:
    """List in words why a model of the protocol ``ours`` cannot be trained on for another; empty when it can.

    The offsets must be the same: the network's first layer is bound to them.
    """
    a, b = grid_of(ours), grid_of(protocol)
    return differences(ours, protocol) + (
        [] if same_offsets(a, b) else [f"{len(b)} offsets that are not the model's {len(a)}"]
    )


def require_match(model: Model, protocol: Protocol, remedy: str | None = None) -> None:
    """Refuse a model that was trained for another acquisition.

    Raises
    ------
    ModelMismatchError
        With every difference.
    """
    found = mismatches(model.card, protocol)
    if found:
        raise ModelMismatchError(
            f"model {model.card.name} does not fit this scan: {'; '.join(found)}. Use --model auto, or train one with: "
            f"{remedy or training_command()}"
        )


def mismatches(card: ModelCard, protocol: Protocol) -> list[str]:
    """List in words every way the scan differs from what the model was trained for; empty when it fits."""
    return differences(card.protocol, protocol)


def interpolation_note(model: Model, protocol: Protocol, noise_sd: float | None = None) -> str | None:
    """Say what interpolating a fitting scan to the model's offsets costs; None when they are the same.

    ``noise_sd`` is the noise of Z in a voxel, for comparison.
    """
    return _note(model.card.protocol, protocol, noise_sd)


def _note(ours: Protocol, protocol: Protocol, noise_sd: float | None = None) -> str | None:
    error = interpolation_error(ours, protocol)
    return None if error is None else error.sentence(noise_sd)


def _error_in_window(ours: Protocol, protocol: Protocol) -> float:
    error = interpolation_error(ours, protocol)
    return 0.0 if error is None else error.window


def _reason(card: ModelCard, protocol: Protocol) -> str:
    p = card.protocol
    field, powers = f"field {p.field_t:g} T", f"powers {listed(p.powers_ut)} µT"
    saturation = f"saturation ({p.saturation.describe()})"
    note = _note(p, protocol)
    if note is None:
        return (
            f"{card.name}: {field}, {powers}, {saturation} and {len(grid_of(p))} offsets agree with the scan"
        )
    return f"{card.name}: {field}, {powers}, {saturation} and range of offsets agree with the scan; {note}"


def _why_none(protocol: Protocol, cards: tuple[ModelCard, ...]) -> str:
    """Say how the nearest model differs, and which powers fewer or more would do."""
    if not cards:
        return "there is none at all in this installation"
    nearest = min(cards, key=lambda card: _distance(card.protocol, protocol))
    said = [f"the nearest, {nearest.name}, differs: {'; '.join(mismatches(nearest, protocol))}"]
    said += [_with_fewer_powers(protocol, cards), _with_further_powers(protocol, cards)]
    return "; ".join(s for s in said if s)


def _distance(ours: Protocol, protocol: Protocol) -> tuple[float, ...]:
    """Sort models by nearness: field in tenths, kind of saturation, powers not in common, number of differences."""
    field = round(abs(protocol.field_t - ours.field_t) / ours.field_t, 1)
    other_kind = (protocol.saturation.train is None) != (ours.saturation.train is None)
    in_common = common_powers(protocol.powers_ut, ours.powers_ut, tolerance=0.2)
    not_in_common = len(protocol.powers_ut) + len(ours.powers_ut) - 2 * len(in_common)
    return field, other_kind, not_in_common, len(differences(ours, protocol))


def _with_fewer_powers(protocol: Protocol, cards: tuple[ModelCard, ...]) -> str:
    """Say which of a scan's powers alone would do for a model, as many as possible; empty when none would."""
    best: tuple[float, ...] = ()
    name = ""
    for card in cards:
        wanted = common_powers(protocol.powers_ut, card.protocol.powers_ut)
        if len(best) < len(wanted) < len(protocol.powers_ut) and not mismatches(
            card, _only(protocol, wanted)
        ):
            best, name = wanted, card.name
    return f"the series at {listed(best)} µT alone fit {name}" if name else ""


def _with_further_powers(protocol: Protocol, cards: tuple[ModelCard, ...]) -> str:
    """Say which further powers, as few as possible, would make a scan fit a model; empty when none would."""
    best: tuple[float, ...] = ()
    name = ""
    for card in cards:
        shared = common_powers(card.protocol.powers_ut, protocol.powers_ut)
        missing = tuple(p for p in card.protocol.powers_ut if p not in shared)
        if len(shared) < len(protocol.powers_ut) or not missing or (name and len(missing) >= len(best)):
            continue
        if not differences(_only(card.protocol, shared), protocol):
            best, name = missing, card.name
    return f"{name} fits together with a series at {listed(best)} µT" if name else ""


def _only(protocol: Protocol, powers_ut: tuple[float, ...]) -> Protocol:
    """Keep the frames of some of the powers; without any, the protocol as it is."""
    frames = [i for power in powers_ut for i in protocol.frames_at(power)] or list(protocol.saturated_frames)
    return replace(
        protocol,
        offsets_ppm=tuple(protocol.offsets_ppm[i] for i in frames),
        b1_ut=tuple(protocol.b1_ut[i] for i in frames),
        reference_frames=(),
        normalized=True,
    )
