"""The pictures of a study: forest plots of all methods, box plots of every subject, agreement of repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PCrCESTLib.figures.forest import ForestLine, draw_forest
from PCrCESTLib.figures.group_boxes import GroupPanel, draw_group_boxes
from PCrCESTLib.study.agreement_pictures import agreement_pictures
from PCrCESTLib.study.analysis import OVERALL, Analysis, Test
from PCrCESTLib.study.means import by, subject_means
from PCrCESTLib.study.picture import DRAWN, Picture, file_label, sheets
from PCrCESTLib.study.tests import HEDGES_G, PERCENT, WELCH
from PCrCESTLib.study.values import Value
from PCrCESTLib.study.words import AXES, SCALES, p_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EFFECTS = {PERCENT: "difference, % of the reference", HEDGES_G: "Hedges g, SD"}
NAMES = {PERCENT: "difference in %", HEDGES_G: "Hedges g"}


def pictures_of(values: Sequence[Value], groups: Sequence[str], analysis: Analysis) -> list[Picture]:
    """Draw all pictures of a study.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    return [*_forests(analysis), *_boxes(values, groups), *agreement_pictures(analysis.retests, groups)]


def _forests(analysis: Analysis) -> Iterator[Picture]:
    for contrast in analysis.contrasts:
        which = "" if len(analysis.contrasts) == 1 else contrast[1]
        for quantity in (q for q in analysis.shown if q != "PCr"):
            for effect, kind in ((PERCENT, "percent"), (HEDGES_G, "g")):
                lines = _forest_lines(analysis, quantity, contrast, effect)
                if lines:
                    text = (
                        f"Forest plot of {quantity}, {contrast[1]} against {contrast[0]}: {EFFECTS[effect]} by muscle "
                        "and method; numbers in the table Tests"
                    )
                    figure = _forest(lines, quantity, contrast, effect)
                    yield Picture(f"forest{file_label(quantity, kind, which)}.png", text, figure)


def _forest_lines(
    analysis: Analysis, quantity: str, contrast: tuple[str, str], effect: str
) -> list[ForestLine]:
    """Return the ``effect`` (a key of `EFFECTS`) of every method in every muscle; none when nothing was compared."""
    tests = [t for t in analysis.tests if t.quantity == quantity and (t.reference, t.compared) == contrast]
    chosen = [t for t in tests if t.finding.test == effect]
    p_of = {(t.method, t.muscle): t for t in tests if t.finding.test == WELCH}
    # All muscles first: the question of the study.
    chosen.sort(key=lambda t: (t.muscle != OVERALL, t.muscle))
    return [_line(t, p_of[t.method, t.muscle]) for t in chosen]


def _forest(
    lines: Sequence[ForestLine], quantity: str, contrast: tuple[str, str], effect: str
) -> Figure:
    reference, compared = contrast
    return draw_forest(
        lines,
        title=f"{quantity}, {compared} against {reference}: {NAMES[effect]}",
        decimals=1 if effect == PERCENT else 2,
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


def _boxes(values: Sequence[Value], groups: Sequence[str]) -> Iterator[Picture]:
    for quantity in DRAWN:
        for method, own in sheets([v for v in values if v.quantity == quantity]):
            what = f"{quantity} by {method}" if method else f"{quantity} in {own[0].muscle}"
            panels = [
                GroupPanel(muscle if method else its_method, its_method, _by_group(of, groups, quantity))
                for (muscle, its_method), of in by(own, "muscle", "method")
            ]
            figure = draw_group_boxes(
                sorted(panels, key=lambda p: p.title) if method else panels,
                title=what,
                axis=AXES[quantity],
                footer="Points: subjects (mean over sides and sessions).\nBoxes: quartiles; whiskers: smallest and "
                "largest.",
            )
            text = f"Box plots of {what}: every subject by {'muscle' if method else 'method'} and group; see "
            yield Picture(f"boxes{file_label(quantity, method)}.png", f"{text}study_values.csv", figure)


def _by_group(values: Sequence[Value], groups: Sequence[str], quantity: str) -> dict[str, list[float]]:
    """Every subject's number in the unit of the figures, by group."""
    means = subject_means(values)
    members = {g: {v.subject for v in values if v.group == g} for g in groups}
    return {g: [SCALES.get(quantity, 1) * means[s] for s in sorted(members[g])] for g in groups}
