"""How numbers of a study are written for people."""

from __future__ import annotations

import math

# fs is shown in 10⁻³, as in all figures.
SCALES = {"fs": 1e3}
AXES = {"fs": "fs, 10⁻³", "PCr": "PCr, mM", "ksw": "ksw, s⁻¹", "AREX": "AREX, s⁻¹"}


def p_text(p: float) -> str:
    """Write a p value: two digits, or that it is small."""
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def number(value: float, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits and a true minus; a dash when there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    # A large number in full: 2e+02 is no number for a reader.
    text = f"{value:.0f}" if abs(value) >= 10**digits - 0.5 else f"{value:.{digits}g}"
    return text.replace("-", "−")


def interval(low: float, high: float, digits: int = 3) -> str:
    """Write an interval; empty when there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def percent(value: float) -> str:
    """Write a number that is in percent already, with its sign."""
    return "–" if not math.isfinite(value) else f"{value:+.1f} %".replace("-", "−")
