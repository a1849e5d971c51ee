"""What is to be drawn, without anything that draws: curves, axes, and what part of them is shown."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.scene.box_plots import Box, boxes_chart, boxes_of_run, chart_of_runs
from PCrCESTLib.scene.charts import (
    EFFECT,
    MARK,
    MEASURED,
    MODEL,
    POOLS,
    REGION,
    WHOLE,
    motion_chart,
    motion_title,
    spectra_chart,
)
from PCrCESTLib.scene.muscles import segmentation_from_rois
from PCrCESTLib.scene.runs import Run, add_run
from PCrCESTLib.scene.spectra import Spectrum
from PCrCESTLib.scene.volumes import array_of

OFFSETS = np.arange(-8, 8.01, 0.5)


def spectrum(b1_ut, known=True):
    z = np.full(len(OFFSETS), 0.7)
    rest = z + np.where(np.abs(OFFSETS - 2.5) < 0.1, 0.04, 0.0) if known else np.full(len(OFFSETS), np.nan)
    return Spectrum(b1_ut, OFFSETS, z, rest, z + 0.01 if known else None, {"PCr": rest - z} if known else {})


def test_every_power_is_drawn_with_and_without_pcr():
    chart = spectra_chart([spectrum(0.5), spectrum(1.0, known=False)], "a voxel")
    assert [(c.name, c.style) for c in chart.curves] == [
        ("0.5 µT", MEASURED), ("0.5 µT without PCr", MODEL), ("1 µT", MEASURED), ("PCr 2.6 ppm", MARK),
    ]  # fmt: skip
    assert chart.curves[0].color == chart.curves[1].color != chart.curves[2].color
    assert (chart.title, chart.x_title, chart.y_title) == ("a voxel", "offset from water (ppm)", "Z = M/M0")
    assert chart.x_range == (-8, 8)


def test_the_neighborhood_of_pcr_is_cut_out():
    chart = spectra_chart([spectrum(0.5)], "", REGION)
    assert chart.curves[0].x.min() == 1
    assert chart.curves[0].x.max() == 4.5
    assert chart.x_range == (1, 4.5)


def test_the_effect_is_in_percent_of_m0():
    chart = spectra_chart([spectrum(0.5), spectrum(1.0, known=False)], "", EFFECT)
    effect, _mark = chart.curves  # the second power has none
    assert effect.y.max() == pytest.approx(4)
    assert effect.x[np.argmax(effect.y)] == 2.5
    assert chart.y_title == "effect of PCr (% of M0)"


def test_pools_of_the_lowest_power_hang_from_one():
    chart = spectra_chart([spectrum(0.5), spectrum(1.0)], "", POOLS)
    curves = {c.name: c for c in chart.curves}
    assert list(curves) == ["0.5 µT", "fit", "without PCr", "residual", "PCr"]
    assert curves["PCr"].y.min() == pytest.approx(0.96)
    assert curves["residual"].y == pytest.approx(-0.01)
    assert chart.x_range == (-6, 6)


@pytest.mark.parametrize("view", [WHOLE, REGION, EFFECT, POOLS])
def test_nothing_to_draw_is_an_empty_chart(view):
    chart = spectra_chart([], "no voxel", view)
    assert (chart.title, chart.curves, chart.x_range) == ("no voxel", (), None)


def test_the_worst_slice_stands_for_a_moved_frame():
    frames = [
        {"series": 0, "frame": i, "slice": z, "displacement_mm": mm * (1 + z), "similarity_before": before,
         "similarity_after": 0.99}
        for i, (mm, before) in enumerate([(0.0, 0.9), (0.4, None), (1.2, 0.8)])
        for z in (0, 1)
    ]  # fmt: skip
    chart = motion_chart(frames, motion_title("leg", {"largest_displacement_mm": 2.4}))
    curves = {c.name: c for c in chart.curves}
    assert curves["displacement (mm)"].y == pytest.approx([0, 0.8, 2.4])
    assert curves["similarity before"].x == pytest.approx([0, 2])  # one is not known
    assert chart.title == "leg: largest displacement 2.4 mm"
    assert motion_chart([], "").curves == ()


def test_boxes_leave_room_for_the_legend_and_for_every_muscle():
    box = Box("soleus", np.array([0.5, 0.7, 0.8, 0.9, 1.2]), 0.85, 0.05)
    chart = boxes_chart({"leg": [box]}, "leg", "fs (10⁻³)", ["peroneus", "soleus"])
    assert chart.x_range == pytest.approx((0.4, 2.6))
    low, high = chart.y_range
    assert low < 0.5
    assert high > 1.2 + 0.3 * (1.2 - 0.5)
    assert set(chart.curves[0].labels) == {"soleus"}
    assert np.nanmean(chart.curves[0].x) == pytest.approx(2, abs=0.3)


def spread(roi):
    cells = {"roi": roi, "quantity": "fs", "estimator": "mean of voxels", "value": "1e-3", "sd": "1e-4"}
    return cells | dict(zip(("p5", "q25", "median", "q75", "p95"), ("6e-4", "8e-4", "1e-3", "1.1e-3", "1.3e-3"),
                            strict=True))  # fmt: skip


def test_two_results_are_numbered_by_the_muscles_of_both():
    first, second = (
        Run(str(i), f"leg {name}", {}, None, None, [spread(roi) for roi in rois], {})
        for i, (name, rois) in enumerate({"net": ("a", "b"), "fit": ("b", "c")}.items())
    )
    chart = chart_of_runs([first, second], "fs", None)
    assert chart.title == "net | fit: fs (10⁻³)"
    assert [c.name for c in chart.curves] == ["net: voxels", "fit: voxels"]
    assert chart.x_range == pytest.approx((0.4, 3.6))  # a, b and c
    assert np.nanmin(chart.curves[1].x) > 1.5  # the fit has no a
    assert chart_of_runs([first], "fs", None).title == "leg net: fs (10⁻³)"


def test_a_map_outside_the_table_is_boxed_from_the_muscles_as_drawn(scene, results, oblique):
    from PCrCESTLib.readers import RoiSet

    run = add_run(results, "leg")
    masks = np.zeros((1, *oblique.shape), bool)
    masks[0, :, 3:6, 4:8] = True
    drawn = RoiSet(("soleus",), masks, (1,), ((1.0, 0.0, 0.0),), ("",))
    muscles = segmentation_from_rois(drawn, run.maps["fs"], "muscles")
    (box,) = boxes_of_run(run, "b0", muscles)
    assert box.muscle == "soleus"
    assert box.spread[2] == pytest.approx(np.median(array_of(run.maps["b0"])[masks[0]].astype(float)))
    assert boxes_of_run(run, "b0", None) == []
