"""How the scan was acquired."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.protocol import Protocol
from PCrCESTLib.report.page import Section, table
from PCrCESTLib.report.words import UNKNOWN


def scan_section(protocol: Protocol) -> Section:
    """Return the protocol as the quantification used it."""
    rows = [
        ["Field strength", f"{protocol.field_t:g} T"],
        ["Saturation powers (B1)", " + ".join(f"{p:g} µT" for p in protocol.powers_ut)],
        ["Saturation", protocol.saturation.describe()],
        *(["Offsets from water" + where, text] for where, text in _offsets(protocol)),
        [
            "Repetition time",
            UNKNOWN if protocol.repetition_time_s is None else f"{protocol.repetition_time_s:g} s",
        ],
        ["Direction", "positive ppm is downfield of water; PCr at +2.6 ppm"],
    ]
    return Section("Protocol", table(["item", "value"], rows, "As the quantification used it"))


def _offsets(protocol: Protocol) -> list[tuple[str, str]]:
    """Describe the offsets of each power; in one line when all are the same."""
    by_power = []
    for power in protocol.powers_ut:
        own = np.sort([protocol.offsets_ppm[i] for i in protocol.frames_at(power)])
        by_power.append((f" at {power:g} µT", _described(own)))
    if len({text for _, text in by_power}) == 1:
        return [("", by_power[0][1])]
    return by_power


def _described(offsets: np.ndarray) -> str:
    if len(offsets) < 2:
        return f"{len(offsets)}"
    near = np.diff(offsets[(offsets >= 1.5) & (offsets <= 3.5)])
    step = f", {np.median(near):.3g} ppm apart near PCr" if len(near) else ""
    return f"{len(offsets)}, from {offsets[0]:g} to {offsets[-1]:g} ppm{step}"
