"""Sections Results and Export, sample data and statistics: what they do, and what they say when they cannot."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)


# ------------------------------------------------------------------ Results


def test_every_map_can_be_shown(panel, result):
    run = result("first")
    for kind, node in run.maps.items():
        index = panel.ui.mapSelector.findData(kind)
        panel.ui.mapSelector.setCurrentIndex(index)
        panel.ui.mapSelector.activated.emit(index)
        assert panel.foreground() is node
    assert panel.texts("error") == []


def test_range_and_opacity_reach_the_views(panel, result):
    run = result("first")
    panel.ui.rangeWidget.setValues(0.0004, 0.0012)
    display = run.maps["fs"].GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0.0004, 0.0012))
    panel.ui.opacitySlider.value = 0.3
    logic = panel.app.layoutManager().sliceWidget("Red").sliceLogic()
    assert logic.GetSliceCompositeNode().GetForegroundOpacity() == pytest.approx(0.3)


def test_doubtful_voxels_can_be_hidden(panel, result):
    import slicer

    run = result("first")
    whole = np.isfinite(slicer.util.arrayFromVolume(run.maps["fs"])).sum()
    panel.ui.doubtSlider.value = 20
    shown = panel.foreground()
    assert shown is not run.maps["fs"]
    left = np.isfinite(slicer.util.arrayFromVolume(shown)).sum()
    assert 0.3 < left / whole < 0.7
    assert np.isfinite(slicer.util.arrayFromVolume(run.maps["fs"])).sum() == whole
    panel.ui.doubtSlider.value = 100
    assert panel.foreground() is run.maps["fs"]


def test_two_results_stand_side_by_side(panel, result):
    first = result("first")
    second = result("second", 0.8)
    assert panel.widget.shownRun().name == "second"
    index = panel.ui.compareSelector.findData(first.run_id)
    panel.ui.compareSelector.setCurrentIndex(index)
    panel.ui.compareSelector.activated.emit(index)
    assert panel.foreground("Red") is second.maps["fs"]
    assert panel.foreground("Yellow") is first.maps["fs"]
    ranges = [m["fs"].GetDisplayNode().GetWindowLevelMax() for m in (first.maps, second.maps)]
    assert ranges[0] == ranges[1]


def test_the_table_is_copied_in_full_precision(panel, result):
    import qt

    result("first")
    panel.click(panel.ui.copyTableButton)
    lines = qt.QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:3] == ["roi", "quantity", "unit"]
    assert "0.00064123456789" in lines[1]
    table = panel.native(panel.ui.tableView)
    assert [table.item(0, c).text() for c in range(table.columnCount())] == [
        "left soleus", "0.641 ± 0.1", "112 ± 30", "", "40", "ksw not identifiable",
    ]  # fmt: skip
    assert panel.texts("error") == []


def test_the_full_table_is_one_press_away_and_one_back(panel, result):
    run = result("first")
    manager, selection = panel.app.layoutManager(), panel.app.applicationLogic().GetSelectionNode()
    before = manager.layout
    panel.click(panel.ui.showTableButton)
    assert manager.layout != before
    assert selection.GetActiveTableID() == run.table.GetID()
    titles = [run.table.GetColumnName(i) for i in range(run.table.GetNumberOfColumns())]
    assert titles[-6:] == ["median", "25 %", "75 %", "5 %", "95 %", "no value because"]
    assert run.table.GetLocked()  # a slip of the keyboard changes no result
    panel.click(panel.ui.showTableButton)
    assert manager.layout == before
    assert panel.texts("error") == []


def test_what_is_not_identifiable_is_said(panel, result):
    result("first")
    assert "• ksw is not identifiable" in panel.ui.resultsMessage.text
    assert "picture" not in panel.ui.resultsMessage.text
    assert "Computed on numpy" in panel.ui.resultsMessage.text


def move_crosshair(panel, ras):
    crosshair = panel.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCursorPositionRAS(list(ras))
    panel.wait(lambda: not panel.widget.results.plot.timer.isActive(), 5)


def test_the_plot_follows_the_crosshair(panel, result):
    import slicer

    from PCrCESTLib.scene.volumes import geometry_of, ijk_to_ras

    run = result("first")
    panel.ui.plotSelector.setCurrentIndex(0)
    values = slicer.util.arrayFromVolume(run.maps["fs"])
    k, j, i = np.argwhere(np.isfinite(values))[10]
    ras = ijk_to_ras(geometry_of(run.maps["fs"])) @ [i, j, k, 1]
    move_crosshair(panel, ras[:3])
    plot = panel.widget.results.plot
    assert plot.title.startswith(f"voxel {i}, {j}, {k}: fs ")
    assert [s.b1_ut for s in plot.spectra] == [0.5, 1.0]
    assert all(np.all(s.rest >= s.z) for s in plot.spectra)
    move_crosshair(panel, (1e4, 0, 0))
    assert plot.title == "no voxel under the crosshair"


def test_muscles_can_be_plotted_and_boxed(panel, result):
    result("first")
    for text in ("left soleus", "all muscles, as boxes of the map"):
        index = panel.ui.plotSelector.findText(text)
        panel.ui.plotSelector.setCurrentIndex(index)
        panel.ui.plotSelector.activated.emit(index)
    # A table without percentiles, of an earlier version: the muscles as drawn now, without estimates.
    assert panel.shown_curves() == ["voxels"]



def test_two_results_are_compared_muscle_by_muscle(panel, result):
    first = result("leg two-branch")
    result("leg mplf")
    index = panel.ui.compareSelector.findData(first.run_id)
    panel.ui.compareSelector.setCurrentIndex(index)
    panel.ui.compareSelector.activated.emit(index)
    table = panel.native(panel.ui.tableView)
    titles = [table.horizontalHeaderItem(c).text() for c in range(table.columnCount())]
    assert titles == ["muscle", "fs (10⁻³), mplf", "fs (10⁻³), two-branch", "difference"]
    assert [table.item(0, c).text() for c in range(4)] == ["left soleus", "0.641 ± 0.1", "0.641 ± 0.1", "+0%"]


def choose_method(panel, key):
    index = panel.ui.methodSelector.findData(key)
    panel.ui.methodSelector.setCurrentIndex(index)
    panel.ui.methodSelector.activated.emit(index)


def test_a_fit_is_run_compared_and_its_pools_are_drawn(panel, scan_folder):
    """The way of a user who wants the multi-pool fit beside the network."""
    panel.load(scan_folder)
    panel.ui.onlyMusclesBox.checked = True
    panel.run()
    network = panel.widget.shownRun()
    choose_method(panel, "mplf")
    panel.shot("method-mplf")
    panel.run()
    fit = panel.widget.shownRun()
    assert "ksw" in network.maps
    assert "ksw" not in fit.maps
    assert {"fs", "arex", "misfit"} <= set(fit.maps)
    assert panel.ui.mapSelector.findData("arex") >= 0
    assert panel.ui.mapSelector.findData("ksw") < 0
    assert "cannot tell ksw" in panel.ui.resultsMessage.text
    index = panel.ui.plotKind.findData("pools")
    panel.ui.plotKind.setCurrentIndex(index)
    panel.ui.plotKind.activated.emit(index)
    assert {"fit", "without PCr", "residual", "water", "PCr", "Cr", "MT"} <= set(panel.shown_curves())
    panel.shot("fit-pools")
    index = panel.ui.compareSelector.findData(network.run_id)
    panel.ui.compareSelector.setCurrentIndex(index)
    panel.ui.compareSelector.activated.emit(index)
    assert panel.foreground("Red") is fit.maps["fs"]
    assert panel.foreground("Yellow") is network.maps["fs"]
    panel.shot("compare-methods")
    assert panel.texts("error") == []


def test_the_motion_of_a_corrected_run_is_drawn(panel, result):
    run = result("moved")
    frames = [
        {
            "series": 0,
            "frame": i,
            "slice": z,
            "displacement_mm": mm,
            "similarity_before": before,
            "similarity_after": 0.99,
        }
        for i, (mm, before) in enumerate([(0.0, 0.9), (0.4, None), (1.2, 0.8)])
        for z in (0, 1)
    ]
    assert panel.ui.plotSelector.findData("motion") < 0
    run.record["motion"] = {"largest_displacement_mm": 1.2, "frames": frames}
    text = [n for n in panel.scene.GetNodesByClass("vtkMRMLTextNode") if n.GetAttribute("PCrCEST.Run") == run.run_id]
    text[0].SetText(json.dumps({"record": run.record, "rows": run.rows}))
    panel.widget.refresh()
    index = panel.ui.plotSelector.findData("motion")
    panel.ui.plotSelector.setCurrentIndex(index)
    panel.ui.plotSelector.activated.emit(index)
    assert panel.shown_curves() == ["displacement (mm)", "similarity before", "similarity after"]
    chart = panel.widget.results.plot.viewNode.GetPlotChartNode()
    tables = [chart.GetNthPlotSeriesNode(i).GetTableNode().GetTable() for i in range(3)]
    assert [t.GetNumberOfRows() for t in tables] == [3, 2, 3]  # one similarity is not known
    assert panel.texts("error") == []


def test_a_run_with_motion_correction_asks_for_it(panel, scan_folder, monkeypatch):
    panel.load(scan_folder)
    index = panel.ui.motionSelector.findData("rigid")
    panel.ui.motionSelector.setCurrentIndex(index)
    panel.ui.motionSelector.activated.emit(index)
    asked = []
    monkeypatch.setattr(panel.widget.quantify.control, "start", asked.extend)
    panel.click(panel.ui.applyButton)
    assert asked[asked.index("--motion") + 1] == "rigid"
    panel.widget.quantify.removeFolder()  # the job that would have used it was not started


# ------------------------------------------------------------------ Export


def test_every_export_writes_what_it_says(panel, result, tmp_path):
    run = result("my run")
    target = tmp_path / "out"
    target.mkdir()
    panel.ui.exportFolder.currentPath = str(target)
    for button in (panel.ui.exportMapsButton, panel.ui.exportTableButton, panel.ui.exportSpectrumButton):
        panel.click(button)
        assert panel.texts("error") == []
        assert str(target) in panel.ui.exportMessage.text
    assert (target / "my_run" / "fs.nii.gz").is_file()
    table = (target / "my_run" / "roi_statistics.csv").read_text(encoding="utf-8")
    assert table.splitlines()[0].endswith("median,q25,q75,p5,p95,reason")
    assert (target / "my_run_muscles.csv").read_text(encoding="utf-8") == table
    with (target / "my_run_spectrum.csv").open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["what", "b1_ut", "offset_ppm", "z", "z_without_pcr"]
    assert len(rows) > 100
    assert run.name == "my run"


def test_the_figure_shows_the_map_and_its_color_bar(panel, result, tmp_path):
    from matplotlib.image import imread

    result("my run")
    panel.ui.exportFolder.currentPath = str(tmp_path)
    panel.click(panel.ui.exportFigureButton)
    assert panel.texts("error") == []
    picture = imread(tmp_path / "my_run.png")[..., :3]
    # The map runs from blue to yellow; anatomy, text and background are gray.
    colored = np.ptp(picture, axis=2) > 0.2
    assert colored.mean() > 0.05
    assert colored[:, int(0.9 * picture.shape[1]) :].any()


def test_nothing_is_overwritten_without_a_yes(panel, result, tmp_path):
    result("my run")
    panel.ui.exportFolder.currentPath = str(tmp_path)
    panel.click(panel.ui.exportMapsButton)
    before = (tmp_path / "my_run" / "fs.nii.gz").stat().st_mtime_ns
    panel.harness.answer("yesNo", False)
    panel.click(panel.ui.exportMapsButton)
    assert "was kept" in panel.texts("error")[-1]
    assert (tmp_path / "my_run" / "fs.nii.gz").stat().st_mtime_ns == before
    panel.harness.answer("yesNo", True)
    panel.click(panel.ui.exportMapsButton)
    assert (tmp_path / "my_run" / "fs.nii.gz").stat().st_mtime_ns != before


def test_a_missing_folder_is_said(panel, result, tmp_path):
    result("my run")
    assert not panel.ui.exportMapsButton.enabled
    assert panel.ui.exportHint.text == "Choose a folder for the files."
    panel.ui.exportFolder.currentPath = str(tmp_path / "nowhere")
    panel.click(panel.ui.exportMapsButton)
    assert "there is no such folder" in panel.texts("error")[-1]



# ------------------------------------------------------------------ Sample data, statistics


def test_nothing_is_registered_before_slicer_has_started(panel):
    assert not panel.harness.session.sample_data.registered


def test_the_simulated_leg_is_sample_data(panel):
    panel.app.startupCompleted.emit()
    sources = {s.sampleName: s for s in panel.harness.session.sample_data.registered}
    assert set(sources) == {"Simulated rat leg (CEST)", "Human leg (CEST, ANNCEST)"}
    nodes = sources["Simulated rat leg (CEST)"].customDownloader(sources["Simulated rat leg (CEST)"])
    assert [n.GetName() for n in nodes] == ["sub-sim_cest-0.5uT", "sub-sim_cest-1uT"]
    assert panel.ui.applyButton.enabled


def test_the_human_leg_is_downloaded_checked_and_loaded(panel, shared_data, monkeypatch):
    import SampleData

    asked = []

    def download(self, uri, name, checksum=None, forceDownload=False):
        asked.append((uri, checksum))
        return str(shared_data / "human_leg_3T" / "Data.mat")

    monkeypatch.setattr(SampleData.SampleDataLogic, "downloadFileIntoCache", download, raising=False)
    panel.app.startupCompleted.emit()
    sources = {s.sampleName: s for s in panel.harness.session.sample_data.registered}
    sources["Human leg (CEST, ANNCEST)"].customDownloader(None)
    ((uri, checksum),) = asked
    assert uri.endswith("HumanLeg/Data.mat")
    import hashlib

    found = hashlib.sha256((shared_data / "human_leg_3T" / "Data.mat").read_bytes()).hexdigest()
    assert checksum == f"SHA256:{found}"
    assert panel.parameters.series1 is not None
    assert panel.ui.modelMessage.text.startswith("human-3T-0.6uT")
    assert panel.ui.applyButton.enabled


def test_segment_statistics_leave_out_voxels_without_a_value(panel, result):
    import slicer

    from PCrCESTLib.scene.muscles import segment_mask

    run = result("first")
    panel.app.startupCompleted.emit()
    from SegmentStatistics import SegmentStatisticsLogic

    logic = SegmentStatisticsLogic()
    node = logic.getParameterNode()
    node.SetParameter("Segmentation", panel.parameters.muscles.GetID())
    logic.computeStatistics()
    found = logic.getStatistics()
    values = slicer.util.arrayFromVolume(run.maps["fs"])
    segment = panel.parameters.muscles.GetSegmentation().GetNthSegmentID(0)
    inside = values[segment_mask(panel.parameters.muscles, segment, run.maps["fs"])]
    key = next(k for k in found if k[0] == segment and k[1].endswith("fs_mean"))
    assert found[key] == pytest.approx(np.nanmean(inside), rel=1e-6)
    assert isinstance(found[key], float)
    from PCrCESTWidgetLib.segmentstatistics import PCrStatisticsPlugin

    info = PCrStatisticsPlugin().getMeasurementInfo("ksw_mean")
    assert "PCr exchange rate" in str(info)
    assert "UCUM" in str(info)
