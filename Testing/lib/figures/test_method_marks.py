"""A method looks the same in every figure, whichever other methods stand beside it."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from PCrCESTLib.figures.forest import ForestLine, draw_forest
from PCrCESTLib.figures.method_marks import GROUP_COLORS, UNKNOWN_METHOD, mark_of
from PCrCESTLib.methods import METHODS


def marks_in_forest(*methods: str) -> dict[str, tuple[str, str]]:
    """Color and marker of each method's estimate in a forest plot of these methods."""
    lines = [ForestLine("soleus", m, float(10 + i), 0.0, 30.0) for i, m in enumerate(methods)]
    axes = draw_forest(lines, title="", axis="", footer="").axes[0]
    drawn = {float(line.get_xdata()[0]): line for line in axes.lines if len(line.get_xdata()) == 1}
    return {m: (drawn[10.0 + i].get_color(), drawn[10.0 + i].get_marker()) for i, m in enumerate(methods)}


def test_a_method_keeps_color_and_marker_when_another_is_missing():
    every = marks_in_forest("two-branch", "ld", "plof")
    assert marks_in_forest("ld", "plof") == {m: every[m] for m in ("ld", "plof")}
    assert every["ld"] == tuple(mark_of("ld"))


def test_no_two_methods_share_a_color_or_a_marker_and_no_group_has_the_color_of_a_method():
    marks = [mark_of(method) for method in METHODS]
    assert len({m.color for m in marks}) == len({m.marker for m in marks}) == len(METHODS)
    assert not {m.color for m in marks} & set(GROUP_COLORS)


def test_a_method_of_another_version_is_drawn_too():
    assert marks_in_forest("of the future")["of the future"] == tuple(UNKNOWN_METHOD)
