"""Identifiers from content, a patient who is not invented, and files whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import values_on
from pydicom import dcmread
from pydicom.uid import UID

from PCrCESTLib.cli import main
from PCrCESTLib.errors import OutputError


@pytest.fixture
def with_regions(result):
    mask = np.zeros(result.grid.shape, bool)
    mask[0, 2:, 1:] = True
    result.add_regions({"Soleus left": mask})
    result.record["inputs"] = [{"role": "series", "path": "x.nii.gz", "sha256": "f" * 64}]
    result.save_record()
    return result


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def uids(folder, keyword="SOPInstanceUID"):
    return {path.name: str(dcmread(path)[keyword].value) for path in folder.iterdir()}


def test_an_export_repeated_is_the_same_to_the_byte(with_regions, tmp_path):
    with_regions.export()
    with_regions.export(tmp_path / "again")
    assert contents(with_regions.out) == contents(tmp_path / "again")


def test_another_value_in_one_voxel_gives_another_identifier(with_regions, tmp_path):
    with_regions.add_map("ksw", values_on(with_regions.grid, 5, 100.0))
    with_regions.export()
    changed = with_regions.maps["fs"].copy()
    changed[tuple(np.argwhere(np.isfinite(changed))[0])] *= 1.0001
    with_regions.add_map("fs", changed)
    with_regions.export(tmp_path / "again")
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        before, after = uids(with_regions.out, keyword), uids(tmp_path / "again", keyword)
        assert {name for name in before if before[name] != after[name]} == {"fs.dcm"}


@pytest.mark.parametrize("change", [{"finished": "2026-03-04T05:06:08+00:00"}, {"model": {"name": "other"}}])
def test_another_run_or_model_gives_other_identifiers(with_regions, tmp_path, change):
    with_regions.export()
    with_regions.record.update(change)
    with_regions.save_record()
    with_regions.export(tmp_path / "again")
    before, after = uids(with_regions.out), uids(tmp_path / "again")
    assert not set(before.values()) & set(after.values())


def test_identifiers_are_valid_and_all_different(with_regions):
    with_regions.add_map("ksw", with_regions.maps["fs"])  # the same numbers, another quantity
    with_regions.export()
    found = [*uids(with_regions.out).values(), *uids(with_regions.out, "SeriesInstanceUID").values()]
    assert len(set(found)) == 6
    assert all(UID(uid).is_valid and uid.startswith("2.25.") and len(uid) <= 64 for uid in found)
    for path in with_regions.out.iterdir():
        dataset = dcmread(path)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        organization = dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID
        assert {i.DimensionOrganizationUID for i in dataset.DimensionIndexSequence} == {organization}


def test_all_objects_of_a_result_share_study_and_frame_of_reference(with_regions):
    with_regions.export()
    assert len(set(uids(with_regions.out, "StudyInstanceUID").values())) == 1
    assert len(set(uids(with_regions.out, "FrameOfReferenceUID").values())) == 1


def test_two_results_of_one_scan_share_a_study(make_result):
    first, second = make_result(name="a/result"), make_result(name="b/result")
    for result, method in ((first, "two-branch"), (second, "arex")):
        result.record.update(
            method=method, inputs=[{"role": "series", "path": "x.nii.gz", "sha256": "f" * 64}]
        )
        result.save_record()
        result.export()
    one, other = first.dataset(), second.dataset()
    assert one.StudyInstanceUID == other.StudyInstanceUID
    assert one.SeriesInstanceUID != other.SeriesInstanceUID


def test_nobody_is_invented(result):
    result.export()
    dataset = result.dataset()
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "AccessionNumber",
    ):
        assert keyword in dataset  # type 2: there, but empty
        assert not dataset[keyword].value
    assert "PatientIdentityRemoved" not in dataset
    assert (dataset.ContentDate, dataset.ContentTime) == ("20260304", "050607")


def test_an_animal_is_named_as_asked(result):
    result.export(patient_id="Ratte 3 süd")
    assert result.dataset().PatientID == "Ratte 3 süd"
    result.export(overwrite=True)
    assert not result.dataset().PatientID


@pytest.mark.parametrize("name", ["x" * 65, "a\\b", "a\nb"])
def test_a_patient_id_that_dicom_cannot_hold_is_refused(result, name):
    with pytest.raises(OutputError, match="give a shorter one"):
        result.export(patient_id=name)


def test_a_patient_id_contradicts_deidentification(result):
    with pytest.raises(OutputError, match="contradict each other"):
        result.export(patient_id="rat 3", deidentify=True)


def test_an_earlier_export_is_only_replaced_when_asked(with_regions):
    with_regions.export()
    before = contents(with_regions.out)
    with pytest.raises(OutputError, match=r"already exists.*--overwrite"):
        with_regions.export()
    assert contents(with_regions.out) == before
    (with_regions.folder / "rois.seg.nrrd").unlink()
    with_regions.export(overwrite=True)
    assert set(contents(with_regions.out)) == {"fs.dcm"}, "what the new export lacks must not stay behind"


def test_other_files_of_the_folder_stay(result):
    result.out.mkdir()
    (result.out / "note.txt").write_text("mine")
    result.export()
    assert (result.out / "note.txt").read_text() == "mine"


def test_a_failure_in_the_middle_leaves_nothing(with_regions, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("PCrCESTLib.dicom_export.export.segmentation", fails)
    with pytest.raises(KeyboardInterrupt):
        with_regions.export()
    assert sorted(p.name for p in with_regions.out.parent.iterdir()) == ["result"]


def test_the_command_says_what_it_wrote(with_regions, capsys):
    assert main(["dicom", str(with_regions.folder), "--out", str(with_regions.out)]) == 0
    out, err = capsys.readouterr()
    assert out == f"fs.dcm, rois.dcm in {with_regions.out}\n"
    assert "the scan was not DICOM" in err


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    assert main(["dicom", str(tmp_path), "--out", str(tmp_path / "dicom")]) == 2
    err = capsys.readouterr().err
    assert "give a folder that pcrcest quantify wrote" in err
    assert "Traceback" not in err
    assert not (tmp_path / "dicom").exists()


def test_without_highdicom_the_command_says_how_to_get_it(with_regions, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    assert main(["dicom", str(with_regions.folder), "--out", str(with_regions.out)]) == 2
    assert "pip install 'pcrcest[dicom]'" in capsys.readouterr().err


def test_a_deidentified_export_does_not_name_a_model_called_after_its_site(with_regions, tmp_path):
    """A bundled model is named, and so is the site's own in an export with identity."""
    with_regions.record["model"] = {"name": "charite-3T", "sha256": "c" * 64}
    with_regions.save_record()
    with_regions.export()
    with_regions.export(tmp_path / "nobody", deidentify=True)
    assert any(b"charite-3T" in content for content in contents(with_regions.out).values())
    for content in contents(tmp_path / "nobody").values():
        assert b"charite" not in content
        assert b"c" * 64 in content
