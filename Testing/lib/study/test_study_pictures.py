"""The pictures of a study show what its tables say."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("statsmodels")
pytest.importorskip("matplotlib")

from PCrCESTLib.figures.bland_altman import AgreementPanel, Level, Point, draw_bland_altman
from PCrCESTLib.figures.method_marks import group_color, mark_of
from PCrCESTLib.study.agreement_pictures import agreement_pictures
from PCrCESTLib.study.picture import sheets
from PCrCESTLib.study.quantities import multiples_of_fs
from PCrCESTLib.study.repeats import retests_of
from PCrCESTLib.study.tables import MEASURES
from PCrCESTLib.study.values import Value

FIRST, SECOND = (1.00, 1.20, 0.90, 1.10), (1.05, 1.22, 0.99, 1.10)


def value(subject, side, number, *, group="control", session="", muscle="soleus", method="ld", known=True):
    return Value(
        subject, group, session, side, method, muscle, muscle, "fs", "1", "ROI spectrum", 1e-3 * number, 1e-4,
        known, 100, 0.0, "",
    )  # fmt: skip


def two_sides(**more):
    pairs = zip(FIRST, SECOND, strict=True)
    return [
        value(f"rat{i}", side, number, group="ALS" if i > 1 else "control", **more)
        for i, pair in enumerate(pairs)
        for side, number in zip(("left", "right"), pair, strict=True)
    ]


def drawn(*retests):
    return list(agreement_pictures(retests, ("control", "ALS")))


def dots(axes):
    """Points of a panel as (mean, difference, color, face, marker)."""
    # The ends of intervals stand in other coordinates.
    return [
        (*line.get_xydata()[0], line.get_color(), line.get_markerfacecolor(), line.get_marker())
        for line in axes.lines
        if len(line.get_xydata()) == 1 and line.get_transform() == axes.transData
    ]


def test_the_plot_has_a_point_a_subject_and_the_lines_of_the_table():
    (retest,) = retests_of("soleus", two_sides())
    (picture,) = drawn(retest)
    axes = picture.figure.axes[0]
    expected = sorted(((a + b) / 2, b - a) for a, b in zip(FIRST, SECOND, strict=True))
    np.testing.assert_allclose(sorted((x, y) for x, y, *_ in dots(axes)), expected)
    assert {color for *_, color, _, _ in dots(axes)} == {group_color(0), group_color(1)}
    assert {marker for *_, marker in dots(axes)} == {mark_of("ld").marker}
    heights = {round(float(line.get_ydata()[0]), 9) for line in axes.lines if len(set(line.get_ydata())) == 1}
    found = retest.found
    assert {round(1e3 * e.value, 9) for e in (found.bias, found.lower_limit, found.upper_limit)} <= heights
    ends = [sorted(line.get_ydata()) for line in axes.lines if len(set(line.get_ydata())) == 2]
    np.testing.assert_allclose(ends[1], [1e3 * found.bias.low, 1e3 * found.bias.high])


def test_its_words_state_n_bias_and_limits_for_who_cannot_see_it():
    (picture,) = drawn(*retests_of("soleus", two_sides()))
    assert picture.name == "agreement_side_fs.png"
    assert "ld: n = 4, bias 0.04 [−0.02, 0.10]" in picture.text
    shown = "\n".join(text.get_text() for text in picture.figure.axes[0].texts)
    assert "n = 4, bias 0.04 [−0.02, 0.10]" in shown


def test_a_subject_whose_number_is_not_identifiable_is_hollow():
    values = [
        *two_sides(),
        value("rat9", "left", 1.5, known=False),
        value("rat9", "right", 1.5),
    ]
    (picture,) = drawn(*retests_of("soleus", values))
    hollow = [(x, y) for x, y, color, face, _ in dots(picture.figure.axes[0]) if face != color]
    np.testing.assert_allclose(hollow, [(1.5, 0.0)], atol=1e-12)


def test_panels_are_methods_of_a_single_muscle_and_muscles_of_each_method_otherwise():
    one_muscle = [r for m in ("ld", "plof") for r in retests_of("soleus", two_sides(method=m))]
    (picture,) = drawn(*one_muscle)
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["ld", "plof"]
    more = retests_of("gastrocnemius", two_sides(muscle="gastrocnemius"))
    pictures = drawn(*one_muscle, *more)
    assert [p.name for p in pictures] == ["agreement_side_fs_ld.png", "agreement_side_fs_plof.png"]
    titles = [axes.get_title(loc="left") for axes in pictures[0].figure.axes]
    assert titles == ["soleus", "gastrocnemius"]


def test_sessions_have_a_plot_of_their_own_against_the_first():
    values = [
        value(f"rat{i}", "", number, session=session)
        for i, pair in enumerate(zip(FIRST, SECOND, strict=True))
        for session, number in zip(("2", "10"), pair, strict=True)
    ]
    (picture,) = drawn(*retests_of("soleus", values))
    assert picture.name == "agreement_session_2_10_fs.png"
    assert picture.figure.axes[0].get_ylabel().startswith("10 − 2")


def test_an_interval_far_wider_than_the_points_is_cut_by_an_arrow_and_does_not_hide_them():
    wide = AgreementPanel(
        "soleus", "ld", [Point("a", 1.0, -0.1), Point("a", 1.1, 0.1)],
        Level(0.0, -0.5, 0.5), Level(-0.2, -9.0, -0.1), Level(0.2, 0.1, 9.0), "n = 2",
    )  # fmt: skip
    figure = draw_bland_altman([wide], ("a",), title="", axes_labels=("", ""), footer="")
    low, high = figure.axes[0].get_ylim()
    assert -0.7 < low < -0.2 < 0.2 < high < 0.7
    arrows = {line.get_marker() for line in figure.axes[0].lines}
    assert {"^", "v"} <= arrows


def test_every_number_is_in_one_sheet():
    items = [value("a", "", 1.0, muscle=m, method=k) for m in ("x", "y") for k in ("ld", "plof")]
    spread = sheets(items)
    assert [method for method, _ in spread] == ["ld", "plof"]
    assert sorted(id(v) for _, of in spread for v in of) == sorted(map(id, items))
    assert sheets([]) == []


def test_the_page_of_a_study_with_sides_holds_the_plot(finished):
    page = (finished / "study.html").read_text(encoding="utf-8")
    alt = re.search(r'alt="(Bland-Altman plot of fs by two-branch[^"]*)"', page)
    assert alt is not None
    assert "soleus: n = 12, bias" in alt[1]
    assert (finished / "agreement_side_fs_two-branch.png").exists()
    with (finished / "study_retest.csv").open(encoding="utf-8", newline="") as stream:
        assert {r["measure"] for r in csv.DictReader(stream)} == set(MEASURES)


def test_a_multiple_of_fs_is_not_drawn_or_tested_again_and_another_quantity_is():
    fs = two_sides()
    multiple = [replace(v, quantity="AREX", value=48 * v.value) for v in fs]
    assert multiples_of_fs([*fs, *multiple]) == ("AREX",)
    assert multiples_of_fs([*fs, replace(multiple[0], value=47 * fs[0].value), *multiple[1:]]) == ()
    # One factor a method: what is the same within each is no news of any.
    other = [replace(v, method="plof") for v in fs]
    other_multiple = [replace(v, quantity="AREX", value=30 * v.value) for v in other]
    assert multiples_of_fs([*fs, *other, *multiple, *other_multiple]) == ("AREX",)


def test_no_picture_of_a_printed_study_is_cut_off_at_the_edge_of_its_page():
    pytest.importorskip("weasyprint")
    pypdf = pytest.importorskip("pypdf")
    from matplotlib.figure import Figure

    from PCrCESTLib.report.page import Section, page, picture
    from PCrCESTLib.report.pdf import pdf_of

    tall = picture(Figure(figsize=(8.6, 14.0)), "a forest of many muscles", width_inches=8.6)
    printed = pypdf.PdfReader(io.BytesIO(pdf_of(page("t", [Section("Pictures", tall)], landscape=True), "study")))
    (sheet,) = printed.pages  # with its heading
    placed = []

    def note(operator, operands, matrix, _):
        if operator == b"Do":
            placed.append(matrix)

    sheet.extract_text(visitor_operand_before=note)
    (width, _, _, height, x, y) = placed[0]
    assert abs(height) / width == pytest.approx(14.0 / 8.6, rel=0.01)  # not distorted
    low, high = sorted((y, y + height))
    assert 0 < low < high < float(sheet.mediabox.height)
    assert 0 < x < x + width < float(sheet.mediabox.width)
