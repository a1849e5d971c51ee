"""Who was scanned, when and on what: as DICOM, ParaVision and the JSON file of a converter say it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.identity import ScanIdentity, read_identity

GRID = Geometry((4, 3, 1), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def write_dicom(folder, **elements):
    samples = pytest.importorskip("dicom_samples", reason="needs pydicom")
    samples.write_classic(folder, np.ones((3, 1, 3, 4), np.uint16), GRID, **elements)
    return folder


def test_dicom_tells_the_patient_as_people_write_it(tmp_path):
    said = read_identity(
        write_dicom(
            tmp_path / "scan",
            PatientName="Hasenfratz^Bodo^^Dr.",
            PatientID="PX-4711",
            PatientBirthDate="19610203",
            PatientSex="M",
            AcquisitionDate="20240131",
            AcquisitionTime="142503.25",
            SeriesDescription="cest leg 0.5uT",
            SeriesNumber=5,
            Manufacturer="SIEMENS",
            ManufacturerModelName="Prisma",
            InstitutionName="Klinik Oberwald",
        )
    )
    assert said.name == "Hasenfratz, Bodo Dr."
    assert (said.subject_id, said.birth_date, said.sex) == ("PX-4711", "1961-02-03", "male")
    assert said.scanned == "2024-01-31 14:25"
    assert said.series == "cest leg 0.5uT (series 5)"
    assert (said.institution, said.scanner) == ("Klinik Oberwald", "SIEMENS Prisma")


def test_names_in_other_scripts_are_read_in_the_character_set_of_the_file(tmp_path):
    elements = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller^Žofia=山田^太郎"}
    assert read_identity(write_dicom(tmp_path / "scan", **elements)).name == "Müller, Žofia"


def test_an_anonymous_scan_says_nothing_of_its_subject(tmp_path):
    said = read_identity(write_dicom(tmp_path / "scan", PatientName="", PatientID=""))
    assert said == ScanIdentity(series=said.series)


def test_paravision_tells_the_animal(tmp_path):
    pytest.importorskip("brukerapi")
    from bruker_scans import text, write_scan

    visu = {
        "VisuSubjectName": text("Rat 12"),
        "VisuSubjectId": text("ALS-12"),
        "VisuSubjectSex": "FEMALE",
        "VisuAcqDate": "<2022-03-16T12:02:38,085-0500>",
        "VisuStation": text("spect"),
    }
    said = read_identity(write_scan(tmp_path / "4", visu=visu))
    assert (said.name, said.subject_id, said.sex) == ("Rat 12", "ALS-12", "female")
    assert said.scanned == "2022-03-16 12:02"
    assert said.station == "spect"


def test_the_converters_file_tells_what_it_kept(tmp_path):
    (tmp_path / "x.nii.gz").write_bytes(b"any image")
    keys = {
        "PatientName": "Hasenfratz^Bodo",
        "AcquisitionDateTime": "2024-01-31T14:25:03.5",
        "SeriesNumber": 5,
    }
    (tmp_path / "x.json").write_text(json.dumps(keys | {"PatientID": ["a", "list"], "PatientSex": None}))
    said = read_identity(tmp_path / "x.nii.gz")
    assert (said.name, said.scanned, said.series) == ("Hasenfratz, Bodo", "2024-01-31 14:25", "5")
    assert (said.subject_id, said.sex) == ("", "")


def test_a_hostile_value_is_one_short_line(tmp_path):
    (tmp_path / "x.nii.gz").write_bytes(b"any image")
    (tmp_path / "x.json").write_text(json.dumps({"PatientName": "a\n\x00\u202eb" + "c" * 100_000}))
    name = read_identity(tmp_path / "x.nii.gz").name
    assert name.startswith("a bc")
    assert len(name) <= 120


def test_without_a_header_nothing_is_said(tmp_path):
    (tmp_path / "x.nii.gz").write_bytes(b"any image")
    assert read_identity(tmp_path / "x.nii.gz") == ScanIdentity()


def test_a_cut_header_is_refused(tmp_path):
    folder = write_dicom(tmp_path / "scan", PatientName="Hasenfratz^Bodo")
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(ReaderError):
        read_identity(folder)
