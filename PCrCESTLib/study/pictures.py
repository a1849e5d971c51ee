"""The pictures of a study: forest plots of all methods, and box plots of every subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PCrCESTLib.figures.forest import ForestLine, draw_forest
from PCrCESTLib.figures.group_boxes import draw_group_boxes
from PCrCESTLib.study.analysis import OVERALL, Analysis, Test
from PCrCESTLib.study.means import subject_means
from PCrCESTLib.study.tests import HEDGES_G, PERCENT, WELCH
from PCrCESTLib.study.values import Value
from PCrCESTLib.study.words import AXES, SCALES, p_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EFFECTS = {PERCENT: "difference, % of the reference", HEDGES_G: "Hedges g, SD"}


def forest(analysis: Analysis, quantity: str, contrast: tuple[str, str], effect: str) -> Figure | None:
    """Draw the ``effect`` (a key of `EFFECTS`) of every method in every muscle; None when nothing was compared."""
    tests = [t for t in analysis.tests if t.quantity == quantity and (t.reference, t.compared) == contrast]
    chosen = [t for t in tests if t.finding.test == effect]
    if not chosen:
        return None
    p_of = {(t.method, t.muscle): t for t in tests if t.finding.test == WELCH}
    # All muscles first: the question of the study.
    chosen.sort(key=lambda t: (t.muscle != OVERALL, t.muscle))
    lines = [_line(t, p_of[t.method, t.muscle]) for t in chosen]
    reference, compared = contrast
    return draw_forest(
        lines,
        title=f"{quantity}: {compared} against {reference}",
        axis=f"{EFFECTS[effect]}  (below 0: less in {compared})",
        footer="Bars: 95 % confidence. p: Welch's t-test, by muscle corrected after Holm. n: subjects, "
        f"{reference} + {compared}. Hollow: not identifiable in most values.",
    )


def _line(test: Test, welch: Test) -> ForestLine:
    n = f"n {test.n_reference} + {test.n_compared}"
    f = test.finding
    if f.note:
        return ForestLine(test.muscle, test.method, f.estimate, f.low, f.high, f"{f.note} ({n})")
    p = welch.finding.p if test.muscle == OVERALL or welch.p_holm != welch.p_holm else welch.p_holm
    unsure = test.n_unidentifiable > 0.5 * test.n_values
    return ForestLine(test.muscle, test.method, f.estimate, f.low, f.high, f"p {p_text(p)}, {n}", unsure)


def boxes(values: Sequence[Value], groups: Sequence[str], quantity: str, method: str) -> Figure | None:
    """Draw every subject's number of one method by muscle; None when there is none."""
    own = [v for v in values if v.quantity == quantity and v.method == method]
    if not own:
        return None
    panels = {}
    for muscle in sorted({v.muscle for v in own}):
        of = [v for v in own if v.muscle == muscle]
        means = subject_means(of)
        members = {g: {v.subject for v in of if v.group == g} for g in groups}
        panels[muscle] = {g: [SCALES.get(quantity, 1) * means[s] for s in sorted(members[g])] for g in groups}
    return draw_group_boxes(
        panels,
        title=f"{quantity} by {method}",
        axis=AXES.get(quantity, quantity),
        footer="Points: subjects (mean over sides and sessions). Boxes: quartiles; whiskers: smallest and largest.",
    )
