"""200 simulated subjects through ``pcrcest batch`` on a Dask cluster with a worker killed, and the scaling of workers.

Run: ``python Testing/benchmarks/batch.py [SUBJECTS [SCALING_SUBJECTS]]`` (with 200, about ten minutes on two quiet
cores). Scheduler and workers are processes of their own on the loopback. A worker is killed (SIGKILL) while it runs a
subject, a third of the way. Counted are the results that are whole, and in the logs how often each subject was begun
and how often a result of it came to its place. Then the same scans on one worker and on two, nothing killed. The load
of the computer stands beside: other programs take from the scaling.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from PCrCESTLib.batch import Job, Outcome, run_batch
from PCrCESTLib.batch.fingerprint import earlier_note
from PCrCESTLib.cli import main as pcrcest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dask_cluster import dask_cluster

SCANS = 4  # different simulated animals, copied to all subjects


def simulated_jobs(folder: Path, subjects: int) -> list[Job]:
    """Scans of small legs at two powers, each subject with files of its own."""
    for seed in range(SCANS):
        assert (
            pcrcest(["simulate", "--out", str(folder / f"scan{seed}"), "--size", "16", "--seed", str(seed)])
            == 0
        )
    jobs = []
    for i in range(subjects):
        scan = folder / f"sub-{i:03d}"
        shutil.copytree(folder / f"scan{i % SCANS}", scan)
        series = [str(scan / f"sub-sim_cest-{p}uT.nii.gz") for p in ("0.5", "1")]
        jobs.append(Job(f"{i:03d}", "", [*series, "--r1", str(scan / "sub-sim_R1obs.nii.gz")]))
    return jobs


def kill_a_worker(out: Path, after: int, killed: list[str]) -> None:
    """Wait until ``after`` subjects have results, then kill the process that the next lock names."""
    while len(list(out.glob("sub-*/quantify.json"))) < after:
        time.sleep(0.01)
    while not killed:
        for lock in out.glob(".batch/*.lock"):
            try:
                os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
            except (OSError, ValueError):
                continue
            killed.append(lock.stem)
            break


def timed(jobs: list[Job], out: Path, workers: int) -> tuple[float, list[Outcome]]:
    """Seconds and outcomes of a batch on a cluster that is warm."""
    with dask_cluster(workers) as cluster:
        run_batch(jobs[: 2 * workers], out.with_name(f"{out.name}-warm"), scheduler=cluster.address)
        started = time.monotonic()
        outcomes = run_batch(jobs, out, scheduler=cluster.address)
        return time.monotonic() - started, outcomes


def lines(out: Path, word: str) -> Counter[str]:
    """How often each subject's log has a line of this word."""
    return Counter(
        log.stem
        for log in out.glob("logs/*.log")
        for line in log.read_text().splitlines()
        if line.split()[4:5] == [word]
    )


def main(subjects: int = 200, scaling_subjects: int = 40) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = simulated_jobs(folder, subjects)
        out, killed = folder / "killed", []
        killer = threading.Thread(target=kill_a_worker, args=(out, subjects // 3, killed), daemon=True)
        killer.start()
        started = time.monotonic()
        with dask_cluster(2) as cluster:
            outcomes = run_batch(jobs, out, scheduler=cluster.address)
        begun, done = lines(out, "started"), lines(out, "done")
        whole = [o for o in outcomes if earlier_note(o.folder) is not None]
        print(f"{'subjects':<44} {subjects}")
        print(f"{'worker killed while it ran':<44} {', '.join(killed)}")
        print(f"{'status':<44} {dict(Counter(o.status for o in outcomes))}")
        print(f"{'whole results':<44} {len(whole)}")
        print(f"{'subjects begun once, more often':<44} {_once(begun)}, {len(begun) - _once(begun)}")
        print(f"{'subjects with one result, with more':<44} {_once(done)}, {len(done) - _once(done)}")
        print(
            f"{'left beside the results':<44} {[p.name for p in out.glob('.*') if p.name != '.bidsignore']}"
        )
        print(f"{'seconds, load':<44} {time.monotonic() - started:.0f}, {os.getloadavg()[0]:.1f}", flush=True)
        seconds = {}
        for workers in (1, 2):
            seconds[workers], _ = timed(jobs[:scaling_subjects], folder / f"on{workers}", workers)
            what = f"{scaling_subjects} subjects on {workers} workers: seconds, load"
            print(f"{what:<44} {seconds[workers]:.1f}, {os.getloadavg()[0]:.1f}", flush=True)
        print(f"{'from one to two workers':<44} {seconds[1] / seconds[2]:.2f} x")


def _once(counts: Counter[str]) -> int:
    return sum(count == 1 for count in counts.values())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
