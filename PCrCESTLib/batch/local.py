"""Processes of this computer that work on jobs, one each at a time.

They are watched one by one, which an executor of the standard library does not do: when one dies, it is known which job
it had, and the others go on.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType, ModuleType

from PCrCESTLib.batch.job import DIED, Job, Outcome
from PCrCESTLib.batch.work import Run, work

STOP_S = 3.0
# What limits the threads of the numerical libraries; each reads its own when it is loaded.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None


class LocalPool:
    """A number of worker processes; one that dies is replaced."""

    def __init__(self, workers: int, run: Run) -> None:
        """Start none yet: there may be less to do than there are workers."""
        self._limit = workers
        self._run = run
        self._workers: list[_Worker] = []
        self._over: deque[Outcome] = deque()

    @property
    def has_room(self) -> bool:
        """Whether a job can begin at once."""
        return len(self._busy()) < self._limit

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not self._busy() and not self._over

    def _busy(self) -> list[_Worker]:
        return [w for w in self._workers if w.job is not None]

    def submit(self, job: Job) -> None:
        """Give a job to a worker that has none."""
        idle = next((w for w in self._workers if w.job is None), None)
        if idle is None:
            idle = self._start()
        idle.job = job
        with contextlib.suppress(OSError):  # it died while idle: `next` finds that
            idle.connection.send(job)

    def next(self, timeout_s: float) -> Outcome | None:
        """Return what became of a job; None when nothing happened for so long."""
        if not self._over:
            busy = self._busy()
            ready = wait([handle for w in busy for handle in (w.connection, w.process.sentinel)], timeout_s)
            for worker in busy:
                if worker.job is not None and (
                    worker.connection in ready or worker.process.sentinel in ready
                ):
                    self._over.append(self._outcome(worker, worker.job))
        return self._over.popleft() if self._over else None

    def _outcome(self, worker: _Worker, job: Job) -> Outcome:
        try:
            outcome = worker.connection.recv() if worker.connection.poll() else None
        except (EOFError, OSError):
            outcome = None
        if outcome is None:
            worker.process.join(STOP_S)
            worker.connection.close()
            self._workers.remove(worker)
            outcome = Outcome(job, self._run.out / job.folder, DIED, f"exit code {worker.process.exitcode}")
        worker.job = None
        return outcome

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._run), daemon=True)
        with _threads_a_worker(self._limit), _nobody_s_program():
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def close(self) -> None:
        """End all workers now; one that is at work leaves nothing of it."""
        for worker in self._workers:
            worker.process.terminate()
        latest = time.monotonic() + STOP_S
        for worker in self._workers:
            worker.process.join(max(0.0, latest - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._workers.clear()


@contextlib.contextmanager
def _threads_a_worker(workers: int) -> Iterator[None]:
    """Share the processors among the workers that are started meanwhile, unless the user said otherwise."""
    share = str(max(1, cores() // workers))
    added = {name: share for name in THREADS if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextlib.contextmanager
def _nobody_s_program() -> Iterator[None]:
    """Keep processes that are started meanwhile from running the caller's program again.

    ``multiprocessing`` imports it in every process, for functions that may be defined there; ours are not. A script
    without ``if __name__ == "__main__"`` would begin its batch anew in each.
    """
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def _serve(connection: Connection, run: Run) -> None:
    """Do jobs until there are no more: the main function of a worker."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches every process; the batch ends its workers itself
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        while True:
            job: Job = connection.recv()
            with _output_to(run.log(job)):
                outcome = work(job, run)
            connection.send(outcome)
    except (EOFError, OSError):
        return
    except KeyboardInterrupt:
        sys.exit(130)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send what libraries print, and where a crash happened, to a file instead of the user's screen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        kept = [os.dup(1), os.dup(2)]
        try:
            for number in (1, 2):
                os.dup2(stream.fileno(), number)
            faulthandler.enable(stream)
            yield
        finally:
            faulthandler.disable()
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
