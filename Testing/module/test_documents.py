"""Report and DICOM of a result, from the panel: made, cancelled, refused, never over a file without a yes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)


@pytest.fixture(scope="module")
def computed(scan_folder, tmp_path_factory):
    """A result folder that ``pcrcest quantify`` left."""
    from PCrCESTLib.cli import main

    scans = [str(scan_folder / f"sub-sim_cest-{power}uT.nii.gz") for power in ("0.5", "1")]
    out = tmp_path_factory.mktemp("computed") / "result"
    further = [
        "--r1",
        str(scan_folder / "sub-sim_R1obs.nii.gz"),
        "--rois",
        str(scan_folder / "sub-sim_labels.nii.gz"),
    ]
    assert main(["quantify", *scans, *further, "--out", str(out), "--progress", "none"]) == 0
    return out


@pytest.fixture
def run(panel, computed, tmp_path):
    """The result in the scene, and a folder chosen for exports."""
    from PCrCESTLib.scene.runs import add_run

    found = add_run(computed, "my leg")
    panel.parameters.run = found.run_id
    panel.widget.refresh()
    panel.ui.exportSection.collapsed = False
    (tmp_path / "out").mkdir()
    panel.ui.exportFolder.currentPath = str(tmp_path / "out")
    return found


class ScriptedJob:
    """A job that was over before it began, with the events that the test prepared."""

    prepared: list = []  # noqa: RUF012
    asked: list = []  # noqa: RUF012
    seconds = 0.0

    def __init__(self, arguments):
        self.asked.append(list(arguments))
        self.events = self.prepared.pop(0)

    def poll(self):
        found, self.events = self.events, []
        return found

    def details(self):
        return "details"

    def cancel(self):
        self.events = [{"event": "exit", "code": 130}]

    stop = cancel


@pytest.fixture
def scripted(monkeypatch):
    """Jobs do what the test says; returns a function that prepares the next one, and what was asked of them."""
    from PCrCESTWidgetLib import jobcontrol

    monkeypatch.setattr(jobcontrol, "Job", ScriptedJob)
    monkeypatch.setattr(ScriptedJob, "prepared", [])
    monkeypatch.setattr(ScriptedJob, "asked", [])
    return ScriptedJob


def done(out="x", *notes):
    warnings = [{"event": "warning", "message": note} for note in notes]
    return [*warnings, {"event": "done", "out": str(out)}, {"event": "exit", "code": 0}]


def failed(sentence):
    return [{"event": "error", "message": sentence, "exit_code": 2}, {"event": "exit", "code": 2}]


def waits(panel):
    panel.wait(lambda: not any(job.running for job in panel.widget.export.jobs))


def saved_and_opened_again(panel, tmp_path):
    """Only the scene file is left of the result."""
    import slicer

    panel.click(panel.ui.exportSceneButton)
    (path,) = (tmp_path / "out").glob("*.mrb")
    panel.scene.Clear(0)
    slicer.util.loadScene(str(path))
    panel.process()


def test_a_result_of_a_saved_scene_is_the_folder_it_came_from(panel, run, computed, tmp_path):
    from PCrCESTLib.readers.image_io import read_volume

    saved_and_opened_again(panel, tmp_path)
    panel.click(panel.ui.exportMapsButton)
    assert panel.texts("error") == []
    folder = tmp_path / "out" / "my_leg"
    names = {p.name for p in computed.iterdir()}
    assert names | {"pcr_mm.nii.gz"} == {p.name for p in folder.iterdir()}
    for name in names:
        if name in (
            "fs.nii.gz",
            "fs_sd.nii.gz",
            "ksw.nii.gz",
            "ksw_sd.nii.gz",
            "b0.nii.gz",
            "quality.nii.gz",
        ):
            before, after = (read_volume(f / name) for f in (computed, folder))
            assert before.array.dtype == after.array.dtype
            assert np.array_equal(before.array, after.array, equal_nan=True)
            assert before.geometry.same_as(after.geometry)
        else:
            assert (folder / name).read_bytes() == (computed / name).read_bytes(), name


def test_the_report_is_made_and_opened(panel, run, tmp_path):
    assert not panel.ui.openReportButton.visible
    assert not panel.ui.exportBar.visible
    panel.click(panel.ui.reportButton)
    assert panel.ui.reportButton.text == "Cancel"
    assert not panel.ui.dicomButton.enabled  # they share one bar
    assert panel.ui.mapSelector.enabled  # the window goes on
    waits(panel)
    assert panel.texts("error") == []
    path = tmp_path / "out" / "my_leg_report.html"
    assert panel.ui.exportMessage.text == f"Wrote {path}"
    page = path.read_text(encoding="utf-8")
    assert "right tibialis anterior" in page
    assert "No anatomical image" not in page
    assert "No mean spectra" not in page
    panel.click(panel.ui.openReportButton)
    assert panel.texts("openUrl") == [path.as_uri()]
    assert list(panel.temporary_folders("PCrCEST-")) == []
    panel.shot("report")


def test_dicom_objects_are_made_without_identity(panel, run, tmp_path):
    pytest.importorskip("highdicom")
    panel.ui.deidentifyBox.checked = True
    panel.click(panel.ui.dicomButton)
    assert panel.ui.dicomButton.text == "Cancel"
    waits(panel)
    assert panel.texts("error") == []
    folder = tmp_path / "out" / "deidentified_dicom"  # not named after the scan
    assert {"fs.dcm", "ksw.dcm", "rois.dcm", "table.dcm"} <= {p.name for p in folder.iterdir()}
    first, *notes = panel.ui.exportMessage.text.splitlines()
    assert first == f"Wrote {folder}"
    assert "• the names of the regions are kept: check that they name nobody" in notes
    assert list(panel.temporary_folders("PCrCEST-")) == []


def test_dicom_refers_to_the_images_that_the_scan_was_loaded_from(
    panel, scan_folder, computed, scripted, tmp_path
):
    from PCrCESTLib.scene.runs import add_run
    from PCrCESTLib.scene.series_nodes import set_place

    panel.load(scan_folder, powers=("0.5",))
    series = panel.parameters.series1
    panel.parameters.run = add_run(computed, "my leg", series, [series]).run_id
    source, target = tmp_path / "images", tmp_path / "out"
    source.mkdir()
    target.mkdir()
    panel.ui.exportFolder.currentPath = str(target)
    (source / "1.dcm").write_bytes(bytes(128) + b"DICM" + bytes(8))
    scripted.prepared += [done(), done()]
    panel.click(panel.ui.dicomButton)  # loaded from NIfTI
    waits(panel)
    set_place(series, source)
    panel.click(panel.ui.dicomButton)
    waits(panel)
    first, second = scripted.asked
    assert "--source" not in first
    assert second[second.index("--source") + 1] == str(source)
    assert panel.texts("error") == []


@pytest.mark.parametrize("kind", ["report", "dicom"])
def test_a_cancelled_export_leaves_nothing(panel, run, tmp_path, kind):
    button = getattr(panel.ui, f"{kind}Button")
    panel.click(button)
    panel.click(button)
    waits(panel)
    assert panel.ui.exportMessage.text == "Cancelled; nothing was changed"
    assert button.text == {"report": "Report...", "dicom": "DICOM..."}[kind]
    assert panel.ui.dicomButton.enabled
    assert not panel.ui.exportBar.visible
    assert list((tmp_path / "out").iterdir()) == []
    assert list(panel.temporary_folders("PCrCEST-")) == []
    assert panel.texts() == []


def test_an_error_of_the_job_is_one_sentence(panel, run, scripted):
    scripted.prepared.append(failed("the disk is full"))
    panel.click(panel.ui.reportButton)
    waits(panel)
    (message,) = panel.messages("error")
    assert (message.text, message.options["detailedText"]) == ("the disk is full", "details")
    assert panel.ui.exportMessage.text == "the disk is full"
    assert not panel.ui.openReportButton.visible
    assert list(panel.temporary_folders("PCrCEST-")) == []


@pytest.mark.parametrize("kind", ["report", "dicom"])
def test_nothing_is_replaced_without_a_yes(panel, run, scripted, tmp_path, kind):
    button = getattr(panel.ui, f"{kind}Button")
    folder = tmp_path / "out"
    (folder / "my_leg_report.html").write_text("mine")
    (folder / "my_leg_dicom").mkdir()
    (folder / "my_leg_dicom" / "fs.dcm").write_text("mine")
    panel.harness.answer("yesNo", False)
    panel.click(button)
    assert "was kept" in panel.texts("error")[-1]
    assert scripted.asked == []
    assert list(panel.temporary_folders("PCrCEST-")) == []
    scripted.prepared.append(done())
    panel.harness.answer("yesNo", True)
    panel.click(button)
    waits(panel)
    assert "--overwrite" in scripted.asked[0]


def test_without_weasyprint_the_page_is_made_and_said_to_be_all(panel, run, scripted, tmp_path, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "weasyprint" else real(name, *a)
    )
    path = tmp_path / "out" / "my_leg_report.html"
    scripted.prepared += [
        failed("the Python package 'weasyprint' is not installed and is needed …"),
        done(path),
    ]
    panel.ui.reportPdfBox.checked = True
    panel.click(panel.ui.reportButton)
    waits(panel)
    first, second = scripted.asked
    assert "--pdf" in first
    assert "--pdf" not in second
    assert panel.texts("error") == []
    assert panel.ui.exportMessage.text.splitlines() == [
        f"Wrote {path}",
        "• no PDF: the Python package weasyprint is not installed; open the page and print it to PDF",
    ]
    assert panel.ui.openReportButton.visible
    assert list(panel.temporary_folders("PCrCEST-")) == []
    panel.shot("report-without-pdf")


def test_matplotlib_is_installed_only_when_the_user_agrees(panel, run, scripted, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "matplotlib" else real(name, *a)
    )
    panel.harness.answer("okCancel", False)
    panel.click(panel.ui.reportButton)
    assert "needs the Python package matplotlib" in panel.texts("okCancel")[0]
    assert panel.texts("pip_install") == []
    assert scripted.asked == []
    scripted.prepared.append(done())
    panel.harness.answer("okCancel", True)
    panel.click(panel.ui.reportButton)
    waits(panel)
    assert panel.texts("pip_install") == ["matplotlib"]
    assert scripted.asked[0][0] == "report"


def test_a_result_of_an_earlier_version_says_what_it_lacks(panel, run, scripted):
    (files,) = [n for n in panel.scene.GetNodesByClass("vtkMRMLTextNode") if n.GetAttribute("PCrCEST.Files")]
    panel.scene.RemoveNode(files)
    scripted.prepared.append(done())
    panel.click(panel.ui.reportButton)
    waits(panel)
    assert "without anatomy, muscles and spectra" in panel.ui.exportMessage.text


def test_a_scene_that_closes_ends_the_export(panel, run, tmp_path):
    panel.click(panel.ui.reportButton)
    panel.scene.Clear(0)
    assert not panel.widget.export.report.running
    assert list((tmp_path / "out").iterdir()) == []
    assert list(panel.temporary_folders("PCrCEST-")) == []


def test_a_report_that_is_gone_cannot_be_opened(panel, run, scripted, tmp_path):
    scripted.prepared.append(done(tmp_path / "gone.html"))
    panel.click(panel.ui.reportButton)
    waits(panel)
    panel.click(panel.ui.openReportButton)
    assert "cannot be opened" in panel.texts("error")[0]
    assert panel.texts("openUrl") == []
