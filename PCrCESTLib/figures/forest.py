"""Forest plot: the effect every method sees in every muscle, with its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.method_marks import mark_of
from PCrCESTLib.figures.study_frame import study_figure
from PCrCESTLib.figures.text import INK, LABEL_PT, MUTED, PANEL_PT, SMALL_PT, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_INCHES = 0.24
_LARGEST = 200.0  # %; an interval beyond is cut, with an arrow


@dataclass(frozen=True)
class ForestLine:
    """One effect; NaN where there is none, ``note`` then says why. ``unsure`` draws it hollow."""

    block: str
    method: str
    estimate: float
    low: float
    high: float
    note: str = ""
    unsure: bool = False


def draw_forest(
    lines: Sequence[ForestLine], *, title: str, axis: str, footer: str, decimals: int = 1
) -> Figure:
    """Draw one line a method, in blocks (a muscle each), with the numbers in words, with ``decimals``, at the right.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    blocks = list(dict.fromkeys(line.block for line in lines))
    n_rows = len(lines) + 1.2 * len(blocks)
    height = _ROW_INCHES * n_rows + 1.3
    figure = study_figure((8.6, height), title, footer, 0.16)
    axes = figure.add_axes((0.21, 0.82 / height, 0.45, 1 - 1.28 / height))
    limits = _limits(lines)
    y = 0.0
    for block in blocks:
        write(
            axes, -0.44, y, block, transform=_beside(axes), fontsize=PANEL_PT, fontweight="bold", va="center"
        )
        y -= 1.0
        for line in (row for row in lines if row.block == block):
            _draw_line(axes, y, line, limits, decimals)
            y -= 1.0
        y -= 0.2
    axes.axvline(0, color="0.35", linewidth=0.9)
    axes.set(xlim=limits, ylim=(y + 0.5, 0.8), yticks=[])
    axes.set_xlabel(axis, fontsize=LABEL_PT, color=INK)
    axes.tick_params(labelsize=LABEL_PT)
    axes.grid(axis="x", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    return figure


def _limits(lines: Sequence[ForestLine]) -> tuple[float, float]:
    ends = np.array([[line.low, line.high] for line in lines]).ravel()
    ends = ends[np.isfinite(ends)]
    if not len(ends):
        return -1.0, 1.0
    low, high = max(min(ends.min(), 0.0), -_LARGEST), min(max(ends.max(), 0.0), _LARGEST)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _beside(axes: Axes) -> Any:
    """X in axes, y in data."""
    return axes.get_yaxis_transform()


def _draw_line(axes: Axes, y: float, line: ForestLine, limits: tuple[float, float], decimals: int) -> None:
    color, marker = mark_of(line.method)
    write(axes, -0.41, y, line.method, transform=_beside(axes), va="center")
    if not np.isfinite(line.estimate):
        write(axes, 1.03, y, line.note, transform=_beside(axes), color=MUTED, fontsize=SMALL_PT, va="center")
        return
    low, high = max(line.low, limits[0]), min(line.high, limits[1])
    axes.plot([low, high], [y, y], color=color, linewidth=1.6, solid_capstyle="butt")
    for end, whole, arrow in ((low, line.low, "<"), (high, line.high, ">")):
        cut = abs(end - whole) > 1e-9
        axes.plot([end], [y], marker=arrow if cut else "|", color=color, markersize=5 if cut else 6)
    face = "white" if line.unsure else color
    axes.plot([line.estimate], [y], marker, color=color, markerfacecolor=face, markersize=6)
    numbers = (f"{v:+.{decimals}f}".replace("-", "−") for v in (line.estimate, line.low, line.high))
    write(axes, 1.03, y, "{} [{}, {}], {}".format(*numbers, line.note), transform=_beside(axes), va="center")
