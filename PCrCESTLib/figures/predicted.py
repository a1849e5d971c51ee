"""One region's Z-spectrum, measured and as predicted from its fs and ksw, and the contribution of PCr alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.text import INK, LABEL_PT, MUTED, PANEL_PT, SMALL_PT, write
from PCrCESTLib.physics.concentration import PCR_PPM

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW_PPM = (1.4, 3.8)
WIDEST_PPM = 10.5
WIDTH_IN, HEIGHT_IN = 7.2, 2.75
MOST_POWERS = 3
MEASURED, WITHOUT, PCR = "black", "#0072B2", "#B03A00"


@dataclass(frozen=True)
class Prediction:
    """What is drawn of one power.

    Parameters
    ----------
    b1_ut : float
        Saturation power, µT.
    offsets_ppm, z : ndarray
        (n_offsets,) as measured, offsets ascending.
    predicted, predicted_band : ndarray
        (n_offsets,) and (2, n_offsets): Z from the estimate, and its 90 % band; NaN where nothing is predicted.
    without_pcr : ndarray
        (n_offsets,) Z as it would be without PCr.
    effect, effect_band : ndarray
        (n_offsets,) and (2, n_offsets): what PCr takes from Z, share of M0, and its 90 % band.
    """

    b1_ut: float
    offsets_ppm: np.ndarray
    z: np.ndarray
    predicted: np.ndarray
    predicted_band: np.ndarray
    without_pcr: np.ndarray
    effect: np.ndarray
    effect_band: np.ndarray


def draw_prediction(powers: Sequence[Prediction], predicted_by: str) -> Figure:
    """Draw the whole spectra at left, and for each power the method uses the window of PCr above its contribution.

    ``predicted_by`` names the line of the prediction in the legend.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    predicted = [p for p in powers if np.isfinite(p.without_pcr).any()][:MOST_POWERS] or powers[:1]
    figure = new_figure("the figures of the report", figsize=(WIDTH_IN, HEIGHT_IN), facecolor="white")
    grid = figure.add_gridspec(
        2,
        1 + len(predicted),
        height_ratios=[2.1, 1],
        width_ratios=[1.15] + [1.0] * len(predicted),
        left=0.07,
        right=0.99,
        top=0.9,
        bottom=0.235,
        hspace=0.12,
        wspace=0.3,
    )
    _draw_all(figure.add_subplot(grid[:, 0]), powers)
    most = 100 * max((_highest(p) for p in predicted), default=1.0)
    for i, power in enumerate(predicted):
        nothing = not np.isfinite(power.predicted).any()
        upper = figure.add_subplot(grid[:, 1 + i] if nothing else grid[0, 1 + i])
        _draw_window(upper, power, predicted_by)
        if i == 0:
            upper.set_ylabel("Z", fontsize=LABEL_PT)
        if nothing:
            upper.set_xlabel("offset, ppm", fontsize=LABEL_PT)
            continue
        upper.tick_params(labelbottom=False)
        lower = figure.add_subplot(grid[1, 1 + i])
        _draw_effect(lower, power, most)
        if i == 0:
            lower.set_ylabel("PCr, % M₀", fontsize=LABEL_PT)
    handles = dict(
        pair
        for axes in figure.axes[1:]
        for pair in zip(*reversed(axes.get_legend_handles_labels()), strict=True)
    )
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="lower center",
        ncols=len(handles),
        fontsize=SMALL_PT + 0.4,
        frameon=False,
        columnspacing=1.2,
        handletextpad=0.5,
    )
    return figure


def _inside(power: Prediction) -> np.ndarray:
    low, high = WINDOW_PPM
    inside: np.ndarray = (power.offsets_ppm >= low) & (power.offsets_ppm <= high)
    return inside


def _highest(power: Prediction) -> float:
    shown = power.effect_band[:, _inside(power)]
    known = shown[np.isfinite(shown)]
    return float(known.max()) if len(known) else 0.01


def _draw_all(axes: Any, powers: Sequence[Prediction]) -> None:
    for i, power in enumerate(powers):
        shown = np.abs(power.offsets_ppm) <= WIDEST_PPM
        color = ("black", "#7a7a7a", "#b0b0b0")[i % 3]
        axes.plot(
            power.offsets_ppm[shown],
            power.z[shown],
            ".-",
            color=color,
            linewidth=0.8,
            markersize=2.2,
            label=f"{power.b1_ut:g} µT",
        )
    axes.axvspan(*WINDOW_PPM, color="0.93", zorder=0)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("Z", fontsize=LABEL_PT)
    axes.legend(loc="lower left", fontsize=SMALL_PT, frameon=False, handlelength=1.4)
    _finish(axes, "mean spectrum")
    axes.set_xlabel("offset, ppm", fontsize=LABEL_PT)


def _draw_window(axes: Any, power: Prediction, predicted_by: str) -> None:
    inside = _inside(power)
    x = power.offsets_ppm[inside]
    if np.isfinite(power.predicted_band).any():
        axes.fill_between(
            x, *power.predicted_band[:, inside], color=PCR, alpha=0.25, linewidth=0, label="90 % band"
        )
    if np.isfinite(power.without_pcr).any():
        axes.plot(
            x, power.without_pcr[inside], "--", color=WITHOUT, linewidth=1.1, label="as it would be without PCr"
        )
    if np.isfinite(power.predicted).any():
        axes.plot(x, power.predicted[inside], color=PCR, linewidth=1.3, label=predicted_by)
    axes.plot(x, power.z[inside], ".", color=MEASURED, markersize=3.2, label="measured")
    _finish(axes, f"PCr region, {power.b1_ut:g} µT")
    axes.set_xlim(WINDOW_PPM[1], WINDOW_PPM[0])


def _draw_effect(axes: Any, power: Prediction, most: float) -> None:
    inside = _inside(power)
    x = power.offsets_ppm[inside]
    axes.fill_between(x, *(100 * power.effect_band[:, inside]), color=PCR, alpha=0.25, linewidth=0)
    axes.plot(x, 100 * power.effect[inside], color=PCR, linewidth=1.3)
    axes.set_ylim(-0.08 * most, 1.12 * most)
    _finish(axes, "")
    axes.set_xlim(WINDOW_PPM[1], WINDOW_PPM[0])
    axes.set_xlabel("offset, ppm", fontsize=LABEL_PT)


def _finish(axes: Any, title: str) -> None:
    axes.axvline(PCR_PPM, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=0)
    if not axes.xaxis_inverted():
        axes.invert_xaxis()
    axes.tick_params(labelsize=SMALL_PT, length=2.5, width=0.6, color=INK)
    axes.spines[["right", "top"]].set_visible(False)
    if title:
        write(axes, 0.0, 1.03, title, fontsize=PANEL_PT - 0.7, transform=axes.transAxes, va="bottom")
