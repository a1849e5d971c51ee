"""Times in s from what may have been written in ms: told by what a setting of an MRI sequence can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import ProtocolError


@dataclass(frozen=True)
class Plausible:
    """The longest time (s) that a setting can be, and the shortest largest number that must be ms."""

    longest_s: float
    least_ms: float


RECOVERY_TIMES = Plausible(30.0, 100.0)
REPETITION_TIME = Plausible(60.0, 200.0)
GRADIENT_ECHO_REPETITION_TIME = Plausible(1.0, 2.5)
ECHO_TIMES = Plausible(0.2, 0.8)


def in_seconds(values: np.ndarray, what: str, plausible: Plausible) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return times in s, with a sentence where they were converted from ms; the largest decides.

    Raises
    ------
    ProtocolError
        When they can be neither, or either.
    """
    values = np.asarray(values, dtype=float)
    largest = float(values.max())
    if not largest > plausible.longest_s:
        return values, ()
    if plausible.least_ms <= largest <= 1e3 * plausible.longest_s:
        return values / 1e3, (f"{what} reaches {largest:g}, which can only be ms, and was divided by 1000",)
    raise ProtocolError(
        f"{what} reaches {largest:g}; a time in s, at most {plausible.longest_s:g}, is expected (or in ms, from "
        f"{plausible.least_ms:g} up): correct it"
    )
