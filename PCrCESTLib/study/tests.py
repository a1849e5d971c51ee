"""Comparison of two groups by one number a subject."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.study.finding import CONFIDENCE, SMALLEST_GROUP, Finding

WELCH, MANN_WHITNEY, HEDGES_G, PERCENT = "Welch t", "Mann-Whitney U", "Hedges g", "difference in %"
_TAIL = (1 - CONFIDENCE) / 2
_NODES = 300  # of the integral; its error is below 10⁻⁶


def compare_groups(reference: np.ndarray, compared: np.ndarray, unit: str) -> list[Finding]:
    """Compare two groups, one number a subject; every difference is ``compared`` minus ``reference``.

    Welch's t-test with the interval of the difference, Mann-Whitney's test (exact for small groups without ties),
    Hedges' g (`hedges_g`) and the difference in percent of the reference (`percent_difference`).

    Parameters
    ----------
    reference, compared : ndarray
        (n_subjects,) of each group, in ``unit``.
    """
    a, b = (np.asarray(g, dtype=np.float64) for g in (reference, compared))
    why = _untestable(a, b)
    if why:
        return [
            Finding(test, unit_of, note=why)
            for test, unit_of in ((WELCH, unit), (MANN_WHITNEY, ""), (HEDGES_G, "SD"), (PERCENT, "%"))
        ]
    welch = stats.ttest_ind(b, a, equal_var=False)
    interval = welch.confidence_interval(CONFIDENCE)
    ranks = stats.mannwhitneyu(b, a, alternative="two-sided")
    difference = float(b.mean() - a.mean())
    return [
        Finding(
            WELCH,
            unit,
            difference,
            float(interval.low),
            float(interval.high),
            float(welch.statistic),
            float(welch.df),
            float(welch.pvalue),
        ),
        Finding(MANN_WHITNEY, "", statistic=float(ranks.statistic), p=float(ranks.pvalue)),
        hedges_g(a, b),
        percent_difference(a, b),
    ]


def _untestable(a: np.ndarray, b: np.ndarray) -> str:
    smallest = min(len(a), len(b))
    if smallest < SMALLEST_GROUP:
        return f"no test: a group has n = {smallest}, fewer than {SMALLEST_GROUP}"
    if np.hypot(a.std(ddof=1), b.std(ddof=1)) <= 1e-9 * max(abs(a.mean()), abs(b.mean())):
        return "no test: the subjects do not differ at all"
    return ""


def hedges_g(reference: np.ndarray, compared: np.ndarray) -> Finding:
    """Standardized difference of means, without the bias of small groups.

    d is the difference over the pooled SD and g = J·d with J = Γ(m/2)/(√(m/2)·Γ((m−1)/2)), m = n₁+n₂−2 (Hedges 1981,
    J Educ Stat 6:107). The interval holds the population's difference δ: d·√(n₁n₂/(n₁+n₂)) is noncentral t with
    noncentrality δ·√(n₁n₂/(n₁+n₂)), inverted (Hedges & Olkin 1985, ch. 5; Cumming & Finch 2001, Educ Psychol
    Meas 61:532); it is exact for normal groups of equal variance.
    """
    n_a, n_b = len(reference), len(compared)
    m = n_a + n_b - 2
    squares = (n_a - 1) * np.var(reference, ddof=1) + (n_b - 1) * np.var(compared, ddof=1)
    d = (np.mean(compared) - np.mean(reference)) / math.sqrt(squares / m)
    return g_from_d(float(d), n_a, n_b)


def g_from_d(d: float, n_a: int, n_b: int) -> Finding:
    """Hedges' g and its interval from Cohen's d and the sizes of the groups."""
    m = n_a + n_b - 2
    scale = math.sqrt(n_a * n_b / (n_a + n_b))
    t = d * scale
    bounds = (_noncentrality(t, m, 1 - _TAIL) / scale, _noncentrality(t, m, _TAIL) / scale)
    return Finding(
        HEDGES_G, "SD", small_sample_factor(m) * float(d), bounds[0], bounds[1], statistic=float(t), df=m
    )


def small_sample_factor(df: int) -> float:
    """Hedges' J, by which Cohen's d of small groups is too large."""
    return math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)


@lru_cache(maxsize=64)
def _chi_nodes(df: int) -> tuple[np.ndarray, np.ndarray]:
    """√(V/df) at the nodes of an integral over V's distribution, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.sqrt(stats.chi2.ppf((nodes + 1) / 2, df) / df), weights / 2


def _noncentrality(t: float, df: int, probability: float) -> float:
    """Noncentrality δ at which a noncentral t is below ``t`` with this probability.

    P(T < t) = E Φ(t·√(V/df) − δ), V of χ² with ``df`` degrees of freedom, is integrated here: ``scipy.stats.nct.cdf``
    is NaN at some arguments near t = 0.
    """
    root, weights = _chi_nodes(df)

    def excess(noncentrality: float) -> float:
        return float(weights @ special.ndtr(t * root - noncentrality)) - probability

    reach = 6.0 + 3 * abs(t)
    return float(optimize.brentq(excess, t - reach, t + reach))


def percent_difference(reference: np.ndarray, compared: np.ndarray) -> Finding:
    """Difference of means in percent of the reference's mean, its uncertainty included.

    The interval is symmetric in the logarithm of the ratio of means, whose variance is s₁²/(n₁m₁²) + s₂²/(n₂m₂²)
    (Hedges, Gurevitch & Curtis 1999, Ecology 80:1150), with t quantiles at Welch-Satterthwaite degrees of freedom.
    """
    a, b = reference.mean(), compared.mean()
    if not (a > 0 and b > 0):
        return Finding(PERCENT, "%", note="no percentage: a group's mean is not positive")
    parts = [np.var(g, ddof=1) / len(g) / g.mean() ** 2 for g in (reference, compared)]
    variance = sum(parts)
    df = variance**2 / sum(p**2 / (len(g) - 1) for p, g in zip(parts, (reference, compared), strict=True))
    return percent_from_log_ratio(PERCENT, math.log(b / a), math.sqrt(variance), float(df))


def percent_from_log_ratio(test: str, log_ratio: float, se: float, df: float) -> Finding:
    """Turn the logarithm of a ratio of means, with its standard error, into a difference in percent."""
    reach = float(stats.t.ppf(1 - _TAIL, df)) * se
    estimate, low, high = (100 * math.expm1(v) for v in (log_ratio, log_ratio - reach, log_ratio + reach))
    t = log_ratio / se
    return Finding(test, "%", estimate, low, high, t, df, float(2 * stats.t.sf(abs(t), df)))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p values for their number by Holm's method; NaN (no test) stays NaN and does not count.

    Raises
    ------
    MissingExtraError
        When statsmodels is not installed.
    """
    require_statsmodels()
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p_values, dtype=np.float64)
    known = np.isfinite(p)
    adjusted = np.full(len(p), np.nan)
    if known.any():
        adjusted[known] = multipletests(p[known], method="holm")[1]
    return adjusted


def require_statsmodels() -> None:
    """Say how to get statsmodels where it is missing (`MissingExtraError`)."""
    try:
        import statsmodels  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("statsmodels", "the statistics of a study", "study") from error
