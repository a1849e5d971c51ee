"""Can a method find that diseased muscle holds less PCr? Studies of two groups of digital animals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from PCrCESTLib.evaluation.animals import (
    MUSCLES,
    Animals,
    Muscle,
    describe_animals,
    draw_animals,
    mean_spectra,
    region_estimate,
)
from PCrCESTLib.evaluation.methods import Method
from PCrCESTLib.evaluation.pictures import TRUTH_COLOR, drawn, method_style
from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.evaluation.testsets import source_of
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.protocol import Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EFFECTS = (0.0, 0.05, 0.10, 0.15, 0.20)  # share of fs that the diseased group lacks
CONFOUNDED_T1, CONFOUNDED_FM = 1.03, 0.90
SIGNIFICANCE, WANTED_POWER = 0.05, 0.80
BANK_PER_ANIMAL = 20  # animals simulated for every one in a group; studies draw from them
TRUTH = "the true fs"


@dataclass(frozen=True)
class Share:
    """``found`` of ``n`` studies; ``low`` and ``high`` bound the share with 95 % confidence (Wilson)."""

    found: int
    n: int

    @property
    def value(self) -> float:
        """The share."""
        return self.found / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % confidence interval."""
        from scipy import stats

        bounds = stats.binomtest(self.found, self.n).proportion_ci(method="wilson")
        return float(bounds.low), float(bounds.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.0%} ({low:.0%}–{high:.0%})"


@dataclass(frozen=True)
class Outcome:
    """What one method finds in one muscle.

    ``power`` holds the share of studies, one an effect of `EFFECTS`, that find fs significantly lower;
    ``false_positives`` and ``confounded`` the share that finds any difference where fs is the same, without and
    with confounders. ``spread`` is the relative SD of its fs between control animals, ``seen`` the relative
    difference of the groups' means at the largest effect.
    """

    method: str
    power: tuple[Share, ...]
    false_positives: Share
    confounded: Share
    spread: float
    seen: float

    @property
    def smallest_found(self) -> float | None:
        """Smallest simulated effect from which on at least 80 % of the studies find it; None when none does."""
        found = None
        for effect, share in reversed(list(zip(EFFECTS[1:], self.power[1:], strict=True))):
            if share.value < WANTED_POWER:
                break
            found = effect
        return found


def als_section(methods: Sequence[Method], protocol: Protocol, effort: Effort) -> Section:
    """Power and false positives of every method, in the reference and in the realistic muscle."""
    outcomes = {muscle.family: muscle_outcomes(methods, muscle, protocol, effort) for muscle in MUSCLES}
    parts = [_design(effort)]
    for family, rows in outcomes.items():
        parts.append(f"### {family.capitalize()} muscle\n\n{_table(rows)}\n{_findings(rows)}")
    scores = {family: [_scores(row) for row in rows] for family, rows in outcomes.items()}
    figures = drawn("als_power.png", lambda: _draw(outcomes, effort))
    return Section("Finding less PCr in a group: digital ALS study", "\n".join(parts), figures, scores)


def muscle_outcomes(
    methods: Sequence[Method], muscle: Muscle, protocol: Protocol, effort: Effort
) -> list[Outcome]:
    """Simulate the animals once, then draw all studies from them, the same ones for every method.

    Diseased animals are the same ones with less PCr, so that nothing but the effect tells the two populations
    apart; in a study no animal is in both groups.
    """
    rng = np.random.default_rng([effort.seed, MUSCLES.index(muscle)])
    controls = draw_animals(muscle, BANK_PER_ANIMAL * effort.n_animals, rng)
    diseased = [controls.changed(fs=1 - effect) for effect in EFFECTS]
    confounded = controls.changed(t1=CONFOUNDED_T1, fm=CONFOUNDED_FM)
    source = source_of(protocol)
    scans = [mean_spectra(group, protocol, source, rng) for group in (*diseased, confounded)]
    studies = np.stack(
        [rng.permutation(len(controls))[: 2 * effort.n_animals] for _ in range(effort.n_studies)]
    )
    rows = [_outcome(TRUTH, _true_fs(diseased, confounded), studies)]
    rows += [_outcome(m.name, np.stack([region_estimate(m, s).fs for s in scans]), studies) for m in methods]
    return rows


def _true_fs(diseased: Sequence[Animals], confounded: Animals) -> np.ndarray:
    return np.stack([group.fs for group in (*diseased, confounded)])


def _outcome(name: str, fs: np.ndarray, studies: np.ndarray) -> Outcome:
    """Judge estimates ``fs`` (n_effects + 1, n_animals), the last row confounded."""
    controls, confounded = fs[0], fs[-1]
    means = fs.mean(axis=1)
    return Outcome(
        method=name,
        power=tuple(significant(controls, group, studies, lower_only=True) for group in fs[:-1]),
        false_positives=significant(controls, controls, studies),
        confounded=significant(controls, confounded, studies),
        spread=float(controls.std(ddof=1) / means[0]),
        seen=float(1 - means[len(EFFECTS) - 1] / means[0]),
    )


def significant(
    controls: np.ndarray, diseased: np.ndarray, studies: np.ndarray, *, lower_only: bool = False
) -> Share:
    """Count the studies with a difference at 5 % in Welch's two-sided t-test.

    Parameters
    ----------
    controls, diseased : ndarray
        (n_animals,) one number an animal, of both populations.
    studies : ndarray of int
        (n_studies, 2·group size) animals of each study, first the control group.
    lower_only : bool
        Count only those where the diseased group is lower.
    """
    from scipy import stats

    first, second = np.split(studies, 2, axis=1)
    groups = (controls[first], diseased[second])
    size = first.shape[1]
    (mean_a, sd_a), (mean_b, sd_b) = ((g.mean(axis=1), g.std(axis=1, ddof=1)) for g in groups)
    # A method that always answers the same has no spread but rounding errors.
    usable = np.hypot(sd_a, sd_b) > 1e-9 * np.abs(mean_a)
    with np.errstate(divide="ignore", invalid="ignore"):
        test = stats.ttest_ind_from_stats(mean_a, sd_a, size, mean_b, sd_b, size, equal_var=False)
    found = usable & (test.pvalue < SIGNIFICANCE)
    if lower_only:
        found &= mean_b < mean_a
    return Share(int(found.sum()), len(studies))


def _design(effort: Effort) -> str:
    n = effort.n_animals
    return (
        f"Each of {effort.n_studies} studies compares {n} control and {n} diseased animals by Welch's t-test at "
        f"{SIGNIFICANCE:.0%} on one fs an animal: the method on the B0-aligned mean spectrum of one muscle. "
        f"{describe_animals()} Power is the share of studies that find fs lower in the diseased group. Confounders: "
        f"the diseased group has the same fs, but a T1 longer by {CONFOUNDED_T1 - 1:.0%} and an MT pool smaller by "
        f"{1 - CONFOUNDED_FM:.0%}. In brackets: 95 % confidence. “{TRUTH}” has no measurement error; no honest method "
        "finds more, but by chance.\n"
    )


def _table(rows: Sequence[Outcome]) -> str:
    header = ["method", *(f"power at −{e:.0%}" for e in EFFECTS[1:]), "false positives", "with confounders"]
    header += ["SD between animals", f"−{EFFECTS[-1]:.0%} seen as"]
    body = [
        [
            row.method,
            *(f"{share.value:.0%}" for share in row.power[1:]),
            str(row.false_positives),
            str(row.confounded),
            f"{row.spread:.1%}",
            f"{0.0 - row.seen:+.1%}".replace("-", "−"),
        ]
        for row in rows
    ]
    return markdown_table(header, body)


def _findings(rows: Sequence[Outcome]) -> str:
    lines = []
    for row in rows:
        found = row.smallest_found
        largest = EFFECTS[-1]
        power = (
            f"no effect up to {largest:.0%} is found by {WANTED_POWER:.0%} of the studies"
            if found is None
            else f"a loss of {found:.0%} is the smallest found by at least {WANTED_POWER:.0%} of the studies"
        )
        lines.append(f"- {row.method}: {power}; {_honesty(row)}.")
    return "\n".join(lines) + "\n"


def _honesty(row: Outcome) -> str:
    words = []
    for share, when in ((row.false_positives, "without"), (row.confounded, "with")):
        low, high = share.interval
        agrees = (
            "agree with" if low <= SIGNIFICANCE <= high else ("exceed" if low > SIGNIFICANCE else "are below")
        )
        words.append(f"{when} confounders its false positives {agrees} {SIGNIFICANCE:.0%}")
    return ", ".join(words)


def _scores(row: Outcome) -> dict[str, object]:
    def numbers(share: Share) -> dict[str, float]:
        low, high = share.interval
        return {"share": share.value, "low": low, "high": high}

    return {
        "method": row.method,
        "power": {f"{effect:g}": numbers(share) for effect, share in zip(EFFECTS, row.power, strict=True)},
        "false_positives": numbers(row.false_positives),
        "false_positives_confounded": numbers(row.confounded),
        "smallest_effect_found": row.smallest_found,
        "spread_between_animals": row.spread,
        "largest_effect_seen_as": row.seen,
    }


def _draw(outcomes: dict[str, list[Outcome]], effort: Effort) -> Figure:
    figure = new_figure("the figures of the evaluation", figsize=(9.0, 3.9), layout="constrained")
    panels = figure.subplots(1, len(outcomes), sharey=True)
    percent = [100 * effect for effect in EFFECTS]
    for axes, (family, rows) in zip(panels, outcomes.items(), strict=True):
        for i, row in enumerate(rows):
            style = {"color": TRUTH_COLOR, "linestyle": "--"} if i == 0 else method_style(i - 1)
            axes.plot(percent, [100 * s.value for s in row.power], label=row.method, markersize=5, **style)
        axes.axhline(100 * WANTED_POWER, color="0.6", linewidth=0.8, linestyle=":")
        axes.set(xlabel="loss of fs in the diseased group, %", title=f"{family} muscle", ylim=(-3, 103))
        axes.set_xticks(percent)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(f"studies that find it, %\n({effort.n_animals} animals a group)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small")
    return figure
