"""An empty matplotlib figure without a window or global state, or the sentence that says how to get matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PCrCESTLib.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(purpose: str, **settings: Any) -> Figure:
    """Return a figure made with ``settings``; ``purpose`` says what it is for.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", purpose, "figures") from error
    figure = Figure(**settings)
    FigureCanvasAgg(figure)
    return figure
