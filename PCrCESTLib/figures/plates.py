"""Maps for a printed page: a row of them over the anatomy, the quality of every voxel, and all slices of one map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.maps import draw_anatomy, draw_parameter, overview_view
from PCrCESTLib.figures.text import LABEL_PT, MUTED, PANEL_PT, SMALL_PT, write
from PCrCESTLib.figures.view import View, choose_view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from PCrCESTLib.figures.content import FigureInput

WIDTH_IN = 7.2
LEFT_IN, MAP_IN, GAP_IN = 0.05, 1.76, 0.66
TOP_IN, BOTTOM_IN = 0.28, 0.08
MOST_TILES = 30
# What is to be said of a voxel, most serious last: colors that a color-blind reader tells apart.
QUALITY_COLORS = ("#4393c3", "#f6d55c", "#b2182b", "#3a3a3a")
QUALITY_NAMES = ("no objection", "not identifiable", "flagged", "no value")


@dataclass(frozen=True)
class Plate:
    """One map: (z, y, x) in the unit of its color bar, its color map and fixed range, and where to hatch it."""

    title: str
    unit: str
    values: np.ndarray
    colors: str
    limits: tuple[float, float]
    hidden: np.ndarray | None = None


def draw_plates(
    result: FigureInput, plates: Sequence[Plate], *, anatomy: bool = True, quality: np.ndarray | None = None
) -> Figure:
    """Draw up to three panels in a row, A4 wide: the anatomy if wanted, maps, and the quality if given.

    ``quality`` is (z, y, x): the index of `QUALITY_NAMES`, NaN outside.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    view = overview_view(result)
    tall = _height(view)
    bottom = BOTTOM_IN if quality is None else 0.48
    height = tall + TOP_IN + bottom
    figure = new_figure("the figures of the report", figsize=(WIDTH_IN, height), facecolor="white")
    column = 0
    if anatomy:
        draw_anatomy(_axes(figure, column, tall, bottom), result, view)
        column += 1
    for plate in plates:
        axes = _axes(figure, column, tall, bottom)
        shown = draw_parameter(axes, result, view, plate.values, (plate.colors, plate.limits), plate.hidden)
        write(axes, 0.0, 1.03, plate.title, fontsize=PANEL_PT, transform=axes.transAxes)
        _bar(figure, column, tall, bottom, shown, plate)
        column += 1
    if quality is not None:
        _draw_quality(_axes(figure, column, tall, bottom), result, view, quality)
    return figure


def draw_montage(result: FigureInput, plate: Plate) -> Figure:
    """Draw all slices of a map that hold a value, up to `MOST_TILES`, with their numbers.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    view = montage_view(result)
    down, across = view.grid
    rows, columns = view.tile_shape
    width = WIDTH_IN - 0.75
    tall = min(width * view.aspect * down * rows / (across * columns), 8.4)
    width = tall * across * columns / (view.aspect * down * rows)
    height = tall + TOP_IN + BOTTOM_IN
    figure = new_figure("the figures of the report", figsize=(WIDTH_IN, height), facecolor="white")
    axes = figure.add_axes((0.05 / WIDTH_IN, BOTTOM_IN / height, width / WIDTH_IN, tall / height))
    shown = draw_parameter(axes, result, view, plate.values, (plate.colors, plate.limits), plate.hidden)
    write(axes, 0.0, 1.02, plate.title, fontsize=PANEL_PT, transform=axes.transAxes, va="bottom")
    for (top, left), number in zip(view.corners(), view.slices, strict=True):
        write(
            axes, left + 0.04 * columns, top + 0.08 * rows, str(number + 1), fontsize=SMALL_PT, color="white"
        )
    box = (
        (0.05 + width + 0.08) / WIDTH_IN, (BOTTOM_IN + 0.1 * tall) / height, 0.11 / WIDTH_IN, 0.8 * tall / height,
    )  # fmt: skip
    _color_bar(figure, figure.add_axes(box), shown, plate)
    return figure


def montage_view(result: FigureInput) -> View:
    """Return the view of all slices that hold a value of fs, up to `MOST_TILES`."""
    mapped = np.isfinite(result.fs)
    return choose_view(result.geometry, mapped, mapped, MOST_TILES)


def _height(view: View) -> float:
    rows, columns = view.tile_shape
    return float(MAP_IN * view.aspect * view.grid[0] * rows / (view.grid[1] * columns))


def _axes(figure: Any, column: int, tall: float, bottom: float) -> Any:
    height = tall + TOP_IN + bottom
    left = LEFT_IN + column * (MAP_IN + GAP_IN)
    return figure.add_axes((left / WIDTH_IN, bottom / height, MAP_IN / WIDTH_IN, tall / height))


def _bar(figure: Any, column: int, tall: float, bottom: float, shown: Any, plate: Plate) -> None:
    height = tall + TOP_IN + bottom
    left = LEFT_IN + column * (MAP_IN + GAP_IN) + MAP_IN + 0.06
    axes = figure.add_axes((left / WIDTH_IN, bottom / height, 0.1 / WIDTH_IN, tall / height))
    _color_bar(figure, axes, shown, plate)


def _color_bar(figure: Any, axes: Any, shown: Any, plate: Plate) -> None:
    finite = plate.values[np.isfinite(plate.values)]
    low, high = plate.limits
    below, above = bool(np.any(finite < low)), bool(np.any(finite > high))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}.get(
        (below, above), "both"
    )
    bar = figure.colorbar(shown, cax=axes, extend=extend, extendfrac=0.04)
    bar.ax.tick_params(labelsize=SMALL_PT + 0.4, length=2, width=0.6, pad=1.5)
    bar.outline.set_linewidth(0.6)
    bar.ax.set_title(plate.unit, fontsize=LABEL_PT, pad=3)


def _draw_quality(axes: Any, result: FigureInput, view: View, quality: np.ndarray) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colors = ListedColormap(QUALITY_COLORS)
    limits = (-0.5, len(QUALITY_COLORS) - 0.5)
    draw_parameter(axes, result, view, quality, (colors, limits), None)
    write(axes, 0.0, 1.03, "quality", fontsize=PANEL_PT, transform=axes.transAxes)
    patches = [Patch(facecolor=c, label=n) for c, n in zip(QUALITY_COLORS, QUALITY_NAMES, strict=True)]
    axes.legend(
        handles=patches,
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.01),
        fontsize=SMALL_PT + 0.4,
        frameon=False,
        ncols=2,
        columnspacing=0.8,
        handlelength=1.0,
        labelcolor=MUTED,
    )
