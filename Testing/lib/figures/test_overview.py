"""The overview picture shows what it is given, legibly, and says what it hides."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.image import imread  # noqa: E402
from matplotlib.text import Text  # noqa: E402

from PCrCESTLib.errors import GeometryError, MissingExtraError, OutputError  # noqa: E402
from PCrCESTLib.figures import DisplayRanges, MeanSpectra, draw_overview, save_overview  # noqa: E402
from PCrCESTLib.figures.text import HATCH_NOTE  # noqa: E402
from PCrCESTLib.geometry import Geometry  # noqa: E402


@pytest.fixture(scope="module")
def figure(two_legs):
    """The two legs, drawn once."""
    return draw_overview(two_legs)


def axes_titled(figure, title):
    """Axes that carry a text with this beginning."""
    found = [
        a
        for band in figure.subfigs
        for a in band.axes
        if any(t.get_text().startswith(title) for t in a.texts)
    ]
    assert len(found) == 1, title
    return found[0]


def words(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def color_at(figure, title, x, y):
    """Rendered color (0 … 1) at data coordinates of the panel with this title."""
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())
    column, row = axes_titled(figure, title).transData.transform((x, y))
    return picture[int(picture.shape[0] - row), int(column), :3] / 255


def test_the_file_is_a_wide_legible_png(tmp_path, two_legs):
    path = tmp_path / "overview.png"
    save_overview(path, two_legs)
    height, width = imread(path).shape[:2]
    assert width == 1680
    assert 900 < height < 2000
    assert [p.name for p in tmp_path.iterdir()] == ["overview.png"]


def test_values_appear_in_the_colors_of_the_bar(two_legs, figure):
    for title, name, share in [
        ("PCr proton fraction", "viridis", 1e3 * np.nanmax(two_legs.fs) / 1.6),
        ("exchange rate", "plasma", np.nanmax(two_legs.ksw) / 250),
    ]:
        panel = axes_titled(figure, title)
        x, y = np.mean(panel.get_xlim()) / 2, np.mean(panel.get_ylim())
        expected = matplotlib.colormaps[name](share)[:3]
        np.testing.assert_allclose(color_at(figure, title, round(x), round(y)), expected, atol=0.02)


def test_no_value_is_transparent_so_the_gray_anatomy_shows(figure):
    panel = axes_titled(figure, "PCr proton fraction")
    middle = np.mean(panel.get_xlim()), np.mean(panel.get_ylim())
    red, green, blue = color_at(figure, "PCr proton fraction", *np.round(middle))
    assert red == green == blue
    assert 0.05 < red < 0.9


def test_ksw_that_is_not_identifiable_is_gray_and_the_legend_says_so(two_legs, subject):
    left = two_legs.rois[0][1]
    figure = draw_overview(subject(ksw_identifiable=~left))
    assert HATCH_NOTE in words(figure)
    panel = axes_titled(figure, "exchange rate")
    width, y = np.ptp(panel.get_xlim()), round(np.mean(panel.get_ylim()))
    hidden = color_at(figure, "exchange rate", round(0.25 * width), y)
    known = color_at(figure, "exchange rate", round(0.75 * width), y)
    assert np.ptp(hidden) < 0.02
    assert np.ptp(known) > 0.3


def test_fs_stays_in_color_where_only_ksw_is_unknown(two_legs, subject):
    figure = draw_overview(subject(ksw_identifiable=np.zeros(two_legs.fs.shape, dtype=bool)))
    panel = axes_titled(figure, "PCr proton fraction")
    x, y = round(0.25 * np.ptp(panel.get_xlim())), round(np.mean(panel.get_ylim()))
    assert np.ptp(color_at(figure, "PCr proton fraction", x, y)) > 0.3


def test_nothing_is_hatched_where_all_is_known(two_legs, subject):
    everywhere = np.ones(two_legs.fs.shape, dtype=bool)
    assert HATCH_NOTE not in words(draw_overview(subject(ksw_identifiable=everywhere)))


def test_units_names_sizes_and_provenance_are_written(two_legs, figure):
    said = words(figure)
    for text in ("10⁻³", "s⁻¹", "left leg", "right leg", two_legs.title, two_legs.footer, "5 mm"):
        assert text in said
    assert f"{two_legs.rois[0][1].sum()} voxels" in said


def test_frequencies_fall_to_the_right_and_pcr_is_marked(figure):
    for title in ("mean Z-spectrum", "PCr region, 0.5 µT", "PCr region, 1 µT"):
        panel = axes_titled(figure, title)
        left, right = panel.get_xlim()
        assert left > 2.6 > right
        assert "PCr" in [t.get_text() for t in panel.texts]


def test_the_closer_look_spans_the_pcr_region_only(figure):
    left, right = axes_titled(figure, "PCr region, 1 µT").get_xlim()
    assert 3.5 < left < 3.7
    assert 1.3 < right < 1.5


def test_offsets_around_pcr_only_need_no_second_panel(subject):
    offsets = np.linspace(1.3, 3.5, 12)
    spectra = (MeanSpectra(0.6, np.append(offsets, [626.0, np.inf]), np.full((2, 14), 0.8)),)
    said = words(draw_overview(subject(spectra=spectra)))
    assert "PCr region, 0.6 µT" in said
    assert "mean Z-spectrum of each ROI" not in said


def test_any_name_can_be_drawn_and_stays_on_the_page(two_legs, subject):
    names = ["$x^", "中文 soleus", "_hidden", "a\tb\nc", "x" * 300, "", "é Ω ⁻¹"]
    rois = tuple((name, two_legs.rois[0][1]) for name in names)
    spectra = (MeanSpectra(1.0, two_legs.spectra[0].offsets_ppm, np.ones((7, 41))),)
    long = subject(rois=rois, spectra=spectra, title="$long 中 title " * 60, footer="long $footer " * 100)
    figure = draw_overview(long)
    figure.canvas.draw()  # a missing glyph would warn, which is an error here
    assert "?? soleus" in words(figure)
    assert "$x^" in words(figure)
    x0, y0, x1, y1 = figure.get_tightbbox().extents
    width, height = figure.get_size_inches()
    assert min(x0, y0) >= 0
    assert x1 <= width
    assert y1 <= height


def test_more_regions_than_colors_are_counted(two_legs, subject):
    mask = two_legs.rois[0][1]
    rois = tuple((f"roi {i}", mask) for i in range(15))
    spectra = tuple(MeanSpectra(s.b1_ut, s.offsets_ppm, np.tile(s.z[:1], (15, 1))) for s in two_legs.spectra)
    said = words(draw_overview(subject(rois=rois, spectra=spectra)))
    assert "and 3 more" in said
    assert "roi 11" in said


def test_maps_alone_make_a_picture(tmp_path, subject):
    bare = subject(anatomy=None, fs_sd=None, ksw_sd=None, rois=(), spectra=())
    save_overview(tmp_path / "bare.png", bare)
    assert "SD of fs" not in words(draw_overview(bare))


def test_a_subject_without_any_value_still_makes_a_picture(tmp_path, subject):
    nothing = np.full((1, 30, 40), np.nan)
    save_overview(tmp_path / "none.png", subject(fs=nothing, ksw=nothing, rois=(), spectra=()))
    assert (tmp_path / "none.png").is_file()


def test_several_slices_are_shown_side_by_side_and_numbered(subject):
    figure = draw_overview(subject(Geometry((40, 30, 6), (0.5, 0.5, 2.0))))
    assert any("slices 1, 2, 3, 4 of 6" in text for text in words(figure))


def test_own_color_ranges_make_no_false_promise(figure, subject):
    promise = "color ranges are the same in every figure"
    assert promise in words(figure)
    assert promise not in words(draw_overview(subject(ranges=DisplayRanges(fs=(0.0, 3.0)))))


def test_pixels_keep_their_shape(subject):
    flat = axes_titled(draw_overview(subject(Geometry((40, 30, 1), (1.0, 0.5, 2.0)))), "PCr proton fraction")
    assert flat.get_aspect() == pytest.approx(0.5)


def test_a_map_of_another_grid_is_refused(two_legs, subject):
    with pytest.raises(GeometryError, match="anatomy"):
        subject(anatomy=np.zeros((1, 5, 5)))
    with pytest.raises(GeometryError, match="one row a"):
        subject(spectra=(MeanSpectra(1.0, np.arange(5.0), np.zeros((7, 5))),))


def test_a_folder_that_does_not_exist_is_named_and_nothing_is_left(tmp_path, two_legs):
    with pytest.raises(OutputError, match="cannot be written"):
        save_overview(tmp_path / "absent" / "o.png", two_legs)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_user_learns_which_extra_to_install(two_legs, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pcrcest\[figures\]"):
        draw_overview(two_legs)


def test_importing_the_module_needs_no_matplotlib_and_drawing_no_pyplot():
    code = (
        "import sys, PCrCESTLib.figures as f; assert 'matplotlib' not in sys.modules; "
        "import numpy as np; from PCrCESTLib.geometry import Geometry; "
        "f.draw_overview(f.FigureInput(Geometry((9, 9, 1)), np.ones((1, 9, 9)), np.ones((1, 9, 9)))); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
