"""The report of a result, a PDF file, as DICOM Encapsulated PDF (PS3.3 section A.45.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PCrCESTLib.dicom_export.objects import EXPLICIT, MANUFACTURER, finish, software_versions
from PCrCESTLib.dicom_export.quantities import REPORT_SERIES
from PCrCESTLib.dicom_export.references import coded
from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.dicom_export.subject import Subject
from PCrCESTLib.dicom_export.uids import PLACEHOLDER
from PCrCESTLib.errors import ReaderError
from PCrCESTLib.version import __version__

FILE = "report.pdf"
TITLE = "PCrCEST report"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
MEASUREMENT_REPORT = ("126000", "DCM", "Imaging Measurement Report")


def encapsulated_pdf(result: Result, subject: Subject) -> Any:
    """Return the report as a ``pydicom.Dataset`` ready to be saved, None where the result has none.

    Raises
    ------
    ReaderError
        When the file is no PDF.
    """
    path = result.folder / FILE
    if not path.is_file():
        return None
    content = _read(path)
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = ENCAPSULATED_PDF
    dataset.file_meta.TransferSyntaxUID = EXPLICIT
    dataset.SOPClassUID = ENCAPSULATED_PDF
    dataset.StudyInstanceUID = subject.study_uid
    dataset.SOPInstanceUID = dataset.SeriesInstanceUID = PLACEHOLDER
    dataset.Modality, dataset.ConversionType = "DOC", "WSD"  # made by a workstation
    dataset.SeriesNumber, dataset.InstanceNumber = REPORT_SERIES, 1
    dataset.SeriesDescription = dataset.DocumentTitle = TITLE
    dataset.Manufacturer = dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = list(software_versions(result))
    dataset.DeviceSerialNumber = __version__
    dataset.BurnedInAnnotation = "YES"  # its text may name the patient
    dataset.AcquisitionDateTime = None
    dataset.ConceptNameCodeSequence = [coded(MEASUREMENT_REPORT)]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(content)
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    finish(dataset, subject, result)
    return dataset


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReaderError(
            f"{path}: the file cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not content.startswith(b"%PDF-"):
        raise ReaderError(f"{path}: not a PDF file; make it again with pcrcest report, or remove it")
    return content
