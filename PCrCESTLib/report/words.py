"""Numbers and units as the report writes them."""

from __future__ import annotations

import math

from PCrCESTLib.roi import RoiRow

NAMES = {"fs": "PCr fraction fs", "PCr": "PCr", "ksw": "exchange rate ksw", "AREX": "AREX at PCr"}
UNITS = {"fs": "10⁻³", "PCr": "mM", "ksw": "s⁻¹", "AREX": "s⁻¹"}
SCALES = {"fs": 1e3}
DECIMALS = {"fs": 2, "PCr": 1, "ksw": 0, "AREX": 4}
UNKNOWN = "not recorded"


def number(value: float, quantity: str) -> str:
    """Return a number in the unit of the report (`UNITS`), without the unit."""
    if not math.isfinite(value):
        return "–"
    return f"{value * SCALES.get(quantity, 1.0):.{DECIMALS[quantity]}f}"


def with_sd(row: RoiRow) -> str:
    """Return ``value ± sd`` in the unit of the report, which no line break parts."""
    sd = f"\u00a0±\u00a0{number(row.sd, row.quantity)}" if math.isfinite(row.sd) else ""
    return number(row.value, row.quantity) + sd


def with_unit(row: RoiRow) -> str:
    """Return ``value ± sd unit``; a power of ten multiplies both, so they stand in brackets."""
    text, unit = with_sd(row), UNITS[row.quantity]
    return f"({text})\u00a0×\u00a0{unit}" if row.quantity in SCALES else f"{text}\u00a0{unit}"


def percent(share: float) -> str:
    """Return a share as percent; a small one is not called 0."""
    if not math.isfinite(share):
        return "–"
    if 0 < share < 0.01:
        return "< 1 %"
    return f"{100 * share:.0f} %"


def signed(value: float) -> str:
    """Return a number with two decimals and a sign that is as wide as a digit."""
    return f"{value:+.2f}".replace("-", "\u2212")


def heading(quantity: str) -> str:
    """Return the head of a column: name and unit."""
    return f"{NAMES[quantity]}, {UNITS[quantity]}"


def joined(words: list[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
