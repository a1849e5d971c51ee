"""From a result folder to the report: the one function that the command line and the Slicer panel use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.errors import OutputError, ProtocolError, ReaderError
from PCrCESTLib.outputs import staged_files
from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.readers.identity import ScanIdentity
from PCrCESTLib.report.deidentify import deidentified
from PCrCESTLib.report.doubts import quality_section
from PCrCESTLib.report.findings import findings_section
from PCrCESTLib.report.identity import SEVERAL, Identity, identity_of, identity_section
from PCrCESTLib.report.maps import maps_section
from PCrCESTLib.report.method import method_section
from PCrCESTLib.report.muscles import muscles_section
from PCrCESTLib.report.page import page
from PCrCESTLib.report.pdf import pdf_of, require_weasyprint
from PCrCESTLib.report.provenance import own_checksums, provenance_section, warnings_section
from PCrCESTLib.report.references import ReferenceRange, read_reference_ranges
from PCrCESTLib.report.result import Result, read_result
from PCrCESTLib.report.scan import scan_section
from PCrCESTLib.report.spectra import spectra_section
from PCrCESTLib.result_folder import RECORD
from PCrCESTLib.version import __version__

TITLE = "Phosphocreatine CEST report"
DEFAULT_NAME = "report.html"
SUFFIXES = (".html", ".htm")
NO_DEVICE = "research software, not a medical device"
Step = Callable[[float, str], None]


@dataclass(frozen=True)
class ReportOptions:
    """How a report is made; ``reference_ranges`` is a CSV table (`read_reference_ranges`)."""

    pdf: bool = False
    deidentify: bool = False
    reference_ranges: Path | None = None
    overwrite: bool = False


def make_report(
    folder: Path,
    out: Path | None = None,
    options: ReportOptions | None = None,
    step: Step = lambda fraction, stage: None,
) -> list[Path]:
    """Write the report of a result folder; return the files written (HTML, and PDF if asked for).

    Parameters
    ----------
    folder : Path
        What ``pcrcest quantify --out`` wrote.
    out : Path, optional
        The HTML file; by default ``report.html`` in the folder. The PDF has the same name with ``.pdf``.
    options : ReportOptions, optional
        By default no PDF, with identity, never over an earlier report.
    step : callable, optional
        Called with the fraction done and what is under way.

    Raises
    ------
    ReaderError
        When the folder is no result, or the reference ranges are no such table.
    OutputError
        When the files exist already or cannot be written.
    MissingExtraError
        When matplotlib, or weasyprint for the PDF, is not installed.
    """
    options = options or ReportOptions()
    html = out or Path(folder) / DEFAULT_NAME
    if html.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{html}: the report is an HTML page; give a name that ends in .html")
    pdf = html.with_suffix(".pdf")
    if options.pdf:
        require_weasyprint()  # before the work
    step(0.0, "reading")
    result = read_result(Path(folder))
    ranges = read_reference_ranges(options.reference_ranges) if options.reference_ranges else ()
    files = [html, pdf] if options.pdf else [html]
    with staged_files(files, overwrite=options.overwrite) as staging:
        step(0.1, "drawing")
        text = report_page(result, ranges, deidentify=options.deidentify)
        (staging / html.name).write_text(text, encoding="utf-8")
        if options.pdf:
            step(0.6, "PDF")
            (staging / pdf.name).write_bytes(pdf_of(text))
    return files


def report_page(result: Result, ranges: tuple[ReferenceRange, ...] = (), *, deidentify: bool = False) -> str:
    """Return the report as an HTML page; with ``deidentify`` nothing in it tells whose it is."""
    checksums = own_checksums(result.folder)
    try:
        protocol = protocol_from_dict(result.record["protocol"])
    except ProtocolError as error:
        raise ReaderError(f"{result.folder / RECORD}: its protocol cannot be read ({error})") from error
    identity = identity_of(result)
    if deidentify:
        result = deidentified(result, identity.header)
        conflicts = (SEVERAL,) if identity.conflicts else ()
        identity = Identity("", "", (), ScanIdentity(scanner=identity.header.scanner), conflicts)
    line = "De-identified" if deidentify else identity.line
    sections = [
        findings_section(result, protocol.powers_ut, ranges),
        identity_section(result, identity, removed=deidentify),
        scan_section(protocol),
        quality_section(result),
        maps_section(result),
        *([muscles_section(result, ranges)] if result.rows else []),
        *([spectra_section(result, protocol)] if result.spectra else []),
        method_section(result),
        warnings_section(result),
        provenance_section(result, checksums),
    ]
    return page(
        TITLE if deidentify else f"{TITLE} · {line}",
        sections,
        lead=f"PCr fraction (fs) and exchange rate (ksw) of muscle from CEST MRI. PCrCEST is {NO_DEVICE}.",
        identity=f"{TITLE} · {line}",
        imprint=f"PCrCEST {__version__} · {NO_DEVICE}",
    )
