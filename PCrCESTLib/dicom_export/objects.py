"""What maps and regions have in common as DICOM objects: where they lie, who made them, whose they are."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.packages import import_highdicom
from PCrCESTLib.dicom_export.quantities import SCHEME, SCHEME_NAME
from PCrCESTLib.dicom_export.references import coded
from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.dicom_export.subject import EMPTY, METHOD, Subject
from PCrCESTLib.dicom_export.text import SHORT_TEXT, fitted
from PCrCESTLib.dicom_export.uids import PLACEHOLDER, identify
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.version import __version__

MANUFACTURER = "PCrCEST"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"
UNICODE = "ISO_IR 192"
PROCESSING = ("109102", "DCM", "Processing Equipment")


def grid_arguments(geometry: Geometry) -> dict[str, Any]:
    """Place of every frame as highdicom takes it: frame z is slice z, rows run along y, columns along x.

    Positions and directions are decimal strings of 16 characters in DICOM, so they are kept to about ten digits.
    """
    hd = import_highdicom()
    patient = hd.CoordinateSystemNames.PATIENT
    columns, rows, slices = geometry.matrix.T
    sx, sy, sz = geometry.spacing_mm
    origin = np.asarray(geometry.origin_mm)
    return {
        "plane_orientation": hd.PlaneOrientationSequence(patient, [*map(float, (*columns, *rows))]),
        "plane_positions": [
            hd.PlanePositionSequence(patient, [*map(float, origin + z * sz * slices)])
            for z in range(geometry.size[2])
        ],
        "pixel_measures": hd.PixelMeasuresSequence([sy, sx], slice_thickness=sz, spacing_between_slices=sz),
    }


def series_arguments(
    subject: Subject, geometry: Geometry, result: Result, number: int, title: str
) -> dict[str, Any]:
    """Patient, study, series and equipment as highdicom takes them.

    It wants images for them: here one a slice that lies where the map lies, so that nothing else is taken from them.
    """
    return {
        "source_images": _templates(subject, geometry),
        "series_instance_uid": PLACEHOLDER,
        "sop_instance_uid": PLACEHOLDER,
        "series_number": number,
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": list(software_versions(result)),
        "device_serial_number": __version__,
        "series_description": title,
        "transfer_syntax_uid": EXPLICIT,
    }


def software_versions(result: Result) -> tuple[str, ...]:
    """Name what computed the maps, and what wrote these objects."""
    computed = fitted(result.texts("software"))
    return tuple(dict.fromkeys(v for v in (computed, f"PCrCEST {__version__}") if v))


def derivation_text(result: Result) -> str:
    """How the maps came about, in one paragraph: method, model with its checksum, protocol, provenance file."""
    protocol = result.record.get("protocol")
    powers = protocol.get("SaturationB1") if isinstance(protocol, dict) else None
    listed = powers if isinstance(powers, list) else [powers]
    b1 = sorted({float(p) for p in listed if isinstance(p, int | float)})
    field = result.texts("protocol", "MagneticFieldStrength")
    facts = [
        f"{result.texts('software')}, method {result.texts('method')}",
        result.texts("fit", "name"),
        _model(result),
        f"{field} T" if field else "",
        f"B1 {' + '.join(f'{p:g}' for p in b1)} uT" if b1 else "",
        f"quantify.json sha256 {result.checksum}",
    ]
    return fitted("; ".join(fact for fact in facts if fact), SHORT_TEXT)


def finish(dataset: Any, subject: Subject, result: Result, references: str = "") -> None:
    """Complete an object: identity, dates, provenance, and the identifiers of its content.

    ``references`` stands for those to source images, which come later and are long.
    """
    dataset.SpecificCharacterSet = UNICODE
    day, time = subject.written[:8], subject.written[8:]
    for name in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        setattr(dataset, name, day)
    for name in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        setattr(dataset, name, time)
    dataset.TimezoneOffsetFromUTC = "+0000"
    # Elements may be shared with the objects that this one was made from: new ones replace them.
    for keyword in EMPTY:
        dataset.pop(keyword, None)
        setattr(dataset, keyword, None)
    for element in subject.elements.values():
        dataset.add(copy.deepcopy(element))
    if subject.body_part and "Rows" in dataset:  # a report has no such element
        dataset.BodyPartExamined = subject.body_part
    if subject.deidentified:
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = METHOD
    dataset.ContributingEquipmentSequence = [_processing(result)]
    dataset.CodingSchemeIdentificationSequence = [_scheme()]
    identify(dataset, references)


def _model(result: Result) -> str:
    name, checksum = result.texts("model", "name"), result.texts("model", "sha256")
    return " ".join(["model", *([name] if name else []), "sha256", checksum]) if checksum else name


def _templates(subject: Subject, geometry: Geometry) -> list[Any]:
    place = grid_arguments(geometry)
    images = []
    for z, position in enumerate(place["plane_positions"]):
        image = _template(subject, geometry)
        image.SOPInstanceUID = f"{PLACEHOLDER}.{z + 1}"
        image.ImagePositionPatient = position[0].ImagePositionPatient
        image.ImageOrientationPatient = place["plane_orientation"][0].ImageOrientationPatient
        for name in ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"):
            setattr(image, name, place["pixel_measures"][0].get(name))
        images.append(image)
    return images


def _template(subject: Subject, geometry: Geometry) -> Any:
    from pydicom.dataset import Dataset

    image = Dataset()
    image.SOPClassUID = MR_IMAGE
    image.SeriesInstanceUID = PLACEHOLDER
    image.StudyInstanceUID = subject.study_uid
    image.FrameOfReferenceUID = subject.frame_of_reference_uid
    image.PositionReferenceIndicator = None
    image.Modality = "MR"
    image.Rows, image.Columns = geometry.shape[1:]
    for keyword in EMPTY:
        setattr(image, keyword, None)
    return image


def _processing(result: Result) -> Any:
    """Item of the contributing equipment (PS3.3 section C.12.1): this program, and what it did."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.Manufacturer = item.ManufacturerModelName = MANUFACTURER
    item.SoftwareVersions = list(software_versions(result))
    item.ContributionDescription = derivation_text(result)
    item.PurposeOfReferenceCodeSequence = [coded(PROCESSING)]
    return item


def _scheme() -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeName = SCHEME_NAME
    item.CodingSchemeResponsibleOrganization = "The PCrCEST developers"
    return item
