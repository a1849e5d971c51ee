"""A protocol as people type it: names of its keys, and values as text and back."""

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


def keys_to_show(document: Mapping[str, Any]) -> list[str]:
    """Keys of a form for a protocol document, which may be incomplete: the usual ones, and what else it holds."""
    return [*LABELS, *(key for key in document if key not in LABELS and not key.endswith("B1Units"))]


def checked(document: Mapping[str, Any], n_frames: int | None = None) -> Protocol:
    """Return the protocol that a document gives.

    Parameters
    ----------
    document : mapping
        Keys as a protocol file has them.
    n_frames : int, optional
        How many frames the series has.

    Raises
    ------
    ProtocolError
        When it is incomplete or senseless, or has another number of offsets.
    """
    protocol = protocol_from_dict(document)
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
    """Return what was typed as a value of a protocol file; None for nothing, the text itself where it is no number."""
    text = text.strip()
    parts = text.translate(str.maketrans("[],;", "    ")).split()
    if not parts:
        return [] if key == "ReferenceFrames" else None
    if text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    numbers = [None if p.lower() in ("none", "null") else _as_number(p) for p in parts]
    if any(isinstance(n, str) for n in numbers):
        return text
    if key == "ReferenceFrames":
        return [int(n) if n is not None and float(n).is_integer() else n for n in numbers]
    if key == "SaturationOffsets" or len(numbers) > 1:
        return numbers
    return numbers[0]


def _as_number(text: str) -> Any:
    try:
        return json.loads(text) if text.lower() not in ("nan", "inf", "-inf") else text
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
