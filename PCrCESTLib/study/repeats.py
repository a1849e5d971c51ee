"""Sides and sessions of a study that repeat a measurement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.study.retest import Agreement, agreement
from PCrCESTLib.study.values import Value

SMALLEST_RETEST = 3  # subjects


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
    found: Agreement


def retests_of(muscle: str, values: Sequence[Value]) -> list[Retest]:
    """Judge left against right, and every session against the first; nothing of fewer than three subjects."""
    found = []
    for what in ("side", "session"):
        conditions = sorted({getattr(v, what) for v in values} - {""})
        for second in conditions[1:]:
            pairs = _pairs(values, what, (conditions[0], second))
            if len(pairs) >= SMALLEST_RETEST:
                v = values[0]
                labels = (v.quantity, v.unit, v.method, muscle, what, conditions[0], second)
                found.append(Retest(*labels, agreement(np.array(pairs))))
    return found


def _pairs(values: Sequence[Value], what: str, conditions: tuple[str, str]) -> list[list[float]]:
    """Both numbers of every subject that has both, each the mean over what else repeats."""
    cells: dict[tuple[str, str], list[float]] = defaultdict(list)
    for v in values:
        cells[v.subject, getattr(v, what)].append(v.value)
    subjects = sorted({s for s, _ in cells})
    return [
        [float(np.mean(cells[s, c])) for c in conditions]
        for s in subjects
        if all((s, c) in cells for c in conditions)
    ]
