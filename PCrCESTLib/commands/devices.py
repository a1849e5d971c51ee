"""``pcrcest devices``: where this computer can compute."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from PCrCESTLib.models.device import available_devices
from PCrCESTLib.progress import KINDS, make_progress


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``devices`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "devices",
        help="where this computer can compute: CPU, and the GPUs that torch offers",
        description="List the devices that --device takes on this computer, each with what it is.",
    )
    parser.add_argument(
        "--progress", choices=KINDS, default="bar", help="json for one JSON object (default: %(default)s)"
    )
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Print them; returns the exit code."""
    found = available_devices()
    if args.progress == "json":
        make_progress("json").finish(devices=found)
    else:
        sys.stdout.write("".join(f"{name:<6} {text}\n" for name, text in found.items()))
    return 0
