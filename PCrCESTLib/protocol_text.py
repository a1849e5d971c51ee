"""A protocol as a person types it, key by key: for the interfaces that ask for what a file does not tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import protocol_from_dict

# The keys that every scan needs, in the order in which people think of them; further ones follow as they come.
LABELS = {
    "MagneticFieldStrength": "Field (T)",
    "SaturationB1": "B1 (µT)",
    "SaturationDuration": "Saturation (s)",
    "SaturationType": "Saturation type",
    "SaturationOffsets": "Offsets",
    "SaturationOffsetsUnits": "Offsets in",
    "ReferenceFrames": "Reference frames",
    "Normalized": "Already M/M0",
    "RepetitionTime": "TR (s)",
}


def keys_of(document: Mapping[str, Any]) -> list[str]:
    """Keys to ask for: those of `LABELS`, then what else the document has."""
    return [*LABELS, *(key for key in document if key not in LABELS and not key.endswith("B1Units"))]


def title_of(key: str) -> str:
    """Name of a key for people, with its unit."""
    return LABELS.get(key, key)


def check_document(document: Mapping[str, Any], n_frames: int | None = None) -> Protocol:
    """Return the protocol that a document says.

    Raises
    ------
    ProtocolError
        When it is incomplete or senseless, or has another number of offsets than ``n_frames``.
    """
    protocol = protocol_from_dict(dict(document))
    if n_frames is not None and protocol.n_frames != n_frames:
        raise ProtocolError(
            f"{protocol.n_frames} offsets for {n_frames} frames; give one offset a frame, references included"
        )
    return protocol


def as_text(value: Any) -> str:
    """Return a value of a protocol file as one types it."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join("none" if v is None else f"{v:g}" for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_value(key: str, text: str) -> Any:
    """Return what was typed as a value of a protocol file; None for nothing."""
    text = text.strip()
    parts = text.translate(str.maketrans("[],;", "    ")).split()
    if not parts:  # nothing, or separators alone
        return [] if key == "ReferenceFrames" else None
    if text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    numbers = [None if p.lower() in ("none", "null") else _number(p) for p in parts]
    if any(isinstance(n, str) for n in numbers):
        return text
    if key == "ReferenceFrames":
        return [int(n) if n is not None and float(n).is_integer() else n for n in numbers]
    if key == "SaturationOffsets" or len(numbers) > 1:
        return numbers
    return numbers[0]


def _number(text: str) -> float | int | str:
    """Return the number that a text is, else the text."""
    try:
        found = json.loads(text) if text.lower() not in ("nan", "inf", "-inf") else text
        return found if isinstance(found, (int, float, str)) else text
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
