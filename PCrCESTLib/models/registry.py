"""The bundled models, and which one fits a protocol.

A model fits when field (2 %), every power (3 %) and saturation (5 %; pulse trains exactly) agree and the scan's offsets
cover the model's: the nearest within 0.15 ppm inside ±5 ppm and 1.3 ppm beyond, and, where they differ, with an
interpolation error of Z of at most 0.003 in the PCr window.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.interpolation import LARGEST_ERROR, SAME_OFFSET_PPM, interpolation_error
from PCrCESTLib.models.model import Model, load_model
from PCrCESTLib.protocol import Protocol

FIELD_TOLERANCE = 0.02
POWER_TOLERANCE = 0.03
DURATION_TOLERANCE = 0.05
COVERAGE_PPM = 0.15  # in the PCr window: how far the nearest acquired offset may lie from a grid point
OUTER_COVERAGE_PPM = 1.3
PROTOCOL_FILE = "PROTOCOL.json"


def bundled_folder() -> Path:
    """Folder of the bundled weights."""
    return Path(str(resources.files("PCrCESTLib.models"))) / "weights"


def bundled_names() -> tuple[str, ...]:
    """Names of the bundled models."""
    return tuple(sorted(p.stem for p in bundled_folder().glob("*.json")))


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


def choose_model(protocol: Protocol, protocol_file: str = PROTOCOL_FILE) -> tuple[Model, str]:
    """Pick the bundled model that fits, and say why.

    Parameters
    ----------
    protocol : Protocol
        What was acquired.
    protocol_file : str
        Its file, for the command in the refusal.

    Raises
    ------
    ModelMismatchError
        When none fits: the message lists what differs for the nearest one and the command that would train one.
    """
    found: dict[str, list[str]] = {}
    for name in bundled_names():
        found[name] = mismatches(_bundled_card(name), protocol)
        if not found[name]:
            return find_model(name), f"{name}: field, powers, saturation and offsets agree with the scan"
    nearest = min(found, key=lambda n: (any(m.startswith("powers ") for m in found[n]), len(found[n])))
    fewer = _fits_with_fewer_powers(protocol)
    advice = f"; {fewer}" if fewer else ""
    raise ModelMismatchError(
        f"no bundled model fits this scan ({protocol.describe()}); the nearest, {nearest}, differs: "
        f"{'; '.join(found[nearest])}{advice}. Train one with: {training_command(protocol_file)}"
    )


def _fits_with_fewer_powers(protocol: Protocol) -> str:
    """Say which of a scan's powers would do for a bundled model, empty when there is none."""
    for name in bundled_names():
        card = _bundled_card(name)
        wanted = [p for p in protocol.powers_ut if any(_same_powers((p,), (q,)) for q in card.protocol.powers_ut)]
        if 0 < len(wanted) < len(protocol.powers_ut) and _same_powers(tuple(wanted), card.protocol.powers_ut):
            kept = [i for i in protocol.saturated_frames if any(abs(protocol.b1_ut[i] - p) < 0.01 for p in wanted)]
            part = replace(
                protocol,
                offsets_ppm=tuple(protocol.offsets_ppm[i] for i in kept),
                b1_ut=tuple(protocol.b1_ut[i] for i in kept),
                reference_frames=(),
            )
            if not mismatches(card, part):
                return f"the series at {_list(tuple(wanted))} µT alone fit {name}"
    return ""


def starting_model(protocol: Protocol) -> Model | None:
    """Return the bundled model whose training can go on for a protocol, None when there is none."""
    for name in bundled_names():
        if not obstacles(_bundled_card(name).protocol, protocol):
            return find_model(name)
    return None


def obstacles(ours: Protocol, protocol: Protocol) -> list[str]:
    """List in words why a model of the protocol ``ours`` cannot be trained on for another; empty when it can.

    The offsets must be the same: the network's first layer is bound to them.
    """
    a, b = (np.unique(np.round([p.offsets_ppm[i] for i in p.saturated_frames], 4)) for p in (ours, protocol))
    same = len(a) == len(b) and bool(np.allclose(a, b, atol=SAME_OFFSET_PPM))
    return differences(ours, protocol) + ([] if same else [f"{len(b)} offsets that are not the model's {len(a)}"])


def which_model(protocol: Protocol) -> str:
    """Say in one line which bundled model fits a series, alone or with a further power, or why none does."""
    for name in bundled_names():
        card = _bundled_card(name)
        if not mismatches(card, protocol):
            return f"{name} fits{_remark(card.protocol, protocol)}"
    for name in bundled_names():
        card = _bundled_card(name)
        missing = [p for p in card.protocol.powers_ut if not any(_same_powers((p,), (q,)) for q in protocol.powers_ut)]
        common = len(card.protocol.powers_ut) - len(missing)
        rest = [m for m in mismatches(card, protocol) if not m.startswith("powers ")]
        if common == len(protocol.powers_ut) and not rest:
            return f"{name} fits together with a series at {_list(tuple(missing))} µT"
    fewer = _fits_with_fewer_powers(protocol)
    return f"{fewer or 'none fits'}; train one with: {training_command()}"


def _bundled_card(name: str) -> ModelCard:
    path = bundled_folder() / f"{name}.json"
    return ModelCard.from_json(path.read_text(encoding="utf-8"), path)


def _remark(ours: Protocol, protocol: Protocol) -> str:
    error = interpolation_error(ours, protocol)
    return "" if error is None else f"; {error.sentence()}"


def interpolation_note(model: Model, protocol: Protocol) -> str | None:
    """Say what interpolating a fitting scan to the model's offsets costs; None when they are the same."""
    error = interpolation_error(model.card.protocol, protocol)
    return None if error is None else error.sentence()


def require_match(model: Model, protocol: Protocol, protocol_file: str = PROTOCOL_FILE) -> None:
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
            f"{training_command(protocol_file)}"
        )


def mismatches(card: ModelCard, protocol: Protocol) -> list[str]:
    """List in words every way the scan differs from what the model was trained for; empty when it fits."""
    return differences(card.protocol, protocol)


def differences(ours: Protocol, protocol: Protocol) -> list[str]:
    """List in words every way a scan's protocol differs from a model's (``ours``); empty when it fits."""
    found = []
    if abs(protocol.field_t / ours.field_t - 1) > FIELD_TOLERANCE:
        found.append(f"field {protocol.field_t:g} T, model {ours.field_t:g} T (within {FIELD_TOLERANCE:.0%} fits)")
    if not _same_powers(protocol.powers_ut, ours.powers_ut):
        powers = f"powers {_list(protocol.powers_ut)} µT, model {_list(ours.powers_ut)} µT"
        found.append(f"{powers} (within {POWER_TOLERANCE:.0%} fits)")
    a, b = protocol.saturation, ours.saturation
    if (a.train is None) != (b.train is None):
        found.append(f"saturation {a.describe()}, model {b.describe()}")
    elif abs(a.duration_s / b.duration_s - 1) > DURATION_TOLERANCE:
        found.append(
            f"saturation {a.duration_s:g} s, model {b.duration_s:g} s (within {DURATION_TOLERANCE:.0%} fits)"
        )
    elif a.train is not None and a.train != b.train:
        found.append(f"pulse train {a.describe()}, model {b.describe()}")
    gaps = _coverage_gaps(protocol, ours)
    return found + (gaps if gaps or found else _too_coarse(protocol, ours))


def _too_coarse(protocol: Protocol, ours: Protocol) -> list[str]:
    """Refuse offsets that cover the model's but are too far apart; only asked where everything else agrees."""
    error = interpolation_error(ours, protocol)
    if error is None or error.acceptable:
        return []
    return [f"{error.sentence()} (up to {LARGEST_ERROR:g} in the PCr window fits)"]


def _list(values: tuple[float, ...]) -> str:
    return " + ".join(f"{v:g}" for v in values)


def _same_powers(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return len(a) == len(b) and bool(np.allclose(a, b, rtol=POWER_TOLERANCE))


def _coverage_gaps(protocol: Protocol, ours: Protocol) -> list[str]:
    grid = np.unique([ours.offsets_ppm[i] for i in ours.saturated_frames])
    gaps = []
    for power in protocol.powers_ut:
        offsets = np.array(
            [
                protocol.offsets_ppm[i]
                for i in protocol.saturated_frames
                if abs(protocol.b1_ut[i] - power) < 0.01
            ]
        )
        distance = np.min(np.abs(grid[:, None] - offsets[None, :]), axis=1)
        allowed = np.where(np.abs(grid) <= 5.0, COVERAGE_PPM, OUTER_COVERAGE_PPM)
        missing = grid[distance > allowed]
        if len(missing):
            gaps.append(
                f"at {power:g} µT no offset near {missing[0]:g} ppm ({len(missing)} of {len(grid)} needed offsets "
                "between "
                f"{grid[0]:g} and {grid[-1]:g} ppm are missing)"
            )
    return gaps
