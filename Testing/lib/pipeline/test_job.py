"""Long work as a process: events arrive, cancelling leaves nothing, and quitting ends it."""

from __future__ import annotations

import os
import sys
import time

import pytest

from PCrCESTLib.job import Job, time_left


def finish(job: Job, seconds: float = 60.0) -> list[dict]:
    events, deadline = [], time.monotonic() + seconds
    while job.running and time.monotonic() < deadline:
        events += job.poll()
        time.sleep(0.02)
    assert not job.running
    return events


def test_events_of_a_whole_run(a_simulated_scan, tmp_path):
    scan = a_simulated_scan
    series = [str(scan / f"sub-sim_cest-{p}uT.nii.gz") for p in ("0.5", "1")]
    job = Job(["quantify", *series, "--out", str(tmp_path / "out"), "--progress", "json"])
    events = finish(job)
    assert [e["event"] for e in events[-2:]] == ["done", "exit"]
    assert events[-1]["code"] == 0
    fractions = [e["fraction"] for e in events if e["event"] == "progress"]
    assert fractions == sorted(fractions)
    assert (tmp_path / "out" / "fs.nii.gz").is_file()
    assert job.poll() == []


def test_an_error_is_the_librarys_own_sentence(tmp_path):
    job = Job(["quantify", str(tmp_path / "no.nii.gz"), "--out", str(tmp_path / "out"), "--progress", "json"])
    events = finish(job)
    (error,) = [e for e in events if e["event"] == "error"]
    assert "no.nii.gz" in error["message"]
    assert events[-1] == {"event": "exit", "code": 2}
    assert "quantify" in job.details()


def test_cancel_leaves_nothing(a_simulated_scan, tmp_path):
    series = str(a_simulated_scan / "sub-sim_cest-0.5uT.nii.gz")
    job = Job(["quantify", series, "--out", str(tmp_path / "out"), "--progress", "json"])
    deadline = time.monotonic() + 60
    while not job.poll() and time.monotonic() < deadline:
        time.sleep(0.01)
    job.cancel()
    assert finish(job)[-1] == {"event": "exit", "code": 130}
    assert list(tmp_path.iterdir()) == []


def test_stop_ends_the_process_at_once(a_simulated_scan, tmp_path):
    series = str(a_simulated_scan / "sub-sim_cest-0.5uT.nii.gz")
    job = Job(["quantify", series, "--out", str(tmp_path / "out"), "--progress", "json"])
    job.stop()
    assert not job.running
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a launcher is written as a shell script")
def test_a_launcher_and_its_child_end_together(a_simulated_scan, tmp_path, monkeypatch):
    """Slicer's interpreter starts the real one as a child, which must not outlive a cancelled job."""
    launcher = tmp_path / "bin" / "PythonSlicer"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@" & echo $! > "{tmp_path}/child"; wait $!\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", f"{launcher.parent}{os.pathsep}{os.environ['PATH']}")
    series = str(a_simulated_scan / "sub-sim_cest-0.5uT.nii.gz")
    job = Job(["quantify", series, "--out", str(tmp_path / "out"), "--progress", "json"])
    deadline = time.monotonic() + 60
    while not job.poll() and time.monotonic() < deadline:
        time.sleep(0.01)
    child = int((tmp_path / "child").read_text())
    job.stop()
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    else:
        raise AssertionError("the child lives on")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("fraction", "seconds", "text"),
    [(0.0, 10, ""), (0.5, 0.5, ""), (0.5, 20, "20 s left"), (0.25, 60, "3 min left"), (1.0, 9, "1 s left")],
)
def test_time_left(fraction, seconds, text):
    assert time_left(fraction, seconds) == text
