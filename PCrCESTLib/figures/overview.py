"""The picture of one run: anatomy, fs, ksw and their SDs over it, and the mean Z-spectrum of every ROI."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import OutputError
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.content import FigureInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN, DPI = 10.5, 160  # 1680 pixels


def save_overview(path: Path, result: FigureInput) -> None:
    """Write the picture as PNG, 1680 pixels wide; the file appears whole or not at all.

    One slice, or the up to four with most ROI voxels, as stored (never flipped), with patient directions.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    OutputError
        When the file cannot be written.
    """
    figure = draw_overview(result)
    partial = path.parent / f".{path.name}-{uuid.uuid4().hex[:8]}"
    try:
        figure.savefig(partial, format="png", dpi=DPI)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: the figure cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)


def draw_overview(result: FigureInput) -> Figure:
    """Draw the picture; a matplotlib figure without any window or global state.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    from PCrCESTLib.figures.maps import draw_maps, overview_view, row_height_in
    from PCrCESTLib.figures.spectra import draw_spectra
    from PCrCESTLib.figures.text import draw_headline

    view = overview_view(result)
    maps_in, spectra_in = 2 * row_height_in(view), 2.9 if result.spectra else 0.0
    size = (WIDTH_IN, 0.55 + maps_in + spectra_in + 0.35)
    figure = new_figure("the overview figure", figsize=size, facecolor="white")
    boxes = _bands(figure, maps_in, spectra_in)
    draw_maps(boxes["maps"], result, view)
    if result.spectra:
        draw_spectra(boxes["spectra"], result)
    draw_headline(boxes["top"], boxes["bottom"], result)
    return figure


def _bands(figure: Figure, maps_in: float, spectra_in: float) -> dict[str, Any]:
    """Cut the page into horizontal bands of fixed height in inches."""
    heights = [0.55, maps_in, spectra_in, 0.35] if spectra_in else [0.55, maps_in, 0.35]
    names = ["top", "maps", "spectra", "bottom"] if spectra_in else ["top", "maps", "bottom"]
    bands: Any = figure.subfigures(len(heights), 1, height_ratios=heights, hspace=0)
    return dict(zip(names, bands, strict=True))
