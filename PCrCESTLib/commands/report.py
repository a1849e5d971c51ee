"""``pcrcest report``: one result folder as a page to read, print and keep."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.report.make import DEFAULT_NAME, ReportOptions, make_report


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``report`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "report",
        help="a page to read and print from a result of quantify",
        description="Write one HTML page that stands by itself (pictures embedded, nothing fetched) from a result "
        "folder of pcrcest quantify: findings per muscle with uncertainties, identity, protocol, quality, maps, "
        "spectra, method, versions and checksums.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="result folder of pcrcest quantify")
    add("--out", type=Path, metavar="REPORT.html", help=f"the page (default: {DEFAULT_NAME} in DIR)")
    add("--pdf", action="store_true", help="also write it as PDF beside it (needs weasyprint)")
    add("--deidentify", action="store_true", help="leave out names, identifiers, dates and paths")
    add(
        "--reference-ranges",
        type=Path,
        metavar="RANGES.csv",
        help="usual values: a table with the columns roi (* for all), quantity, low, high",
    )
    add("--overwrite", action="store_true", help="replace an earlier report")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Make the report, say what was written; returns the exit code.

    Raises
    ------
    PCrCESTError
        When the folder is no result, or the report cannot be written.
    """
    progress = make_progress(args.progress)
    options = ReportOptions(args.pdf, args.deidentify, args.reference_ranges, args.overwrite)
    files = make_report(args.folder, args.out, options, progress.step)
    older = files[0].with_suffix(".pdf")
    if not args.pdf and older.exists():
        progress.warn(f"{older} is of an earlier report; --pdf --overwrite makes both anew")
    progress.finish(out=str(files[0]), files=[path.name for path in files])
    if args.progress == "bar":
        sys.stdout.write("report in " + " and ".join(map(str, files)) + "\n")
    return 0
