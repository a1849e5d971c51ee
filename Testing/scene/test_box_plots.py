"""Boxes over the muscles: they say what the table says, each result with its own color and estimates."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.roi import PERCENTILES
from PCrCESTLib.scene.box_plots import axis_title, boxes_chart, boxes_of_rows, boxes_of_voxels, show_boxes
from PCrCESTLib.scene.tables import add_table, comparison_rows, summary_rows


def row(roi, quantity, estimator, value, sd, spread=None, identifiable="True"):
    cells = {"roi": roi, "quantity": quantity, "estimator": estimator, "value": str(value), "sd": str(sd)}
    names = ("p5", "q25", "median", "q75", "p95")
    return (
        cells | {"identifiable": identifiable} | dict(zip(names, map(str, spread or [""] * 5), strict=True))
    )


ROWS = [
    row("soleus", "fs", "mean of voxels", 0.8e-3, 1e-4, (0.5e-3, 0.7e-3, 0.8e-3, 0.9e-3, 1.2e-3)),
    row("soleus", "fs", "ROI spectrum", 0.85e-3, 5e-5),
    row("soleus", "ksw", "mean of voxels", 120, 9, (90, 100, 120, 130, 150)),
    row("soleus", "ksw", "ROI spectrum", 125, 40, identifiable="False"),
    row("peroneus", "fs", "mean of voxels", 1e-3, 1e-4, (0.8e-3, 0.9e-3, 1e-3, 1.1e-3, 1.3e-3)),
]


def drawn(chart):
    """Name, x, y and label of each series of a chart."""
    found = {}
    for i in range(chart.GetNumberOfPlotSeriesNodes()):
        node = chart.GetNthPlotSeriesNode(i)
        table = node.GetTableNode().GetTable()
        rows = range(table.GetNumberOfRows())
        x, y = (np.array([table.GetValue(r, c).ToDouble() for r in rows]) for c in (0, 1))
        found[node.GetName()] = (x, y, [table.GetValue(r, 2).ToString() for r in rows])
    return found


def test_boxes_and_estimates_are_those_of_the_table():
    soleus, peroneus = boxes_of_rows(ROWS, "fs")
    assert soleus.spread == pytest.approx([0.5, 0.7, 0.8, 0.9, 1.2])
    assert (soleus.estimate, soleus.sd) == pytest.approx((0.85, 0.05))
    assert soleus.identifiable
    assert np.isnan(peroneus.estimate)
    assert axis_title("fs") == "fs (10⁻³)"
    (ksw,) = boxes_of_rows(ROWS, "ksw")
    assert not ksw.identifiable
    assert axis_title("ksw") == "ksw (1/s)"
    assert boxes_of_rows(ROWS, "b0") == []  # not in the table
    assert boxes_of_rows([r | {"median": ""} for r in ROWS], "fs") == []  # of an earlier version


def test_a_muscle_without_a_number_stays_in_the_tables_and_says_why(scene):
    empty = {"value": "", "sd": "", "identifiable": "", "n_voxels": "0", "n_total": "4", "volume_mm3": "0.0"}
    gone = [
        ROWS[i] | empty | dict.fromkeys(PERCENTILES, "") | {"roi": "soleus right", "reason": "nothing is drawn"}
        for i in (0, 1)
    ]
    rows = [r | {"n_voxels": "9", "n_total": "9", "volume_mm3": "9.0"} for r in ROWS[:2]]
    assert [box.muscle for box in boxes_of_rows([*ROWS, *gone], "fs")] == ["soleus", "peroneus"]
    summary = summary_rows([*rows, *gone])
    assert [(r["muscle"], r["voxels"], r["note"]) for r in summary] == [
        ("soleus", "9", ""),
        ("soleus right", "0", "no value: nothing is drawn"),
    ]
    table = add_table([*rows, *gone], "run", "table").GetTable()
    assert np.isnan(table.GetValueByName(3, "value").ToDouble())
    assert table.GetValueByName(3, "no value because").ToString() == "nothing is drawn"
    (compared,) = (r for r in comparison_rows([*rows, *gone], rows, ("a", "b")) if r["muscle"] == "soleus")
    assert compared["difference"] == "+0%"


def test_maps_that_the_table_does_not_have_are_boxed_from_voxels():
    values = {"soleus": np.append(np.arange(101) * 1e-5, np.nan), "empty": np.array([np.nan])}
    (box,) = boxes_of_voxels(values, "fs_sd")
    assert box.spread == pytest.approx([0.05, 0.25, 0.5, 0.75, 0.95])
    assert axis_title("fs_sd") == "SD of fs (10⁻³)"


def test_a_result_has_boxes_and_error_bars_beside_them(scene):
    boxes = boxes_of_rows(ROWS, "fs")
    chart = show_boxes(boxes_chart({"leg": boxes}, "leg", axis_title("fs"), ["peroneus", "soleus"]))
    found = drawn(chart)
    assert list(found) == ["voxels", "ROI spectrum ± SD"]
    x, y, muscles = found["voxels"]
    assert sorted(set(y[np.array(muscles) == "soleus"][:-1])) == pytest.approx([0.5, 0.7, 0.8, 0.9, 1.2])
    assert np.nanmean(x[np.array(muscles) == "soleus"]) == pytest.approx(2, abs=0.3)  # the second muscle
    x, y, muscles = found["ROI spectrum ± SD"]
    assert y[:3] == pytest.approx([0.80, 0.85, 0.90])
    assert np.isnan(y[3])
    assert set(muscles) == {"soleus"}
    low, high = chart.GetYAxisRange()
    assert low < 0.5
    assert high > 1.3


def test_two_results_stand_side_by_side_in_two_colors(scene):
    first, second = (
        boxes_of_rows(ROWS, "ksw"),
        boxes_of_rows([r | {"identifiable": "True"} for r in ROWS], "ksw"),
    )
    beside = boxes_chart({"network": first, "fit": second}, "", axis_title("ksw"), ["soleus"])
    chart = show_boxes(beside)
    found = drawn(chart)
    assert list(found) == [
        "network: voxels",
        "network: not identifiable",
        "fit: voxels",
        "fit: ROI spectrum ± SD",
    ]
    assert np.nanmax(found["network: not identifiable"][0]) < np.nanmin(found["fit: voxels"][0])
    nodes = [chart.GetNthPlotSeriesNode(i) for i in range(4)]
    assert nodes[0].GetColor() == nodes[1].GetColor() != nodes[2].GetColor()
    assert nodes[0].GetLabelColumnName() == "of"  # the muscle is told where the mouse rests
    count = scene.GetNumberOfNodes()
    assert show_boxes(boxes_chart({"network": first}, "", "", ["soleus"])) is chart
    assert scene.GetNumberOfNodes() < count
    assert drawn(show_boxes(boxes_chart({"network": []}, "", "", []))) == {}
