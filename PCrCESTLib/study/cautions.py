"""What must be known to believe a study: confounding, what is not identifiable, models that could not be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PCrCESTLib.study.analysis import Analysis
from PCrCESTLib.study.confounding import Balance
from PCrCESTLib.study.finding import SIGNIFICANCE
from PCrCESTLib.study.mixed import MIXED, NOT_USED, REGRESSION
from PCrCESTLib.study.words import number, p_text


def cautions(analysis: Analysis, n_left_out: int, notes: Sequence[str]) -> list[str]:
    """Return the warnings of a study, one sentence each, without repetition.

    Parameters
    ----------
    analysis : Analysis
        Its tests.
    n_left_out : int
        Scans or parts of scans that are not in it.
    notes : sequence of str
        What else there is to say.
    """
    found = [*analysis.notes]
    for (reference, compared), balances in analysis.balances.items():
        found += [_confounding(b, reference, compared) for b in balances if b.suspicious]
    found += _fallen(analysis)
    if n_left_out:
        found.append(f"{n_left_out} scans or parts of scans are left out; see Subjects.")
    return list(dict.fromkeys([*found, *notes]))


def _confounding(b: Balance, reference: str, compared: str) -> str:
    """Say that groups differ in a property, and whether that is more than chance."""
    chance = b.p >= SIGNIFICANCE
    start = "Possible confounding" if chance else "Confounding"
    end = ", though the difference may be chance" if chance else ""
    return (
        f"{start}: {b.name} differs between {reference} ({number(b.mean_reference)}, n = {b.n_reference}) and "
        f"{compared} ({number(b.mean_compared)}, n = {b.n_compared}): standardized difference "
        f"{number(b.difference, 2)}, p {p_text(b.p)}. An effect may be due to it{end}."
    )


def _fallen(analysis: Analysis) -> list[str]:
    """Say in one sentence how often a mixed model could not be used, and why."""
    models = [
        t.finding.note
        for t in analysis.tests
        if t.quantity in analysis.shown and t.finding.unit != "%" and t.finding.test.startswith((MIXED, REGRESSION))
    ]
    reasons = Counter(note.removeprefix(f"{NOT_USED}: ") for note in models if note.startswith(NOT_USED))
    if not reasons:
        return []
    counted = ", or ".join(
        why if len(reasons) == 1 else f"{why} (in {count})" for why, count in reasons.most_common()
    )
    return [
        f"In {reasons.total()} of {len(models)} comparisons a regression of the subjects' means stands in place of the "
        f"mixed model, because {counted}; they are marked 'of means' in Tests."
    ]
