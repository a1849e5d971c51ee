"""White figure with a title above and what its marks mean below: the frame of every picture of a study."""

from __future__ import annotations

from typing import Any

from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.text import MUTED, SMALL_PT, TITLE_PT, write

MARGIN, TITLE_INCHES = 0.015, 0.2


def study_figure(size: tuple[float, float], title: str, footer: str, footer_inches: float) -> Any:
    """Return a Matplotlib figure without axes.

    Parameters
    ----------
    size : tuple of float
        Width and height, inches.
    title, footer : str
        Words above and below what is to be drawn.
    footer_inches : float
        Middle of the footer above the lower edge.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    height = size[1]
    figure = new_figure("the figures of a study", figsize=size)
    figure.set_facecolor("white")
    write(figure, MARGIN, 1 - TITLE_INCHES / height, title, fontsize=TITLE_PT, fontweight="bold", va="center")
    write(figure, MARGIN, footer_inches / height, footer, fontsize=SMALL_PT, color=MUTED, va="center")
    return figure
