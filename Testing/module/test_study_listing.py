"""*Load* on a folder: a study is listed by a process beside the window, which stays alive and can be told to stop."""

from __future__ import annotations

import shutil
import time

import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)
pytest.importorskip("pydicom")

from dicom_study import write_study

from PCrCESTLib.readers.dicom.folder import MAX_FILES


@pytest.fixture(scope="module")
def study(scan_folder, tmp_path_factory):
    return write_study(scan_folder, tmp_path_factory.mktemp("patient") / "study", every=8)


def press(panel, path):
    panel.ui.scanPath.currentPath = str(path)
    panel.click(panel.ui.loadButton)


def is_seen(panel, widget):
    return not panel.native(widget).isHidden()


def test_while_a_study_is_listed_the_window_answers_and_tells_how_far_it_is(panel, study):
    ui, told, pauses, began_at = panel.ui, set(), [], time.monotonic()
    press(panel, study)
    assert panel.widget.scan.listing.running
    assert ui.loadButton.text == "Cancel"
    assert is_seen(panel, ui.scanBar)
    assert is_seen(panel, ui.scanMessage)
    panel.shot("listing")
    while panel.widget.scan.listing.running:
        began = time.monotonic()
        panel.process()
        pauses.append(time.monotonic() - began)
        told.add(ui.scanMessage.text)
        time.sleep(0.005)
    assert ui.studySelector.itemText(0) == "7 scans: choose one"
    assert any("header" in text for text in told), told
    longest = sorted(pauses)[-2]  # the last one shows the scans
    assert longest < 0.3 * (time.monotonic() - began_at)
    assert ui.loadButton.text == "Load"
    assert not is_seen(panel, ui.scanBar)
    assert not is_seen(panel, ui.scanMessage)
    assert panel.texts("error") == []


def test_a_press_while_a_study_is_listed_cancels_that(panel, study):
    press(panel, study)
    panel.click(panel.ui.loadButton)
    panel.wait(lambda: not panel.widget.scan.listing.running)
    assert not is_seen(panel, panel.ui.studySelector)
    assert panel.ui.loadButton.text == "Load"
    assert panel.parameters.series1 is None
    assert panel.texts("error") == []
    panel.press_load(study)  # and it can be listed after all
    assert is_seen(panel, panel.ui.studySelector)


def test_a_scan_can_be_chosen_while_a_study_is_listed(panel, study, scan_folder):
    panel.load(scan_folder, powers=("0.5",))
    press(panel, study)
    panel.ui.musclesSection.collapsed = True
    panel.parameters.b1Map = None
    panel.process()
    assert panel.widget.scan.listing.running
    assert panel.parameters.series1.GetName() == "sub-sim_cest-0.5uT"
    panel.wait(lambda: not panel.widget.scan.listing.running)
    assert panel.parameters.series1.GetName() == "sub-sim_cest-0.5uT"  # nothing of the study was chosen yet
    assert is_seen(panel, panel.ui.studySelector)


def test_a_folder_of_one_series_is_loaded(panel, study, tmp_path):
    (series,) = study.glob("007_*")
    panel.press_load(shutil.copytree(series, tmp_path / "one"))
    assert panel.texts("error") == []
    assert panel.parameters.series1 is not None
    assert not is_seen(panel, panel.ui.studySelector)


def test_a_folder_that_is_no_study_is_refused_in_the_sentence_of_the_library(panel, tmp_path):
    for i in range(MAX_FILES + 1):
        (tmp_path / f"{i}.txt").touch()
    panel.press_load(tmp_path)
    (message,) = panel.messages("error")
    assert f"more than {MAX_FILES} files" in message.text
    assert "\n" not in message.text
    assert panel.ui.loadButton.text == "Load"


def test_closing_the_scene_stops_the_listing(panel, study):
    press(panel, study)
    panel.scene.Clear(0)
    panel.process()
    assert not panel.widget.scan.listing.running
    assert panel.ui.loadButton.text == "Load"
    assert not is_seen(panel, panel.ui.studySelector)
    assert not is_seen(panel, panel.ui.scanMessage)
