"""Does a second measurement of the same subject say the same? Agreement of sides or sessions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.study.finding import CONFIDENCE, NAN

_TAIL = (1 - CONFIDENCE) / 2
LIMITS = 1.96  # SDs that hold 95 % of differences


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True)
class Agreement:
    """Agreement of k measurements of n subjects; ``bias`` and limits are of the second minus the first, in ``unit``.

    ``cov`` is the within-subject coefficient of variation (a share of the mean).
    """

    n_subjects: int
    n_repeats: int
    mean: float
    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    icc21: Estimate
    icc31: Estimate
    cov: Estimate


def agreement(values: np.ndarray) -> Agreement:
    """Judge repeated measurements.

    Bland-Altman limits bias ± 1.96 SD of the first two columns (Bland & Altman 1986, Lancet 1:307), intervals by
    `_limit`; `icc`; and within-subject CoV = √(mean of within-subject variances / mean²), interval from χ².

    Parameters
    ----------
    values : ndarray
        (n_subjects, n_repeats) without gaps, at least 3 subjects and 2 repeats.
    """
    from scipy import stats

    n, k = values.shape
    difference = values[:, 1] - values[:, 0]
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = float(stats.t.ppf(1 - _TAIL, n - 1))
    standard_error = sd / math.sqrt(n)

    icc21, icc31 = icc(values)
    return Agreement(
        n,
        k,
        float(values.mean()),
        Estimate(bias, bias - t * standard_error, bias + t * standard_error),
        _limit(bias, sd, n, -1),
        _limit(bias, sd, n, 1),
        icc21,
        icc31,
        _within_cov(values),
    )


def _limit(bias: float, sd: float, n: int, sign: int) -> Estimate:
    """Limit of agreement bias ± 1.96 SD, and the interval of the population's μ ± 1.96 σ.

    (μ + 1.96 σ − bias)/(SD/√n) is noncentral t with n−1 degrees of freedom and noncentrality 1.96·√n (Carkeet 2015,
    Optom Vis Sci 92:e71). Bland and Altman's standard error √3·SD/√n gives intervals that hold the true limit in 92 %
    of samples of six instead of 95 %, and always miss it on the inside.
    """
    from scipy import stats

    root = math.sqrt(n)
    near, far = (
        bias + sign * sd * float(stats.nct.ppf(q, n - 1, LIMITS * root)) / root for q in (_TAIL, 1 - _TAIL)
    )
    return Estimate(bias + sign * LIMITS * sd, min(near, far), max(near, far))


def icc(values: np.ndarray) -> tuple[Estimate, Estimate]:
    """Return ICC(2,1), absolute agreement, and ICC(3,1), consistency, with their intervals.

    Two-way analysis of variance of one measurement a cell (Shrout & Fleiss 1979, Psychol Bull 86:420). NaN where all
    values are the same.

    Parameters
    ----------
    values : ndarray
        (n_subjects, n_repeats) without gaps.
    """
    from scipy import stats

    n, k = values.shape
    between, repeats, error = _mean_squares(values)
    if not error > 1e-18 * max(float(np.mean(values)) ** 2, 1e-300):
        return Estimate(NAN), Estimate(NAN)
    df = (n - 1) * (k - 1)
    f = between / error
    low_f = f / float(stats.f.ppf(1 - _TAIL, n - 1, df))
    high_f = f * float(stats.f.ppf(1 - _TAIL, df, n - 1))
    icc31 = Estimate((f - 1) / (f + k - 1), (low_f - 1) / (low_f + k - 1), (high_f - 1) / (high_f + k - 1))
    value = (between - error) / (between + (k - 1) * error + k * (repeats - error) / n)
    return Estimate(value, *_icc21_interval(value, n, k, (between, repeats, error))), icc31


def _mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Mean squares between subjects, between repeats, and of the rest."""
    n, k = values.shape
    mean = values.mean()
    rows = values.mean(axis=1) - mean
    columns = values.mean(axis=0) - mean
    rest = values - mean - rows[:, None] - columns[None, :]
    return (
        float(k * np.sum(rows**2) / (n - 1)),
        float(n * np.sum(columns**2) / (k - 1)),
        float(np.sum(rest**2) / ((n - 1) * (k - 1))),
    )


def _icc21_interval(value: float, n: int, k: int, squares: tuple[float, float, float]) -> tuple[float, float]:
    """Interval of ICC(2,1) with Satterthwaite's degrees of freedom (Shrout & Fleiss, appendix)."""
    from scipy import stats

    between, repeats, error = squares
    f_repeats = repeats / error
    a = n * (1 + (k - 1) * value) - k * value
    nu = (k - 1) * (n - 1) * (k * value * f_repeats + a) ** 2
    nu /= (n - 1) * k**2 * value**2 * f_repeats**2 + a**2
    upper = float(stats.f.ppf(1 - _TAIL, n - 1, nu))
    lower = float(stats.f.ppf(1 - _TAIL, nu, n - 1))
    rest = k * repeats + (k * n - k - n) * error
    low = n * (between - upper * error) / (upper * rest + n * between)
    high = n * (lower * between - error) / (rest + n * lower * between)
    return low, high


def _within_cov(values: np.ndarray) -> Estimate:
    from scipy import stats

    n, k = values.shape
    means = values.mean(axis=1)
    if not (means > 0).all():
        return Estimate(NAN)
    value = math.sqrt(float(np.mean(values.var(axis=1, ddof=1) / means**2)))
    df = n * (k - 1)
    return Estimate(
        value,
        value * math.sqrt(df / float(stats.chi2.ppf(1 - _TAIL, df))),
        value * math.sqrt(df / float(stats.chi2.ppf(_TAIL, df))),
    )
