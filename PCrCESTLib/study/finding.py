"""One number that a comparison gives, with its interval and how it was found."""

from __future__ import annotations

from dataclasses import dataclass

NAN = float("nan")
SIGNIFICANCE, CONFIDENCE = 0.05, 0.95
SMALLEST_GROUP = 3  # fewer subjects have no spread that could be told from chance


@dataclass(frozen=True)
class Finding:
    """Result of one ``test``: an ``estimate`` in ``unit`` with its 95 % interval, statistic and two-sided ``p``.

    NaN stands for what the test does not give; ``note`` says why, and what else must be known.
    """

    test: str
    unit: str
    estimate: float = NAN
    low: float = NAN
    high: float = NAN
    statistic: float = NAN
    df: float = NAN
    p: float = NAN
    note: str = ""
