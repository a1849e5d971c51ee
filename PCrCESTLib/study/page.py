"""The page of a study: what was compared, what was found, and what must be known to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PCrCESTLib.report.page import Section, bullets, page, paragraph, picture, table
from PCrCESTLib.study.analysis import OVERALL, Analysis
from PCrCESTLib.study.cautions import cautions
from PCrCESTLib.study.picture import Picture
from PCrCESTLib.study.tests import HEDGES_G, PERCENT, WELCH
from PCrCESTLib.study.tests_section import balances_html, tests_html
from PCrCESTLib.study.values import Excluded, Value
from PCrCESTLib.study.words import AXES, SCALES, interval, number, p_text, percent


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
        found.append(Section("Pictures", "".join(picture(p.figure, p.text) for p in c.pictures)))
    if c.analysis.tests:
        found.append(Section("Tests", tests_html(c.analysis)))
        found.append(Section("Are the groups alike otherwise?", balances_html(c.analysis)))
    if c.analysis.retests:
        found.append(Section("Test-retest", _retests(c.analysis)))
    found.append(Section("Animals needed", _power(c.analysis)))
    found.append(Section("How it was computed", _methods(c)))
    return found


def _summary(c: Contents) -> str:
    by_group = ", ".join(f"{g}: n = {_n_used(c, g)} of {c.listed.get(g, 0)} subjects" for g in c.groups)
    text = paragraph(f"{by_group}. Methods: {', '.join(_methods_of(c))}.")
    answers = []
    for reference, compared in c.analysis.contrasts:
        for method in _methods_of(c):
            answer = _answer(c.analysis, method, reference, compared)
            if answer:
                answers.append(answer)
    return text + (bullets(answers) if answers else "")


def _n_used(c: Contents, group: str) -> int:
    return len({v.subject for v in c.values if v.group == group})


def _methods_of(c: Contents) -> list[str]:
    return list(dict.fromkeys(v.method for v in c.values))


def _answer(analysis: Analysis, method: str, reference: str, compared: str) -> str:
    """One sentence on fs: over all muscles, or of the only one."""
    of = [
        t
        for t in analysis.tests
        if (t.quantity, t.method, t.reference, t.compared) == ("fs", method, reference, compared)
    ]
    muscle = OVERALL if any(t.muscle == OVERALL for t in of) else next((t.muscle for t in of), "")
    found = {t.finding.test: t for t in of if t.muscle == muscle}
    if not found:
        return ""
    ratio, g, welch = found[PERCENT].finding, found[HEDGES_G].finding, found[WELCH].finding
    start = f"fs by {method}, {muscle}, {compared} against {reference}: "
    if ratio.note:
        return start + ratio.note + "."
    n = f"n = {found[WELCH].n_reference} + {found[WELCH].n_compared}"
    return (
        f"{start}{percent(ratio.estimate)} (95 % confidence {percent(ratio.low)} to {percent(ratio.high)}), "
        f"Hedges g {number(g.estimate)} {interval(g.low, g.high)}, Welch p {p_text(welch.p)}, {n}."
    )


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
        "quantity, method, muscle",
        "n",
        "mean",
        "bias [95 %]",
        "limits of agreement",
        "ICC(2,1) [95 %]",
        "ICC(3,1) [95 %]",
        "within-subject CoV [95 %]",
    ]
    parts = []
    for what in ("side", "session"):
        rows = []
        for r in (r for r in analysis.retests if r.what == what and r.quantity != "PCr"):
            f, scale = r.found, SCALES.get(r.quantity, 1.0)
            rows.append(
                [
                    f"{AXES[r.quantity]}, {r.method}, {r.muscle} ({r.second} − {r.first})",
                    str(f.n_subjects),
                    number(scale * f.mean),
                    f"{number(scale * f.bias.value)} {interval(scale * f.bias.low, scale * f.bias.high)}",
                    interval(scale * f.lower_limit.value, scale * f.upper_limit.value),
                    f"{number(f.icc21.value, 2)} {interval(f.icc21.low, f.icc21.high, 2)}",
                    f"{number(f.icc31.value, 2)} {interval(f.icc31.low, f.icc31.high, 2)}",
                    f"{number(100 * f.cov.value, 2)} % {interval(100 * f.cov.low, 100 * f.cov.high, 2)}",
                ]
            )
        if rows:
            kind = "sides" if what == "side" else "sessions"
            parts.append(
                table(
                    header,
                    rows,
                    f"Agreement of {kind}; n: subjects, all groups together (groups that differ raise ICC)",
                )
            )
    return "".join(parts)


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
        (n.quantity, n.method, n.muscle) for n in analysis.needed if n.quantity != "PCr"
    ):
        own = [n.plan for n in analysis.needed if (n.quantity, n.method, n.muscle) == key]
        rows.append([", ".join(key), f"{own[0].cov:.1%}", str(own[0].df), *(str(p.n_a_group) for p in own)])
    caption = "Subjects a group to find a difference with 80 % power (two-sided t-test at 5 %), if this spread holds"
    return table(header, rows, caption)


def _methods(c: Contents) -> str:
    adjusted = ", ".join(c.analysis.adjusted_for) or "nothing"
    sentences = [
        f"Number of a region: {c.estimator}. Sides and sessions of a subject are averaged before groups are "
        "compared; 'all muscles' is the mean over the muscles that every subject has.",
        "Welch's t-test and Mann-Whitney's test, two-sided; p by muscle corrected after Holm, each method and each "
        "pair of groups by itself.",
        "Hedges g with small-sample correction (Hedges 1981) and the interval of noncentral t (Hedges & Olkin 1985).",
        "Difference in %: interval of the logarithm of the ratio of means (Hedges, Gurevitch & Curtis 1999).",
        "Mixed model: value ~ group + muscle + (1 | subject), REML, t with between-within degrees of freedom; adjusted "
        f"for: {adjusted}.",
        "Test-retest: Bland & Altman 1986; ICC of Shrout & Fleiss 1979; CoV as root mean square.",
        "By chance, one of 20 tests of nothing has p < 0.05; several methods and quantities are several looks.",
        "Animals needed: a method that sees less than the whole difference needs more than stated.",
        c.software,
    ]
    return bullets(sentences)
