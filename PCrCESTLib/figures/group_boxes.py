"""Box plots: every subject's number by muscle and group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.method_marks import group_color, mark_of
from PCrCESTLib.figures.study_frame import study_figure
from PCrCESTLib.figures.text import (
    INK,
    LABEL_PT,
    PANEL_PT,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
SMALLEST_BOX = 5  # of fewer subjects a box would show more than is known: their points and median only


@dataclass(frozen=True)
class GroupPanel:
    """One panel: its title, the method whose marker its points have, and by group the numbers, one a subject."""

    title: str
    method: str
    groups: Mapping[str, Sequence[float]]


def draw_group_boxes(panels: Sequence[GroupPanel], *, title: str, axis: str, footer: str) -> Figure:
    """Draw panels with one box a group, and a point for every subject.

    Boxes span the quartiles, whiskers all subjects; the line is the median.

    Parameters
    ----------
    panels : sequence of GroupPanel
        At least one.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    n_columns = min(_COLUMNS, len(panels))
    n_rows = -(-len(panels) // n_columns)
    width, height = max(2.1 * n_columns + 0.7, 5.0), 2.25 * n_rows + 0.75
    figure = study_figure((width, height), title, footer, 0.14)
    grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=0.62 / width,
        right=1 - 0.12 / width,
        top=1 - 0.66 / height,
        bottom=0.72 / height,
        hspace=0.45,
        wspace=0.08,
    )
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel)
    top = max((v for p in panels for g in p.groups.values() for v in g), default=1.0)
    low = min((v for p in panels for g in p.groups.values() for v in g), default=0.0)
    grid[0, 0].set_ylim(min(0.0, 1.1 * low), 1.12 * top if top > 0 else 1.0)
    for row in grid:
        row[0].set_ylabel(axis, fontsize=LABEL_PT, color=INK)
    return figure


def _draw_panel(axes: Axes, panel: GroupPanel) -> None:
    groups, marker = panel.groups, mark_of(panel.method).marker
    axes.set_title(shortened(panel.title), fontsize=PANEL_PT, color=INK, parse_math=False)
    for place, (_, numbers) in enumerate(groups.items()):
        values, color = np.asarray(numbers, dtype=float), group_color(place)
        if len(values) >= SMALLEST_BOX:
            axes.boxplot(
                values,
                positions=[place],
                widths=0.55,
                whis=(0, 100),
                showfliers=False,
                boxprops={"color": color},
                whiskerprops={"color": color},
                capprops={"color": color},
                medianprops={"color": color, "linewidth": 2},
            )
        elif len(values):
            axes.plot([place - 0.25, place + 0.25], [np.median(values)] * 2, color=color, linewidth=2)
        # The same places at every run: a point must not move when nothing changed.
        aside = 0.16 * np.sin(2.4 * np.arange(len(values)))
        edge: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.6}
        axes.plot(place + aside, values, marker, color=color, markersize=5, **edge)
    axes.set_xticks(range(len(groups)))
    names = [f"{shortened(group)}\nn = {len(v)}" for group, v in groups.items()]
    for label in axes.set_xticklabels(names, fontsize=LABEL_PT):
        label.set_parse_math(False)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.tick_params(axis="y", labelsize=LABEL_PT)
    axes.grid(axis="y", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)
