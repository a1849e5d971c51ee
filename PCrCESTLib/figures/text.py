"""Words on the overview figure: headline, provenance, legend; any name a user chose can be printed."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.hatch import hatch_pixels

if TYPE_CHECKING:
    from PCrCESTLib.figures.content import FigureInput

TITLE_PT, PANEL_PT, LABEL_PT, SMALL_PT = 12.0, 9.5, 8.0, 6.8
INK, MUTED = "#1a1a1a", "#5a5a5a"
LONGEST_NAME = 26
# Okabe and Ito's colors that are legible on gray and on white, then Tol's; numbers tell them apart as well.
ROI_COLORS = (
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#D55E00",
    "#0072B2",
    "#CC79A7",
    "#882255",
    "#999933",
    "#44AA99",
    "#332288",
    "#AA4499",
    "#DDCC77",
)
HATCH_NOTE = "gray hatching: the data do not narrow ksw down"


def printable(text: str) -> str:
    """Replace what the figure's font cannot show with '?', and line breaks with spaces."""
    known = _known_characters()
    return "".join(c if ord(c) in known else "?" for c in " ".join(text.split()))


def shortened(name: str) -> str:
    """Return a name that fits the legend."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def write(target: Any, x: float, y: float, text: str, **style: Any) -> Any:
    """Put ``text`` on axes or a figure literally: a '$' in a name is no formula."""
    options: dict[str, Any] = {"fontsize": LABEL_PT, "color": INK, "parse_math": False} | style
    return target.text(x, y, "\n".join(printable(line) for line in text.split("\n")), **options)


def draw_headline(top: Any, bottom: Any, result: FigureInput) -> None:
    """Write the title and the line of provenance into their bands."""
    title = textwrap.shorten(result.title, 104, placeholder=" …")
    write(top, 0.02, 0.45, title, fontsize=TITLE_PT, fontweight="bold", va="center")
    footer = "\n".join(textwrap.wrap(result.footer, 190)[:2])
    write(bottom, 0.02, 0.5, footer, fontsize=SMALL_PT, color=MUTED, va="center")


def draw_legend(axes: Any, result: FigureInput, *, hatched: bool) -> None:
    """List the ROIs with color, number and size, and explain what is not obvious in the maps."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    rois, notes = result.rois[: len(ROI_COLORS)], _notes(result, hatched)
    unnamed = len(result.rois) - len(rois)
    step = min(0.11, 1.0 / (len(rois) + bool(unnamed) + len(notes) + 0.6))
    for i, (name, mask) in enumerate(rois):
        _legend_line(axes, 1 - (i + 0.5) * step, i, name, mask)
    y = 1 - (len(rois) + 0.5) * step
    if unnamed:
        write(axes, 0.175, y, f"and {unnamed} more", va="center")
        y -= step
    y -= 0.6 * step
    for note in notes:
        if note == HATCH_NOTE:
            _hatch_swatch(axes, y, step)
        write(axes, 0.125, y, note, fontsize=SMALL_PT, color=MUTED, va="center")
        y -= step


def _notes(result: FigureInput, hatched: bool) -> list[str]:
    notes = [HATCH_NOTE] if hatched else []
    if result.ranges == type(result.ranges)():
        notes.append("color ranges are the same in every figure")
    return [*notes, "as stored, not flipped; letters: patient directions"]


def _legend_line(axes: Any, y: float, index: int, name: str, mask: np.ndarray) -> None:
    axes.plot([0.0, 0.075], [y, y], color=ROI_COLORS[index], linewidth=3, solid_capstyle="butt")
    write(axes, 0.125, y, str(index + 1), fontweight="bold", va="center", ha="center")
    write(axes, 0.175, y, shortened(name), va="center")
    write(
        axes, 1.0, y, f"{int(np.sum(mask))} voxels", color=MUTED, fontsize=SMALL_PT, va="center", ha="right"
    )


def _hatch_swatch(axes: Any, y: float, step: float) -> None:
    swatch = hatch_pixels(np.ones((1, 2), dtype=bool))
    axes.imshow(swatch, extent=(0.0, 0.075, y - 0.35 * step, y + 0.35 * step), aspect="auto", zorder=3)
    axes.set(xlim=(0, 1), ylim=(0, 1))


@lru_cache(maxsize=1)
def _known_characters() -> frozenset[int]:
    """Code points of the font matplotlib brings along, so that no name depends on installed fonts."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap())
