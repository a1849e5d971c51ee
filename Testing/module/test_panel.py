"""The shipped module and panel on the strict stand-in for Slicer: every button, as a user presses it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)


def test_it_opens_and_says_what_is_missing(panel):
    ui = panel.ui
    assert "ready" in ui.statusLabel.text
    assert ui.scanHint.text.startswith("Choose a CEST series")
    assert ui.quantifyHint.text == ui.scanHint.text
    assert ui.resultsHint.text.startswith("Nothing is computed yet")
    assert not ui.applyButton.enabled
    assert not ui.musclesSection.enabled
    assert not ui.resultsSection.enabled
    assert not ui.exportSection.enabled


def test_it_fits_a_narrow_panel(panel):
    for section in ("scan", "muscles", "quantify", "results", "export"):
        button = getattr(panel.ui, f"{section}Section")
        button.collapsed = False
        assert panel.native(button).minimumSizeHint().width() <= 380, section


def test_from_scan_to_table(panel):
    """The way a first user goes, by clicks only; the seconds are printed."""
    ui = panel.ui
    panel.click(ui.sampleButton)
    assert [n.GetName() for n in panel.widget.logic.seriesOf(panel.parameters)] == [
        "sub-sim_cest-0.5uT",
        "sub-sim_cest-1uT",
    ]
    assert panel.parameters.anatomy.GetName() == "sub-sim_anat"
    assert panel.parameters.relaxation.GetName() == "sub-sim_R1obs"
    assert panel.parameters.muscles.GetSegmentation().GetNumberOfSegments() == 8
    assert ui.modelMessage.text.startswith("rat-4.7T-dual: field 4.7 T, powers 0.5 + 1 µT")
    panel.shot("scan")
    panel.click(ui.applyButton)
    assert ui.applyButton.text == "Cancel"
    assert ui.progressBar.visible
    panel.wait(lambda: not panel.running)
    assert ui.progressMessage.text == "Done"
    assert not ui.progressBar.visible
    assert not ui.resultsSection.collapsed
    run = panel.widget.shownRun()
    assert panel.native(ui.tableView).rowCount() == 8
    assert run.table.GetNumberOfRows() == 48
    assert "agree with the scan" in ui.resultsMessage.text
    assert "Computed on" in ui.resultsMessage.text
    assert panel.foreground() is run.maps["fs"]
    assert panel.shown_curves()[:2] == ["0.5 µT", "0.5 µT without PCr"]
    assert list(panel.temporary_folders("PCrCEST-")) == []
    panel.shot("results")
    panel.click(ui.sampleButton)
    bars = list(panel.scene.GetNodesByClass("vtkMRMLColorLegendDisplayNode"))
    assert bars
    assert not any(bar.GetVisibility() for bar in bars)  # the next scan is not under the bar of the last map
    panel.report()


def test_cancel_leaves_everything_as_it_was(panel, scan_folder):
    panel.load(scan_folder)
    before = panel.scene.GetNumberOfNodes()
    panel.click(panel.ui.applyButton)
    panel.wait(lambda: "reading" in panel.ui.progressMessage.text or not panel.running)
    panel.click(panel.ui.applyButton)
    panel.wait(lambda: not panel.running)
    assert panel.ui.progressMessage.text == "Cancelled; nothing was changed"
    assert panel.ui.applyButton.text == "Apply"
    assert panel.scene.GetNumberOfNodes() == before
    assert panel.texts() == []
    assert list(panel.temporary_folders("PCrCEST-")) == []


def test_an_error_of_the_job_is_its_own_sentence_with_details(panel, scan_folder):
    panel.load(scan_folder)
    panel.parameters.model = "human-3T-0.6uT"
    panel.click(panel.ui.applyButton)
    panel.wait(lambda: not panel.running)
    (message,) = panel.messages("error")
    assert "human-3T-0.6uT" in message.text
    assert "field" in message.text
    assert "PCrCESTLib quantify" in message.options["detailedText"]
    assert panel.ui.applyButton.enabled


@pytest.mark.parametrize("event", ["scene closed", "input removed", "module left", "quit"])
def test_what_happens_during_a_run_ends_it_cleanly(panel, scan_folder, event):
    panel.load(scan_folder)
    panel.click(panel.ui.applyButton)
    if event == "scene closed":
        panel.scene.Clear(0)
        assert not panel.running
        assert panel.parameters.series1 is None
        assert not panel.ui.applyButton.enabled
    elif event == "input removed":
        panel.scene.RemoveNode(panel.parameters.series1)
        panel.wait(lambda: not panel.running)
        assert panel.widget.shownRun() is not None  # the job works on files of its own
    elif event == "module left":
        panel.widget.exit()
        panel.wait(lambda: not panel.running)
        panel.widget.enter()
        assert panel.widget.shownRun() is not None
    else:
        panel.quit()
        assert not panel.running
    assert panel.texts("error") == []
    assert list(panel.temporary_folders("PCrCEST-")) == []


def test_another_scan_can_be_loaded_during_a_run(panel, scan_folder):
    panel.load(scan_folder)
    first = panel.parameters.series1
    panel.click(panel.ui.applyButton)
    panel.load(scan_folder, powers=("0.5",))
    assert panel.parameters.series1 is not first
    assert panel.parameters.series2 is None
    panel.wait(lambda: not panel.running)
    run = panel.widget.shownRun()
    assert run.name.startswith(first.GetName())


def test_keyboard_alone_starts_and_cancels(panel, scan_folder):
    panel.load(scan_folder)
    panel.key("Ctrl+Return")
    panel.wait(lambda: panel.running and not panel.native(panel.ui.applyButton).isDown())
    panel.key("Ctrl+Return")
    panel.wait(lambda: not panel.running)
    assert panel.ui.progressMessage.text.startswith("Cancelled")


def test_a_saved_scene_comes_back(panel, scan_folder, tmp_path):
    import slicer

    panel.load(scan_folder)
    panel.run()
    panel.parameters.opacity = 0.35
    panel.parameters.mapKind = "ksw"
    run = panel.widget.shownRun()
    fs = slicer.util.arrayFromVolume(run.maps["fs"]).copy()
    panel.ui.exportFolder.currentPath = str(tmp_path)
    panel.click(panel.ui.exportSceneButton)
    (path,) = tmp_path.glob("*.mrb")
    panel.scene.Clear(0)
    assert panel.widget.shownRun() is None
    slicer.util.loadScene(str(path))
    panel.process()
    assert panel.parameters.opacity == 0.35
    assert panel.parameters.mapKind == "ksw"
    back = panel.widget.shownRun()
    assert back.name == run.name
    assert np.array_equal(slicer.util.arrayFromVolume(back.maps["fs"]), fs, equal_nan=True)
    assert panel.native(panel.ui.tableView).rowCount() == 8
    assert panel.ui.applyButton.enabled
    assert panel.parameters.series2.GetName() == "sub-sim_cest-1uT"


def test_a_choice_that_no_longer_exists_falls_back_to_defaults(panel):
    node = panel.widget.logic.getParameterNode()
    panel.widget.disconnectParameters()
    node.SetParameter("relaxationKind", "GARBAGE")
    panel.widget.initializeParameterNode()
    assert panel.parameters.relaxationKind.name == "R1"


def test_the_self_test_passes(panel):
    import unittest

    result = unittest.TestResult()
    panel.module.PCrCESTTest("runTest").run(result)
    assert (result.failures, result.errors) == ([], [])
    assert result.testsRun == 1
