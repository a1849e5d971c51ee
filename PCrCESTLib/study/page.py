"""The page of a study: what was compared, what was found, and what must be known to believe it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PCrCESTLib.methods import METHODS
from PCrCESTLib.report.page import Section, bullets, page, paragraph, picture, table
from PCrCESTLib.study.analysis import OVERALL, Analysis, Test
from PCrCESTLib.study.cautions import cautions
from PCrCESTLib.study.picture import Picture
from PCrCESTLib.study.repeats import Retest
from PCrCESTLib.study.retest import Estimate
from PCrCESTLib.study.tests import HEDGES_G, PERCENT, WELCH
from PCrCESTLib.study.tests_section import balances_html, tests_html
from PCrCESTLib.study.values import Excluded, Value
from PCrCESTLib.study.words import AXES, SCALES, decimals_of, effect, fixed, hedges, p_text


@dataclass(frozen=True)
class Contents:
    """What the page tells; ``pictures`` in order."""

    title: str
    groups: tuple[str, ...]
    listed: Mapping[str, int]  # subjects in the list, by group
    values: Sequence[Value]
    left_out: Sequence[Excluded]
    analysis: Analysis
    pictures: Sequence[Picture]
    notes: Sequence[str]
    estimator: str
    software: str


def study_page(c: Contents) -> str:
    """Return the page, one HTML file; A4 across on paper, for its wide tables."""
    return page(c.title, _sections(c), identity=c.title, imprint=c.software, landscape=True)


def _sections(c: Contents) -> list[Section]:
    found = [
        Section("What was found", _summary(c)),
        Section("Warnings", _warnings(c)),
        Section("Subjects", _subjects(c)),
    ]
    if c.pictures:
        found.append(Section("Pictures", "".join(map(_shown, c.pictures))))
    if c.analysis.tests:
        found.append(Section("Tests", tests_html(c.analysis)))
        found.append(Section("Are the groups alike otherwise?", balances_html(c.analysis)))
    if c.analysis.retests:
        found.append(Section("Test-retest", _retests(c.analysis)))
    found.append(Section("Animals needed", _power(c.analysis)))
    found.append(Section("How it was computed", _methods(c)))
    return found


def _shown(p: Picture) -> str:
    return picture(p.figure, p.text, width_inches=float(p.figure.get_figwidth()))


def _summary(c: Contents) -> str:
    by_group = ", ".join(f"{g}: n = {_n_used(c, g)} of {c.listed.get(g, 0)} subjects" for g in c.groups)
    text = paragraph(f"{by_group}. Methods: {', '.join(_methods_of(c))}.")
    return text + "".join(_answers(c, contrast) for contrast in c.analysis.contrasts)


def _answers(c: Contents, contrast: tuple[str, str]) -> str:
    """Return a table of fs, one row a method: over all muscles, or of the only one."""
    tests = [t for t in c.analysis.tests if t.quantity == "fs" and (t.reference, t.compared) == contrast]
    if not tests:
        return ""
    muscle = OVERALL if any(t.muscle == OVERALL for t in tests) else tests[0].muscle
    rows = [
        _answer(method, {t.finding.test: t for t in tests if (t.method, t.muscle) == (method, muscle)})
        for method in _methods_of(c)
    ]
    header = ["method", "in words", "difference, % [95 %]", "Hedges g [95 %]", "Welch p", "subjects"]
    return table(
        header, [row for row in rows if row], f"fs in {muscle}: {contrast[1]} against {contrast[0]}"
    )


def _answer(method: str, found: Mapping[str, Test]) -> list[str]:
    if not found:
        return []
    ratio, g, welch = found[PERCENT].finding, found[HEDGES_G].finding, found[WELCH]
    n = f"n = {welch.n_reference} + {welch.n_compared}"
    if ratio.note:
        return [method, ratio.note, "–", "–", "–", n]
    less, more = ratio.high < 0, ratio.low > 0
    words = f"{'less' if less else 'more'} in {welch.compared}" if less or more else "no difference shown"
    return [
        method,
        words,
        effect(ratio),
        hedges(g),
        p_text(welch.finding.p),
        n,
    ]


def _n_used(c: Contents, group: str) -> int:
    return len({v.subject for v in c.values if v.group == group})


def _methods_of(c: Contents) -> list[str]:
    return list(dict.fromkeys(v.method for v in c.values))


def _warnings(c: Contents) -> str:
    found = cautions(c.analysis, len(c.left_out), c.notes)
    return bullets(found) if found else paragraph("None.")


def _subjects(c: Contents) -> str:
    rows = []
    for group in c.groups:
        of = [v for v in c.values if v.group == group]
        scans = {(v.subject, v.session, v.folder) for v in of}
        rows.append([group, str(c.listed.get(group, 0)), str(_n_used(c, group)), str(len(scans))])
    text = table(
        ["group", "subjects in the list", "subjects used", "results used"],
        rows,
        "Subjects and results by group",
    )
    if not c.left_out:
        return text + paragraph("Nothing was left out.")
    rows = [
        [e.subject, e.group, e.session or "–", e.side or "–", e.method or "all", e.roi or "all", e.reason]
        for e in c.left_out
    ]
    header = ["subject", "group", "session", "side", "method", "region", "reason"]
    return text + table(header, rows, "Left out, with the reason")


def _retests(analysis: Analysis) -> str:
    header = [
        "method, muscle",
        "n",
        "mean",
        "bias [95 %]",
        "limits of agreement",
        "ICC(2,1) [95 %]",
        "ICC(3,1) [95 %]",
        "within-subject CoV, % [95 %]",
    ]
    parts = []
    shown = [r for r in analysis.retests if r.quantity in analysis.shown]
    for key in dict.fromkeys((r.what, r.first, r.second, r.quantity) for r in shown):
        what, first, second, quantity = key
        rows = [_retest_row(r) for r in shown if (r.what, r.first, r.second, r.quantity) == key]
        name = "" if what == "side" else f"{what} "
        caption = (
            f"{AXES[quantity]}: {name}{second} minus {name}{first}; n: subjects, all groups together (groups that "
            "differ raise ICC)"
        )
        parts.append(table(header, rows, caption))
    return "".join(parts)


def _retest_row(r: Retest) -> list[str]:
    f, scale = r.found, SCALES.get(r.quantity, 1.0)
    lower, upper = scale * f.lower_limit.value, scale * f.upper_limit.value
    decimals = decimals_of(upper - lower)
    return [
        f"{r.method}, {r.muscle}",
        str(f.n_subjects),
        fixed(scale * f.mean, decimals),
        _with_interval(f.bias, scale, decimals),
        f"{fixed(lower, decimals)} to {fixed(upper, decimals)}",
        _with_interval(f.icc21, 1, 2),
        _with_interval(f.icc31, 1, 2),
        _with_interval(f.cov, 100, 1),
    ]


def _with_interval(e: Estimate, scale: float, decimals: int) -> str:
    value, low, high = (fixed(scale * v, decimals) for v in (e.value, e.low, e.high))
    return f"{value} [{low}, {high}]" if math.isfinite(e.low) else value


def _power(analysis: Analysis) -> str:
    effects = list(dict.fromkeys(n.plan.effect for n in analysis.needed))
    if not effects:
        return paragraph("The spread between subjects is not known (two subjects of a group are needed).")
    header = [
        "quantity, method, muscle",
        "SD between subjects",
        "degrees of freedom",
        *(f"for {e:.0%}" for e in effects),
    ]
    rows = []
    for key in dict.fromkeys(
        (n.quantity, n.method, n.muscle) for n in analysis.needed if n.quantity in analysis.shown
    ):
        own = [n.plan for n in analysis.needed if (n.quantity, n.method, n.muscle) == key]
        rows.append([", ".join(key), f"{own[0].cov:.1%}", str(own[0].df), *(str(p.n_a_group) for p in own)])
    caption = "Subjects a group to find a difference with 80 % power (two-sided t-test at 5 %), if this spread holds"
    return table(header, rows, caption)


def _methods(c: Contents) -> str:
    adjusted = ", ".join(c.analysis.adjusted_for) or "nothing"
    titles = (f"{m}: {METHODS[m].title if m in METHODS else 'not known to this version'}" for m in _methods_of(c))
    sentences = [
        f"Methods: {'; '.join(titles)}.",
        f"Number of a region: {c.estimator}. Sides and sessions of a subject are averaged before groups are "
        "compared; 'all muscles' is the mean over the muscles that every subject has.",
        "Welch's t-test and Mann-Whitney's test, two-sided; p by muscle corrected after Holm, each method and each "
        "pair of groups by itself.",
        "Hedges g with small-sample correction (Hedges 1981) and the interval of noncentral t (Hedges & Olkin 1985).",
        "Difference in %: interval of the logarithm of the ratio of means (Hedges, Gurevitch & Curtis 1999).",
        "Mixed model: value ~ group + muscle + (1 | subject), REML, t with between-within degrees of freedom; adjusted "
        f"for: {adjusted}.",
        "Test-retest: Bland & Altman 1986, exact intervals of the limits of agreement (Carkeet 2015); ICC of "
        "Shrout & Fleiss 1979; CoV as root mean square.",
        "By chance, one of 20 tests of nothing has p < 0.05; several methods and quantities are several looks.",
        "Animals needed: a method that sees less than the whole difference needs more than stated.",
        c.software,
    ]
    return bullets(sentences)
