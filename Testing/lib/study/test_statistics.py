"""The numbers of a study agree with published worked examples and with independent programs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from PCrCESTLib.study.confounding import balance
from PCrCESTLib.study.mixed import MIXED, REGRESSION, Observations, mixed_model, regression_of_means
from PCrCESTLib.study.power import plans, subjects_needed
from PCrCESTLib.study.repeats import retests_of
from PCrCESTLib.study.retest import agreement, icc
from PCrCESTLib.study.tests import (
    HEDGES_G,
    MANN_WHITNEY,
    PERCENT,
    WELCH,
    compare_groups,
    g_from_d,
    hedges_g,
    holm,
    percent_difference,
    small_sample_factor,
)
from PCrCESTLib.study.values import Value

pytest.importorskip("statsmodels")
# Six subjects, four judges: Shrout & Fleiss 1979, table 2.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)


def two_groups(effect=0.0, n=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(1, 0.1, n), rng.normal(1 - effect, 0.1, n)


def repeated(between, within, effect=0.0, n=8, n_muscles=4, seed=0):
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(2 * n), n_muscles)
    compared, muscle = subject >= n, np.tile(np.arange(n_muscles), 2 * n)
    noise = between * rng.standard_normal(2 * n)[subject] + within * rng.standard_normal(len(subject))
    values = 1e-3 * (1 + 0.1 * muscle - effect * compared + noise)
    return Observations(values, compared, subject, muscle, np.zeros((len(values), 0)))


def test_hedges_g_agrees_with_a_published_example():
    """Borenstein et al. 2009, Introduction to Meta-Analysis, ch. 4: means 103 and 100, SD 5.5 and 4.5, n 50 each."""
    d = 3 / np.sqrt((5.5**2 + 4.5**2) / 2)
    g = g_from_d(d, 50, 50)
    assert d == pytest.approx(0.5970, abs=5e-5)
    assert small_sample_factor(98) == pytest.approx(0.9923, abs=5e-5)
    assert g.estimate == pytest.approx(0.5924, abs=5e-5)
    # Their variance of d, 0.0418, is the large-sample one: at n = 50 the exact interval is as wide.
    assert (g.high - g.low) / (2 * 1.96) == pytest.approx(np.sqrt(0.0418), rel=0.01)


def test_hedges_g_agrees_with_statsmodels():
    from statsmodels.stats.meta_analysis import effectsize_smd

    a, b = two_groups(0.12)
    theirs, _ = effectsize_smd(b.mean(), b.std(ddof=1), len(b), a.mean(), a.std(ddof=1), len(a))
    assert hedges_g(a, b).estimate == pytest.approx(
        theirs, rel=2e-3
    )  # theirs approximates J by 1 − 3/(4m − 1)


def test_the_interval_of_g_holds_the_true_difference_in_95_percent_of_studies():
    rng, true, n = np.random.default_rng(1), -1.2, 600
    held = 0
    for _ in range(n):
        g = hedges_g(rng.normal(0, 1, 8), rng.normal(true, 1, 8))
        held += g.low <= true <= g.high
    low, high = stats.binom.interval(0.999, n, 0.95)
    assert low <= held <= high


@pytest.mark.parametrize(("d", "n"), [(0.8, 4), (-1.5, 8), (3.0, 20)])
def test_the_ends_of_the_interval_of_g_are_those_of_scipys_noncentral_t(d, n):
    g, root = g_from_d(d, n, n), np.sqrt(n / 2)
    assert stats.nct.cdf(d * root, 2 * n - 2, g.low * root) == pytest.approx(0.975, abs=1e-5)
    assert stats.nct.cdf(d * root, 2 * n - 2, g.high * root) == pytest.approx(0.025, abs=1e-5)


@pytest.mark.parametrize("d", [0.0, 1e-9, -1e-3, 40.0])
def test_an_interval_of_g_is_given_wherever_the_difference_lies(d):
    g = g_from_d(d, 8, 8)
    assert np.isfinite([g.low, g.high]).all()
    assert g.low < d < g.high


def test_welch_and_mann_whitney_are_those_of_scipy():
    a, b = two_groups(0.12)
    found = {f.test: f for f in compare_groups(a, b, "1")}
    assert found[WELCH].p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
    assert found[WELCH].estimate == pytest.approx(b.mean() - a.mean())
    assert found[WELCH].low < found[WELCH].estimate < found[WELCH].high
    assert found[MANN_WHITNEY].p == pytest.approx(stats.mannwhitneyu(a, b).pvalue)


def test_the_difference_in_percent_does_not_depend_on_the_unit_and_turns_over_with_the_groups():
    a, b = two_groups(0.12)
    there, back = percent_difference(a, b), percent_difference(1e3 * b, 1e3 * a)
    assert there.estimate == pytest.approx(100 * (b.mean() / a.mean() - 1))
    assert (1 + there.low / 100) * (1 + back.high / 100) == pytest.approx(1)


def test_a_group_of_two_is_not_tested_and_says_so():
    for finding in compare_groups(np.array([1.0, 1.1]), np.array([0.8, 0.9, 0.85]), "1"):
        assert np.isnan(finding.p)
        assert "n = 2" in finding.note


def test_subjects_that_do_not_differ_are_not_tested():
    assert all("do not differ" in f.note for f in compare_groups(np.ones(5), np.ones(5), "1"))


def test_no_percentage_is_given_of_a_mean_below_zero():
    found = {f.test: f for f in compare_groups(np.array([-1.0, 0.1, 0.2]), np.array([1.0, 1.1, 1.2]), "1")}
    assert "not positive" in found[PERCENT].note
    assert np.isfinite(found[HEDGES_G].estimate)


def test_holm_corrects_what_was_tested_only():
    # Holm 1979: 3·0.01, 2·0.02, then never smaller than before.
    assert holm([0.01, float("nan"), 0.04, 0.02]) == pytest.approx(
        [0.03, float("nan"), 0.04, 0.04], nan_ok=True
    )


def test_icc_agrees_with_shrout_and_fleiss():
    icc21, icc31 = icc(SHROUT_FLEISS)
    assert icc21.value == pytest.approx(0.29, abs=0.005)
    assert icc31.value == pytest.approx(0.71, abs=0.005)
    assert (icc21.low, icc21.high) == pytest.approx((0.019, 0.761), abs=0.001)
    assert (icc31.low, icc31.high) == pytest.approx((0.342, 0.946), abs=0.001)


def test_sessions_are_compared_by_the_sides_that_both_have():
    def scan(subject, session, side, number):
        return Value(subject, "g", session, side, "ld", "leg", "leg", "fs", "1", "", number, 0.1, True, 9, 0.0, "")

    values = [scan(f"r{i}", "1", side, n + i) for i in range(3) for side, n in (("left", 1.0), ("right", 2.0))]
    values += [scan(f"r{i}", "2", "left", 1.5 + i) for i in range(3)]
    found = {r.what: r for r in retests_of("leg", values)}
    # The right leg was not measured again: its mean with the left would make a difference of 0.
    assert [p.second - p.first for p in found["session"].pairs] == [0.5] * 3
    assert [p.second - p.first for p in found["side"].pairs] == [1.0] * 3


@pytest.mark.parametrize(("names", "first"), [(("9", "10"), "9"), (("pre", "after"), "pre")])
def test_the_first_session_is_that_of_the_smallest_number_or_the_first_in_the_list(names, first):
    values = [
        Value(f"r{i}", "g", s, "", "ld", "leg", "leg", "fs", "1", "", 1.0 + i + j, 0.1, True, 9, 0.0, "")
        for i in range(3)
        for j, s in enumerate(names)
    ]
    assert [(r.first, r.second) for r in retests_of("leg", values)] == [(first, next(n for n in names if n != first))]


def test_agreement_of_pairs_with_a_constant_offset():
    first = np.array([1.0, 1.2, 0.9, 1.1])
    found = agreement(np.stack([first, first + 0.1 + np.array([0.01, -0.01, 0.01, -0.01])], axis=1))
    assert found.bias.value == pytest.approx(0.1)
    sd = np.std([0.01, -0.01, 0.01, -0.01], ddof=1)
    assert found.upper_limit.value - found.lower_limit.value == pytest.approx(2 * 1.96 * sd)
    assert found.icc31.value > found.icc21.value  # consistency overlooks the offset


def test_the_intervals_of_the_limits_of_agreement_hold_the_true_limit_in_95_percent_of_samples_of_six():
    rng, n = np.random.default_rng(2), 2000
    held = []
    for difference in rng.normal(0.3, 1.0, (n, 6)):
        found = agreement(np.stack([np.zeros(6), difference], axis=1))
        held.append((found.lower_limit.low <= 0.3 - 1.96 <= found.lower_limit.high,
                     found.upper_limit.low <= 0.3 + 1.96 <= found.upper_limit.high))  # fmt: skip
    low, high = stats.binom.interval(0.999, n, 0.95)
    # Bland and Altman's own standard error √3·SD/√n holds it in 92 %, below this range.
    assert all(low <= count <= high for count in np.sum(held, axis=0))


def test_within_subject_cov_is_the_relative_noise_put_in():
    rng = np.random.default_rng(3)
    true = rng.normal(1, 0.2, 400)
    found = agreement(true[:, None] * (1 + 0.05 * rng.standard_normal((400, 2))))
    assert found.cov.value == pytest.approx(0.05, rel=0.1)
    assert found.cov.low < 0.05 < found.cov.high


@pytest.mark.parametrize(("d", "n"), [(0.5, 64), (0.8, 26), (5.0, 3)])
def test_subjects_needed_are_those_of_noncentral_t(d, n):
    """64 and 26 are Cohen's (1988) for a medium and a large effect."""

    def power(size):
        df, critical = 2 * size - 2, stats.t.isf(0.025, 2 * size - 2)
        shift = d * np.sqrt(size / 2)
        return stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift)

    assert subjects_needed(d) == n
    assert power(n) >= 0.8 > power(n - 1)


def test_a_plan_pools_the_spread_within_groups_only():
    a = np.array([0.9, 1.0, 1.1])
    assert plans([a, a - 0.5])[0].cov == pytest.approx(0.1)
    assert plans([np.array([1.0])]) == []


def test_the_mixed_model_of_a_balanced_study_is_students_test_of_subject_means():
    data = repeated(0.1, 0.05, 0.12)
    absolute, percent = mixed_model(data, "1")
    means = data.values.reshape(16, 4).mean(axis=1)
    theirs = stats.ttest_ind(means[8:], means[:8])
    assert absolute.test == MIXED
    assert absolute.p == pytest.approx(theirs.pvalue, rel=1e-3)
    assert absolute.estimate == pytest.approx(means[8:].mean() - means[:8].mean())
    assert percent.estimate == pytest.approx(100 * (means[8:].mean() / means[:8].mean() - 1), rel=1e-3)


def test_without_variance_between_subjects_a_named_regression_takes_the_place_of_the_mixed_model():
    rng = np.random.default_rng(0)
    data = repeated(0.0, 0.1)
    # Subject means that are closer together than their muscles let expect: no variance is left for subjects.
    values = data.values + 1e-3 * 0.1 * rng.standard_normal(64)
    values -= values.reshape(16, 4).mean(axis=1).repeat(4) * 0.98
    found = mixed_model(
        Observations(values, data.compared, data.subjects, data.muscles, data.covariates), "1"
    )[0]
    assert found.test == REGRESSION
    assert "mixed model was not used" in found.note
    means = values.reshape(16, 4).mean(axis=1)
    assert found.p == pytest.approx(stats.ttest_ind(means[8:], means[:8]).pvalue, rel=1e-6)


def test_a_muscle_that_one_group_lacks_more_often_does_not_take_a_share_of_the_effect():
    data = repeated(0.0, 0.0, 0.12)
    # Exact sums of subject, muscle and group.
    subject = np.repeat(np.arange(16), 4)
    values = data.values + 1e-6 * (subject % 8)
    kept = ~((data.muscles == 3) & data.compared & (subject % 2 == 0))
    one_group_lacks = Observations(
        *(of[kept] for of in (values, data.compared, data.subjects, data.muscles, data.covariates))
    )
    beta, _ = regression_of_means(one_group_lacks.values, one_group_lacks)
    assert beta[1] == pytest.approx(-0.12e-3, rel=1e-9)


def test_the_regression_of_means_with_a_covariate_is_that_of_statsmodels():
    from statsmodels.regression.linear_model import OLS

    data = repeated(0.1, 0.05, 0.12)
    age = np.random.default_rng(7).normal(10, 2, 16)
    means = data.values.reshape(16, 4).mean(axis=1)
    group = np.arange(16) >= 8
    theirs = OLS(means, np.column_stack([np.ones(16), group, age])).fit()
    one_a_subject = Observations(means, group, np.arange(16), np.zeros(16, int), age[:, None])
    found = mixed_model(one_a_subject, "1")[0]
    assert (found.test, found.df) == (REGRESSION, 13)
    assert found.estimate == pytest.approx(theirs.params[1])
    assert found.p == pytest.approx(theirs.pvalues[1])
    assert (found.low, found.high) == pytest.approx(tuple(theirs.conf_int()[1]))
    # Balanced, the mixed model gives the same answer from all values.
    mixed = mixed_model(replace(data, covariates=np.repeat(age, 4)[:, None]), "1")[0]
    assert mixed.test == MIXED
    assert mixed.p == pytest.approx(theirs.pvalues[1], rel=1e-3)


def test_a_covariate_takes_away_what_it_explains():
    data = repeated(0.02, 0.02, seed=5)
    age = np.repeat(np.random.default_rng(11).normal(0, 1, 16) + 2.0 * (np.arange(16) >= 8), 4)
    values = data.values + 1e-4 * age
    plain = mixed_model(
        Observations(values, data.compared, data.subjects, data.muscles, data.covariates), "1"
    )[0]
    adjusted = mixed_model(
        Observations(values, data.compared, data.subjects, data.muscles, age[:, None]), "1"
    )[0]
    assert plain.p < 0.01 < 0.05 < adjusted.p
    assert adjusted.df == plain.df - 1


def test_a_covariate_that_says_the_same_as_the_group_is_refused():
    data = repeated(0.1, 0.05)
    same = data.compared[:, None].astype(float)
    found = mixed_model(Observations(data.values, data.compared, data.subjects, data.muscles, same), "1")[0]
    assert np.isnan(found.p)
    assert "says the same as the group" in found.note


def test_groups_that_differ_in_a_property_are_suspicious_and_equal_ones_are_not():
    a = np.array([1.0, 1.1, 0.9, 1.05])
    assert balance("T1", a, a + 0.2).suspicious
    assert not balance("T1", a, a + 0.01).suspicious
    assert balance("T1", np.ones(4), np.full(4, 1.1)).suspicious
    assert "n = 2" in balance("T1", a, a[:2]).note
