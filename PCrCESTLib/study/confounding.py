"""What else the groups differ in, and could make fs look different."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from PCrCESTLib.study.finding import NAN, SIGNIFICANCE, SMALLEST_GROUP

LARGE = 0.5  # standardized difference


@dataclass(frozen=True)
class Balance:
    """Difference of the groups in ``name``; ``difference`` is standardized, ``p`` is of Welch's t-test."""

    name: str
    n_reference: int
    n_compared: int
    mean_reference: float
    mean_compared: float
    difference: float = NAN
    p: float = NAN
    note: str = ""

    @property
    def suspicious(self) -> bool:
        """Whether an effect may be due to it."""
        return abs(self.difference) > LARGE or self.p < SIGNIFICANCE


def balance(name: str, reference: np.ndarray, compared: np.ndarray) -> Balance:
    """Compare the groups in one property, one value a subject.

    The standardized difference is (m₂−m₁)/√((s₁²+s₂²)/2) (Austin 2009, Stat Med 28:3083).
    """
    first, second = (float(g.mean()) if len(g) else NAN for g in (reference, compared))
    n_first, n_second = len(reference), len(compared)
    plain = Balance(name, n_first, n_second, first, second)
    if min(n_first, n_second) < SMALLEST_GROUP:
        note = f"not judged: known of n = {min(n_first, n_second)} in one group"
        return replace(plain, note=note)
    spread = math.sqrt((np.var(reference, ddof=1) + np.var(compared, ddof=1)) / 2)
    gap, size = second - first, max(abs(first), abs(second))
    if not spread > 1e-9 * size:
        return replace(plain, difference=0.0 if abs(gap) <= 1e-9 * size else math.copysign(math.inf, gap))
    p = float(stats.ttest_ind(compared, reference, equal_var=False).pvalue)
    return replace(plain, difference=gap / spread, p=p)
