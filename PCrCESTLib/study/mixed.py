"""Difference of groups when a subject is measured more than once: a linear mixed model."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.study.finding import CONFIDENCE, SMALLEST_GROUP, Finding
from PCrCESTLib.study.tests import percent_from_log_ratio, require_statsmodels

MIXED, MIXED_PERCENT = "mixed model", "mixed model in %"
REGRESSION = "regression of subject means"
NOT_USED = "the mixed model was not used"
SMALLEST_DF = 3  # degrees of freedom left between subjects, below which no covariate is taken in
_TAIL = (1 - CONFIDENCE) / 2


@dataclass(frozen=True)
class Observations:
    """Measurements of subjects of two groups.

    Parameters
    ----------
    values : ndarray
        (n,) in any unit.
    compared : ndarray
        (n,) bool, True in the compared group, False in the reference.
    subjects : ndarray
        (n,) names.
    muscles : ndarray
        (n,) names; their mean differences are part of the model.
    covariates : ndarray
        (n, n_covariates), without gaps.
    """

    values: np.ndarray
    compared: np.ndarray
    subjects: np.ndarray
    muscles: np.ndarray
    covariates: np.ndarray


def mixed_model(data: Observations, unit: str, suffix: str = "") -> list[Finding]:
    """Fit value ~ group + muscle + covariates + (1 | subject) by REML; return the group's effect, in ``unit`` and in %.

    p and interval are from t with as many degrees of freedom as there are subjects less the parameters between them
    (between-within method, Schluchter & Elashoff 1990, J Stat Comput Simul 37:69), because Wald's z of statsmodels
    finds too much in small groups. Muscles are coded to sum to zero, so that the reference is the mean over muscles;
    the interval in percent is of the logarithm of the ratio of adjusted means (delta method).

    Where no subject has two values, or the model does not converge or puts no variance between subjects, a linear
    regression of the subjects' means takes its place, and the finding is named after it.

    Raises
    ------
    MissingExtraError
        When statsmodels is not installed.
    """
    from scipy import stats

    require_statsmodels()
    n_subjects = len(np.unique(data.subjects))
    sizes = [len(np.unique(data.subjects[data.compared == side])) for side in (False, True)]
    df = n_subjects - 2 - data.covariates.shape[1]
    if min(sizes) < SMALLEST_GROUP:
        return _none(unit, suffix, f"no test: a group has n = {min(sizes)}, fewer than {SMALLEST_GROUP}")
    if df < (SMALLEST_DF if data.covariates.shape[1] else 1):
        return _none(unit, suffix, f"no test: {n_subjects} subjects are too few for the covariates")
    center, scale = float(data.values.mean()), float(data.values.std())
    if not scale > 1e-9 * abs(center):
        return _none(unit, suffix, "no test: the subjects do not differ at all")
    # Solvers stop too early on values of 10⁻³.
    y = (data.values - center) / scale
    fit, test, note = _fit(y, data)
    if fit is None:
        return _none(unit, suffix, note)
    beta, covariance = fit
    effect, se = beta[1] * scale, math.sqrt(covariance[1, 1]) * scale
    reach = float(stats.t.ppf(1 - _TAIL, df)) * se
    t = effect / se
    p = float(2 * stats.t.sf(abs(t), df))
    absolute = Finding(test + suffix, unit, effect, effect - reach, effect + reach, t, df, p, note)
    return [absolute, _percent(test + suffix, (beta, covariance), (center, scale), df, note)]


def _none(unit: str, suffix: str, note: str) -> list[Finding]:
    return [Finding(MIXED + suffix, unit, note=note), Finding(MIXED + suffix + " in %", "%", note=note)]


def _percent(
    test: str, fit: tuple[np.ndarray, np.ndarray], scaling: tuple[float, float], df: int, note: str
) -> Finding:
    (beta, covariance), (center, scale) = fit, scaling
    reference = center + beta[0] * scale
    compared = reference + beta[1] * scale
    if not (reference > 0 and compared > 0):
        return Finding(test + " in %", "%", note="no percentage: a group's mean is not positive")
    gradient = scale * np.array([1 / compared - 1 / reference, 1 / compared])
    se = math.sqrt(float(gradient @ covariance[:2, :2] @ gradient))
    found = percent_from_log_ratio(test + " in %", math.log(compared / reference), se, df)
    return Finding(**{**found.__dict__, "note": note})


def _fit(y: np.ndarray, data: Observations) -> tuple[tuple[np.ndarray, np.ndarray] | None, str, str]:
    """Return fixed effects (intercept, group, …) and covariance, the test's name, and what to say of it."""
    design = _design(data)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None, MIXED, "no test: a covariate says the same as the group, or as another covariate"
    if len(np.unique(data.subjects)) == len(y):
        return regression_of_means(y, data), REGRESSION, "one value a subject, so no mixed model is needed"
    why = ""
    try:
        fit, why = _reml(y, design, data.subjects)
    except (np.linalg.LinAlgError, ValueError, ZeroDivisionError, FloatingPointError):
        fit, why = None, "it could not be fitted (the variance between subjects may be zero)"
    if fit is not None:
        return fit, MIXED, ""
    return regression_of_means(y, data), REGRESSION, f"{NOT_USED}: {why}"


def _reml(
    y: np.ndarray, design: np.ndarray, subjects: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray] | None, str]:
    from statsmodels.regression.mixed_linear_model import MixedLM

    with warnings.catch_warnings():
        # Convergence is asked of the result itself; at the boundary statsmodels warns of what is told below.
        warnings.simplefilter("ignore")
        # lbfgs runs into a singular matrix in half of the studies of 8 + 8 subjects, bfgs in none (measured).
        result = MixedLM(y, design, groups=subjects).fit(reml=True, method=["bfgs", "powell"])
    covariance = np.asarray(result.cov_params())[: design.shape[1], : design.shape[1]]
    between = float(np.asarray(result.cov_re)[0, 0])
    if not result.converged:
        return None, "it does not converge"
    if not between > 1e-4 * float(result.scale):
        return None, "it finds no variance between subjects and would count every value as a subject"
    if not (np.isfinite(covariance).all() and covariance[1, 1] > 0):
        return None, "it gives no standard error"
    return (np.asarray(result.fe_params), covariance), ""


def regression_of_means(y: np.ndarray, data: Observations) -> tuple[np.ndarray, np.ndarray]:
    """Fit the mean of each subject, adjusted for the muscles that it has, by least squares.

    Returns
    -------
    (beta, covariance)
        Of intercept, group and covariates.
    """
    names, first, index = np.unique(data.subjects, return_index=True, return_inverse=True)
    # Muscles are compared within subjects: where one group lacks a muscle more often, the mean of that muscle over all
    # subjects holds a share of the group's effect, and taking it off would take the effect off.
    of_subject = (index[:, None] == np.arange(len(names))).astype(float)
    adjusted = np.linalg.lstsq(np.column_stack([of_subject, *_coded(data.muscles)]), y, rcond=None)[0]
    means = adjusted[: len(names)]
    count = np.bincount(index)
    columns = [np.ones(len(names)), data.compared[first].astype(float)]
    columns += [np.bincount(index, c) / count for c in _standardized(data.covariates).T]
    design = np.stack(columns, axis=1)
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ means
    residual = means - design @ beta
    return beta, inverse * float(residual @ residual) / (len(names) - design.shape[1])


def _design(data: Observations) -> np.ndarray:
    """Columns: intercept, group, muscles (sum to zero), covariates (standardized)."""
    columns = [np.ones(len(data.values)), data.compared.astype(float), *_coded(data.muscles)]
    return np.column_stack([*columns, _standardized(data.covariates)])


def _coded(muscles: np.ndarray) -> list[np.ndarray]:
    """Columns (n,) of the muscles, which sum to zero over the muscles."""
    index = np.unique(muscles, return_inverse=True)[1]
    last = index.max()
    return [(index == m).astype(float) - (index == last) for m in range(last)]


def _standardized(covariates: np.ndarray) -> np.ndarray:
    if not covariates.shape[1]:
        return covariates
    sd = covariates.std(axis=0)
    return (covariates - covariates.mean(axis=0)) / np.where(sd > 0, sd, 1)
