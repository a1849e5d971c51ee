"""A study in the panel: its scans are listed, and one press makes a companion map of the scan that measured it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)
pytest.importorskip("pydicom")

from dicom_study import write_study


@pytest.fixture(scope="session")
def study(scan_folder, tmp_path_factory):
    return write_study(scan_folder, tmp_path_factory.mktemp("patient") / "study", every=8)


def entries(panel):
    return [panel.ui.studySelector.itemText(i) for i in range(panel.ui.studySelector.count)]


def is_seen(panel, name):
    return not panel.native(getattr(panel.ui, name)).isHidden()


def choose(panel, start):
    """Choose the scan whose entry begins so."""
    (index,) = [i for i, text in enumerate(entries(panel)) if text.startswith(start)]
    panel.ui.studySelector.setCurrentIndex(index)
    panel.ui.studySelector.activated.emit(index)
    panel.process()


def compute(panel, role):
    panel.click(getattr(panel.ui, f"{role}OfferButton"))
    panel.wait(lambda: not panel.widget.scan.companions.running)
    assert panel.texts("error") == []


def test_a_folder_of_dicom_series_is_listed_with_cest_first(panel, study):
    panel.press_load(study)
    assert entries(panel)[0] == "7 scans: choose one"
    assert [text.split()[:2] for text in entries(panel)[1:]] == [
        ["5", "CEST"], ["7", "CEST"], ["2", "anatomy"], ["6", "M0"], ["8", "T1"], ["9", "B0"], ["10", "B1"],
    ]  # fmt: skip
    assert panel.parameters.series1 is None
    assert not is_seen(panel, "offersPanel")


def test_m0_of_the_study_is_taken_for_a_series_without(panel, study):
    from PCrCESTLib.scene.series_nodes import protocol_of_node

    panel.press_load(study)
    choose(panel, "5  CEST")
    protocol = protocol_of_node(panel.parameters.series1)
    assert (protocol.reference_frames, protocol.normalized) == ((0,), False)
    choose(panel, "7  CEST")  # the second power joins
    assert panel.parameters.series2 is not None
    assert panel.texts("error") == []


def test_one_press_makes_each_companion_map(panel, study, scan_folder):
    from PCrCESTLib.readers.image_io import read_volume
    from PCrCESTLib.scene.volumes import array_of

    panel.press_load(study)
    choose(panel, "7  CEST")
    for role, start in (("r1", "8  ir tse, 8 inversion times"), ("b0", "9  gre field"), ("b1", "10  B1map")):
        selector = getattr(panel.ui, f"{role}OfferSelector")
        assert is_seen(panel, f"{role}OfferButton")
        assert selector.itemText(0).startswith(start)
    truth = {role: read_volume(scan_folder / f"sub-sim_{name}.nii.gz").array
             for role, name in (("r1", "R1obs"), ("b0", "B0ppm"), ("b1", "relB1"))}  # fmt: skip
    tissue = truth["r1"] > 0
    for role, parameter, tolerance in (("r1", "relaxation", 0.02), ("b0", "b0Map", 0.01), ("b1", "b1Map", 0.01)):
        compute(panel, role)
        node = getattr(panel.parameters, parameter)
        difference = np.abs(array_of(node) - truth[role])[tissue]
        assert np.nanmedian(difference) < tolerance, role
        assert not is_seen(panel, f"{role}OfferButton")  # it is given now
        assert "median" in panel.ui.offersMessage.text
    assert panel.parameters.relaxationKind.name == "R1"
    panel.parameters.b1Map = None
    panel.process()
    assert is_seen(panel, "b1OfferButton")  # and is not given any more
    assert panel.temporary_folders("PCrCEST-") == []
    panel.shot("companions")


def test_a_series_of_another_subject_is_offered_nothing(panel, study, scan_folder):
    panel.press_load(study)
    choose(panel, "7  CEST")
    assert is_seen(panel, "offersPanel")
    panel.load(scan_folder, powers=("1",))  # on the same slices, but of no study
    assert not is_seen(panel, "r1OfferButton")


def test_a_press_during_the_computation_cancels_it(panel, study):
    panel.press_load(study)
    choose(panel, "7  CEST")
    panel.click(panel.ui.r1OfferButton)
    assert panel.ui.r1OfferButton.text == "Cancel"
    assert not panel.ui.b0OfferButton.enabled
    panel.click(panel.ui.r1OfferButton)
    panel.wait(lambda: not panel.widget.scan.companions.running)
    assert panel.parameters.relaxation is None
    assert panel.ui.r1OfferButton.text == "Compute"
    assert panel.texts("error") == []
    assert panel.temporary_folders("PCrCEST-") == []


def test_a_scan_that_fails_says_why_and_leaves_nothing(panel, study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "study")
    panel.press_load(copy)
    choose(panel, "7  CEST")
    for path in (copy / "008_ir").iterdir():
        path.write_bytes(path.read_bytes()[:500])
    panel.click(panel.ui.r1OfferButton)
    panel.wait(lambda: not panel.widget.scan.companions.running)
    (message,) = panel.messages("error")
    assert "008_ir" in message.text
    assert "\n" not in message.text
    assert panel.parameters.relaxation is None
    assert panel.temporary_folders("PCrCEST-") == []


def test_closing_the_scene_stops_the_computation(panel, study):
    panel.press_load(study)
    choose(panel, "7  CEST")
    panel.click(panel.ui.r1OfferButton)
    panel.scene.Clear(0)
    panel.process()
    assert not panel.widget.scan.companions.running
    assert not is_seen(panel, "offersPanel")
    assert panel.temporary_folders("PCrCEST-") == []
