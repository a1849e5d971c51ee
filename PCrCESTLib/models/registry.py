"""The bundled models, and which one fits a protocol."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import ModelMismatchError
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.model import Model, load_model
from PCrCESTLib.protocol import Protocol

FIELD_TOLERANCE = 0.02
POWER_TOLERANCE = 0.03
DURATION_TOLERANCE = 0.05
COVERAGE_PPM = 0.15  # in the PCr window: how far the nearest acquired offset may lie from a grid point
OUTER_COVERAGE_PPM = 1.3
SAME_OFFSET_PPM = 0.01


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


def choose_model(protocol: Protocol) -> tuple[Model, str]:
    """Pick the bundled model that fits, and say why.

    Raises
    ------
    ModelMismatchError
        When none fits: the message lists what differs for the nearest one and the command that would train one.
    """
    differences: dict[str, list[str]] = {}
    for name in bundled_names():
        differences[name] = mismatches(_bundled_card(name), protocol)
        if not differences[name]:
            return find_model(name), f"{name}: field, powers, duration and offsets agree with the scan"
    nearest = min(differences, key=lambda n: len(differences[n]))
    raise ModelMismatchError(
        f"no bundled model fits this scan ({protocol.describe()}); the nearest, {nearest}, differs: "
        f"{'; '.join(differences[nearest])}. Train one with: pcrcest train --protocol PROTOCOL.json --name my-scanner"
    )


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
            return f"{name} fits"
    for name in bundled_names():
        card = _bundled_card(name)
        missing = [p for p in card.protocol.powers_ut if not any(_same_powers((p,), (q,)) for q in protocol.powers_ut)]
        common = len(card.protocol.powers_ut) - len(missing)
        rest = [m for m in mismatches(card, protocol) if not m.startswith("powers ")]
        if common == len(protocol.powers_ut) and not rest:
            return f"{name} fits together with a series at {_list(tuple(missing))} µT"
    return "none fits; train one with: pcrcest train --protocol PROTOCOL.json --name my-scanner"


def _bundled_card(name: str) -> ModelCard:
    path = bundled_folder() / f"{name}.json"
    return ModelCard.from_json(path.read_text(encoding="utf-8"), path)


def require_match(model: Model, protocol: Protocol) -> None:
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
            "pcrcest train --protocol PROTOCOL.json --name my-scanner"
        )


def mismatches(card: ModelCard, protocol: Protocol) -> list[str]:
    """List in words every way the scan differs from what the model was trained for; empty when it fits."""
    return differences(card.protocol, protocol)


def differences(ours: Protocol, protocol: Protocol) -> list[str]:
    """List in words every way a scan's protocol differs from a model's (``ours``); empty when it fits."""
    found = []
    if abs(protocol.field_t / ours.field_t - 1) > FIELD_TOLERANCE:
        found.append(f"field {protocol.field_t:g} T, model {ours.field_t:g} T")
    if not _same_powers(protocol.powers_ut, ours.powers_ut):
        found.append(f"powers {_list(protocol.powers_ut)} µT, model {_list(ours.powers_ut)} µT")
    a, b = protocol.saturation, ours.saturation
    if (a.train is None) != (b.train is None):
        found.append(f"saturation {a.describe()}, model {b.describe()}")
    elif abs(a.duration_s / b.duration_s - 1) > DURATION_TOLERANCE:
        found.append(f"saturation {a.duration_s:g} s, model {b.duration_s:g} s")
    elif a.train is not None and a.train != b.train:
        found.append(f"pulse train {a.describe()}, model {b.describe()}")
    found.extend(_coverage_gaps(protocol, ours))
    return found


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
