"""Who was scanned, when and on what, as the header of a scan or the JSON file of its converter says.

Keywords: DICOM PS3.3 sections C.7.1.1 (patient), C.7.2.1 (study), C.7.3.1 (series) and C.7.5.1 (equipment);
dcm2niix, which keeps those of the patient when told not to anonymize (``-ba n``); ParaVision's ``visu_pars``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PCrCESTLib.readers.bruker.files import ScanFiles, is_bruker_scan, read_scan_files
from PCrCESTLib.readers.dicom.file import is_dicom, read_header
from PCrCESTLib.readers.dicom.folder import is_dicom_folder
from PCrCESTLib.readers.dicom.series import find_scan
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.readers.scanner_sidecar import read_sidecar
from PCrCESTLib.readers.stored_bytes import sniff

LONGEST = 120  # letters of a value; more is no name
SEXES = {"M": "male", "F": "female", "O": "other", "MALE": "male", "FEMALE": "female"}
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_MOMENT = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ]?(\d\d):?(\d\d))?")

Text = Callable[[str], str]


@dataclass(frozen=True)
class ScanIdentity:
    """What a scan says of itself; ``""`` where it says nothing. Dates are YYYY-MM-DD where they can be told."""

    name: str = ""
    subject_id: str = ""
    birth_date: str = ""
    sex: str = ""
    scanned: str = ""
    study: str = ""
    series: str = ""
    accession: str = ""
    institution: str = ""
    station: str = ""
    scanner: str = ""


def read_identity(path: Path) -> ScanIdentity:
    """Read what a CEST series says of subject and scan; formats without such a header say nothing.

    Parameters
    ----------
    path : Path
        A Bruker scan, a DICOM file or folder, or an image with a converter's JSON file beside it.

    Raises
    ------
    ReaderError
        When a header is damaged.
    GeometryError
        When the images of a DICOM folder do not lie on one grid.
    MissingExtraError
        When pydicom or brukerapi is needed and not installed.
    """
    if is_bruker_scan(path):
        return _of_bruker(read_scan_files(path))
    if is_dicom_folder(path) if path.is_dir() else is_dicom(sniff(path)):
        return read_header(find_scan(path).stack.frames[0][0].path, lambda dataset, _: _of_dicom(dataset))
    return _of_sidecar(read_sidecar(path.with_name(f"{stem_of(path)}.json")))


def _of_dicom(dataset: Any) -> ScanIdentity:
    def text(keyword: str) -> str:
        return _plain(dataset.get(keyword))

    scanned = text("AcquisitionDateTime") or next(
        (
            text(f"{of}Date") + text(f"{of}Time")
            for of in ("Acquisition", "Series", "Study")
            if text(f"{of}Date")
        ),
        "",
    )
    return _with_keywords(text, scanned, text("ManufacturerModelName"))


def _of_sidecar(sidecar: Mapping[str, Any]) -> ScanIdentity:
    def text(key: str) -> str:
        value = sidecar.get(key)
        return _plain(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""

    return _with_keywords(text, text("AcquisitionDateTime"), text("ManufacturersModelName"))


def _with_keywords(text: Text, scanned: str, model: str) -> ScanIdentity:
    """Read the keywords that DICOM and dcm2niix have in common."""
    number = text("SeriesNumber")
    series = text("SeriesDescription") or text("ProtocolName")
    return ScanIdentity(
        name=_person(text("PatientName")),
        subject_id=text("PatientID"),
        birth_date=_day(text("PatientBirthDate")),
        sex=_sex(text("PatientSex")),
        scanned=_moment(scanned),
        study=text("StudyDescription"),
        series=f"{series} (series {number})" if series and number else series or number,
        accession=text("AccessionNumber"),
        institution=text("InstitutionName"),
        station=text("StationName"),
        scanner=" ".join(filter(None, (text("Manufacturer"), model))),
    )


def _of_bruker(scan: ScanFiles) -> ScanIdentity:
    def text(name: str) -> str:
        return _plain(scan.visu.text(name))

    series = _plain(scan.acqp.text("ACQ_scan_name")) or text("VisuAcquisitionProtocol")
    return ScanIdentity(
        name=_person(text("VisuSubjectName")),
        subject_id=text("VisuSubjectId"),
        birth_date=_day(text("VisuSubjectBirthDate")),
        sex=_sex(text("VisuSubjectSex")),
        scanned=_moment(text("VisuAcqDate")),
        study=text("VisuStudyId"),
        series=series or f"scan {scan.folder.name}",
        institution=text("VisuInstitution"),
        station=text("VisuStation"),
        scanner=text("VisuManufacturer"),
    )


def _plain(value: object) -> str:
    """Return a value as one line without control characters."""
    text = "" if value is None else str(value)
    return " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())[:LONGEST]


def _person(name: str) -> str:
    """Return a name of DICOM, ``family^given^middle^prefix^suffix``, as people write it (PS3.5 section 6.2.1.2)."""
    groups = [group for group in name.split("=") if group]  # alphabetic, ideographic, phonetic
    if not groups:
        return ""
    family, *others = (part.strip() for part in groups[0].split("^"))
    return ", ".join(filter(None, (family, " ".join(filter(None, others)))))


def _sex(text: str) -> str:
    return SEXES.get(text.upper(), "")


def _day(text: str) -> str:
    found = _DAY.match(text)
    return "-".join(found.groups()) if found else text


def _moment(text: str) -> str:
    found = _MOMENT.match(text)
    if not found:
        return text
    year, month, day, hour, minute = found.groups()
    return f"{year}-{month}-{day}" + (f" {hour}:{minute}" if hour else "")
