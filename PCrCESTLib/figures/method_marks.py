"""Color and marker of every method, color of every group: the same in all figures, whichever stand in one."""

from __future__ import annotations

from typing import NamedTuple

from PCrCESTLib.methods import METHODS

# Okabe and Ito's colors that stay apart for color-blind readers, then Tol's; markers tell the methods apart as well.
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#882255",
    "#999933",
    "#332288",
    "#117733",
)
# None of them is a method's: a box of a group must not look like a line of a method.
GROUP_COLORS = ("#4d4d4d", "#AA3377", "#117733", "#332288", "#C9A227")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


class Mark(NamedTuple):
    """How a method is drawn, in matplotlib's words."""

    color: str
    marker: str


UNKNOWN_METHOD = Mark("#5a5a5a", "*")


def mark_of(method: str) -> Mark:
    """Return the mark of a method by its place in `METHODS`; one that this version does not know is a gray star."""
    names = list(METHODS)
    if method not in names:
        return UNKNOWN_METHOD
    index = names.index(method)
    return Mark(COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)])


def group_color(place: int) -> str:
    """Return the color of the group at this place in a study, the reference first."""
    return GROUP_COLORS[place % len(GROUP_COLORS)]
