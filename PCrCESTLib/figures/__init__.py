"""Pictures of results; matplotlib is imported only when one is drawn."""

from PCrCESTLib.figures.content import DisplayRanges, FigureInput, MeanSpectra
from PCrCESTLib.figures.overview import draw_overview, save_overview

__all__ = ["DisplayRanges", "FigureInput", "MeanSpectra", "draw_overview", "save_overview"]
