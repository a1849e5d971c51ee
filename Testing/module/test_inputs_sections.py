"""Sections Scan, Muscles and Quantify: what they do, and what they say when they cannot."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from bruker_scans import images_of, write_scan

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)


# ------------------------------------------------------------------ Scan


def test_a_file_brings_its_companions(panel, scan_folder):
    panel.load(scan_folder, powers=("1",))
    assert panel.parameters.series1.GetName() == "sub-sim_cest-1uT"
    assert panel.parameters.anatomy.GetName() == "sub-sim_anat"
    assert panel.parameters.relaxationKind.name == "R1"
    assert panel.parameters.muscles is not None
    assert not panel.ui.musclesSection.collapsed


def test_a_study_lists_its_scans_and_the_chosen_one_is_loaded(panel, tmp_path):
    """A Bruker study with an anatomical and a CEST scan; CEST stands first."""
    pytest.importorskip("brukerapi")
    images = images_of(1, 6, 4)
    write_scan(tmp_path / "study" / "2", images=images, method={"PVM_MagTransOnOff": "Off"})
    write_scan(tmp_path / "study" / "11")
    ui = panel.ui
    assert panel.native(ui.studySelector).isHidden()
    panel.press_load(tmp_path / "study")
    entries = [ui.studySelector.itemText(i) for i in range(ui.studySelector.count)]
    assert entries[0] == "2 scans: choose one"
    assert entries[1].startswith("11  CEST")
    assert entries[2].startswith("2  anatomy")
    assert panel.parameters.series1 is None
    ui.studySelector.setCurrentIndex(1)
    ui.studySelector.activated.emit(1)
    assert panel.parameters.series1 is not None
    assert panel.texts("error") == []


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
    panel.click(panel.ui.copyPreviousButton)
    assert "last one in this direction" in panel.texts("error")[-1]
    panel.ui.muscleSelector.setCurrentIndex(5)
    panel.click(panel.ui.addButton)
    assert segment_names(muscles)[-1] == "Soleus"
    assert len(panel.texts("error")) == 3
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
    panel.parameters.anatomy = None
    panel.click(panel.ui.addButton)  # drawn on the frames, and the one that was chosen stays
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


def test_a_method_shows_its_own_settings_and_says_what_it_lacks(panel, scan_folder):
    panel.load(scan_folder, powers=("0.5",))
    ui = panel.ui

    def choose(key):
        index = ui.methodSelector.findData(key)
        ui.methodSelector.setCurrentIndex(index)
        ui.methodSelector.activated.emit(index)
        panel.process()
        names = ("modelSelector", "deviceSelector", "poolsSelector", "kswBox", "conversionSelector")
        return {name for name in names if not panel.native(getattr(ui, name)).isHidden()}

    assert choose("two-branch") == {"modelSelector", "deviceSelector"}
    assert choose("mplf") == {"poolsSelector", "kswBox", "conversionSelector"}
    assert ui.applyButton.enabled
    assert choose("bm") == set()
    assert choose("dsp") == {"kswBox", "conversionSelector"}
    assert "give a second series" in ui.quantifyHint.text
    assert not ui.applyButton.enabled
    choose("plof")
    ui.kswBox.value = 140.0
    index = ui.conversionSelector.findData("jhu")
    ui.conversionSelector.setCurrentIndex(index)
    ui.conversionSelector.activated.emit(index)
    assert "the JHU calibration holds at 3 T" in ui.quantifyHint.text
    assert panel.parameters.statedKsw == 140.0
    arguments = panel.widget.quantify.request().arguments()
    assert arguments[:2] == ["--method", "plof"]
    assert arguments[2:10] == ["--pools", "6", "--ksw", "140", "--ksw-sd", "36", "--conversion", "jhu"]


def test_only_inside_muscles(panel, scan_folder):
    import slicer

    panel.load(scan_folder)
    panel.ui.onlyMusclesBox.checked = True
    assert panel.parameters.onlyMuscles
    panel.run()
    values = slicer.util.arrayFromVolume(panel.widget.shownRun().maps["fs"])
    labels = slicer.util.arrayFromVolume(panel.parameters.anatomy)
    assert 0 < np.isfinite(values).sum() < (labels > 0).sum() / 2



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
    command = control.job.details().splitlines()[0]
    for option in ("--background-from", "--r1", "--rois", "--name my-scanner", "--samples 200000"):
        assert option in command
    panel.wait(lambda: control.job is None or "Starting" not in panel.ui.trainMessage.text)
    assert control.running, panel.texts("error")
    panel.click(panel.ui.trainButton)
    panel.wait(lambda: not control.running)
    assert panel.ui.trainMessage.text.startswith("Cancelled")
    assert list(panel.temporary_folders("PCrCEST-")) == []
