"""A Dask scheduler and workers as processes of their own on the loopback, for tests and benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
START_S = 60.0


@dataclass(frozen=True)
class Cluster:
    """Its address, and the process of its scheduler."""

    address: str
    scheduler: subprocess.Popen[bytes]


@contextmanager
def dask_cluster(workers: int, before: Sequence[str] = (), path: Sequence[Path] = ()) -> Iterator[Cluster]:
    """Start a scheduler and so many workers with a nanny and one thread each; end them afterwards.

    ``before`` is a command that the workers are started by, ``path`` are folders from which they import first.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, REPOSITORY)))}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    python = [sys.executable, "-m"]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "scheduler.json"
        command = [*python, "distributed.cli.dask_scheduler", *local, "--port", "0"]
        scheduler = subprocess.Popen([*command, "--scheduler-file", str(file)], **quiet)
        processes = [scheduler]
        try:
            address = _address(file)
            many = ["--nthreads", "1", "--nworkers", str(workers), "--local-directory", scratch]
            command = [*before, *python, "distributed.cli.dask_worker", address, *local, *many]
            if workers:
                processes.append(subprocess.Popen(command, env=environment, **quiet))
                _wait_for_workers(address, workers)
            yield Cluster(address, scheduler)
        finally:
            for process in reversed(processes):
                _end(process)


def _address(file: Path) -> str:
    latest = time.monotonic() + START_S
    while not file.exists() or not file.read_text():
        if time.monotonic() > latest:
            raise TimeoutError("the scheduler did not start")
        time.sleep(0.02)
    return str(json.loads(file.read_text())["address"])


def _wait_for_workers(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=START_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
