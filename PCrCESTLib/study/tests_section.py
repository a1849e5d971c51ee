"""The tables of a study's page that compare groups: in fs and ksw, and in what could make them look different."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PCrCESTLib.report.page import paragraph, table
from PCrCESTLib.study.analysis import ADJUSTED, Analysis, Test
from PCrCESTLib.study.confounding import Balance
from PCrCESTLib.study.finding import SIGNIFICANCE
from PCrCESTLib.study.mixed import MIXED, REGRESSION
from PCrCESTLib.study.tests import HEDGES_G, MANN_WHITNEY, PERCENT, WELCH
from PCrCESTLib.study.words import AXES, SCALES, effect, hedges, number, p_text, with_sd


def tests_html(analysis: Analysis) -> str:
    """Return the tables of all tests, one a quantity and pair of groups."""
    parts = []
    for reference, compared in analysis.contrasts:
        for quantity in analysis.shown:
            of = [
                t
                for t in analysis.tests
                if (t.quantity, t.reference, t.compared) == (quantity, reference, compared)
            ]
            if of:
                parts.append(_test_table(of, analysis.adjusted_for, quantity))
    for quantity in analysis.multiples:
        text = f"{quantity} is fs times a constant in every value of a method: its tests are those of fs"
        parts.append(paragraph(f"{text} (study_tests.csv)."))
    return "".join(parts)


def _test_table(tests: Sequence[Test], adjusted_for: Sequence[str], quantity: str) -> str:
    reference, compared = tests[0].reference, tests[0].compared
    header = [
        "method, muscle",
        f"{reference}: mean ± SD (n)",
        f"{compared}: mean ± SD (n)",
        "difference, % [95 %]",
        "Welch p",
        "after Holm",
        "Mann-Whitney p",
        "Hedges g [95 %]",
        "mixed model, % [95 %], p",
    ]
    adjusted = any(_adjusted(t) for t in tests)
    if adjusted:
        header.append(f"adjusted for {', '.join(adjusted_for)}, % [95 %], p")
    rows = []
    for key in dict.fromkeys((t.method, t.muscle) for t in tests):
        found = {t.finding.test: t for t in tests if (t.method, t.muscle) == key}
        rows.append(_test_row(key, found, SCALES.get(quantity, 1.0), adjusted=adjusted))
    return table(header, rows, f"{AXES[quantity]}: {compared} minus {reference}")


def _test_row(key: tuple[str, str], found: Mapping[str, Test], scale: float, *, adjusted: bool) -> list[str]:
    welch, ratio, g = found[WELCH], found[PERCENT].finding, found[HEDGES_G].finding
    doubt = " (not identifiable)" if welch.n_unidentifiable > 0.5 * welch.n_values else ""
    row = [
        ", ".join(key) + doubt,
        f"{with_sd(scale * welch.mean_reference, scale * welch.sd_reference)} ({welch.n_reference})",
        f"{with_sd(scale * welch.mean_compared, scale * welch.sd_compared)} ({welch.n_compared})",
        effect(ratio) if not ratio.note else ratio.note,
        p_text(welch.finding.p),
        p_text(welch.p_holm),
        p_text(found[MANN_WHITNEY].finding.p),
        hedges(g),
        _model(found, ""),
    ]
    return [*row, _model(found, ADJUSTED)] if adjusted else row


def _model(found: Mapping[str, Test], suffix: str) -> str:
    for test, mark in ((MIXED, ""), (REGRESSION, " (of\u00a0means)")):
        of = found.get(f"{test}{suffix} in %")
        if of is not None:
            f = of.finding
            if not math.isfinite(f.estimate):
                return f.note
            size = f", n\u00a0{of.n_reference}\u00a0+\u00a0{of.n_compared}" if suffix else ""
            return f"{effect(f)}, p\u00a0{p_text(found[f'{test}{suffix}'].finding.p)}{size}{mark}"
    return "–"


def _verdict(b: Balance) -> str:
    if not b.suspicious:
        return "no clear difference"
    return "may differ" if b.p >= SIGNIFICANCE else "differs"


def balances_html(analysis: Analysis) -> str:
    """Return what else the groups differ in, one table a pair of groups."""
    parts = []
    for (reference, compared), balances in analysis.balances.items():
        rows = [
            [
                b.name,
                f"{number(b.mean_reference)} ({b.n_reference})",
                f"{number(b.mean_compared)} ({b.n_compared})",
                number(b.difference, 2),
                p_text(b.p),
                b.note or _verdict(b),
            ]
            for b in balances
        ]
        header = [
            "property",
            f"{reference}: mean (n)",
            f"{compared}: mean (n)",
            "standardized difference",
            "p",
            "",
        ]
        caption = (
            "Properties that could make fs look different; they differ where p < 0.05, and may where |difference| > 0.5"
        )
        parts.append(table(header, rows, caption) if rows else paragraph("No other property is known."))
    return "".join(parts)


def _adjusted(test: Test) -> str:
    return ADJUSTED if test.finding.test.endswith(ADJUSTED) else ""
