"""Sides and sessions of a study that repeat a measurement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from PCrCESTLib.study.retest import Agreement, agreement
from PCrCESTLib.study.values import Value

SMALLEST_RETEST = 3  # subjects


class Pair(NamedTuple):
    """Both numbers of one subject; ``identifiable`` where both are better known than before the scan."""

    subject: str
    group: str
    first: float
    second: float
    identifiable: bool


@dataclass(frozen=True)
class Retest:
    """Agreement of ``first`` and ``second`` (sides, or sessions) in one muscle by one method, over all groups."""

    quantity: str
    unit: str
    method: str
    muscle: str
    what: str
    first: str
    second: str
    pairs: tuple[Pair, ...]
    found: Agreement


def retests_of(muscle: str, values: Sequence[Value]) -> list[Retest]:
    """Judge left against right, and every session against the first; nothing of fewer than three subjects."""
    found = []
    for what, conditions in (("side", _sides(values)), ("session", _sessions(values))):
        for second in conditions[1:]:
            pairs = _pairs(values, what, (conditions[0], second))
            if len(pairs) >= SMALLEST_RETEST:
                v = values[0]
                judged = agreement(np.array([[p.first, p.second] for p in pairs]))
                labels = (v.quantity, v.unit, v.method, muscle, what, conditions[0], second)
                found.append(Retest(*labels, pairs, judged))
    return found


def _sides(values: Sequence[Value]) -> list[str]:
    return sorted({v.side for v in values} - {""})


def _sessions(values: Sequence[Value]) -> list[str]:
    """Sessions in their order: by number where all are numbers, else as they come in the list."""
    names = list(dict.fromkeys(v.session for v in values if v.session))
    return sorted(names, key=int) if all(n.isdecimal() for n in names) else names


def _pairs(values: Sequence[Value], what: str, conditions: tuple[str, str]) -> tuple[Pair, ...]:
    """Both numbers of every subject that has both.

    Each is the mean over what else repeats (sessions of a side, sides of a session), of which only what both have
    counts: a session of one leg is not compared with one of two.
    """
    other = "session" if what == "side" else "side"
    cells: dict[tuple[str, str], dict[str, Value]] = defaultdict(dict)
    for v in values:
        cells[v.subject, getattr(v, what)][getattr(v, other)] = v
    found = []
    for subject in sorted({s for s, _ in cells}):
        first, second = (cells.get((subject, c), {}) for c in conditions)
        common = [place for place in first if place in second]
        if common:
            mean_first, mean_second = (float(np.mean([of[p].value for p in common])) for of in (first, second))
            known = all(of[place].identifiable for of in (first, second) for place in common)
            found.append(Pair(subject, first[common[0]].group, mean_first, mean_second, known))
    return tuple(found)
