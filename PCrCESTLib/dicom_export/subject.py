"""Whose scan it is: patient, study and frame of reference, taken from the DICOM source or left empty.

Nothing is invented. Without a DICOM source the patient's name, birth date and sex stay empty, which the standard
allows (type 2), and study and frame of reference get identifiers of the scan, so that all results of one scan lie
together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.dicom_export.uids import uid_from

EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
# Of the patient and study modules (PS3.3 sections C.7.1.1, C.7.2.1, C.7.2.2): what makes the object join its study.
IDENTITY = (
    *EMPTY,
    "IssuerOfPatientID",
    "OtherPatientIDsSequence",
    "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence",
    "PatientBreedDescription",
    "PatientBreedCodeSequence",
    "BreedRegistrationSequence",
    "PatientSexNeutered",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "QualityControlSubject",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
)
# Of the series: these say which part of the body it is, not whose.
ANATOMY = ("BodyPartExamined", "Laterality")
SEXES = ("M", "F", "O")
METHOD = "PCrCEST: patient, study and dates left out, identifiers replaced"
DUMMY_TIME = "19000101000000"


@dataclass(frozen=True)
class Subject:
    """What all objects of one export share.

    Attributes
    ----------
    study_uid, frame_of_reference_uid : str
        Where they belong.
    elements : dict
        ``pydicom.DataElement`` by keyword: patient and study, checked.
    body_part, side : str
        BodyPartExamined and Laterality, where the source states them.
    written : str
        Date and time of the content, YYYYMMDDHHMMSS, UTC.
    deidentified : bool
        Whether identity was left out.
    notes : tuple of str
        What of the source could not be taken over.
    """

    study_uid: str
    frame_of_reference_uid: str
    written: str
    elements: dict[str, Any] = field(default_factory=dict)
    body_part: str = ""
    side: str = ""
    deidentified: bool = False
    notes: tuple[str, ...] = ()


def new_subject(result: Result, patient_id: str = "") -> Subject:
    """Subject of a scan that was not DICOM: identifiers of the scan, nobody's name."""
    known = {"PatientID": _element("PatientID", patient_id)} if patient_id else {}
    scan = _scan_key(result)
    return Subject(
        uid_from("study", scan, patient_id),
        uid_from("frame of reference", scan, patient_id),
        result.finished.strftime("%Y%m%d%H%M%S"),
        known,
    )


def source_subject(result: Result, header: Any) -> Subject:
    """Subject of a DICOM scan, from the header of one of its images (a ``pydicom.Dataset``).

    Values that the standard does not allow are left out, and told.
    """
    elements, lost = _usable(header, IDENTITY)
    anatomy, lost_anatomy = _usable(header, ANATOMY)
    if "PatientSex" in elements and elements["PatientSex"].value not in (*SEXES, "", None):
        del elements["PatientSex"]
        lost.append("PatientSex")
    scan = str(header.get("SeriesInstanceUID", ""))
    return Subject(
        str(header.get("StudyInstanceUID") or uid_from("study", scan)),
        str(header.get("FrameOfReferenceUID") or uid_from("frame of reference", scan)),
        result.finished.strftime("%Y%m%d%H%M%S"),
        elements,
        str(anatomy["BodyPartExamined"].value or "") if "BodyPartExamined" in anatomy else "",
        str(anatomy["Laterality"].value or "") if "Laterality" in anatomy else "",
        notes=tuple(f"the source's {name} is not valid and was left out" for name in [*lost, *lost_anatomy]),
    )


def deidentified(result: Result, subject: Subject) -> Subject:
    """Subject without identity, dates and the identifiers of the source (PS3.15 table E.1-1).

    Its own identifiers are of the maps, so that only whoever has them can tell which scan it was.
    """
    key = _maps_key(result)
    return Subject(
        uid_from("study", "deidentified", key),
        uid_from("frame of reference", "deidentified", key),
        DUMMY_TIME,
        {},
        subject.body_part,
        subject.side,
        True,
    )


def _scan_key(result: Result) -> str:
    """Tell scans apart: by the checksums of the series, or, in a record without them, by the maps."""
    sums = [str(entry.get("sha256")) for entry in result.inputs("series") if entry.get("sha256")]
    if sums and len(sums) == len(result.inputs("series")):
        return " ".join(sorted(sums))
    return _maps_key(result)


def _maps_key(result: Result) -> str:
    maps = sorted(result.maps.items(), key=lambda item: item[0].name)
    return " ".join(uid_from(q.name, np.ascontiguousarray(a).tobytes().hex()) for q, a in maps)


def _usable(header: Any, keywords: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """Elements of a header that may be written again, and the names of those that may not."""
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for keyword in keywords:
        if keyword not in header:
            continue
        try:
            found = header[keyword]
            element = found if found.VR == "SQ" else _element(keyword, found.value)
        except Exception:  # pydicom raises nearly any type on damaged values
            element = None
        if element is None:
            lost.append(keyword)
        else:
            kept[keyword] = element
    return kept, lost


def _element(keyword: str, value: Any) -> Any:
    """Element with a value that the standard allows, None where it does not."""
    from pydicom import config
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.dataelem import DataElement

    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr = dictionary_VR(tag)
    # Names carry the character set they were written in; here everything is Unicode.
    plain = str(value) if vr in ("PN", "LO", "SH", "LT", "ST") and value is not None else value
    try:
        return DataElement(tag, vr, plain, validation_mode=config.RAISE)
    except (ValueError, TypeError):
        return None
