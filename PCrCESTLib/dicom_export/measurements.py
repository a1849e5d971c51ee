"""The table per region as a structured report (TID 1500), each number beside the segment that it belongs to."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from PCrCESTLib.dicom_export.objects import EXPLICIT, MANUFACTURER, finish, software_versions
from PCrCESTLib.dicom_export.packages import import_highdicom
from PCrCESTLib.dicom_export.parametric_map import STANDARD_DEVIATION
from PCrCESTLib.dicom_export.quantities import SCHEME, TABLE_SERIES, UNITS, code
from PCrCESTLib.dicom_export.references import References
from PCrCESTLib.dicom_export.regions import Region, Regions
from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.dicom_export.subject import Subject
from PCrCESTLib.dicom_export.text import fitted
from PCrCESTLib.dicom_export.uids import PLACEHOLDER, uid_from
from PCrCESTLib.errors import ReaderError
from PCrCESTLib.result_folder import TABLE
from PCrCESTLib.roi import ROI_SPECTRUM, VOXEL_MEAN, has_value
from PCrCESTLib.version import __version__

TITLE = "PCrCEST table of regions"
PROCEDURE = ("25056-3", "LN", "MRI unspecified body region")
MEAN = ("373098007", "SCT", "Mean")
SPECTRUM_METHOD = ("roi-spectrum", SCHEME, "Method on the mean spectrum of the region")
YES, NO = ("373066001", "SCT", "Yes"), ("373067005", "SCT", "No")
VOLUME, CUBIC_MM = ("118565006", "SCT", "Volume"), ("mm3", "UCUM", "cubic millimeter")
FLAGGED, PERCENT = ("flagged", SCHEME, "Voxels with a quality flag"), ("%", "UCUM", "Percent")
Row = dict[str, str]


def read_table(folder: Path) -> list[Row]:
    """Read the rows of the table per region that have a value, none where there is no table.

    Raises
    ------
    ReaderError
        When the table is damaged.
    """
    path = folder / TABLE
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if has_value(row)]
        for row in rows:
            _ = float(row["value"]), float(row["sd"])
            if not math.isfinite(float(row["volume_mm3"]) + float(row["flagged_share"])):
                raise ValueError("extent")
            _ = row["roi"], row["quantity"], row["estimator"], row["identifiable"]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ReaderError(
            f"{path}: not a table as pcrcest quantify writes it; run it again, or remove the file"
        ) from error
    return rows


def measurement_report(
    result: Result,
    regions: Regions,
    rows: list[Row],
    subject: Subject,
    references: References,
    images: list[Any],
) -> Any:
    """Return the table as a ``pydicom.Dataset`` ready to be saved, None where it says nothing of the regions.

    Parameters
    ----------
    result : Result
        Where the table lies.
    regions : Regions
        The segments, in order.
    rows : list of dict
        The table.
    subject : Subject
        Whose it is.
    references : References
        To the images of the scan.
    images : list of pydicom.Dataset
        The finished maps, and the segmentation last.
    """
    hd = import_highdicom()
    groups = []
    for number, region in enumerate(regions.regions, start=1):
        for estimator in (ROI_SPECTRUM, VOXEL_MEAN):
            own = [r for r in rows if _plain(r["roi"]) == _plain(region.name) and r["estimator"] == estimator]
            if own:
                groups.append(_group(number, region, own, references, images))
    if not groups:
        return None
    observer = hd.sr.ObserverContext(
        hd.sr.CodedConcept("121007", "DCM", "Device"),
        hd.sr.DeviceObserverIdentifyingAttributes(
            uid=uid_from("device", __version__), manufacturer_name=MANUFACTURER, model_name=MANUFACTURER
        ),
    )
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=hd.sr.CodedConcept(*PROCEDURE),
        imaging_measurements=groups,
    )
    dataset = hd.sr.Comprehensive3DSR(
        evidence=images,
        content=report,
        series_instance_uid=PLACEHOLDER,
        series_number=TABLE_SERIES,
        sop_instance_uid=PLACEHOLDER,
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        manufacturer_model_name=MANUFACTURER,
        software_versions=list(software_versions(result)),
        device_serial_number=__version__,
        series_description=TITLE,
        transfer_syntax_uid=EXPLICIT,
    )
    finish(dataset, subject, result)
    return dataset


def _plain(name: str) -> str:
    """Name without the line breaks and double blanks that a segmentation file cannot keep."""
    return " ".join(name.split())


def _group(number: int, region: Region, rows: list[Row], references: References, images: list[Any]) -> Any:
    """All numbers of one region by one estimator, which readers look for at the group, not at each number.

    The images measured are those of the scan, or the first map where it had none.
    """
    hd = import_highdicom()
    segments = images[-1]
    series = references.series_uid or images[0].SeriesInstanceUID
    site = None
    if region.anatomy is not None:
        side = None if region.side is None else hd.sr.CodedConcept(*region.side)
        site = [hd.sr.FindingSite(hd.sr.CodedConcept(*region.anatomy), laterality=side)]
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid_from("region", segments.SOPInstanceUID, str(number)), region.label
        ),
        referenced_segment=hd.sr.ReferencedSegment(
            segments.SOPClassUID,
            segments.SOPInstanceUID,
            number,
            source_series=hd.sr.SourceSeriesForSegmentation(series),
        ),
        finding_type=hd.sr.CodedConcept(*region.kind),
        method=hd.sr.CodedConcept(*SPECTRUM_METHOD) if rows[0]["estimator"] == ROI_SPECTRUM else None,
        finding_sites=site,
        measurements=[m for row in rows for m in _measurements(row)] + _extent(rows[0]),
        qualitative_evaluations=_identifiable(rows),
    )


def _measurements(row: Row) -> list[Any]:
    """Value and SD of a row; none for a quantity of a later version."""
    mean = {"derivation": MEAN} if row["estimator"] == VOXEL_MEAN else {}
    quantity = "arex" if row["quantity"] == "AREX" else row["quantity"]
    if quantity not in UNITS:
        return []
    numbers = ((float(row["value"]), mean), (float(row["sd"]), {"derivation": STANDARD_DEVIATION}))
    return [
        _number(code(quantity), value, UNITS[quantity], **terms)
        for value, terms in numbers
        if math.isfinite(value)
    ]


def _extent(row: Row) -> list[Any]:
    return [
        _number(VOLUME, float(row["volume_mm3"]), CUBIC_MM),
        _number(FLAGGED, 100 * float(row["flagged_share"]), PERCENT),
    ]


def _number(
    name: tuple[str, str, str], value: float, unit: tuple[str, str, str], **terms: tuple[str, str, str]
) -> Any:
    hd = import_highdicom()
    coded_terms = {key: hd.sr.CodedConcept(*term) for key, term in terms.items()}
    return hd.sr.Measurement(hd.sr.CodedConcept(*name), value, hd.sr.CodedConcept(*unit), **coded_terms)


def _identifiable(rows: list[Row]) -> list[Any]:
    """Whether the scan told each quantity, for the estimate that is reported."""
    hd = import_highdicom()
    answers = []
    for row in rows:
        if row["estimator"] == ROI_SPECTRUM and row["quantity"] in ("fs", "ksw"):
            question = fitted(f"{row['quantity']} better known than from the usual range")
            answers.append(
                hd.sr.QualitativeEvaluation(
                    hd.sr.CodedConcept(f"{row['quantity']}-known", SCHEME, question),
                    hd.sr.CodedConcept(*(YES if row["identifiable"] == "True" else NO)),
                )
            )
    return answers
