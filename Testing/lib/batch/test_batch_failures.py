"""What goes wrong in a batch costs the scan it concerns, and is said in one sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from batch_scans import POWERS, arguments, begun, table, wait_for
from dask_cluster import dask_cluster
from mischief import mischief

from PCrCESTLib.batch import Job, Outcome, run_batch
from PCrCESTLib.batch.cluster import ClusterPool
from PCrCESTLib.batch.work import Run
from PCrCESTLib.errors import ClusterError

REPOSITORY = Path(__file__).resolve().parents[3]


def statuses(outcomes: list[Outcome]) -> dict[str, str]:
    return {o.job.subject: o.status for o in outcomes}


def require_only_two_failed(outcomes: list[Outcome], out: Path) -> None:
    """Scan ``deadly`` has failed after three tries, ``odd`` too, and nothing of them is left."""
    sentences = {o.job.subject: o.sentence for o in outcomes}
    expected = {"1": "done", "deadly": "failed", "odd": "failed", "once": "done", "2": "done"}
    assert statuses(outcomes) == expected
    assert {row["subject"]: row["status"] for row in table(out).values()} == {
        f"sub-{name}": status for name, status in expected.items()
    }
    assert "ended 3 times" in sentences["deadly"]
    assert (begun(out, "sub-deadly"), begun(out, "sub-once")) == (3, 2)
    assert "unexpected ZeroDivisionError: nobody thought of this" in sentences["odd"]
    assert "Traceback" in (out / "logs" / "sub-odd.log").read_text(encoding="utf-8")
    for name, status in expected.items():
        log = (out / "logs" / f"sub-{name}.log").read_text(encoding="utf-8")
        assert log.count(" done\n") == (status == "done")
        assert (out / f"sub-{name}" / "quantify.json").is_file() == (status == "done")
    left = [p for p in out.rglob("*") if "partial" in p.name or p.suffix == ".lock" or p.name == ".batch"]
    assert not left


@pytest.fixture
def jobs(a_scan) -> list[Job]:
    return [Job(subject, "", arguments(a_scan)) for subject in ("1", "deadly", "odd", "once", "2")]


def test_of_scans_that_kill_their_process_and_one_that_raises_only_these_fail(jobs, tmp_path, monkeypatch):
    place, _ = mischief(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), str(REPOSITORY)]))
    out = tmp_path / "out"
    require_only_two_failed(run_batch(jobs, out, workers=1), out)


def test_dask_workers_killed_in_the_middle_cost_no_other_scan_and_double_none(jobs, tmp_path):
    """A real scheduler with two worker processes."""
    pytest.importorskip("distributed")
    place, _ = mischief(tmp_path)
    out = tmp_path / "out"
    with dask_cluster(2, path=[place]) as cluster:
        require_only_two_failed(run_batch(jobs, out, scheduler=cluster.address), out)


def test_a_scheduler_lost_in_the_middle_is_one_sentence_and_the_batch_can_go_on(a_scan, tmp_path):
    pytest.importorskip("distributed")
    place, go = mischief(tmp_path)
    out = tmp_path / "out"
    jobs = [Job(subject, "", arguments(a_scan)) for subject in ("1", "slow", "2")]
    started = time.monotonic()
    with dask_cluster(1, path=[place]) as cluster:

        def kill_scheduler() -> None:
            wait_for(lambda: (out / "logs" / "sub-slow.log").exists())
            cluster.scheduler.kill()

        threading.Thread(target=kill_scheduler, daemon=True).start()
        with pytest.raises(ClusterError, match="is lost; start it and the same command again"):
            run_batch(jobs, out, scheduler=cluster.address)
        assert time.monotonic() - started < 30, "it did not notice"
        go.touch()
    assert not (out / "sub-slow").exists(), "a result came when the batch was over"
    found = statuses(run_batch(jobs, out, workers=1))
    assert found.pop("slow") == "done"
    assert set(found.values()) <= {"done", "skipped"}
    assert not list(out.glob(".*partial*"))


def test_two_batches_into_one_folder_do_each_scan_once_and_lose_no_row(a_scan, tmp_path):
    """They share two of their three scans each."""
    out = tmp_path / "out"
    series = ";".join(arguments(a_scan)[: len(POWERS)])
    running = []
    for name, subjects in (("a", "123"), ("b", "432")):
        scans = tmp_path / f"{name}.csv"
        rows = "".join(f"{subject},{series}\n" for subject in subjects)
        scans.write_text(f"subject,series\n{rows}", encoding="utf-8")
        command = [sys.executable, "-m", "PCrCESTLib", "batch", str(scans), "--out", str(out)]
        running.append(subprocess.Popen([*command, "--workers=1", "--device=cpu", "--progress=none"]))
    assert [process.wait(120) for process in running] == [0, 0]
    assert sorted(table(out)) == ["sub-1", "sub-2", "sub-3", "sub-4"]
    for subject in "1234":
        log = (out / "logs" / f"sub-{subject}.log").read_text(encoding="utf-8")
        assert log.count(" done\n") == 1
    assert not (out / ".batch").exists()


def elsewhere(hidden: Path) -> list[str]:
    """Command to start a process that has an empty disk in place of ``hidden``, as another computer would."""
    begin = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*begin, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this computer does not let a process have a file system of its own (unshare)")
    script = 'mount -t tmpfs none "$1" && shift && exec "$@"'
    return [*begin, "sh", "-c", script, "sh", str(hidden)]


def test_workers_with_another_disk_are_refused_before_any_scan(a_scan, tmp_path):
    pytest.importorskip("distributed")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    with dask_cluster(1, before=elsewhere(hidden)) as cluster:
        with pytest.raises(ClusterError, match="does not see this folder as the batch does"):
            run_batch([Job("1", "", arguments(a_scan))], hidden / "out", scheduler=cluster.address)
        assert not (hidden / "out" / "sub-1").exists()

        scan = Path(shutil.copytree(a_scan, hidden / "scan"))
        jobs = [Job("1", "", arguments(scan)), Job("2", "", arguments(a_scan))]
        outcomes = run_batch(jobs, tmp_path / "out", scheduler=cluster.address)
    assert statuses(outcomes) == {"1": "failed", "2": "done"}
    assert "all workers must see the same paths" in outcomes[0].sentence


def test_an_outcome_that_dies_with_its_worker_before_it_is_fetched_is_made_again(tmp_path):
    distributed = pytest.importorskip("distributed")
    run = Run(tmp_path)
    run.marker.parent.mkdir()
    run.marker.touch()
    with dask_cluster(1) as cluster:
        pool = ClusterPool(cluster.address, run)
        try:
            pool.submit(Job("1", refusal="not to be done"))
            with distributed.Client(cluster.address, set_as_default=False) as client:
                wait_for(lambda: any(client.has_what().values()))
                worker = client.run(os.getpid)
                os.kill(next(iter(worker.values())), signal.SIGKILL)
                wait_for(lambda: not any(client.has_what().values()))
            outcome, latest = None, time.monotonic() + 60
            while outcome is None and time.monotonic() < latest:
                outcome = pool.next(1.0)
        finally:
            pool.close()
    assert outcome is not None
    assert (outcome.status, outcome.sentence) == ("failed", "not to be done")


def test_a_cluster_without_workers_is_told_and_waited_for(a_scan, tmp_path):
    pytest.importorskip("distributed")
    notes: list[str] = []

    class EnoughError(Exception):
        pass

    def stop(sentence: str) -> None:
        notes.append(sentence)
        raise EnoughError

    with dask_cluster(0) as cluster, pytest.raises(EnoughError):
        run_batch([Job("1", "", arguments(a_scan))], tmp_path, scheduler=cluster.address, note=stop)
    assert "has no workers, and the batch waits" in notes[0]
    assert not (tmp_path / ".batch").exists()


SCRIPT = """
import os, pathlib, sys
from PCrCESTLib.batch import Job, run_batch
end = lambda *_: os.kill(os.getpid(), 9)
run_batch([Job("1", "", ["absent.nii"])], pathlib.Path(sys.argv[1]), workers=1, report=end)
"""


def test_marks_of_a_batch_that_was_killed_are_removed_by_the_next(tmp_path):
    """The script of a user who does not know that processes may run it again; it ends by force after its scan."""
    out, script = tmp_path / "out", tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, str(script), str(out)], check=False, env=environment)
    assert "no such file" in table(out)["sub-1"]["sentence"]
    assert list(out.glob(".batch/run-*"))
    run_batch([Job("2", refusal="not to be done")], out, workers=1)
    assert not (out / ".batch").exists()
    assert sorted(table(out)) == ["sub-1", "sub-2"]
