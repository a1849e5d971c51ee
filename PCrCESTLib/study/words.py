"""How numbers of a study are written for people."""

from __future__ import annotations

import math

from PCrCESTLib.study.finding import Finding

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


def fixed(value: float, decimals: int) -> str:
    """Write a number with these decimals and a true minus; a dash when there is none."""
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else number(value)


def decimals_of(spread: float) -> int:
    """Return the decimals that show two digits of an SD, or of the width of a range."""
    return max(0, 1 - math.floor(math.log10(spread))) if 0 < spread < math.inf else 2


def with_sd(mean: float, sd: float) -> str:
    """Write ``mean ± SD`` with the decimals of the SD; the mean alone where there is no SD."""
    if not math.isfinite(sd):
        return number(mean)
    return f"{fixed(mean, decimals_of(sd))} ± {fixed(sd, decimals_of(sd))}"


def hedges(f: Finding) -> str:
    """Write Hedges g with its interval."""
    if not math.isfinite(f.estimate):
        return number(f.estimate)
    return f"{fixed(f.estimate, 2)} [{fixed(f.low, 2)}, {fixed(f.high, 2)}]"


def effect(f: Finding) -> str:
    """Write a difference in percent with its interval, without the sign for percent; no line break parts it."""
    estimate, low, high = (f"{v:+.1f}".replace("-", "−") for v in (f.estimate, f.low, f.high))
    return f"{estimate}\u00a0[{low},\u00a0{high}]"
