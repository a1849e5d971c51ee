"""From a result folder to DICOM files: the one function that the command line and the Slicer panel call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.dicom_export.encapsulated_pdf import FILE as PDF
from PCrCESTLib.dicom_export.encapsulated_pdf import encapsulated_pdf
from PCrCESTLib.dicom_export.measurements import measurement_report, read_table
from PCrCESTLib.dicom_export.packages import import_highdicom
from PCrCESTLib.dicom_export.parametric_map import parametric_map
from PCrCESTLib.dicom_export.quantities import MAPS
from PCrCESTLib.dicom_export.references import References
from PCrCESTLib.dicom_export.regions import Regions, read_regions
from PCrCESTLib.dicom_export.result import Result, read_result
from PCrCESTLib.dicom_export.segmentation import segmentation
from PCrCESTLib.dicom_export.source import Source, read_source, source_paths
from PCrCESTLib.dicom_export.subject import Subject, deidentified, new_subject, source_subject
from PCrCESTLib.dicom_export.text import fitted
from PCrCESTLib.errors import OutputError
from PCrCESTLib.outputs import staged_files

REGIONS_FILE, TABLE_FILE, REPORT_FILE = "rois.dcm", "table.dcm", "report.dcm"
NAMES = (*(f"{quantity.name}.dcm" for quantity in MAPS), REGIONS_FILE, TABLE_FILE, REPORT_FILE)
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class ExportOptions:
    """How to export.

    Parameters
    ----------
    sources : tuple of Path
        DICOM folders or files of the scan; by default those that the result's record names, if they are DICOM.
    deidentify : bool
        Leave out patient, study and dates, and replace all identifiers.
    patient_id : str
        Identifier of the patient or animal, for a scan that was not DICOM.
    overwrite : bool
        Replace an earlier export.
    """

    sources: tuple[Path, ...] = ()
    deidentify: bool = False
    patient_id: str = ""
    overwrite: bool = False


@dataclass(frozen=True)
class Exported:
    """The files written, and what the user should know, each a sentence."""

    files: tuple[str, ...]
    notes: tuple[str, ...]


def export_dicom(
    folder: Path,
    out: Path,
    options: ExportOptions | None = None,
    report: Report = lambda fraction, stage: None,
) -> Exported:
    """Write the maps, regions, table and report of a result folder as DICOM files, all or none.

    Parameters
    ----------
    folder : Path
        What ``pcrcest quantify`` wrote.
    out : Path
        Folder for the DICOM files, ``fs.dcm``, ``ksw.dcm`` …, ``rois.dcm``, ``table.dcm``, ``report.dcm``.
    options : ExportOptions, optional
        Source, identity and overwriting.
    report : callable, optional
        Called with the fraction done and what is under way.

    Raises
    ------
    PCrCESTError
        When the folder is no result, the source does not match it, or the files cannot be written.
    """
    options = options or ExportOptions()
    import_highdicom()
    with staged_files([out / name for name in NAMES], overwrite=options.overwrite) as staging:
        report(0.0, "reading")
        result = read_result(folder)
        if options.deidentify:
            result = result.without_own_model()
        regions = read_regions(folder, result.geometry)
        subject, source, notes = _subject(result, options)
        references = References(source, result.geometry)
        _protect(out, options, result)
        side = "" if regions is None else regions.side
        rows = read_table(folder)
        objects = {}
        for done, quantity in enumerate(result.maps):
            report(0.1 + 0.7 * done / len(result.maps), quantity.name)
            objects[f"{quantity.name}.dcm"] = parametric_map(result, quantity, subject, references, side)
        if regions is not None:
            report(0.8, "regions")
            objects[REGIONS_FILE] = segmentation(result, regions, subject, references)
            table = measurement_report(result, regions, rows, subject, references, list(objects.values()))
            objects |= {} if table is None else {TABLE_FILE: table}
        pdf = None if options.deidentify else encapsulated_pdf(result, subject)
        objects |= {} if pdf is None else {REPORT_FILE: pdf}
        report(0.9, "writing")
        for name, dataset in objects.items():
            dataset.save_as(staging / name, enforce_file_format=True)
    return Exported(tuple(objects), (*result.notes, *notes, *_left_out(regions, folder, options)))


def _subject(result: Result, options: ExportOptions) -> tuple[Subject, Source | None, tuple[str, ...]]:
    paths, notes = source_paths(result, options.sources)
    source = read_source(paths, result.geometry) if paths else None
    if source is not None and options.patient_id:
        raise OutputError(
            "--patient-id is for scans that were not DICOM; this one's patient stands in its source: leave the option"
            " out"
        )
    if options.patient_id != fitted(options.patient_id):
        raise OutputError(
            f"--patient-id {options.patient_id[:80]!r}: at most 64 bytes without backslash or control characters are"
            " expected; give a shorter one"
        )
    if options.patient_id and options.deidentify:
        raise OutputError("--patient-id and --deidentify contradict each other; give one of them")
    if options.deidentify:
        known = new_subject(result) if source is None else source_subject(result, source.header)
        return deidentified(result, known), None, ()
    if source is None:
        return new_subject(result, options.patient_id), None, notes
    subject = source_subject(result, source.header)
    return subject, source, (*notes, *subject.notes)


def _left_out(regions: Regions | None, folder: Path, options: ExportOptions) -> tuple[str, ...]:
    notes = ["no regions in the result: no segmentation was written"] if regions is None else [*regions.notes]
    if options.deidentify and (folder / PDF).is_file():
        notes.append(f"{PDF} is left out, as its text may name the patient")
    if options.deidentify and regions is not None:
        notes.append("the names of the regions are kept: check that they name nobody")
    return tuple(notes)


def _protect(out: Path, options: ExportOptions, result: Result) -> None:
    """Refuse to write among the images that were read."""
    for path in source_paths(result, options.sources)[0]:
        inside = out.resolve().is_relative_to(path.resolve())
        if inside or (path.is_file() and out.resolve() == path.resolve().parent):
            raise OutputError(f"{out}: the source images lie there; give another folder with --out")
