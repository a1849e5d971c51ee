"""What a worker does with one job. It may be done twice, or die at any line: one whole result is left."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import time
import traceback
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PCrCESTLib.batch.arguments import parse
from PCrCESTLib.batch.dataset import HIDDEN
from PCrCESTLib.batch.fingerprint import digest_of, earlier_note, fingerprint, note
from PCrCESTLib.batch.job import BUSY, DONE, FAILED, SKIPPED, Job, Outcome
from PCrCESTLib.batch.lock import HeldError, Lock, LostError
from PCrCESTLib.commands import quantify
from PCrCESTLib.errors import PCrCESTError, ReaderError
from PCrCESTLib.outputs import staged

MAX_DEATHS = 3
LOGS = "logs"


@dataclass(frozen=True)
class Run:
    """One run of a batch: where its results go, and its name among others into the same folder.

    ``shared`` says that the workers may be other computers.
    """

    out: Path
    shared: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def marker(self) -> Path:
        """File that is there as long as the batch runs."""
        return self.out / HIDDEN / f"run-{self.id}"

    def lock(self, job: Job) -> Lock:
        """Return the lock of a job."""
        return Lock(self.out / HIDDEN / f"{job.name}.lock", self.id)

    def log(self, job: Job) -> Path:
        """File that tells what happened to a job."""
        return self.out / LOGS / f"{job.name}.log"

    def require_visible(self) -> None:
        """Refuse to work where the folder of the results is another one.

        Raises
        ------
        ReaderError
            When the batch's mark is not in it.
        """
        if not self.marker.is_file():
            raise ReaderError(
                f"{self.out}: the worker on {socket.gethostname()} does not see this folder as the batch does; give "
                "folders of a disk that all workers share under the same path"
            )


class _CancelledRunError(PCrCESTError):
    """The batch has ended meanwhile."""


def work(job: Job, run: Run) -> Outcome:
    """Quantify one scan unless that is done already; whatever goes wrong is in the outcome.

    Returns
    -------
    Outcome
        Its status may also be `BUSY`: another process works on the scan.
    """
    started = time.monotonic()

    def outcome(status: str, sentence: str = "") -> Outcome:
        return Outcome(job, run.out / job.folder, status, sentence, round(time.monotonic() - started, 2))

    try:
        if job.refusal:
            raise ReaderError(job.refusal)
        run.require_visible()
        args = parse(job.arguments, run.out / job.folder)
        digest = digest_of(_facts(args, run))
        finished = finished_by(run, job, digest)
        return outcome(*(finished or _locked(job, run, args, digest)))
    except (HeldError, LostError) as error:
        return outcome(BUSY, str(error))
    except PCrCESTError as error:
        _log_failure(run, job, str(error))
        return outcome(FAILED, str(error))
    except (Exception, SystemExit) as error:
        what = f"unexpected {type(error).__name__}: {error}".rstrip(": ")
        _log_failure(run, job, f"{what}\n{traceback.format_exc()}")
        return outcome(FAILED, f"{what} (details: {run.log(job)})")


def _facts(args: argparse.Namespace, run: Run) -> dict[str, Any]:
    try:
        return fingerprint(args)
    except ReaderError as error:
        where = (
            f" (looked for on {socket.gethostname()}: all workers must see the same paths)"
            if run.shared
            else ""
        )
        raise ReaderError(f"{error}{where}") from error


def finished_by(run: Run, job: Job, digest: str) -> tuple[str, str] | None:
    """Return status and sentence of a job whose results are there and up to date, else None."""
    noted = earlier_note(run.out / job.folder)
    if noted is None or noted["fingerprint"] != digest:
        return None
    if noted.get("run") == run.id:  # by a worker that died before it could tell
        return DONE, ""
    return SKIPPED, f"unchanged since {noted.get('finished')}"


def _locked(job: Job, run: Run, args: argparse.Namespace, digest: str) -> tuple[str, str]:
    with run.lock(job) as lock:
        # It may have been finished while this process looked at the inputs.
        finished = finished_by(run, job, digest)
        if finished is not None:
            return finished
        if lock.deaths >= MAX_DEATHS:
            sweep(run.out / job.folder, "partial")
            raise PCrCESTError(death_sentence(job, run))
        return DONE, _quantified(job, run, args, digest, lock)


def death_sentence(job: Job, run: Run) -> str:
    """Say what is known of a job that ends its workers."""
    return (
        f"its worker process ended {MAX_DEATHS} times while it ran, perhaps for lack of memory (details: "
        f"{run.log(job)}); run it alone, with pcrcest quantify"
    )


def _quantified(job: Job, run: Run, args: argparse.Namespace, digest: str, lock: Lock) -> str:
    """Run ``pcrcest quantify`` beside the place of the results and move them there; returns a sentence or nothing."""
    folder = run.out / job.folder
    # Now, because the folder of a subject may be shared with a session that fails just then.
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder, "partial")
    old = _names(folder)
    recorded = set((earlier_note(folder) or {"files": ()})["files"])
    write_log(run, job, "started")
    with staged(folder, overwrite=True) as partial:
        args.out = partial
        quantify.run(args)
        finished = datetime.now(timezone.utc).isoformat(timespec="seconds")
        note(partial, {"fingerprint": digest, "run": run.id, "finished": finished})
        new = _names(partial)
        lock.check()
        if not run.marker.is_file():
            raise _CancelledRunError("the batch was cancelled")
    for name in recorded - new:
        (folder / name).unlink(missing_ok=True)
    sweep(folder, "previous")
    write_log(run, job, "done")
    left = sorted(old - new - recorded)
    return f"newer than {', '.join(left)} beside it" if left else ""


def _names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.is_file()} if folder.is_dir() else set()


def sweep(folder: Path, kind: str) -> None:
    """Remove what processes that died left beside ``folder``: ``partial`` results, or ``previous`` ones."""
    for path in folder.parent.glob(f"*.{folder.name}.{kind}-*"):
        shutil.rmtree(path, ignore_errors=True)


def _log_failure(run: Run, job: Job, text: str) -> None:
    """Log a failure where the batch will find it, and make no folders on a computer that sees others."""
    with contextlib.suppress(OSError):
        if run.marker.is_file():
            write_log(run, job, f"failed: {text}")


def write_log(run: Run, job: Job, text: str) -> None:
    """Add a line to the log of a job."""
    path = run.log(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{moment} run {run.id} {socket.gethostname()}:{os.getpid()} {text}\n")
