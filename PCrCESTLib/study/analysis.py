"""From the numbers of a study to its tests: which are made, and of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from PCrCESTLib.study.confounding import Balance, balance
from PCrCESTLib.study.finding import NAN, SMALLEST_GROUP, Finding
from PCrCESTLib.study.means import by, muscle_means, of_group, subject_means
from PCrCESTLib.study.mixed import MIXED, REGRESSION, Observations, mixed_model
from PCrCESTLib.study.power import Plan, plans
from PCrCESTLib.study.quantities import multiples_of_fs
from PCrCESTLib.study.repeats import Retest, retests_of
from PCrCESTLib.study.tests import compare_groups, holm
from PCrCESTLib.study.values import Value

OVERALL = "all muscles"
ADJUSTED = ", adjusted"
QUANTITIES = ("fs", "PCr", "ksw", "AREX")  # in the order of tables and pictures


@dataclass(frozen=True)
class Test:
    """One finding of one muscle by one method, with the groups it compares; ``p_holm`` is p corrected for muscles."""

    __test__ = False  # no test of pytest's

    quantity: str
    method: str
    muscle: str
    reference: str
    compared: str
    n_reference: int
    n_compared: int
    mean_reference: float
    sd_reference: float
    mean_compared: float
    sd_compared: float
    finding: Finding
    n_unidentifiable: int
    n_values: int
    p_holm: float = NAN

    def row(self) -> dict[str, object]:
        """Return it as a flat row of a table."""
        row = asdict(self)
        finding = row.pop("finding")
        p_holm, note = row.pop("p_holm"), finding.pop("note")
        return row | finding | {"p_holm": p_holm, "note": note}


@dataclass(frozen=True)
class Needed:
    """Animals a group for one muscle by one method."""

    quantity: str
    method: str
    muscle: str
    plan: Plan


@dataclass(frozen=True)
class Analysis:
    """Everything a study tells; ``balances`` by contrast (reference, compared).

    ``multiples`` are the quantities whose tests are those of fs.
    """

    tests: tuple[Test, ...]
    retests: tuple[Retest, ...]
    needed: tuple[Needed, ...]
    balances: Mapping[tuple[str, str], tuple[Balance, ...]]
    contrasts: tuple[tuple[str, str], ...]
    adjusted_for: tuple[str, ...]
    multiples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """Quantities that say something of their own, in their order."""
        return tuple(q for q in QUANTITIES if q not in self.multiples)


def analyse(
    values: Sequence[Value],
    covariates: Mapping[str, Mapping[str, float]],
    groups: Sequence[str],
    adjust_for: Sequence[str],
) -> Analysis:
    """Make all tests.

    Sides and sessions of a subject are averaged before two groups are compared (they are not independent); the mixed
    model of a muscle takes them as they are, and that of all muscles takes one value a subject and muscle. Subjects
    that lack one of the covariates ``adjust_for`` are not in the adjusted model, whose n says so.

    Parameters
    ----------
    values : sequence of Value
        Of all methods, muscles and quantities; those without a value give a muscle its row still.
    covariates : mapping
        Subject -> name -> number (mean of its scans); those in the list and those measured.
    groups : sequence of str
        First the reference; every other one is compared with it.
    adjust_for : sequence of str
        Names of the covariates of the adjusted mixed model.
    """
    contrasts = tuple((groups[0], other) for other in groups[1:])
    tests: list[Test] = []
    retests: list[Retest] = []
    needed: list[Needed] = []
    places, values = values, [v for v in values if v.known]
    for (method, quantity), own in by(places, "method", "quantity"):
        unit = own[0].unit
        muscles = [(muscle, [v for v in of if v.known]) for (muscle,), of in by(own, "muscle")]
        every = [v for v in own if v.known]
        pieces = [*muscles, (OVERALL, every)] if len(muscles) > 1 else muscles
        for contrast in contrasts:
            family = [
                _tests(muscle, of, (quantity, method, unit), contrast, covariates, adjust_for)
                for muscle, of in pieces
            ]
            tests += _corrected([t for part in family for t in part])
        for muscle, of in muscles:  # a mean over muscles would hide what a muscle does
            retests += retests_of(muscle, of)
        for muscle, of in pieces:
            means = subject_means(of)
            plan = plans([of_group(means, of, g) for g in groups])
            needed += [Needed(quantity, method, muscle, p) for p in plan]
    names = list(dict.fromkeys(name for of in covariates.values() for name in of))
    group_of = {v.subject: v.group for v in values}
    balances = {
        c: tuple(balance(n, *(_covariate(n, covariates, group_of, g) for g in c)) for n in names)
        for c in contrasts
    }
    return Analysis(
        tuple(tests),
        tuple(retests),
        tuple(needed),
        balances,
        contrasts,
        tuple(adjust_for),
        multiples := multiples_of_fs(values),
        _notes([v for v in values if v.quantity not in multiples], groups),
    )


def _tests(
    muscle: str,
    values: Sequence[Value],
    of: tuple[str, str, str],
    contrast: tuple[str, str],
    covariates: Mapping[str, Mapping[str, float]],
    adjust_for: Sequence[str],
) -> list[Test]:
    own = [v for v in values if v.group in contrast]
    quantity, method, unit = of
    means = subject_means(own)
    a, b = (of_group(means, own, g) for g in contrast)
    findings = compare_groups(a, b, unit)
    common = (quantity, method, muscle, contrast[0], contrast[1])
    unknown = sum(not v.identifiable for v in own)

    def test(finding: Finding, first: np.ndarray, second: np.ndarray) -> Test:
        return Test(
            *common,
            len(first),
            len(second),
            _mean(first),
            _sd(first),
            _mean(second),
            _sd(second),
            finding,
            unknown,
            len(own),
        )

    tests = [test(f, a, b) for f in findings]
    tests += [
        test(f, a, b)
        for f in mixed_model(_observations(muscle, own, contrast[1], covariates, ()), unit)
    ]
    if adjust_for:
        known = [v for v in own if all(n in covariates.get(v.subject, {}) for n in adjust_for)]
        first, second = (of_group(subject_means(known), known, g) for g in contrast)
        if min(len(first), len(second)) > 0 or min(len(a), len(b)) == 0:
            data = _observations(muscle, known, contrast[1], covariates, adjust_for)
            tests += [test(f, first, second) for f in mixed_model(data, unit, ADJUSTED)]
        else:
            note = f"no test: {', '.join(adjust_for)} is not known of both groups"
            tests.append(test(Finding(MIXED + ADJUSTED, unit, note=note), first, second))
    return tests


def _mean(group: np.ndarray) -> float:
    return float(group.mean()) if len(group) else NAN


def _sd(group: np.ndarray) -> float:
    return float(group.std(ddof=1)) if len(group) > 1 else NAN


def _observations(
    muscle: str,
    values: Sequence[Value],
    compared: str,
    covariates: Mapping[str, Mapping[str, float]],
    names: Sequence[str],
) -> Observations:
    if muscle == OVERALL:
        rows = [(s, m, number) for (s, m), number in muscle_means(values).items()]
    else:
        rows = [(v.subject, v.muscle, v.value) for v in values]
    members = {v.subject for v in values if v.group == compared}
    subjects = np.array([s for s, _, _ in rows])
    return Observations(
        np.array([number for _, _, number in rows]),
        np.array([s in members for s in subjects]),
        subjects,
        np.array([m for _, m, _ in rows]),
        np.array([[covariates[s][n] for n in names] for s in subjects]).reshape(len(rows), len(names)),
    )


def _corrected(tests: list[Test]) -> list[Test]:
    """Correct each kind of test for the number of muscles by Holm; the overall row is a question of its own."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for i, test in enumerate(tests):
        if test.muscle != OVERALL:
            # A mixed model and the regression in its place answer the same question.
            kinds[_question(test.finding.test)].append(i)
    corrected = list(tests)
    for places in kinds.values():
        for i, p in zip(places, holm([tests[i].finding.p for i in places]), strict=True):
            corrected[i] = replace(tests[i], p_holm=float(p))
    return corrected


def _question(test: str) -> str:
    return test.replace(REGRESSION, MIXED)


def _covariate(
    name: str, covariates: Mapping[str, Mapping[str, float]], group_of: Mapping[str, str], group: str
) -> np.ndarray:
    return np.array(
        [of[name] for s, of in sorted(covariates.items()) if name in of and group_of.get(s) == group]
    )


def _notes(values: Sequence[Value], groups: Sequence[str]) -> tuple[str, ...]:
    """Say what the reader must know of the groups and quantities."""
    notes = []
    sizes = {g: len({v.subject for v in values if v.group == g}) for g in groups}
    counts = ", ".join(f"{g} {n}" for g, n in sizes.items())
    if len(groups) < 2:
        notes.append(f"There is one group only ({counts}): no comparison is made.")
    elif max(sizes.values()) > 1.5 * max(min(sizes.values()), 1):
        notes.append(
            f"The groups are unbalanced ({counts}): the power is that of the smaller one; Welch's test allows for it."
        )
    for group, n in sizes.items():
        if n < SMALLEST_GROUP:
            notes.append(f"{group} has n = {n}: too few for a test (3 are needed).")
    for (method, quantity), own in by(values, "method", "quantity"):
        unknown = sum(not v.identifiable for v in own)
        if unknown:
            most = "; a difference of groups in it proves nothing" if unknown > 0.5 * len(own) else ""
            notes.append(
                f"{quantity} by {method} is not identifiable in {unknown} of {len(own)} values, hardly better "
                f"known than before the scan{most}."
            )
        if quantity == "fs":
            notes += _not_in_all_muscles(method, own)
    return tuple(notes)


def _not_in_all_muscles(method: str, values: Sequence[Value]) -> list[str]:
    """Say which muscles some subjects lack, and so are no part of their mean over muscles."""
    subjects = {v.subject for v in values}
    of_muscle = {muscle: {v.subject for v in own} for (muscle,), own in by(values, "muscle")}
    return [
        f"fs by {method}: {muscle} is missing in {len(subjects) - len(own)} of {len(subjects)} subjects and so no part "
        f"of '{OVERALL}' where these are compared; the mixed model takes it in."
        for muscle, own in of_muscle.items()
        if len(own) < len(subjects)
    ]
