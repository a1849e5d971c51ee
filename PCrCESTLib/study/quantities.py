"""Which quantities of a study say the same as fs, so that nobody reads one test three times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PCrCESTLib.study.means import by
from PCrCESTLib.study.values import Value

MULTIPLES = ("PCr", "AREX")  # PCr in mM is fs times a constant, AREX in the protocol of one power, too
_SPREAD = 1e-4  # relative; tables keep more digits


def multiples_of_fs(values: Sequence[Value]) -> tuple[str, ...]:
    """Return those of `MULTIPLES` that are fs times one constant a method: their tests are those of fs."""
    known = {q for v in values if (q := v.quantity) in MULTIPLES}
    return tuple(q for q in MULTIPLES if q in known and _is_multiple(values, q))


def _is_multiple(values: Sequence[Value], quantity: str) -> bool:
    fs = {_place(v): v.value for v in values if v.quantity == "fs"}
    for _, own in by([v for v in values if v.quantity == quantity], "method"):
        ratios = np.array([v.value / fs[p] if fs.get(p := _place(v)) else np.nan for v in own])
        if not np.isfinite(ratios).all() or np.ptp(ratios) > _SPREAD * abs(ratios).max():
            return False
    return True


def _place(v: Value) -> tuple[str, ...]:
    return v.subject, v.session, v.side, v.method, v.muscle
