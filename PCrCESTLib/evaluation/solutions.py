"""The physical phantom's digital double: methods made for muscle on PCr solutions of known pH in a gel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.evaluation.animals import region_estimate
from PCrCESTLib.evaluation.gel import (
    N_VOXELS,
    PH_VALUES,
    TEMPERATURES_C,
    VOXEL_NOISE_SD,
    Solutions,
    describe_solutions,
    simulate_solutions,
)
from PCrCESTLib.evaluation.methods import Estimate, Method, TwoBranch
from PCrCESTLib.evaluation.pictures import drawn
from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.evaluation.testsets import scanned, source_of
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quality import Quality, network_flags

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNLIKE_MUSCLE = Quality.OUTSIDE_TRAINING | Quality.HIGH_RESIDUAL


@dataclass(frozen=True)
class Agreement:
    """Straight line and errors of one quantity: estimate = slope·truth + …, R² of that line, relative RMSE."""

    slope: float
    r2: float
    rmse: float


def solutions_section(methods: Sequence[Method], protocol: Protocol, effort: Effort) -> Section:
    """Estimated against true fs and ksw in solutions, and whether the flags say that this is no muscle."""
    rng = np.random.default_rng([effort.seed, 40])
    solutions = simulate_solutions(protocol, rng)
    means = scanned(source_of(protocol), solutions.clean, VOXEL_NOISE_SD / np.sqrt(N_VOXELS), rng)
    voxels = scanned(source_of(protocol), solutions.clean, VOXEL_NOISE_SD, rng)
    estimates = [(m.name, region_estimate(m, means)) for m in methods]
    rows = [_scores(name, estimate, solutions) for name, estimate in estimates]
    text = "\n".join(
        [describe_solutions(solutions), _tables(rows), _findings(rows), *_flag_lines(methods, voxels, means)]
    )
    figures = drawn("solutions.png", lambda: _draw(estimates, solutions))
    return Section("PCr solutions in a gel", text, figures, {"methods": rows})


def agreement(estimate: np.ndarray, truth: np.ndarray) -> Agreement:
    """Fit a line to estimates over truths, both (n,)."""
    slope, intercept = np.polyfit(truth, estimate, 1)
    spread = float(np.sum((estimate - estimate.mean()) ** 2))
    missed = float(np.sum((estimate - slope * truth - intercept) ** 2))
    rmse = float(np.sqrt(np.mean((estimate - truth) ** 2)) / truth.mean())
    return Agreement(
        float(slope), 1 - missed / spread if spread > 1e-12 * float(np.sum(estimate**2)) else 0.0, rmse
    )


def follows_ph(ksw: np.ndarray, solutions: Solutions, temperature_c: float) -> float:
    """Decades of ksw for one unit of pH at one temperature: 1 when base catalysis is seen in full."""
    rows = solutions.temperature_c == temperature_c
    return float(np.polyfit(solutions.ph[rows], np.log10(np.maximum(ksw[rows], 1e-3)), 1)[0])


def _scores(name: str, estimate: Estimate, solutions: Solutions) -> dict[str, Any]:
    truth, usual = solutions.clean, solutions.usual
    rows: dict[str, Any] = {"method": name}
    for where, chosen in (("all", np.ones(len(usual), dtype=bool)), ("within training range", usual)):
        for quantity in ("fs", "ksw"):
            fit = agreement(getattr(estimate, quantity)[chosen], getattr(truth, quantity)[chosen])
            rows[f"{quantity}, {where}"] = {"slope": fit.slope, "r2": fit.r2, "rmse": fit.rmse}
    for t in TEMPERATURES_C:
        rows[f"decades of ksw per pH at {t:g} °C"] = follows_ph(estimate.ksw, solutions, t)
    return rows


def _tables(rows: Sequence[dict[str, Any]]) -> str:
    parts = []
    for quantity in ("fs", "ksw"):
        header = [
            "method",
            *(f"{word}, {w}" for w in ("all", "usual") for word in (f"slope of {quantity}", "R²", "RMSE")),
        ]
        decades = TEMPERATURES_C if quantity == "ksw" else ()
        header += [f"decades per pH, {t:g} °C" for t in decades]
        body = []
        for row in rows:
            fits = (row[f"{quantity}, {where}"] for where in ("all", "within training range"))
            cells = [
                v for fit in fits for v in (_plain(fit["slope"]), _plain(fit["r2"]), f"{fit['rmse']:.0%}")
            ]
            cells += [_plain(row[f"decades of ksw per pH at {t:g} °C"]) for t in decades]
            body.append([row["method"], *cells])
        parts.append(markdown_table(header, body))
    return "\n".join(
        [*parts, "“usual”: the scans within the training range. RMSE relative to the mean of the truth.\n"]
    )


def _plain(value: float) -> str:
    """Two decimals without a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _findings(rows: Sequence[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        seen = [row[f"decades of ksw per pH at {t:g} °C"] for t in TEMPERATURES_C]
        words = " and ".join(f"{_plain(s)} at {t:g} °C" for s, t in zip(seen, TEMPERATURES_C, strict=True))
        lines.append(
            f"- {row['method']}: ksw {_following(seen)} pH ({words} decades a unit; the truth has 1)."
        )
    return "\n".join(lines) + "\n"


def _following(seen: Sequence[float]) -> str:
    if min(seen) > 0.7:
        return "follows"
    return "partly follows" if max(seen) > 0.3 else "does not follow"


def _flag_lines(methods: Sequence[Method], voxels: Spectra, means: Spectra) -> list[str]:
    lines = []
    for method in methods:
        if not isinstance(method, TwoBranch):
            continue
        if not {"distance", "residual"} <= set(method.model.card.thresholds):
            lines.append(f"{method.name}: its card has no thresholds, so no spectrum is flagged.\n")
            continue
        shares = [flagged_share(method, spectra) for spectra in (voxels, means)]
        lines.append(
            f"{method.name} flags {shares[0]:.0%} of the voxels and {shares[1]:.0%} of the mean spectra as unlike "
            f"muscle: {_verdict(shares)}.\n"
        )
    return lines


def flagged_share(method: TwoBranch, spectra: Spectra) -> float:
    """Share of the spectra that the quality map would mark as outside the training or with unknown structure."""
    posterior = predict(method.model, spectra, NumpyBackend())
    bits = network_flags(posterior, method.model.card)
    return float(np.mean((bits & UNLIKE_MUSCLE) > 0))


def _verdict(shares: Sequence[float]) -> str:
    if min(shares) > 0.5:
        return "whoever scans a phantom is told that the network is not made for it"
    if max(shares) > 0.5:
        return "the noise of a voxel hides what the mean shows"
    return "nothing warns that the network is not made for it"


def _draw(estimates: Sequence[tuple[str, Estimate]], solutions: Solutions) -> Figure:
    columns = min(len(estimates), 4)
    rows = -(-len(estimates) // columns)
    figure = new_figure(
        "the figures of the evaluation", figsize=(0.9 + 2.2 * columns, 0.9 + 4.0 * rows), layout="constrained"
    )
    panels = figure.subplots(2 * rows, columns, squeeze=False)
    for axes in panels.flat[: 2 * rows * columns]:
        axes.set_visible(False)
    for i, (name, estimate) in enumerate(estimates):
        block, column = divmod(i, columns)
        for j, (quantity, scale, unit) in enumerate((("fs", 1e3, "10⁻³"), ("ksw", 1.0, "s⁻¹"))):
            axes = panels[2 * block + j, column]
            axes.set_visible(True)
            truth = scale * getattr(solutions.clean, quantity)
            _scatter(axes, truth, scale * getattr(estimate, quantity), solutions)
            axes.set_xlabel(f"true {quantity}, {unit}", fontsize="small")
            if column == 0:
                axes.set_ylabel(f"estimated {quantity}, {unit}", fontsize="small")
            if j == 0:
                axes.set_title(name, fontsize="small")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    # Columns are filled downward: one temperature under the other.
    order = [i + n for i in range(len(PH_VALUES)) for n in (0, len(PH_VALUES))]
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside lower center",
        ncols=min(2 * columns, len(PH_VALUES)),
        fontsize="small",
    )
    return figure


def _scatter(axes: Any, truth: np.ndarray, estimate: np.ndarray, solutions: Solutions) -> None:
    from matplotlib import colormaps

    limit = 1.1 * float(truth.max())
    axes.plot([0, limit], [0, limit], color="0.5", linewidth=0.8)
    for t, marker in zip(TEMPERATURES_C, ("o", "^"), strict=True):
        for i, p in enumerate(PH_VALUES):
            rows = (solutions.ph == p) & (solutions.temperature_c == t)
            color = colormaps["viridis"](i / (len(PH_VALUES) - 0.6))
            label = f"pH {p:g}, {t:g} °C"
            axes.scatter(
                truth[rows],
                np.minimum(estimate[rows], 1.6 * limit),
                s=14,
                color=color,
                marker=marker,
                label=label,
            )
    axes.set(xlim=(0, limit), ylim=(0, 1.65 * limit))
    axes.tick_params(labelsize="small")
    axes.grid(alpha=0.3)
