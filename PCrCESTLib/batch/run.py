"""All jobs of a batch, on the processes of this computer or on a cluster; the rest goes on when one fails."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PCrCESTLib.batch.arguments import complete
from PCrCESTLib.batch.cluster import ClusterPool
from PCrCESTLib.batch.dataset import begin_dataset, write_table, write_whole
from PCrCESTLib.batch.job import BUSY, DIED, FAILED, Job, Outcome
from PCrCESTLib.batch.local import LocalPool, cores
from PCrCESTLib.batch.lock import SILENT_HERE_S, HeldError, here, is_gone, waited_lock
from PCrCESTLib.batch.work import MAX_DEATHS, Run, death_sentence, sweep
from PCrCESTLib.errors import OutputError, PCrCESTError, ReaderError

# How long a scan that another process works on is left before it is looked at again, and how often is looked at all.
AGAIN_S, LOOK_S = 2.0, 0.5
MARK_TRIES = 100
Report = Callable[[Outcome, float], None]


class Pool(Protocol):
    """Workers, wherever they are."""

    @property
    def has_room(self) -> bool:
        """Whether a job may be handed over."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        ...

    def submit(self, job: Job) -> None:
        """Hand a job over."""
        ...

    def next(self, timeout_s: float) -> Outcome | None:
        """Return what became of a job; None when nothing happened for so long."""
        ...

    def close(self) -> None:
        """End what is under way and leave nothing of it."""
        ...


def run_batch(
    jobs: Sequence[Job],
    out: Path,
    scheduler: str | None = None,
    workers: int | None = None,
    report: Report | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Quantify many scans into ``out/sub-X[/ses-Y]``, those that are not done already.

    A scan is done when its folder holds the whole results of the same inputs, options and software (`fingerprint`).
    Several batches may share a folder: each scan is worked on by one of them at a time. ``out/batch.tsv`` says after
    every job what became of it, ``out/logs`` how.

    Parameters
    ----------
    jobs : sequence of Job
        No two of the same subject and session.
    out : Path
        A new folder, or that of earlier batches.
    scheduler : str, optional
        Address of a Dask scheduler; by default processes of this computer do the work.
    workers : int, optional
        How many of these; by default one a processor.
    report : callable, optional
        Gets every outcome and the fraction of the jobs that are over.
    note : callable
        Gets sentences on what the batch waits for.

    Returns
    -------
    list of Outcome
        One a job, in the same order. A failure is an outcome, not an exception.

    Raises
    ------
    ReaderError
        When two jobs are of the same subject and session.
    OutputError
        When ``out`` cannot be written or is another data set.
    ClusterError, MissingExtraError
        When the cluster cannot be used.
    """
    require_different(jobs)
    run = Run(Path(out).absolute(), shared=scheduler is not None)
    begin_dataset(run.out)
    with _marked(run):
        ready = [_complete(job) for job in jobs]
        pool: Pool = (
            ClusterPool(scheduler, run, note)
            if scheduler
            else LocalPool(min(workers or cores(), len(jobs) or 1), run)
        )
        try:
            return _Batch(ready, run, pool, report).outcomes()
        finally:
            # First, so that a worker that cannot be ended at once leaves nothing.
            run.marker.unlink(missing_ok=True)
            pool.close()


def require_different(jobs: Sequence[Job]) -> None:
    """Refuse two jobs that would share a folder, also on a disk that does not tell capitals.

    Raises
    ------
    ReaderError
        Naming them.
    """
    counts = Counter(job.name.casefold() for job in jobs)
    twice = sorted({job.name for job in jobs if counts[job.name.casefold()] > 1})
    if twice:
        raise ReaderError(
            f"{', '.join(twice[:5])}: more than one scan of this subject and session; powers of one scan belong into "
            "one row (series, separated by ;), repeated scans into sessions of their own"
        )


def _complete(job: Job) -> Job:
    if job.refusal:
        return job
    try:
        return replace(job, arguments=complete(job.arguments))
    except PCrCESTError as error:
        return replace(job, refusal=str(error))


@contextlib.contextmanager
def _marked(run: Run) -> Iterator[None]:
    """Leave the mark of the batch in its folder as long as it runs."""
    try:
        _mark(run)
    except OSError as error:
        raise OutputError(f"{run.out}: cannot be written ({error.strerror or error})") from error
    try:
        yield
    finally:
        run.marker.unlink(missing_ok=True)
        _remove_stale_marks(run.marker.parent)
        with contextlib.suppress(OSError):  # another batch may be at work
            run.marker.parent.rmdir()


def _mark(run: Run) -> None:
    for _ in range(MARK_TRIES):
        run.marker.parent.mkdir(exist_ok=True)
        try:
            return write_whole(run.marker, json.dumps(here()))
        except FileNotFoundError:  # a batch that ended just then took the empty folder away
            continue
    raise OSError("its hidden folder vanishes again and again")


def _remove_stale_marks(folder: Path) -> None:
    """Remove the marks of batches that were killed; their workers have ended with them, or finish what they began."""
    for mark in folder.glob("run-*"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if is_gone(json.loads(mark.read_text(encoding="utf-8"))):
                mark.unlink()


class _Batch:
    """The course of one batch."""

    def __init__(self, jobs: Sequence[Job], run: Run, pool: Pool, report: Report | None) -> None:
        self._jobs = jobs
        self._run = run
        self._pool = pool
        self._report = report
        self._waiting: deque[tuple[float, Job]] = deque((0.0, job) for job in jobs)
        self._deaths: Counter[str] = Counter()
        self._over: dict[str, Outcome] = {}

    def outcomes(self) -> list[Outcome]:
        """Run all jobs."""
        while self._waiting or not self._pool.is_empty:
            self._hand_over()
            if self._pool.is_empty:
                time.sleep(LOOK_S)
                continue
            outcome = self._pool.next(LOOK_S)
            if outcome is None:
                continue
            if outcome.status == BUSY:
                self._again(outcome.job, AGAIN_S)
            elif outcome.status == DIED:
                self._died(outcome)
            else:
                self._finish(outcome)
        self._clean()
        return [self._over[job.name] for job in self._jobs]

    def _hand_over(self) -> None:
        for _ in range(len(self._waiting)):
            if not self._pool.has_room:
                return
            earliest, job = self._waiting.popleft()
            if earliest > time.monotonic():
                self._waiting.append((earliest, job))
            else:
                self._pool.submit(job)

    def _again(self, job: Job, seconds: float) -> None:
        self._waiting.append((time.monotonic() + seconds, job))

    def _died(self, outcome: Outcome) -> None:
        name = outcome.job.name
        self._deaths[name] += 1
        if self._deaths[name] < MAX_DEATHS:
            self._again(outcome.job, 0.0)
        else:
            sentence = f"{death_sentence(outcome.job, self._run)}; the last time: {outcome.sentence}"
            self._finish(replace(outcome, status=FAILED, sentence=sentence))

    def _finish(self, outcome: Outcome) -> None:
        self._over[outcome.job.name] = outcome
        write_table(self._run.out, list(self._over.values()))
        if self._report is not None:
            self._report(outcome, len(self._over) / len(self._jobs))

    def _clean(self) -> None:
        """Remove what jobs that ended their workers left, as soon as their locks are silent."""
        for job in self._jobs:
            if self._deaths[job.name] >= MAX_DEATHS:
                lock = waited_lock(self._run.lock(job).path, 2 * SILENT_HERE_S)
                with contextlib.suppress(HeldError), lock:
                    sweep(self._run.out / job.folder, "partial")
