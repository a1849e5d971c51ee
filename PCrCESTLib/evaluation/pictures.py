"""What the figures of the evaluation share: one color and marker a method, and no figure without matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.figures.method_marks import COLORS, MARKERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRUTH_COLOR = "black"


def method_style(index: int) -> dict[str, Any]:
    """Color and marker of the method at this place in the list, for ``plot``; hollow when the colors come again."""
    style = {"color": COLORS[index % len(COLORS)], "marker": MARKERS[index % len(MARKERS)]}
    return style | ({"markerfacecolor": "white"} if index >= len(COLORS) else {})


def drawn(name: str, draw: Callable[[], Figure]) -> tuple[tuple[str, Figure], ...]:
    """Return the figure under its file ``name``, or nothing when matplotlib is not installed."""
    try:
        return ((name, draw()),)
    except MissingExtraError:
        return ()
