"""A scan that was DICOM: its study is joined, and every frame refers to the images of its slice."""

from __future__ import annotations

import dicom_samples as samples
import numpy as np
import pytest
from conftest import oblique
from pydicom import dcmread
from pydicom.uid import generate_uid

from PCrCESTLib.errors import GeometryError, OutputError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.map_files import write_roi_table
from PCrCESTLib.roi import ROI_SPECTRUM, RoiRow

STUDY, FRAME_OF_REFERENCE = generate_uid(), generate_uid()
PATIENT = {
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "Müller^Änne",
    "PatientID": "P-17",
    "PatientBirthDate": "19700102",
    "PatientSex": "F",
    "PatientAge": "056Y",
    "StudyInstanceUID": STUDY,
    "StudyDate": "20260101",
    "StudyTime": "101112",
    "StudyID": "S7",
    "AccessionNumber": "A99",
    "StudyDescription": "CEST Unterschenkel",
    "ReferringPhysicianName": "Doe^J",
    "FrameOfReferenceUID": FRAME_OF_REFERENCE,
    "BodyPartExamined": "LEG",
    "Laterality": "R",
    "InstitutionName": "Klinik Nord",
    "DeviceSerialNumber": "SN-4711",
    "StationName": "MR3",
    "OperatorsName": "Op^E",
}


@pytest.fixture
def frames(result):
    nz, ny, nx = result.grid.shape
    return np.random.default_rng(2).integers(0, 1000, (4, nz, ny, nx)).astype(np.uint16)


@pytest.fixture
def write_source(tmp_path, frames):
    def write(grid, name="scan", **elements):
        samples.write_classic(tmp_path / name, frames, grid, **(PATIENT | elements))
        return tmp_path / name

    return write


@pytest.fixture
def joined(result, write_source):
    """A result of a DICOM scan, with the files of each slice."""
    folder = write_source(result.grid)
    result.set_source(folder)
    return result, [dcmread(path) for path in sorted(folder.iterdir())]


def sources_of(group):
    derivation = group.DerivationImageSequence[0]
    return {str(item.ReferencedSOPInstanceUID) for item in derivation.SourceImageSequence}


def test_the_objects_join_the_patient_and_study_of_the_scan(joined):
    result, _ = joined
    mask = np.ones(result.grid.shape, bool)
    result.add_regions({"Soleus left": mask})
    row = RoiRow("Soleus left", "fs", "1", ROI_SPECTRUM, 1e-3, 1e-4, "", True, 5, 5, 10.0, 0.0)
    write_roi_table([row], result.folder / "roi_statistics.csv")
    result.export()
    for name in ("fs", "rois", "table"):
        dataset = result.dataset(name)
        assert str(dataset.PatientName) == "Müller^Änne"
        kept = ("PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "StudyInstanceUID", "StudyDate")
        for keyword in (
            *kept,
            "StudyTime",
            "StudyID",
            "AccessionNumber",
            "StudyDescription",
        ):
            assert str(dataset[keyword].value) == PATIENT[keyword], keyword
    for name in ("fs", "rois"):
        assert result.dataset(name).FrameOfReferenceUID == FRAME_OF_REFERENCE
        assert result.dataset(name).BodyPartExamined == "LEG"
    anatomy = result.dataset().SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0]
    assert anatomy.FrameLaterality == "R"  # the scanner's word counts more than a region's name


def test_every_frame_refers_to_all_images_of_its_slice(joined):
    result, images = joined
    result.export()
    dataset = result.dataset()
    for group in dataset.PerFrameFunctionalGroupsSequence:
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        here = {
            str(image.SOPInstanceUID)
            for image in images
            if np.allclose(np.array(image.ImagePositionPatient, float), position, atol=1e-4)
        }
        assert sources_of(group) == here
        assert len(here) == 4
        item = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert item.SpatialLocationsPreserved == "YES"
        assert item.ReferencedSOPClassUID == samples.MR


def test_all_source_images_are_listed_once_by_series(joined):
    result, images = joined
    result.export()
    (series,) = result.dataset().ReferencedSeriesSequence
    assert series.SeriesInstanceUID == images[0].SeriesInstanceUID
    listed = [str(i.ReferencedSOPInstanceUID) for i in series.ReferencedInstanceSequence]
    assert sorted(listed) == sorted(str(i.SOPInstanceUID) for i in images)


def test_regions_refer_to_the_images_too(joined):
    result, _ = joined
    mask = np.zeros(result.grid.shape, bool)
    mask[2, 1, 1] = True
    result.add_regions({"Soleus left": mask})
    result.export()
    (group,) = result.dataset("rois").PerFrameFunctionalGroupsSequence
    assert len(sources_of(group)) == 4
    assert group.DerivationImageSequence[0].DerivationCodeSequence[0].CodeMeaning == "Segmentation"


def test_two_powers_are_two_series_of_references(result, write_source):
    low, high = write_source(result.grid, "low"), write_source(result.grid, "high")
    result.set_source(low, high)
    result.export()
    dataset = result.dataset()
    assert len(dataset.ReferencedSeriesSequence) == 2
    assert all(len(sources_of(g)) == 8 for g in dataset.PerFrameFunctionalGroupsSequence)


def test_an_m0_series_beside_the_scan_is_referred_to_too(result, frames, tmp_path):
    folder = tmp_path / "scan"
    samples.write_classic(
        folder / "a", frames, result.grid, **PATIENT, SeriesDescription="cest", SeriesNumber=5
    )
    samples.write_classic(
        folder / "b", frames[:1], result.grid, **PATIENT, SeriesDescription="cest M0", SeriesNumber=6
    )
    result.set_source(folder)
    result.export()
    dataset = result.dataset()
    assert len(dataset.ReferencedSeriesSequence) == 2
    assert all(len(sources_of(g)) == 5 for g in dataset.PerFrameFunctionalGroupsSequence)


def test_an_enhanced_source_is_referred_to_by_frame(result, frames, tmp_path):
    dataset = samples.enhanced(frames, result.grid)
    for keyword, value in PATIENT.items():
        setattr(dataset, keyword, value)
    path = samples.write(dataset, tmp_path / "enhanced.dcm")
    result.set_source(path)
    result.export()
    groups = result.dataset().PerFrameFunctionalGroupsSequence
    referenced = [g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber for g in groups]
    assert [list(map(int, r)) for r in referenced] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]


def test_a_source_whose_rows_were_turned_around_still_matches(make_result, write_source):
    """As dcm2niix writes them: the same voxels, the second axis the other way."""
    grid = oblique()
    matrix = grid.matrix * [1, -1, 1]
    last = np.asarray(grid.origin_mm) + grid.matrix[:, 1] * grid.spacing_mm[1] * (grid.size[1] - 1)
    turned = Geometry(grid.size, grid.spacing_mm, tuple(last.tolist()), tuple(matrix.ravel().tolist()))
    result = make_result(turned, "turned")
    result.export(sources=(write_source(grid),))
    dataset = result.dataset()
    groups = dataset.PerFrameFunctionalGroupsSequence
    assert all(len(sources_of(g)) == 4 for g in groups)
    item = groups[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert item.SpatialLocationsPreserved == "REORIENTED_ONLY"
    assert dataset.StudyInstanceUID == STUDY


@pytest.mark.parametrize(
    "other",
    [
        Geometry((6, 5, 3), (0.7, 0.9, 2.5), (-31.3, 12.7, 89.1), oblique().direction),
        Geometry((6, 5, 3), (0.7, 0.9, 2.6), (-31.3, 12.7, 88.1), oblique().direction),
        Geometry((6, 5, 3), (0.7, 0.9, 2.5), (-31.3, 12.7, 88.1)),
    ],
    ids=["shifted by 1 mm", "other slice distance", "not oblique"],
)
def test_a_source_in_another_place_is_refused_in_one_sentence(result, write_source, other):
    with pytest.raises(
        GeometryError, match=r"^[^\n]*give the DICOM folder of the scan that the maps were computed from"
    ):
        result.export(sources=(write_source(other),))
    assert not result.out.exists()


@pytest.mark.parametrize(
    ("elements", "what"),
    [
        ({"PatientID": "P-18"}, "patient"),
        ({"StudyInstanceUID": generate_uid()}, "study"),
        ({"FrameOfReferenceUID": generate_uid()}, "frame of reference"),
    ],
)
def test_sources_of_several_patients_or_studies_are_refused(result, write_source, elements, what):
    with pytest.raises(ReaderError, match=f"it is of another {what} than the first source image"):
        result.export(
            sources=(write_source(result.grid, "low"), write_source(result.grid, "high", **elements))
        )


def test_a_folder_without_dicom_images_is_refused(result, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReaderError, match="no MR image among them"):
        result.export(sources=(tmp_path / "empty",))


@pytest.mark.parametrize(
    ("name", "says"), [("gone", "no such file or folder"), ("result/fs.nii.gz", "no DICOM file")]
)
def test_a_source_that_is_not_there_or_not_dicom_is_refused(result, tmp_path, name, says):
    with pytest.raises(ReaderError, match=f"{says}; give the folder of DICOM images"):
        result.export(sources=(tmp_path / name,))


def test_a_scan_that_has_moved_away_is_told(result, tmp_path):
    result.set_source(tmp_path / "gone")
    exported = result.export()
    assert any("give its folder with --source" in note for note in exported.notes)
    assert "ReferencedSeriesSequence" not in result.dataset()


def test_values_that_the_standard_forbids_are_left_out_and_told(result, write_source):
    folder = write_source(result.grid)
    for path in folder.iterdir():
        dataset = dcmread(path)
        dataset["StudyDate"]._value = "1.1.2026"
        dataset["PatientSex"]._value = "X"
        dataset["PatientAge"]._value = "56 years"
        dataset.save_as(path)
    result.set_source(folder)
    exported = result.export()
    dataset = result.dataset()
    assert not dataset.StudyDate
    assert not dataset.PatientSex
    assert "PatientAge" not in dataset
    assert dataset.PatientID == "P-17"
    assert sum("is not valid and was left out" in note for note in exported.notes) == 3


def test_nothing_is_written_among_the_source_images(joined):
    result, _ = joined
    folder = result.folder.parent / "scan"
    before = sorted(folder.iterdir())
    with pytest.raises(OutputError, match="the source images lie there"):
        result.export(folder / "out")
    assert sorted(folder.iterdir()) == before


def test_a_patient_id_contradicts_a_dicom_source(joined):
    result, _ = joined
    with pytest.raises(OutputError, match="--patient-id is for scans that were not DICOM"):
        result.export(patient_id="rat 3")


def test_a_deidentified_export_has_nothing_of_the_patient_or_the_source(joined):
    result, images = joined
    mask = np.ones(result.grid.shape, bool)
    result.add_regions({"Soleus left": mask})
    exported = result.export(deidentify=True)
    identities = [
        v.encode("latin-1")
        for k, v in PATIENT.items()
        if k not in ("SpecificCharacterSet", "BodyPartExamined")
    ]
    identities = [v for v in identities if len(v) > 2] + ["Müller".encode(), b"20260101", b"2026", b"/scan"]
    identities += [str(i.SOPInstanceUID).encode() for i in images] + [
        str(images[0].SeriesInstanceUID).encode()
    ]
    for path in result.out.iterdir():
        content = path.read_bytes()
        assert not [i for i in identities if i in content.replace(b"highdicom", b"")]
        dataset = dcmread(path)
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.DeidentificationMethod
        assert not dataset.PatientName
        assert not dataset.PatientID
        assert dataset.ContentDate == "19000101"
    assert any("check that they name nobody" in note for note in exported.notes)
