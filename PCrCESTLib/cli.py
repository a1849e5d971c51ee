"""The command line: ``pcrcest …`` or ``python -m PCrCESTLib …``.

Exit codes: 0 done, 2 unusable input (one line says what, and the remedy), 130 cancelled.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

# Inference runs chunks in threads; BLAS threads of their own wait for each other and cost a third of the speed
# (measured). It must be said before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from PCrCESTLib.commands import (
    advise,
    batch,
    companion,
    convert,
    devices,
    dicom,
    evaluate,
    info,
    quantify,
    report,
    simulate,
    stats,
    study,
    train,
)
from PCrCESTLib.errors import CancelledError, PCrCESTError
from PCrCESTLib.progress import JsonProgress
from PCrCESTLib.version import __version__
from PCrCESTLib.viewer import command as view

COMMANDS = (
    info, convert, companion, quantify, batch, stats, report, study, dicom, simulate, train, advise, evaluate, devices,
    view,
)  # fmt: skip
EXIT_DONE, EXIT_UNUSABLE, EXIT_CANCELLED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A console that cannot show µ must not stop the job.
            stream.reconfigure(errors="replace")
    args = _parser().parse_args(arguments)
    _treat_terminate_as_interrupt()
    try:
        return int(args.func(args))
    except (KeyboardInterrupt, CancelledError) as error:
        _say(args, str(error) or "cancelled; nothing was written", EXIT_CANCELLED)
        return EXIT_CANCELLED
    except PCrCESTError as error:
        _say(args, str(error), EXIT_UNUSABLE)
        return EXIT_UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pcrcest", description="Phosphocreatine maps from CEST MRI of muscle."
    )
    parser.add_argument("--version", action="version", version=f"pcrcest {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def _say(args: argparse.Namespace, message: str, exit_code: int) -> None:
    if getattr(args, "progress", None) == "json":
        JsonProgress().error(message, exit_code)
    print(f"pcrcest: {message}", file=sys.stderr)


def _treat_terminate_as_interrupt() -> None:
    """Clean up after SIGTERM, which a GUI ends its job with, as after Ctrl-C."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not the main thread (a test, a host application): signals are the host's affair
        pass


if __name__ == "__main__":
    sys.exit(main())
