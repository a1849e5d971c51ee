"""``pcrcest convert``: any series that can be read, as a 4D NIfTI file with its protocol file beside it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import OutputError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.outputs import staged_files
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.protocol_json import save_protocol
from PCrCESTLib.readers import read_series
from PCrCESTLib.series import CestSeries

SUFFIXES = (".nii.gz", ".nii")


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``convert`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "convert",
        help="write any readable series as 4D NIfTI with its protocol file",
        description="Write a CEST series of any format that can be read as one 4D NIfTI file, frames in the order of"
        " acquisition, and its protocol beside it (X.json for X.nii.gz). Intensities are written as 32-bit float, which"
        " is what every reader gives: whole numbers up to 16 777 216 stay exact. One series a call.",
    )
    add = parser.add_argument
    add("series", type=Path, metavar="SERIES", help="the series, in any format that pcrcest info reads")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="X.nii.gz",
        help="the NIfTI file; X.json is written beside it",
    )
    add("--protocol", type=Path, metavar="P.json", help="protocol file, when none lies beside the series")
    add(
        "--m0",
        type=Path,
        metavar="SERIES",
        help="scan of M0 (NIfTI, NRRD, DICOM, Bruker), when the series has none",
    )
    add("--overwrite", action="store_true", help="replace files of these names")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read, write, say what was written; returns the exit code.

    Raises
    ------
    PCrCESTError
        When the series cannot be read, or the files cannot be written.
    """
    progress = make_progress(args.progress)
    image, sidecar = args.out, protocol_path(args.out)
    with staged_files((image, sidecar), overwrite=args.overwrite) as folder:
        progress.step(0.0, "reading")
        series = read_series(args.series, args.protocol, m0=args.m0)
        _protect(series, (image, sidecar))
        progress.step(0.5, "writing")
        write_image(series.data, series.geometry, folder / image.name)
        save_protocol(series.protocol, folder / sidecar.name)
    for note in series.notes:
        progress.warn(note)
    progress.finish(out=str(image), files=[image.name, sidecar.name])
    if args.progress == "bar":
        sys.stdout.write(
            f"{image} and {sidecar.name}: {series.n_frames} frames, {series.geometry.describe()}\n"
        )
    return 0


def protocol_path(image: Path) -> Path:
    """Return where the protocol of an image to be written goes.

    Raises
    ------
    OutputError
        When the image's name does not end like NIfTI.
    """
    suffix = next((s for s in SUFFIXES if image.name.endswith(s) and image.name != s), None)
    if suffix is None:
        raise OutputError(
            f"{image}: the series is written as NIfTI; give a name that ends in .nii.gz (or .nii)"
        )
    return image.with_name(image.name[: -len(suffix)] + ".json")


def _protect(series: CestSeries, targets: tuple[Path, ...]) -> None:
    """Refuse to write over what was read."""
    read = {Path(source).resolve() for source in series.source}
    for target in targets:
        if target.resolve() in read or target.resolve().parent in read:
            raise OutputError(f"{target}: the series was read from there; give another name with --out")
