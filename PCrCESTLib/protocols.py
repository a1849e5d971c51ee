"""The named reference protocols, ready to train, simulate and advise with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import load_protocol
from PCrCESTLib.saturation import Saturation

RAT_HZ_PER_PPM = 200.0  # the 4.7 T group divides by a round 200, not by 200.11; their ppm axis is kept
RAT_OUTER_OFFSETS_HZ = (1250, 1500, 1750, 2000)
RAT_INNER_LIMIT_HZ, RAT_STEP_HZ = 1000, 25
HUMAN_OFFSET_RANGE_PPM = (1.3, 3.5)
HUMAN_OFFSET_COUNT = 50


def protocol_names() -> tuple[str, ...]:
    """Names that ``named_protocol`` understands."""
    return tuple(_PROTOCOLS)


def named_protocol(name: str) -> Protocol:
    """Return one of the reference protocols.

    ``rat-4.7T-0.25uT``, ``rat-4.7T-dual`` (0.5 and 1.0 µT) and ``rat-4.7T-triple`` (0.25, 0.5 and 1.0 µT)
    hold 89 offsets a power (±10, ±8.75, ±7.5, ±6.25 and −5…5 ppm in steps of 0.125), 5 s of continuous-wave
    saturation and frames already divided by M0 (Magn Reson Med 2026, PMID 41964083). ``human-3T-0.6uT`` holds
    two frames without saturation and 50 offsets 1.3…3.5 ppm (Chen 2020, Nat Commun 11:1072), saturated for
    2 s (Ju 2023).
    The frames of several powers follow each other; within a power the offsets descend, as acquired.

    Raises
    ------
    ProtocolError
        When no protocol has that name; the message lists those that exist.
    """
    if name not in _PROTOCOLS:
        raise ProtocolError(f"no protocol is called {name!r}; the named ones are {', '.join(_PROTOCOLS)}")
    return _PROTOCOLS[name]()


def find_protocol(text: str) -> Protocol:
    """Return the protocol file that ``text`` names, else the reference protocol of that name.

    Raises
    ------
    ProtocolError
        When it is neither, or the file is unusable.
    """
    path = Path(text)
    if path.suffix.lower() == ".json" or path.is_file():
        return load_protocol(path)
    try:
        return named_protocol(text)
    except ProtocolError as error:
        raise ProtocolError(f"{error}; or give a protocol file (.json)") from error


def joined_protocol(protocols: Sequence[Protocol]) -> Protocol:
    """Return the protocol of one subject's series, such as one a power, with the frames one after the other.

    Raises
    ------
    ProtocolError
        When field or saturation differ.
    """
    first = protocols[0]
    references: list[int] = []
    for i, p in enumerate(protocols):
        if abs(p.field_t - first.field_t) > 0.01 * first.field_t or p.saturation != first.saturation:
            raise ProtocolError(
                f"the series of one subject differ in more than power and offsets: {first.describe()}, and "
                f"{p.describe()}; look at them one by one"
            )
        references += [sum(q.n_frames for q in protocols[:i]) + frame for frame in p.reference_frames]
    return replace(
        first,
        offsets_ppm=tuple(o for p in protocols for o in p.offsets_ppm),
        b1_ut=tuple(b1 for p in protocols for b1 in p.b1_ut),
        reference_frames=tuple(references),
        normalized=all(p.normalized for p in protocols),
    )


def rat_offsets_ppm() -> tuple[float, ...]:
    """Return the 89 offsets of the rat protocols, ppm, descending as in the public data."""
    inner = np.arange(RAT_INNER_LIMIT_HZ, -RAT_INNER_LIMIT_HZ - 1, -RAT_STEP_HZ)
    outer = np.array(RAT_OUTER_OFFSETS_HZ)
    hz = np.concatenate([outer[::-1], inner, -outer])
    return tuple(float(o) for o in hz / RAT_HZ_PER_PPM)


def rat_protocol(powers_ut: tuple[float, ...]) -> Protocol:
    """Return the rat protocol at the given saturation powers, µT, in the order given."""
    offsets = rat_offsets_ppm()
    return Protocol(
        field_t=4.7,
        offsets_ppm=offsets * len(powers_ut),
        b1_ut=tuple(b1 for b1 in powers_ut for _ in offsets),
        saturation=Saturation(duration_s=5.0),
        normalized=True,
    )


def _human_protocol() -> Protocol:
    offsets = np.linspace(*HUMAN_OFFSET_RANGE_PPM, HUMAN_OFFSET_COUNT).round(4)
    return Protocol(
        field_t=3.0,
        offsets_ppm=(math.inf, math.inf, *(float(o) for o in offsets)),
        b1_ut=(0.6,) * (HUMAN_OFFSET_COUNT + 2),
        saturation=Saturation(duration_s=2.0),
        reference_frames=(0, 1),
    )


_PROTOCOLS: dict[str, Callable[[], Protocol]] = {
    "rat-4.7T-dual": lambda: rat_protocol((0.5, 1.0)),
    "rat-4.7T-0.25uT": lambda: rat_protocol((0.25,)),
    "rat-4.7T-triple": lambda: rat_protocol((0.25, 0.5, 1.0)),
    "human-3T-0.6uT": _human_protocol,
}
