"""Bland-Altman plot: how far a second measurement of a subject lies from the first, with the limits of agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from PCrCESTLib.figures.method_marks import group_color, mark_of
from PCrCESTLib.figures.study_frame import study_figure
from PCrCESTLib.figures.text import INK, LABEL_PT, MUTED, PANEL_PT, SMALL_PT, shortened, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
_PANEL_WIDTH, _PANEL_HEIGHT = 2.42, 2.2  # inches
_LARGEST = 0.8  # of the range of points and lines, by which intervals widen the axes at most
_AT_EDGE = (0.92, 0.95, 0.98)  # of the panel's width, where the intervals of lower limit, bias and upper limit stand


class Level(NamedTuple):
    """A horizontal line: its height and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class Point(NamedTuple):
    """A subject: mean and difference of its two numbers; ``unsure`` draws it hollow."""

    group: str
    mean: float
    difference: float
    unsure: bool = False


@dataclass(frozen=True)
class AgreementPanel:
    """One panel: its title, the method whose marker it has, every subject, the three lines, and words below the title.

    All numbers are in the unit of the axes.
    """

    title: str
    method: str
    points: Sequence[Point]
    bias: Level
    lower_limit: Level
    upper_limit: Level
    note: str


def draw_bland_altman(
    panels: Sequence[AgreementPanel],
    groups: Sequence[str],
    *,
    title: str,
    axes_labels: tuple[str, str],
    footer: str,
) -> Figure:
    """Draw the panels on the same axes, so that the widths of their limits compare.

    Parameters
    ----------
    panels : sequence of AgreementPanel
        At least one.
    groups : sequence of str
        All groups of the study in its order, which their colors follow.
    axes_labels : (str, str)
        Words below and beside the panels, with the unit.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    n_columns = min(_COLUMNS, len(panels))
    n_rows = -(-len(panels) // n_columns)
    shown = [g for g in groups if any(point.group == g for p in panels for point in p.points)]
    head = 0.9 if len(shown) < 2 else 1.08  # one group alone needs no name
    width, height = max(_PANEL_WIDTH * n_columns + 0.75, 5.6), _PANEL_HEIGHT * n_rows + head - 0.2
    figure = study_figure((width, height), title, footer, 0.2)
    grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=0.72 / width,
        right=1 - 0.15 / width,
        top=1 - head / height,
        bottom=0.8 / height,
        hspace=0.8,
        wspace=0.08,
    )
    limits = _limits(panels)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, groups, limits)
    grid[0, 0].set_ylim(*limits)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for i, axes in enumerate(grid.flat[: len(panels)]):
        if i + n_columns >= len(panels):
            axes.set_xlabel(axes_labels[0], fontsize=LABEL_PT, color=INK)
            axes.tick_params(axis="x", labelbottom=True)
        if i % n_columns == 0:
            axes.set_ylabel(axes_labels[1], fontsize=LABEL_PT, color=INK)
    if len(shown) > 1:
        _draw_legend(figure, {g: group_color(list(groups).index(g)) for g in shown}, height)
    return figure


def _draw_panel(
    axes: Axes, panel: AgreementPanel, groups: Sequence[str], limits: tuple[float, float]
) -> None:
    axes.set_title(
        shortened(panel.title), fontsize=PANEL_PT, color=INK, parse_math=False, loc="left", pad=26
    )
    write(
        axes, 0, 1.03, panel.note, transform=axes.transAxes, fontsize=SMALL_PT, color=MUTED, va="bottom",
        linespacing=1.3,
    )  # fmt: skip
    axes.axhline(0, color="0.75", linewidth=0.8)
    levels = ((panel.lower_limit, "--"), (panel.bias, "-"), (panel.upper_limit, "--"))
    for (level, style), x in zip(levels, _AT_EDGE, strict=True):
        axes.axhline(level.value, color=INK, linewidth=1.1, linestyle=style)
        _draw_interval(axes, x, level, limits)
    marker = mark_of(panel.method).marker
    for point in panel.points:
        color = group_color(list(groups).index(point.group))
        face = "white" if point.unsure else color
        axes.plot(
            [point.mean], [point.difference], marker, color=color, markerfacecolor=face, markersize=5, zorder=3
        )
    axes.margins(x=0.14)
    axes.locator_params(axis="y", nbins=6)
    axes.tick_params(labelsize=LABEL_PT)
    axes.grid(color="0.93", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)


def _draw_interval(axes: Axes, x: float, level: Level, limits: tuple[float, float]) -> None:
    """Draw the 95 % interval of a line at the right edge; an arrow stands where it goes on beyond the axes."""
    ends = (max(level.low, limits[0]), min(level.high, limits[1]))
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "color": MUTED, "clip_on": False}
    axes.plot([x] * 2, ends, linewidth=1.4, **style)
    for end, whole, arrow in zip(ends, (level.low, level.high), ("v", "^"), strict=True):
        axes.plot([x], [end], marker="_" if end == whole else arrow, markersize=6, **style)


def _limits(panels: Sequence[AgreementPanel]) -> tuple[float, float]:
    """Return the range that holds every point and line, and every interval unless it is far wider."""
    lines = [v for p in panels for v in (p.lower_limit.value, p.upper_limit.value, 0.0)]
    lines += [point.difference for p in panels for point in p.points]
    low, high = min(lines), max(lines)
    reach = _LARGEST * (high - low) or 1.0
    ends = [v for p in panels for level in (p.lower_limit, p.upper_limit) for v in (level.low, level.high)]
    low, high = max(min(low, *ends), low - reach), min(max(high, *ends), high + reach)
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _draw_legend(figure: Figure, colors: Mapping[str, str], height: float) -> None:
    """Name the colors of the groups below the title."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=color, marker="o", linestyle="", label=shortened(group))
        for group, color in colors.items()
    ]
    legend = figure.legend(
        handles=handles,
        loc="upper left",
        ncols=len(handles),
        frameon=False,
        fontsize=LABEL_PT,
        bbox_to_anchor=(0.0, 1 - 0.27 / height),
        handletextpad=0.2,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
