"""Protocol keys that the private header of a vendor gives, by a table of fields: ``fields.json``.

Siemens' work-in-progress CEST sequences keep their parameters in numbered fields whose meaning changed between
revisions; the revision stands in the name of the sequence. The table also names its sources. For Philips and GE no
public document that names such an element was found (GE's (0043,xx34) is an "Offset Frequency" in public dictionaries,
which do not say of what): their offsets come from descriptions or a file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from PCrCESTLib.readers.dicom.csa import ascconv
from PCrCESTLib.readers.dicom.file import read_header

MAX_NAME = 1000  # a path; patterns are slow on a text made to be slow
REVISION = re.compile(r"cest\w*?_rev(\d+)")


@dataclass(frozen=True)
class VendorProtocol:
    """Protocol-file keys from a private header, what the user should know, and why offsets are not among them."""

    keys: dict[str, Any]
    notes: tuple[str, ...] = ()
    offsets_note: str = ""


def vendor_protocol(path: Path, n_images: int) -> VendorProtocol:
    """Return what the private header of an image says of the saturation.

    Parameters
    ----------
    path : Path
        An image of the series.
    n_images : int
        Number of its images; offsets are only believed when the header counts as many.

    Raises
    ------
    ReaderError
        When the file is damaged.
    """
    table = _table()["siemens"]
    fields = siemens_fields(path)
    if not fields:
        return VendorProtocol({})
    listed = _text_list(fields, table, n_images)
    if listed:
        return VendorProtocol({"SaturationOffsets": listed, "SaturationOffsetsUnits": "ppm"})
    match = REVISION.search(fields.get(table["sequence_name"].lower(), "")[:MAX_NAME].lower())
    known = sorted((int(r) for r in table["revisions"]), reverse=True)
    nearest = next((r for r in known if match and r <= int(match[1])), None)
    if match is None or nearest is None:
        return VendorProtocol({})
    layout = table["layouts"][table["revisions"][str(nearest)]]

    def number(key: str | list[str]) -> float:
        name = layout[key] if isinstance(key, str) else key[0]
        return _number(fields.get(name.lower(), "0"))  # zeros are left out of the text

    other = f"revision {match[1]} of the CEST sequence is not known; fields of revision {nearest} were read"
    notes = () if nearest == int(match[1]) else (other,)
    offsets, offsets_note = _offsets(number, table, n_images)
    pulses, pulse_notes = _pulses(number, layout, table)
    return VendorProtocol({**offsets, **pulses}, (*notes, *pulse_notes), offsets_note)


def siemens_fields(path: Path) -> dict[str, str]:
    """Fields of the protocol text of Siemens, by their names in lower case; empty where there is none.

    Raises
    ------
    ReaderError
        When the file is damaged.
    """
    element = _table()["siemens"]["protocol_text"]
    return ascconv(read_header(path, lambda dataset, _: _protocol_text(dataset, element)))


@cache
def _table() -> dict[str, Any]:
    text = files("PCrCESTLib.readers.dicom").joinpath("fields.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _protocol_text(dataset: Any, places: list[dict[str, str]]) -> bytes:
    shared = [
        i
        for g in dataset.get("SharedFunctionalGroupsSequence") or []
        for e in g
        if e.VR == "SQ"
        for i in e.value
    ]
    for place in places:
        for item in (dataset, *shared):
            try:
                block = item.private_block(int(place["group"], 16), place["creator"])
                value = block[int(place["element"], 16)].value
            except KeyError:
                continue
            return value.encode("latin-1", "replace") if isinstance(value, str) else bytes(value)
    return b""


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _text_list(fields: dict[str, str], table: dict[str, Any], n_images: int) -> list[float]:
    """Offsets in ppm from a list in Hz inside a text field; empty where there is none of this many images."""
    rule = table["text_list"]
    text = fields.get(rule["element"].lower(), "")
    _, begin, rest = text.partition(rule["from"])
    inside, end, _ = rest.rpartition(rule["to"])
    words = [w.strip() for w in inside.split(rule["separator"]) if w.strip()]
    frequency_mhz = _number(fields.get(table["frequency_hz"].lower(), "0")) / 1e6
    numeric = all(re.fullmatch(r"[+-]?\d+(\.\d+)?", w) for w in words)
    if not (begin and end and numeric and len(words) == n_images and frequency_mhz > 0):
        return []
    return [float(w) / frequency_mhz for w in words]


def _offsets(
    number: Callable[[Any], float], table: dict[str, Any], n_images: int
) -> tuple[dict[str, Any], str]:
    """Offsets of a regular or repeated sampling; the first image is the reference.

    Alternating sampling is left to the user: public programs disagree about the sign of its first offset.
    """
    sampling = table["sampling"].get(f"{number('sampling'):g}", "unknown")
    reach, images = number("offset_ppm"), int(number("images"))
    if sampling not in ("regular", "single"):
        remedy = "LIST.txt" if sampling == "list" else "offsets.txt"
        return {}, f"the Siemens header states {sampling} sampling of the offsets; {remedy} must list them"
    if images != n_images or images < 4 or reach == 0:
        return {}, f"the Siemens header counts {images} images but there are {n_images}"
    steps = images - 2
    values = [reach if sampling == "single" else -reach + 2 * reach * i / steps for i in range(images - 1)]
    return {
        "SaturationOffsets": [table["reference_ppm"], *(round(v, 6) for v in values)],
        "SaturationOffsetsUnits": "ppm",
    }, ""


def _pulses(
    number: Callable[[Any], float], layout: dict[str, Any], table: dict[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """B1 and pulses, as far as the header is clear about them."""
    keys: dict[str, Any] = {}
    if 0 < number("b1_ut") <= 50:
        keys["SaturationB1"] = number("b1_ut")
    recovery = f"{number('recovery_ms') / 1e3:g} s (M0: {number('recovery_m0_ms') / 1e3:g} s)"
    notes = [f"the Siemens header states a recovery before saturation of {recovery}; it was not used"]
    shape = table["pulse_shapes"].get(f"{number('pulse_type'):g}")
    counts = [int(number([name])) for name in layout["pulse_count"]]
    duration, duty = number("pulse_duration_us") / 1e6, number("duty_cycle_percent")
    # How several blocks of several pulses follow each other is not documented.
    if (
        shape is None
        or counts[0] < 1
        or max(counts[1:], default=1) > 1
        or duration <= 0
        or not 0 < duty <= 100
    ):
        return keys, tuple(notes)
    if shape == "block" and (counts[0] == 1 or duty == 100):
        keys |= {"SaturationType": "continuous", "SaturationDuration": round(counts[0] * duration, 6)}
        return keys, tuple(notes)
    notes.append(
        "the Siemens header does not say whether B1 is the mean, the peak or the equivalent of continuous waves;"
        " the latter was assumed (SaturationB1Definition)"
    )
    return keys | {
        "SaturationType": "pulsed",
        "SaturationPulseShape": shape,
        "SaturationPulseDuration": duration,
        "SaturationInterPulseDelay": round(duration * (100 / duty - 1), 9),
        "SaturationPulseCount": counts[0],
    }, tuple(notes)
