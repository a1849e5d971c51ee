"""The maps of the overview figure: color over gray anatomy, outlines, color bars and a scale bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.hatch import hatch_pixels
from PCrCESTLib.figures.text import LABEL_PT, PANEL_PT, ROI_COLORS, SMALL_PT, draw_legend, write
from PCrCESTLib.figures.view import View, boundary_segments, choose_view, label_point

if TYPE_CHECKING:
    from PCrCESTLib.figures.content import FigureInput

BAND_WIDTH_IN = 10.5
LEFT_IN, MAP_WIDTH_IN, GAP_IN, BAR_COLUMN_IN = 0.22, 2.72, 0.24, 0.84
TITLE_IN = 0.34
SHORTEST_ROW_IN = 1.9
TALLEST_MAP_IN = 3.4
FS_COLORS, KSW_COLORS = "viridis", "plasma"  # perceptually uniform and safe for color-blind readers
BACKGROUND = "#161616"


def overview_view(result: FigureInput) -> View:
    """Slices and crop that show all ROIs, or all of the map where there is none."""
    mapped = np.isfinite(result.fs)
    if result.ksw is not None:
        mapped |= np.isfinite(result.ksw)
    interest = np.any([mask.astype(bool) for _, mask in result.rois], axis=0) if result.rois else mapped
    if not interest.any():
        interest = mapped
    return choose_view(result.geometry, interest, mapped)


def map_size_in(view: View) -> tuple[float, float]:
    """Width and height of one map, inches: as wide as its column unless that made it too tall."""
    rows, columns = view.tile_shape
    ratio = view.aspect * view.grid[0] * rows / (view.grid[1] * columns)
    height = min(MAP_WIDTH_IN * ratio, TALLEST_MAP_IN)
    return height / ratio, height


def row_height_in(view: View) -> float:
    """Height of one row of the maps, inches: a map and its title, and room for the legend."""
    return max(map_size_in(view)[1] + TITLE_IN, SHORTEST_ROW_IN)


def draw_maps(band: Any, result: FigureInput, view: View) -> None:
    """Draw anatomy, fs and ksw (or AREX) above, the legend and the SDs below."""
    unknown = _unknown_ksw(result)
    hatched = bool(unknown is not None and unknown.any())
    ranges = result.ranges
    panels: list[tuple[Any, ...]] = [
        (0, 1, result.fs * 1e3, "PCr proton fraction fs", "10⁻³", FS_COLORS, ranges.fs, None),
        (1, 1, _scaled(result.fs_sd, 1e3), "SD of fs", "10⁻³", FS_COLORS, ranges.fs_sd, None),
    ]
    if result.ksw is None:
        panels += [
            (0, 2, result.arex, "relaxation rate by PCr, AREX", "s⁻¹", KSW_COLORS, ranges.arex, None),
            (1, 2, result.arex_sd, "SD of AREX", "s⁻¹", KSW_COLORS, ranges.arex_sd, None),
        ]
    else:
        panels += [
            (0, 2, result.ksw, "exchange rate ksw", "s⁻¹", KSW_COLORS, ranges.ksw, unknown),
            (1, 2, result.ksw_sd, "SD of ksw", "s⁻¹", KSW_COLORS, ranges.ksw_sd, unknown),
        ]
    draw_anatomy(_panel(band, view, 0, 0), result, view)
    for row, column, values, title, unit, colors, limits, hidden in panels:
        if values is None:
            continue
        axes = _panel(band, view, row, column)
        shown = draw_parameter(axes, result, view, values, (colors, limits), hidden)
        write(axes, 0.0, 1.03, title, fontsize=PANEL_PT, transform=axes.transAxes)
        _color_bar(band, view, row, column, shown, values, unit)
    draw_legend(_legend_panel(band, view), result, hatched=hatched)


def _scaled(values: np.ndarray | None, factor: float) -> np.ndarray | None:
    return None if values is None else values * factor


def _unknown_ksw(result: FigureInput) -> np.ndarray | None:
    if result.ksw_identifiable is None or result.ksw is None:
        return None
    unknown: np.ndarray = ~result.ksw_identifiable.astype(bool) & np.isfinite(result.ksw)
    return unknown


def _panel(band: Any, view: View, row: int, column: int) -> Any:
    """Axes of one panel at a fixed place in inches, so that nothing overlaps whatever is drawn."""
    width, height = map_size_in(view)
    return _axes_in(band, view, _column_left_in(column), row, width, height)


def _legend_panel(band: Any, view: View) -> Any:
    return _axes_in(band, view, LEFT_IN, 1, MAP_WIDTH_IN, row_height_in(view) - 0.1)


def _column_left_in(column: int) -> float:
    return LEFT_IN + column * (MAP_WIDTH_IN + GAP_IN) + max(column - 1, 0) * BAR_COLUMN_IN


def _axes_in(band: Any, view: View, left: float, row: int, width: float, height: float) -> Any:
    """Axes of a size in inches whose top lies a title's height below the top of its row."""
    band_height = 2 * row_height_in(view)
    top = (2 - row) * row_height_in(view) - TITLE_IN
    if height > top - (1 - row) * row_height_in(view):
        top = height + (1 - row) * row_height_in(view)
    box = (left / BAND_WIDTH_IN, (top - height) / band_height, width / BAND_WIDTH_IN, height / band_height)
    return band.add_axes(box)


def _color_bar(
    band: Any, view: View, row: int, column: int, shown: Any, values: np.ndarray, unit: str
) -> None:
    panel = _panel(band, view, row, column)
    box = panel.get_position()
    panel.remove()
    bar = band.add_axes((box.x1 + 0.08 / BAND_WIDTH_IN, box.y0, 0.11 / BAND_WIDTH_IN, box.height))
    finite = values[np.isfinite(values)]
    low, high = shown.get_clim()
    below, above = bool(np.any(finite < low)), bool(np.any(finite > high))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}.get(
        (below, above), "both"
    )
    color_bar = band.colorbar(shown, cax=bar, extend=extend, extendfrac=0.04)
    color_bar.ax.tick_params(labelsize=LABEL_PT, length=2.5, width=0.6)
    color_bar.outline.set_linewidth(0.6)
    color_bar.set_label(unit, fontsize=LABEL_PT)


def draw_parameter(
    axes: Any,
    result: FigureInput,
    view: View,
    values: np.ndarray,
    colors: tuple[Any, tuple[float, float]],
    hidden: np.ndarray | None,
) -> Any:
    """Draw a map over the darkened anatomy with outlines; returns the picture for its color bar.

    Parameters
    ----------
    values : ndarray
        (z, y, x), in the unit of the color bar.
    colors : tuple
        Color map (or its name), and its lowest and highest value.
    hidden : ndarray or None
        bool (z, y, x), hatched.
    """
    _draw_gray(axes, result, view, brightness=0.6)  # bright fat would outshine the map
    name, (low, high) = colors
    picture = np.ma.masked_invalid(view.mosaic(values))
    shown = axes.imshow(picture, cmap=name, vmin=low, vmax=high, interpolation="nearest", aspect=view.aspect)
    if hidden is not None:
        mosaic = view.mosaic(hidden.astype(float), fill=0.0) > 0
        rows, columns = mosaic.shape
        extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
        axes.imshow(hatch_pixels(mosaic), extent=extent, interpolation="nearest", aspect=view.aspect)
    for _, mask in result.rois:
        _outline(axes, view.mosaic(mask.astype(float), fill=0.0) > 0, "white", 0.8)
    return shown


def draw_anatomy(axes: Any, result: FigureInput, view: View) -> None:
    """Draw the image with regions tinted and numbered, patient directions and a scale bar."""
    from matplotlib.colors import ListedColormap

    _draw_gray(axes, result, view)
    for i, (_, mask) in enumerate(result.rois):
        color = ROI_COLORS[i % len(ROI_COLORS)]
        mosaic = view.mosaic(mask.astype(float), fill=0.0) > 0
        tint = np.where(mosaic, 1.0, np.nan)
        axes.imshow(
            tint, cmap=ListedColormap([color]), alpha=0.3, interpolation="nearest", aspect=view.aspect
        )
        _outline(axes, mosaic, color, 1.2)
        if i < len(ROI_COLORS):
            _number(axes, view, mosaic, str(i + 1))
    _mark_directions(axes, view)
    _scale_bar(axes, view)
    title = "anatomy" if result.anatomy is not None else "no anatomy given"
    write(axes, 0.0, 1.03, title + _slices_shown(result, view), fontsize=PANEL_PT, transform=axes.transAxes)


def _draw_gray(axes: Any, result: FigureInput, view: View, brightness: float = 1.0) -> None:
    axes.set_facecolor(BACKGROUND)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    if result.anatomy is None:
        picture = np.zeros(view.mosaic(result.fs).shape)
        high = 1.0
    else:
        picture = np.nan_to_num(view.mosaic(np.asarray(result.anatomy, dtype=float), fill=0.0))
        high = float(np.percentile(picture, 99.5)) or 1.0
    axes.imshow(
        picture, cmap="gray", vmin=0, vmax=high / brightness, interpolation="nearest", aspect=view.aspect
    )


def _outline(axes: Any, mosaic: np.ndarray, color: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    segments = boundary_segments(mosaic)
    # A dark casing keeps the line visible on bright maps and bright fat.
    axes.add_collection(LineCollection(list(segments), colors="black", linewidths=width + 1.1, alpha=0.55))
    axes.add_collection(LineCollection(list(segments), colors=color, linewidths=width, capstyle="projecting"))


def _number(axes: Any, view: View, mosaic: np.ndarray, number: str) -> None:
    height, width = view.tile_shape
    size = LABEL_PT if len(view.slices) == 1 else SMALL_PT
    for top, left in view.corners():
        tile = mosaic[top : top + height, left : left + width]
        if tile.any():
            x, y = label_point(tile)
            _on_image(axes, left + x, top + y, number, ha="center", fontweight="bold", fontsize=size)


def _on_image(axes: Any, x: float, y: float, text: str, **style: Any) -> None:
    from matplotlib.patheffects import withStroke

    options = {"fontsize": LABEL_PT, "color": "white", "va": "center"} | style
    label = write(axes, x, y, text, **options)
    label.set_path_effects([withStroke(linewidth=1.8, foreground="black")])


def _slices_shown(result: FigureInput, view: View) -> str:
    n_slices = result.geometry.shape[view.axis]
    if n_slices == 1:
        return ""
    numbers = ", ".join(str(number + 1) for number in view.slices)
    return f" · slice{'s' if len(view.slices) > 1 else ''} {numbers} of {n_slices}"


def _mark_directions(axes: Any, view: View) -> None:
    left, right, top, bottom = view.letters
    places = ((0.02, 0.5, left, "left"), (0.98, 0.5, right, "right"), (0.5, 0.96, top, "center"))
    for x, y, letter, align in (*places, (0.5, 0.04, bottom, "center")):
        vertical = {0.96: "top", 0.04: "bottom"}.get(y, "center")
        _on_image(axes, x, y, letter, ha=align, va=vertical, fontsize=SMALL_PT, transform=axes.transAxes)


def _scale_bar(axes: Any, view: View) -> None:
    width_mm = view.tile_shape[1] * view.pixel_width_mm
    length_mm = max((mm for mm in (0.5, 1, 2, 5, 10, 20, 50, 100) if mm <= 0.3 * width_mm), default=0.5)
    rows, columns = view.grid[0] * view.tile_shape[0], view.grid[1] * view.tile_shape[1]
    x, y = columns - 0.5 - 0.03 * columns, rows - 0.5 - 0.05 * rows
    start = x - length_mm / view.pixel_width_mm
    axes.plot([start, x], [y, y], color="black", linewidth=4, solid_capstyle="butt", alpha=0.6)
    axes.plot([start, x], [y, y], color="white", linewidth=2.2, solid_capstyle="butt")
    _on_image(axes, start - 0.015 * columns, y, f"{length_mm:g} mm", fontsize=SMALL_PT, ha="right")
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
