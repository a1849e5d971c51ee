"""Bland-Altman plots of a study: sides or sessions of the same subjects, by method and muscle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PCrCESTLib.figures.bland_altman import AgreementPanel, Level, Point, draw_bland_altman
from PCrCESTLib.study.picture import DRAWN, Picture, file_label, sheets
from PCrCESTLib.study.repeats import Retest
from PCrCESTLib.study.retest import Estimate
from PCrCESTLib.study.words import AXES, SCALES, decimals_of, fixed


def agreement_pictures(retests: Sequence[Retest], groups: Sequence[str]) -> Iterator[Picture]:
    """Draw every pair of sides or sessions.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    for quantity in DRAWN:
        own = [r for r in retests if r.quantity == quantity]
        for pair in dict.fromkeys((r.what, r.first, r.second) for r in own):
            for method, of in sheets([r for r in own if (r.what, r.first, r.second) == pair]):
                yield _picture(of, method, groups)


def _picture(retests: Sequence[Retest], method: str, groups: Sequence[str]) -> Picture:
    """Draw retests of one quantity and pair of conditions: muscles of a ``method``, or all methods without one."""
    any_one = retests[0]
    quantity, what, first, second = any_one.quantity, any_one.what, any_one.first, any_one.second
    sessions = "session " if what == "session" else ""
    where = f"by {method}" if method else f"in {any_one.muscle}"
    title = f"{quantity} {where}: agreement of {sessions}{first} and {sessions}{second}"
    unit = AXES[quantity].partition(", ")[2]
    panels = [_panel(r, r.muscle if method else r.method) for r in retests]
    figure = draw_bland_altman(
        panels,
        groups,
        title=title,
        axes_labels=(f"mean of {first} and {second}, {unit}", f"{second} − {first}, {unit}"),
        footer="Points: subjects (hollow: not identifiable). Solid line: bias. Dashed: limits of agreement (bias ± "
        "1.96 SD).\nBars at the right edge and numbers in brackets: 95 % confidence.",
    )
    numbers = "; ".join(f"{p.title}: {p.note}".replace("\n", ", ") for p in panels)
    # Of sides there is one pair only.
    label = file_label(what, *((first, second) if sessions else ()), quantity, method)
    return Picture(f"agreement{label}.png", f"Bland-Altman plot of {title}, in {unit}. {numbers}", figure)


def _panel(retest: Retest, title: str) -> AgreementPanel:
    scale, found = SCALES.get(retest.quantity, 1.0), retest.found
    bias, lower, upper = (_level(e, scale) for e in (found.bias, found.lower_limit, found.upper_limit))
    points = [
        Point(p.group, scale * (p.first + p.second) / 2, scale * (p.second - p.first), not p.identifiable)
        for p in retest.pairs
    ]
    # As many decimals for all as two digits of the distance of the limits need.
    decimals = decimals_of(upper.value - lower.value)
    b, low, high = (_words(level, decimals) for level in (bias, lower, upper))
    note = f"n = {found.n_subjects}, bias {b}\nlimits {low}, {high}"
    return AgreementPanel(title, retest.method, points, bias, lower, upper, note)


def _level(estimate: Estimate, scale: float) -> Level:
    return Level(scale * estimate.value, scale * estimate.low, scale * estimate.high)


def _words(level: Level, decimals: int) -> str:
    value, low, high = (fixed(v, decimals) for v in level)
    return f"{value} [{low}, {high}]"
