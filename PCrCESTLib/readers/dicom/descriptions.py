"""Saturation offset and power written into the description of a series or the comment of an image.

Understood are ``CEST_+2.60ppm``, ``cest 3.5 ppm B1 0.6uT``, ``z -332 Hz``, ``apt_2p6ppm`` and, for an image without
saturation, ``M0``, ``S0``, ``unsat``, ``nosat`` and ``ref`` as a word. A hyphen behind a letter may be a separator:
it is a minus only where another description has a plus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.readers.offsets_file import OffsetList

MAX_TEXT = 1000  # a description has 64 letters; patterns are slow on a text made to be slow
NUMBER = r"\d+(?:[.,p]\d+)?|\.\d+"
OFFSET = re.compile(
    rf"(?<![\d.])(?P<hyphen>(?<=[a-z])-)?(?P<value>[+-]?(?:{NUMBER}))[ _]*(?P<unit>ppm|hz)(?![a-z])"
)
B1 = re.compile(rf"(?<![\d.])({NUMBER})[ _]*(?:u|micro)t(?![a-z])")
UNSATURATED = re.compile(r"(?<![a-z0-9])(m0|s0|unsat\w*|no[_ ]?sat\w*|ref(erence)?)(?![a-z0-9])")


@dataclass(frozen=True)
class Described:
    """Offset of one image as described: None without saturation; its unit, and B1 in µT where stated."""

    offset: float | None
    units: str
    b1_ut: float | None


def read_descriptions(name: str, texts: Sequence[str]) -> OffsetList | None:
    """Return what the texts say of their images; None when one of them says nothing, or units are mixed.

    Parameters
    ----------
    name : str
        What to call the series in messages.
    texts : sequence of str
        One an image (or one a series that holds one offset).

    Raises
    ------
    ProtocolError
        When a hyphen may be a minus or a separator.
    """
    described = [describe(text) for text in texts]
    if None in described:
        return None
    found = [d for d in described if d is not None]
    if len({d.units for d in found if d.offset is not None}) != 1:
        return None
    unclear = next((t for t in texts if (m := OFFSET.search(_plain(t))) and m["hyphen"] and m["value"]), None)
    if unclear is not None and not any("+" in text for text in texts):
        raise ProtocolError(
            f"{name}: {unclear!r} may mean a positive or a negative offset; give the offsets in a file offsets.txt"
            " beside the images, one a line in acquisition order"
        )
    powers = tuple(d.b1_ut for d in found)
    known = all(p is not None or d.offset is None for p, d in zip(powers, found, strict=True))
    units = next(d.units for d in found if d.offset is not None)
    return OffsetList(tuple(d.offset for d in found), units, powers if known else None)


def describe(text: str) -> Described | None:
    """Offset and B1 in one description; None when it states no offset.

    Both a hyphen and a minus behind a letter count as minus here.
    """
    plain = _plain(text)
    power = B1.search(plain)
    b1_ut = None if power is None else _float(power[1])
    match = OFFSET.search(plain)
    if match is not None:
        sign = -1.0 if match["hyphen"] else 1.0
        return Described(sign * _float(match["value"]), {"ppm": "ppm", "hz": "Hz"}[match["unit"]], b1_ut)
    return Described(None, "", b1_ut) if UNSATURATED.search(plain.replace("_", " ")) else None


def _plain(text: str) -> str:
    """Lower case, one sign for each of minus and micro."""
    return text[:MAX_TEXT].lower().translate({0x2212: "-", 0x2013: "-", 0xB5: "u", 0x3BC: "u"})


def _float(number: str) -> float:
    return float(number.replace(",", ".").replace("p", "."))
