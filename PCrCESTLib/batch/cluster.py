"""Workers of a Dask cluster that exists already.

Dask gives the job of a worker that died to another one, up to its setting ``distributed.scheduler.allowed-failures``.
It counts a death against every job that lay with that worker, running or not (dask documentation, *Worker resilience*),
so the lock of a job says instead which one was running, and how often.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import time
import uuid
from collections.abc import Callable
from typing import Any

from PCrCESTLib.batch.job import DIED, FAILED, Job, Outcome
from PCrCESTLib.batch.work import Run, work
from PCrCESTLib.errors import ClusterError, MissingExtraError, PCrCESTError
from PCrCESTLib.version import __version__

CONNECT_S, LOOK_S = 10.0, 0.2
# An outcome that was there is lost when its worker dies before it is fetched; the cluster then does the job again.
UNDER_WAY = ("pending", "lost")


class ClusterPool:
    """The workers behind a scheduler; all jobs may be handed over at once."""

    has_room = True

    def __init__(self, address: str, run: Run, note: Callable[[str], None] = lambda _: None) -> None:
        """Connect to the scheduler and look at its workers; ``note`` is told when there are none.

        Raises
        ------
        MissingExtraError
            When dask.distributed is not installed.
        ClusterError
            When there is no scheduler, or its workers cannot do such jobs.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingExtraError("distributed", "--scheduler", "cluster") from error
        self._address = address
        self._run = run
        self._note = note
        self._jobs: dict[str, Job] = {}
        self._over: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # What happens to the connection is told in sentences of our own.
        for name in ("distributed.client", "distributed.comm", "distributed.core"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {address}; give the address that `dask scheduler` prints, such as "
                "tcp://192.168.0.1:8786"
            ) from error
        try:
            self._inspect()
        except BaseException:
            self.close()
            raise

    def _inspect(self) -> None:
        workers = self._client.run(_look, self._run, on_error="return")
        if not workers:  # no error: a cluster may start its workers when there is something to do
            self._note(
                f"the Dask scheduler at {self._address} has no workers, and the batch waits for some; start them, for "
                f"example with: dask worker {self._address}"
            )
        for worker, found in workers.items():
            if isinstance(found, ModuleNotFoundError):
                raise ClusterError(
                    f"the worker {worker} cannot import PCrCEST ({found}); install pcrcest there"
                )
            if isinstance(found, Exception):
                raise ClusterError(f"the worker {worker} cannot work on the batch: {found}")
            version, problem = found
            if version != __version__:
                raise ClusterError(
                    f"the worker {worker} has PCrCEST {version} and this computer {__version__}; install one version"
                )
            if problem:
                raise ClusterError(problem)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not self._jobs

    def submit(self, job: Job) -> None:
        """Hand a job to the scheduler."""
        key = f"pcrcest-{job.name}-{uuid.uuid4().hex[:8]}"
        self._jobs[key] = job
        future = self._client.submit(work, job, self._run, key=key, pure=False)
        future.add_done_callback(self._over.put)

    def next(self, timeout_s: float) -> Outcome | None:
        """Return what became of a job; None when nothing happened for so long.

        Raises
        ------
        ClusterError
            When the scheduler is lost.
        """
        try:
            future = self._over.get(timeout=timeout_s)
        except queue.Empty:
            self._require_scheduler()
            return None
        if future.status in UNDER_WAY:
            self._require_scheduler()
            time.sleep(min(timeout_s, LOOK_S))
            self._over.put(future)  # Dask tells of it a second time only when it is asked, and then at once
            return None
        job = self._jobs.pop(future.key)
        from distributed import KilledWorker

        try:
            outcome: Outcome = future.result()
            return outcome
        except KilledWorker as error:
            status, sentence = DIED, str(error)
        except (concurrent.futures.CancelledError, asyncio.CancelledError):  # which one depends on the version
            self._require_scheduler()
            status, sentence = FAILED, "the cluster has dropped it; start the batch again"
        except Exception as error:  # of Dask, or of whatever sent the job: `work` itself raises none
            self._require_scheduler()
            status, sentence = FAILED, f"{type(error).__name__}: {error}"
        return Outcome(job, self._run.out / job.folder, status, sentence)

    def _require_scheduler(self) -> None:
        if self._client.status != "running":
            raise ClusterError(
                f"the Dask scheduler at {self._address} is lost; start it and the same command again, which continues"
            )

    def close(self) -> None:
        """Leave the cluster; jobs that have not begun are dropped, and those at work leave nothing."""
        self._client.close(timeout=CONNECT_S)


def _look(run: Run) -> tuple[str, str]:
    """Version of this library on a worker, and what keeps it from working on the batch."""
    try:
        run.require_visible()
    except PCrCESTError as error:
        return __version__, str(error)
    return __version__, ""
