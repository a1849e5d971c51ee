"""How many animals a group would need, given how much they differ."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.study.finding import SIGNIFICANCE
from PCrCESTLib.study.tests import require_statsmodels

EFFECTS, WANTED_POWER = (0.10, 0.12, 0.20), 0.80
LARGEST_GROUP = 2**20


@dataclass(frozen=True)
class Plan:
    """``n_a_group`` subjects see a relative difference ``effect`` with 80 % power where subjects differ by ``cov``.

    ``cov`` is the SD between subjects of one group over the mean of the reference group, ``df`` what it rests on.
    """

    effect: float
    cov: float
    df: int
    n_a_group: int


def plans(groups: list[np.ndarray]) -> list[Plan]:
    """Plan for every effect of `EFFECTS`, from the spread within ``groups`` (the first is the reference).

    Two-sided t-test at 5 %, equal groups.

    Parameters
    ----------
    groups : list of ndarray
        (n_subjects,) numbers of each group.

    Returns
    -------
    list of Plan
        Empty when the spread is unknown or zero, or the reference has no positive mean.
    """
    df = sum(len(g) - 1 for g in groups if len(g) > 1)
    if df < 2 or not len(groups[0]) or not groups[0].mean() > 0:
        return []
    pooled = math.sqrt(sum(float(np.sum((g - g.mean()) ** 2)) for g in groups if len(g) > 1) / df)
    cov = pooled / float(groups[0].mean())
    return [Plan(e, cov, df, subjects_needed(e / cov)) for e in EFFECTS] if cov > 1e-9 else []


def subjects_needed(d: float) -> int:
    """Smallest n a group that sees a standardized difference ``d`` with 80 % power (two-sided t-test at 5 %)."""
    require_statsmodels()
    from statsmodels.stats.power import TTestIndPower

    test = TTestIndPower()

    def enough(n: int) -> bool:
        return float(test.power(d, n, SIGNIFICANCE)) >= WANTED_POWER

    # Whole numbers are searched: the solver of statsmodels does not converge for large differences.
    high = 2
    while high < LARGEST_GROUP and not enough(high):
        high *= 2
    return bisect_left(range(high + 1), True, lo=2, key=enough)
