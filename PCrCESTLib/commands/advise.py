"""``pcrcest advise``: say what a protocol will give, and what would give more in the same time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PCrCESTLib.progress import KINDS

if TYPE_CHECKING:
    from PCrCESTLib.advice.forecast import Advice
    from PCrCESTLib.progress import Progress

DEFAULT_PROTOCOL = "rat-4.7T-dual"


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``advise`` to the command line."""
    from PCrCESTLib.advice.design import TARGETS
    from PCrCESTLib.advice.forecast import DEFAULT_NOISE, DEFAULT_ROI_VOXELS, TISSUES

    parser: argparse.ArgumentParser = subparsers.add_parser(
        "advise",
        help="what a protocol can give, and what would give more in the same time",
        description="Smallest possible SD of fs and ksw (Cramér-Rao bound) for a protocol, against noise and "
        "ROI size; whether ksw can be told; and a search over protocols of equal scan time.",
    )
    parser.add_argument(
        "--protocol",
        default=DEFAULT_PROTOCOL,
        metavar="P.json|NAME",
        help="protocol file or name of a reference protocol (default: %(default)s)",
    )
    parser.add_argument("--tissue", choices=TISSUES, default="auto", help="default: by the field")
    parser.add_argument(
        "--noise", type=float, nargs="+", default=list(DEFAULT_NOISE), metavar="SD", help="SD of Z in a voxel"
    )
    parser.add_argument(
        "--roi", type=int, nargs="+", default=list(DEFAULT_ROI_VOXELS), metavar="N", help="ROI sizes, voxels"
    )
    parser.add_argument("--target", choices=tuple(TARGETS), default="both", help="what the search improves")
    parser.add_argument("--max-b1", type=float, default=2.0, metavar="UT", help="highest power tried, µT")
    parser.add_argument("--no-search", action="store_true", help="only say what this protocol gives")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write table, picture and suggested protocol")
    parser.add_argument("--progress", choices=KINDS, default="bar", help="default: %(default)s")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same names")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Forecast, search, print, and write where ``--out`` says; returns the exit code.

    Raises
    ------
    PCrCESTError
        When the protocol, a number or the folder is unusable.
    """
    from PCrCESTLib.advice.forecast import advise
    from PCrCESTLib.advice.report import advice_text
    from PCrCESTLib.progress import make_progress
    from PCrCESTLib.protocols import find_protocol

    reporter = make_progress(args.progress)
    advice = advise(
        find_protocol(args.protocol),
        tissue_name=args.tissue,
        noise_sd=args.noise,
        roi_voxels=args.roi,
        search=not args.no_search,
        target=args.target,
        max_b1_ut=args.max_b1,
        progress=reporter.step,
    )
    written = [] if args.out is None else _write(advice, args.out, args.overwrite, reporter)
    reporter.finish(files=[str(path) for path in written])
    if args.progress != "json":
        sys.stdout.write(advice_text(advice) + "".join(f"wrote {path}\n" for path in written))
    return 0


def _write(advice: Advice, folder: Path, overwrite: bool, reporter: Progress) -> list[Path]:
    from PCrCESTLib.advice.picture import PICTURE_FILE, write_picture
    from PCrCESTLib.advice.report import write_advice
    from PCrCESTLib.errors import MissingExtraError
    from PCrCESTLib.outputs import staged

    with staged(folder, overwrite=overwrite) as partial:
        names = write_advice(advice, partial)
        try:
            write_picture(advice, partial / PICTURE_FILE)
            names.append(PICTURE_FILE)
        except MissingExtraError as error:
            # The numbers are the result; a missing drawing package must not cost them.
            reporter.warn(f"no picture: {error}")
    return [folder / name for name in names]
