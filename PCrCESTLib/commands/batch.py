"""``pcrcest batch``: many scans, each quantified once, into a data set of BIDS derivatives."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PCrCESTLib.batch.arguments import complete, option, parse
from PCrCESTLib.batch.dataset import TABLE
from PCrCESTLib.batch.fingerprint import digest_of, fingerprint
from PCrCESTLib.batch.folder import jobs_in_folder
from PCrCESTLib.batch.job import DONE, FAILED, SKIPPED, Job, Outcome
from PCrCESTLib.batch.run import require_different, run_batch
from PCrCESTLib.batch.table import jobs_in_table
from PCrCESTLib.batch.work import Run, finished_by
from PCrCESTLib.commands.quantify_options import add_settings, names
from PCrCESTLib.errors import CancelledError, PCrCESTError
from PCrCESTLib.progress import KINDS, make_progress

EXIT_SOME_FAILED = 3
SHOWN_FAILURES = 10


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``batch`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "batch",
        help="quantify many scans of a folder or a table, on this computer or a cluster",
        description="Quantify every scan of a BIDS-like folder (sub-*/[ses-*/] with *_cest*.nii.gz and maps beside) "
        "or of a table (columns subject, session, series with ; between powers, and any option of quantify, such as "
        "r1, t1, b1, b0, fm, mask, rois, anatomy). Scans that are done already are skipped. Exit codes: 0 all done, "
        f"{EXIT_SOME_FAILED} some scans failed ({TABLE} says which and why), 2 unusable input, 130 cancelled.",
    )
    add = parser.add_argument
    add("scans", type=Path, metavar="FOLDER|SCANS.csv", help="where the scans are")
    add("--out", type=Path, required=True, metavar="DERIVATIVES", help="folder for the results of all")
    add("--workers", type=worker_count, metavar="N", help="processes of this computer (default: one a processor)")
    add(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="work on this Dask cluster instead; all its workers must see the same paths",
    )
    add("--dry-run", action="store_true", help="only say what would be done")
    add_settings(parser)
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def worker_count(text: str) -> int:
    """Parse a number of worker processes."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one is expected")
    return number


def run(args: argparse.Namespace) -> int:
    """Find the scans, quantify them, say what became of them; returns the exit code.

    Raises
    ------
    PCrCESTError
        When there are no scans, the results cannot be written, or the cluster cannot be used.
    """
    jobs, notes = _jobs(args)
    require_different(jobs)
    if args.dry_run:
        sys.stdout.write("".join(_plan(job, args.out) for job in jobs))
        return 0
    progress = make_progress(args.progress)
    for note in notes:
        progress.warn(note)
    over: list[Outcome] = []

    def report(outcome: Outcome, fraction: float) -> None:
        over.append(outcome)
        progress.step(fraction, f"{outcome.job.name} {outcome.status}")
        if outcome.status == FAILED:
            progress.warn(f"{outcome.job.name}: {outcome.sentence}")

    progress.step(0.0, f"{len(jobs)} scans")
    try:
        outcomes = run_batch(jobs, args.out, args.scheduler, args.workers, report, progress.warn)
    except KeyboardInterrupt as error:
        raise CancelledError(
            f"cancelled; {len(over)} of {len(jobs)} scans are over, and the same command goes on with the others"
        ) from error
    counts = Counter(outcome.status for outcome in outcomes)
    facts = {status: counts[status] for status in (DONE, SKIPPED, FAILED)}
    progress.finish(out=str(args.out), table=str(args.out / TABLE), **facts)
    if args.progress == "bar":
        sys.stdout.write(_summary(outcomes, facts, args.out))
    return EXIT_SOME_FAILED if counts[FAILED] else 0


def _jobs(args: argparse.Namespace) -> tuple[list[Job], list[str]]:
    given = {name: getattr(args, name) for name in names(add_settings)}
    settings = [word for name, value in given.items() for word in option(name, value)]
    if args.scans.is_dir():
        return jobs_in_folder(args.scans, settings, args.method), []
    return jobs_in_table(args.scans, settings)


def _plan(job: Job, out: Path) -> str:
    """Say what would be done with a job, and with which files."""
    run = Run(out.absolute())
    try:
        if job.refusal:
            raise PCrCESTError(job.refusal)
        args = parse(complete(job.arguments), run.out / job.folder)
        state, why = finished_by(run, job, digest_of(fingerprint(args))) or ("to do", "")
    except PCrCESTError as error:
        state, why = "cannot be done", str(error)
    files = [word for word in job.arguments if _exists(word.partition("=")[2] or word)]
    lines = [f"{job.name}: {state}" + (f" ({why})" if why else ""), *files]
    return "\n    ".join(lines) + "\n"


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _summary(outcomes: Sequence[Outcome], facts: dict[str, int], out: Path) -> str:
    failed = [o for o in outcomes if o.status == FAILED]
    lines = [", ".join(f"{number} {status}" for status, number in facts.items())]
    lines += [f"  {o.job.name}: {o.sentence}" for o in failed[:SHOWN_FAILURES]]
    if len(failed) > SHOWN_FAILURES:
        lines.append(f"  and {len(failed) - SHOWN_FAILURES} more")
    return "\n".join([*lines, f"results in {out}, the table of all scans in {out / TABLE}"]) + "\n"
