"""``pcrcest dicom``: a result folder as DICOM objects for the PACS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from PCrCESTLib.dicom_export import ExportOptions, export_dicom
from PCrCESTLib.progress import KINDS, make_progress


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``dicom`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "dicom",
        help="maps and regions of a result as DICOM, for the PACS",
        description="Write the maps of a result folder as DICOM parametric maps and its regions as a DICOM"
        " segmentation. They join the study of the scan when that was DICOM; otherwise they stand in a study of their"
        " own, without a patient. Exported again, the same result has the same identifiers.",
    )
    add = parser.add_argument
    add("result", type=Path, metavar="DIR", help="folder that pcrcest quantify wrote")
    add("--out", type=Path, required=True, metavar="FOLDER", help="folder for the DICOM files")
    add(
        "--source",
        type=Path,
        nargs="+",
        default=[],
        metavar="DICOM_FOLDER",
        help="DICOM images of the scan, one folder a series (default: where the result's record says)",
    )
    add("--patient-id", default="", metavar="ID", help="patient or animal, for a scan that was not DICOM")
    add(
        "--deidentify",
        action="store_true",
        help="leave out patient, study and dates, and refer to no source image",
    )
    add("--overwrite", action="store_true", help="replace an earlier export in FOLDER")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Export, say what was written; returns the exit code.

    Raises
    ------
    PCrCESTError
        When the result or the source cannot be used, or the files cannot be written.
    """
    progress = make_progress(args.progress)
    options = ExportOptions(tuple(args.source), args.deidentify, args.patient_id, args.overwrite)
    exported = export_dicom(args.result, args.out, options, progress.step)
    for note in exported.notes:
        progress.warn(note)
    progress.finish(out=str(args.out), files=list(exported.files))
    if args.progress == "bar":
        sys.stdout.write(f"{', '.join(exported.files)} in {args.out}\n")
    return 0
