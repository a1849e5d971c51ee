"""Numbers of every region side by side: its voxels as a box, the estimate from its mean spectrum as a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.text import INK, LABEL_PT, MUTED, PANEL_PT, SMALL_PT, shortened, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN, ROW_IN = 7.2, 0.3
BOX_FACE, ESTIMATE, DOUBTFUL = "#dfe7ee", "#B03A00", "#8a8a8a"


@dataclass(frozen=True)
class RegionNumbers:
    """One quantity of one region, in the unit that is shown.

    ``spread`` holds the 5th, 25th, 50th, 75th and 95th percentile over voxels, or None; ``value`` ± ``sd`` is the
    estimate from the mean spectrum, and ``identifiable`` False where the scan hardly tells it.
    """

    roi: str
    spread: tuple[float, float, float, float, float] | None
    value: float
    sd: float
    identifiable: bool
    reference: tuple[float, float] | None = None


@dataclass(frozen=True)
class Quantity:
    """A panel: its title, the label of its axis, its fixed range, and one entry a region."""

    title: str
    axis: str
    limits: tuple[float, float]
    regions: Sequence[RegionNumbers]


def draw_muscle_boxes(panels: Sequence[Quantity]) -> Figure:
    """Draw one panel a quantity, regions downward, all in the same order.

    Boxes span the quartiles of voxels, whiskers the 5th to 95th percentile; points are the estimates from the mean
    spectra with ± 1 SD, hollow where the scan hardly tells the number; green bands are reference ranges.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    n = max(len(panel.regions) for panel in panels)
    height = ROW_IN * n + 1.25
    figure = new_figure("the figures of the report", figsize=(WIDTH_IN, height), facecolor="white")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    figure.subplots_adjust(
        left=1.85 / WIDTH_IN, right=0.98, top=1 - 0.3 / height, bottom=0.85 / height, wspace=0.08
    )
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, panel)
    names = [shortened(r.roi) for r in panels[0].regions]
    grid[0].set_yticks(range(len(names)))
    for label in grid[0].set_yticklabels(names, fontsize=LABEL_PT):
        label.set_parse_math(False)
    grid[0].set_ylim(n - 0.4, -0.6)
    _legend(figure, panels, height)
    return figure


def _draw_panel(axes: Any, panel: Quantity) -> None:
    low, high = panel.limits
    for place, region in enumerate(panel.regions):
        if region.reference is not None:
            left, right = region.reference
            axes.barh(place, right - left, left=left, height=0.9, color="#d9efdf", zorder=0)
        if region.spread is not None:
            _box(axes, place, region.spread)
        if np.isfinite(region.value):
            _point(axes, place, region, panel.limits)
    axes.set_xlim(low, high)
    axes.set_xlabel(panel.axis, fontsize=LABEL_PT, color=INK)
    axes.tick_params(labelsize=LABEL_PT, length=2.5, width=0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["right", "top", "left"]].set_visible(False)
    write(axes, 0.0, 1.02, panel.title, fontsize=PANEL_PT, transform=axes.transAxes, va="bottom")


def _box(axes: Any, place: int, spread: tuple[float, float, float, float, float]) -> None:
    stats = dict(zip(("whislo", "q1", "med", "q3", "whishi"), spread, strict=True))
    axes.bxp(
        [stats],
        positions=[place],
        widths=0.52,
        orientation="horizontal",
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": BOX_FACE, "edgecolor": MUTED, "linewidth": 0.8},
        medianprops={"color": INK, "linewidth": 1.4},
        whiskerprops={"color": MUTED, "linewidth": 0.8},
        capprops={"color": MUTED, "linewidth": 0.8},
        manage_ticks=False,
    )


def _point(axes: Any, place: int, region: RegionNumbers, limits: tuple[float, float]) -> None:
    color = ESTIMATE if region.identifiable else DOUBTFUL
    shown = float(np.clip(region.value, *limits))
    axes.errorbar(
        [shown],
        [place],
        xerr=[[region.sd], [region.sd]] if np.isfinite(region.sd) else None,
        fmt="o",
        markersize=4.5,
        color=color,
        markerfacecolor=color if region.identifiable else "white",
        elinewidth=1.2,
        capsize=2.5,
        zorder=5,
    )
    if shown != region.value:  # an arrow at the edge, so that nothing is drawn where it is not
        axes.annotate("▸" if region.value > shown else "◂", (shown, place), fontsize=SMALL_PT, color=color)


def _legend(figure: Any, panels: Sequence[Quantity], height: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    all_regions = [r for panel in panels for r in panel.regions]
    entries: list[Any] = []
    if any(r.spread is not None for r in all_regions):
        entries.append(Patch(facecolor=BOX_FACE, edgecolor=MUTED, label="voxels: median, quartiles, 5–95 %"))
    entries.append(
        Line2D([], [], marker="o", color=ESTIMATE, markersize=4.5, label="estimate from mean spectrum ± SD")
    )
    if not all(r.identifiable for r in all_regions):
        entries.append(
            Line2D(
                [],
                [],
                marker="o",
                color=DOUBTFUL,
                markerfacecolor="white",
                markersize=4.5,
                label="not identifiable",
            )
        )
    if any(r.reference is not None for r in all_regions):
        entries.append(Patch(facecolor="#d9efdf", label="reference range"))
    figure.legend(
        handles=entries,
        loc="lower center",
        ncols=len(entries),
        fontsize=SMALL_PT + 0.4,
        frameon=False,
        bbox_to_anchor=(0.5, 0.02 / height),
        columnspacing=1.2,
        handletextpad=0.5,
    )
