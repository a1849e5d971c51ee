"""Each section of the panel by itself: what it does, and what it says when it cannot."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)


@pytest.fixture
def result(panel, scan_folder, tmp_path):
    """A run in the scene without computing it: maps made of the simulation's truth."""
    import slicer

    from PCrCESTLib.geometry import Geometry
    from PCrCESTLib.image_files import write_image
    from PCrCESTLib.readers.image_io import read_volume
    from PCrCESTLib.scene.runs import add_run

    panel.load(scan_folder)

    def add(name, factor=1.0):
        folder = tmp_path / name
        folder.mkdir()
        truth = {k: read_volume(scan_folder / "truth" / f"{k}.nii.gz") for k in ("fs", "ksw")}
        geometry: Geometry = truth["fs"].geometry
        inside = truth["fs"].array > 0
        share = np.where(np.arange(geometry.shape[2]) % 2, 0.1, 0.5)  # every second column is doubtful
        for kind, volume in truth.items():
            values = np.where(inside, volume.array * factor, np.nan).astype(np.float32)
            write_image(values, geometry, folder / f"{kind}.nii.gz")
            write_image((values * share).astype(np.float32), geometry, folder / f"{kind}_sd.nii.gz")
        write_image(np.zeros(geometry.shape, np.float32), geometry, folder / "b0.nii.gz")
        write_image(np.where(inside, 0, 64).astype(np.uint8), geometry, folder / "quality.nii.gz")
        (folder / "roi_statistics.csv").write_text(
            "roi,quantity,unit,estimator,value,sd,sd_meaning,identifiable,n_voxels,n_total,volume_mm3,flagged_share\n"
            "left soleus,fs,1,ROI spectrum,0.00064123456789,0.0001,of estimate,True,40,44,24.0,0.05\n"
            "left soleus,ksw,1/s,ROI spectrum,112.5,30.25,of estimate,False,40,44,24.0,0.05\n",
            encoding="utf-8",
        )
        record = {"pcr_protons": 2.0, "warnings": ["ksw is not identifiable"], "device": {"used": "numpy"}}
        (folder / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
        run = add_run(folder, name, panel.parameters.series1)
        panel.widget.showRun(run)
        return run

    assert slicer.mrmlScene is panel.scene
    return add


# ------------------------------------------------------------------ Scan


def test_a_file_brings_its_companions(panel, scan_folder):
    panel.load(scan_folder, powers=("1",))
    assert panel.parameters.series1.GetName() == "sub-sim_cest-1uT"
    assert panel.parameters.anatomy.GetName() == "sub-sim_anat"
    assert panel.parameters.relaxationKind.name == "R1"
    assert panel.parameters.muscles is not None
    assert not panel.ui.musclesSection.collapsed


def test_a_second_power_joins_and_a_second_subject_does_not(panel, scan_folder):
    panel.load(scan_folder)
    assert panel.parameters.series2 is not None
    anatomy = panel.parameters.anatomy
    panel.load(scan_folder, powers=("0.5",))  # the same power again: somebody else
    assert panel.parameters.series2 is None
    assert panel.parameters.anatomy is not anatomy


@pytest.mark.parametrize("case", ["nothing chosen", "no such file", "not a scan"])
def test_bad_input_gives_one_sentence(panel, tmp_path, case):
    path = {"nothing chosen": "", "no such file": tmp_path / "no.nii.gz", "not a scan": tmp_path / "x.nii.gz"}[case]
    if case == "not a scan":
        path.write_bytes(b"this is no image")
    panel.ui.scanPath.currentPath = str(path)
    before = panel.scene.GetNumberOfNodes()
    panel.click(panel.ui.loadButton)
    (message,) = panel.messages("error")
    assert "\n" not in message.text
    assert case == "nothing chosen" or path.name in message.text
    assert panel.scene.GetNumberOfNodes() == before


def type_protocol(panel, label, text):
    table = panel.native(panel.ui.protocolTable)
    rows = [r for r in range(table.rowCount()) if table.item(r, 0).text() == label]
    table.item(rows[0], 1).setText(text)
    panel.process()


def test_a_scan_without_protocol_is_loaded_when_it_is_typed(panel, scan_folder, tmp_path):
    shutil.copy(scan_folder / "sub-sim_cest-0.5uT.nii.gz", tmp_path / "bare_cest.nii.gz")
    panel.ui.scanPath.currentPath = str(tmp_path / "bare_cest.nii.gz")
    panel.click(panel.ui.loadButton)
    assert panel.texts("error") == []
    assert panel.parameters.series1 is None
    assert panel.ui.scanHint.text == "Complete the protocol of bare_cest.nii.gz."
    assert not panel.ui.protocolGroup.collapsed
    document = json.loads((scan_folder / "sub-sim_cest-0.5uT.json").read_text())
    type_protocol(panel, "Field (T)", "4.7")
    assert "SaturationOffsets" in panel.ui.protocolMessage.text
    offsets = ", ".join("none" if o is None else str(o) for o in document["SaturationOffsets"])
    for label, text in (
        ("Offsets", offsets),
        ("Offsets in", "ppm"),
        ("B1 (µT)", "0.5"),
        ("Saturation type", "continuous"),
        ("Reference frames", ", ".join(map(str, document["ReferenceFrames"]))),
        ("Saturation (s)", str(document["SaturationDuration"])),
    ):
        type_protocol(panel, label, text)
    assert panel.texts("error") == []
    assert panel.parameters.series1.GetName() == "bare_cest"
    assert panel.ui.scanHint.text == ""


def test_a_protocol_is_checked_as_it_is_typed(panel, scan_folder):
    from PCrCESTLib.scene.series_nodes import protocol_of_node

    panel.load(scan_folder)
    type_protocol(panel, "Field (T)", "200")
    assert "MHz" in panel.ui.protocolMessage.text
    assert protocol_of_node(panel.parameters.series1).field_t == 4.7  # nothing senseless is kept
    type_protocol(panel, "Field (T)", "7")
    assert protocol_of_node(panel.parameters.series1).field_t == 7
    assert panel.ui.scanHint.text != ""  # the two powers no longer agree
    assert not panel.ui.applyButton.enabled
    type_protocol(panel, "Field (T)", "4.7")
    assert panel.ui.applyButton.enabled
    type_protocol(panel, "Offsets", "1, 2, 3")
    assert "offsets for" in panel.ui.protocolMessage.text or "frames" in panel.ui.protocolMessage.text


def test_why_no_model_fits_is_said(panel, scan_folder):
    panel.load(scan_folder, powers=("0.5",))
    type_protocol(panel, "B1 (µT)", "3")
    assert panel.ui.modelMessage.text.startswith("none fits")
    assert "powers 3 µT" in panel.ui.modelMessage.text
    assert panel.ui.modelMessage.text.endswith("Train for this scanner, in the section Quantify")


# ------------------------------------------------------------------ Muscles


def test_muscles_are_added_drawn_and_copied(panel, scan_folder):
    from PCrCESTLib.scene.muscles import segment_mask, segment_names, set_segment_mask

    panel.load(scan_folder)
    panel.parameters.muscles = None
    panel.ui.presetSelector.setCurrentIndex(1)
    assert panel.ui.muscleSelector.itemText(0) == "Tibialis anterior"
    panel.click(panel.ui.addLeftButton)
    panel.click(panel.ui.addRightButton)
    muscles = panel.parameters.muscles
    assert segment_names(muscles) == ["Tibialis anterior left", "Tibialis anterior right"]
    assert panel.ui.editor.currentSegmentID() == "Tibialis anterior right"
    assert panel.ui.editor.activeEffect() is not None
    panel.click(panel.ui.copyNextButton)
    assert "is empty in slice" in panel.texts("error")[-1]
    reference = panel.widget.muscles.reference()
    mask = np.zeros(segment_mask(muscles, "Tibialis anterior left", reference).shape, bool)
    mask[0, 3:6, 3:6] = True
    set_segment_mask(muscles, "Tibialis anterior left", mask, reference)
    panel.ui.editor.setCurrentSegmentID("Tibialis anterior left")
    panel.click(panel.ui.copyNextButton)
    assert "last one in this direction" in panel.texts("error")[-1]  # one slice only
    panel.shot("muscles")


def test_a_saturated_image_can_be_drawn_on(panel, scan_folder):
    import slicer

    panel.load(scan_folder)
    index = panel.ui.drawOn.findText("2.625 ppm") if panel.ui.drawOn.findText("2.625 ppm") >= 0 else 5
    panel.ui.drawOn.setCurrentIndex(index)
    shown = panel.ui.editor.sourceVolumeNode()
    assert shown.GetName().startswith("sub-sim_cest-0.5uT at ")
    before = panel.scene.GetNumberOfNodes()
    panel.ui.drawOn.setCurrentIndex(index + 1)
    assert panel.scene.GetNumberOfNodes() == before  # one node for all frames
    frame = panel.parameters.series1.GetNthDataNode(index)
    assert np.array_equal(slicer.util.arrayFromVolume(shown), slicer.util.arrayFromVolume(frame))


# ------------------------------------------------------------------ Quantify


def devices(panel):
    combo = panel.ui.deviceSelector
    return [combo.itemData(i) for i in range(combo.count)]


def test_the_devices_that_are_there_are_offered_and_the_choice_is_kept(panel):
    import qt

    assert devices(panel)[:2] == ["auto", "cpu"]
    if panel.widget.quantify.probe is not None:
        panel.wait(lambda: not panel.widget.quantify.probe.running)
        panel.process()
    assert set(devices(panel)) <= {"auto", "cpu", "cuda", "mps"}
    panel.widget.quantify.fillDevices({"cpu": "NumPy on the CPU", "cuda": "Some GPU"})
    assert panel.ui.deviceSelector.itemText(2) == "cuda: Some GPU"
    panel.ui.deviceSelector.setCurrentIndex(1)
    panel.ui.deviceSelector.activated.emit(1)
    assert qt.QSettings().value("PCrCEST/Device") == "cpu"
    panel.widget.quantify.fillDevices()
    assert panel.widget.quantify.device() == "cpu"
    qt.QSettings().remove("PCrCEST/Device")


def test_a_model_file_can_be_chosen(panel, scan_folder, tmp_path):
    panel.load(scan_folder)
    panel.harness.answer("getOpenFileName", str(tmp_path / "mine.json"))
    last = panel.ui.modelSelector.count - 1
    panel.ui.modelSelector.setCurrentIndex(last)
    panel.ui.modelSelector.activated.emit(last)
    assert panel.parameters.model == str(tmp_path / "mine.json")
    assert panel.ui.modelSelector.currentText == "mine"
    panel.click(panel.ui.applyButton)
    panel.wait(lambda: not panel.running)
    assert "mine.json" in panel.texts("error")[-1]


def test_only_inside_muscles(panel, scan_folder):
    import slicer

    panel.load(scan_folder)
    panel.ui.onlyMusclesBox.checked = True
    assert panel.parameters.onlyMuscles
    panel.run()
    values = slicer.util.arrayFromVolume(panel.widget.shownRun().maps["fs"])
    labels = slicer.util.arrayFromVolume(panel.parameters.anatomy)
    assert 0 < np.isfinite(values).sum() < (labels > 0).sum() / 2


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
    panel.click(panel.ui.showTableButton)
    assert panel.texts("error") == []


def test_what_is_not_identifiable_is_said(panel, result):
    result("first")
    assert "• ksw is not identifiable" in panel.ui.resultsMessage.text
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
    assert len(panel.shown_curves()) == 8
    panel.shot("boxes")


# ------------------------------------------------------------------ Export


def test_every_export_writes_what_it_says(panel, result, tmp_path):
    run = result("my run")
    target = tmp_path / "out"
    target.mkdir()
    panel.ui.exportFolder.currentPath = str(target)
    for button in (panel.ui.exportMapsButton, panel.ui.exportSpectrumButton):
        panel.click(button)
        assert panel.texts("error") == []
        assert str(target) in panel.ui.exportMessage.text
    assert (target / "my_run" / "fs.nii.gz").is_file()
    assert (target / "my_run" / "roi_statistics.csv").is_file()
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


# ------------------------------------------------------------------ Train


def test_training_needs_a_name_and_torch(panel, scan_folder, monkeypatch):
    panel.load(scan_folder)
    panel.ui.trainGroup.collapsed = False
    panel.ui.trainName.text = "../evil"
    panel.click(panel.ui.trainButton)
    assert "is no name for a model" in panel.texts("error")[-1]
    monkeypatch.setattr(type(panel.widget.train), "hasTorch", lambda self: False)
    panel.widget.refresh()
    assert not panel.ui.trainButton.enabled
    assert panel.native(panel.ui.torchButton).isHidden() is False
    panel.click(panel.ui.torchButton)
    assert "the PyTorch extension is not installed" in panel.texts("error")[-1]


def test_a_training_can_be_cancelled(panel, scan_folder):
    pytest.importorskip("torch", reason="torch is not installed")
    panel.load(scan_folder)
    panel.ui.trainGroup.collapsed = False
    panel.ui.trainLength.setCurrentIndex(2)
    panel.click(panel.ui.trainButton)
    assert panel.ui.trainButton.text == "Cancel"
    control = panel.widget.train.control
    panel.wait(lambda: control.job is None or "Starting" not in panel.ui.trainMessage.text)
    assert control.running, panel.texts("error")
    panel.click(panel.ui.trainButton)
    panel.wait(lambda: not control.running)
    assert panel.ui.trainMessage.text.startswith("Cancelled")
    assert list(panel.temporary_folders("PCrCEST-")) == []


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
