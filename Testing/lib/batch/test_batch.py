"""Many scans: each quantified once, whatever fails, dies or is asked for twice."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from PCrCESTLib.batch import Job, run_batch
from PCrCESTLib.batch.folder import jobs_in_folder
from PCrCESTLib.batch.lock import SILENT_HERE_S, HeldError, Lock
from PCrCESTLib.batch.table import jobs_in_table
from PCrCESTLib.cli import main
from PCrCESTLib.errors import ClusterError, OutputError, ReaderError

POWERS = ("0.5", "1")


@pytest.fixture(scope="module")
def a_scan(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "scan"
    assert main(["simulate", "--out", str(folder), "--size", "16", "--noise", "0.005"]) == 0
    return folder


def arguments(scan: Path) -> list[str]:
    return [
        *(str(scan / f"sub-sim_cest-{p}uT.nii.gz") for p in POWERS),
        "--r1",
        str(scan / "sub-sim_R1obs.nii.gz"),
    ]


def table(out: Path) -> dict[str, dict[str, str]]:
    with (out / "batch.tsv").open(encoding="utf-8", newline="") as stream:
        return {row["subject"]: row for row in csv.DictReader(stream, delimiter="\t")}


def begun(out: Path, name: str) -> int:
    return (out / "logs" / f"{name}.log").read_text(encoding="utf-8").count(" started\n")


def wait_for(condition, seconds: float = 120.0) -> None:
    latest = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < latest, "it did not happen"
        time.sleep(0.01)


def test_each_scan_is_done_once_and_again_only_when_something_changed(a_scan, tmp_path):
    """Also: a failure stands in the table while the rest goes on."""
    scan = Path(shutil.copytree(a_scan, tmp_path / "scan"))
    out = tmp_path / "out"
    jobs = [Job("1", "a", arguments(scan)), Job("2", "", [str(tmp_path / "absent.nii.gz")])]
    first = run_batch(jobs, out, workers=1)
    assert [o.status for o in first] == ["done", "failed"]
    assert "no such file" in first[1].sentence
    assert (out / "sub-1" / "ses-a" / "fs.nii.gz").is_file()
    description = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    assert description["DatasetType"] == "derivative"
    assert {s: r["status"] for s, r in table(out).items()} == {"sub-1": "done", "sub-2": "failed"}

    assert run_batch(jobs[:1], out, workers=1)[0].status == "skipped"
    protocol = scan / "sub-sim_cest-1uT.json"
    protocol.write_text(protocol.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert run_batch(jobs[:1], out, workers=1)[0].status == "done"
    assert begun(out, "sub-1_ses-a") == 2

    whole = (out / "sub-1" / "ses-a" / "fs.nii.gz").read_bytes()
    protocol.write_text("{", encoding="utf-8")
    assert run_batch(jobs[:1], out, workers=1)[0].status == "failed"
    assert (out / "sub-1" / "ses-a" / "fs.nii.gz").read_bytes() == whole
    assert not list(out.glob("**/.*partial*"))


def test_a_worker_killed_in_the_middle_costs_no_scan_and_doubles_none(a_scan, tmp_path):
    """Six scans on a real scheduler with two worker processes; one is killed at work."""
    distributed = pytest.importorskip("distributed")
    file, out = tmp_path / "scheduler.json", tmp_path / "out"
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    python, quiet = [sys.executable, "-m"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = ["distributed.cli.dask_scheduler", *local, "--port", "0", "--scheduler-file", str(file)]
    processes = [subprocess.Popen([*python, *start], **quiet)]
    killed: list[str] = []

    def kill_one() -> None:
        wait_for(lambda: list(out.glob(".batch/*.lock")))
        while not killed:
            for lock in out.glob(".batch/*.lock"):
                try:
                    if " started" not in (out / "logs" / f"{lock.stem}.log").read_text(encoding="utf-8"):
                        continue
                    os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
                    killed.append(lock.stem)
                    break
                except (OSError, ValueError):
                    continue

    try:
        wait_for(lambda: file.exists() and file.read_text())
        address = json.loads(file.read_text())["address"]
        work = [address, *local, "--nthreads", "1", "--nworkers", "2", "--local-directory", str(tmp_path)]
        processes.append(subprocess.Popen([*python, "distributed.cli.dask_worker", *work], **quiet))
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        outcomes = run_batch([Job(str(i), "", arguments(a_scan)) for i in range(6)], out, scheduler=address)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)
    assert [o.status for o in outcomes] == ["done"] * 6
    assert killed
    assert begun(out, killed[0]) >= 2
    for log in out.glob("logs/*.log"):
        assert log.read_text(encoding="utf-8").count(" done\n") == 1
    assert len(list(out.glob("sub-*/quantify.json"))) == 6


def test_no_scheduler_is_one_sentence(a_scan, tmp_path):
    pytest.importorskip("distributed")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    import PCrCESTLib.batch.cluster as cluster

    kept, cluster.CONNECT_S = cluster.CONNECT_S, 0.5
    try:
        with pytest.raises(ClusterError, match="no Dask scheduler answers"):
            run_batch([Job("1", "", arguments(a_scan))], tmp_path / "out", scheduler=f"tcp://{address}")
    finally:
        cluster.CONNECT_S = kept


def test_cancelled_it_stops_soon_and_leaves_only_whole_results(a_scan, tmp_path):
    out = tmp_path / "out"
    scans = tmp_path / "scans.csv"
    series = ";".join(arguments(a_scan)[:2])
    scans.write_text("subject,series\n" + "".join(f"{i},{series}\n" for i in range(50)), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "PCrCESTLib",
        "batch",
        str(scans),
        "--out",
        str(out),
        "--progress",
        "json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(out.glob(".batch/*.lock")))
    process.send_signal(signal.SIGTERM)
    told, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(told.splitlines()[-1])["exit_code"] == 130
    assert "Traceback" not in errors
    assert not list(out.glob(".*partial*"))
    assert all((folder / "quantify.json").is_file() for folder in out.glob("sub-*"))


def test_a_lock_is_one_owners_until_that_is_dead(tmp_path):
    path = tmp_path / "sub-1.lock"
    with Lock(path, "this run"), pytest.raises(HeldError), Lock(path, "another run"):
        pass
    assert not path.exists()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    facts = {"owner": "x", "run": "this run", "deaths": 1, "host": socket.gethostname(), "pid": dead.pid}
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(HeldError), Lock(path, "this run"):  # a moment ago it was still touched
        pass
    long_ago = time.time() - 10 * SILENT_HERE_S
    os.utime(path, (long_ago, long_ago))
    with Lock(path, "this run") as lock:
        assert lock.deaths == 2


def test_another_data_set_is_not_written_into(tmp_path):
    description = tmp_path / "dataset_description.json"
    description.write_text('{"Name": "raw", "BIDSVersion": "1.9.0"}', encoding="utf-8")
    with pytest.raises(OutputError, match="another data set"):
        run_batch([Job("1")], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [description.name]


def test_a_folder_gives_its_scans_with_what_lies_beside_them(a_scan, tmp_path):
    shutil.copytree(a_scan, tmp_path / "sub-als01" / "ses-2")
    (job,) = jobs_in_folder(tmp_path, ["--motion=rigid"], "two-branch")
    assert job.name == "sub-als01_ses-2"
    assert [a for a in job.arguments if "_cest-" in a] == list(job.arguments[:2])
    roles = {a.partition("=")[0] for a in job.arguments[2:]}
    assert roles == {"--r1", "--b1", "--b0", "--rois", "--anatomy", "--motion"}


def test_repeated_scans_of_one_power_are_not_joined(a_scan, tmp_path):
    for run in (1, 2):
        for ending in (".nii.gz", ".json"):
            target = tmp_path / "sub-1" / f"sub-1_run-{run}_cest{ending}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(a_scan / f"sub-sim_cest-1uT{ending}", target)
    (job,) = jobs_in_folder(tmp_path, [], "two-branch")
    assert "same power" in job.refusal


def test_a_table_says_everything_of_its_scans(tmp_path):
    scans = tmp_path / "scans.csv"
    scans.write_text(
        "\ufeffSubject,series,r1,ksw-sd,group\nsub-a_1,l.nii;h.nii,-r1.nii,20,ALS\n", encoding="utf-8"
    )
    (job,), notes = jobs_in_table(scans, ["--ksw-sd=10"])
    series = (str(tmp_path / "l.nii"), str(tmp_path / "h.nii"))
    assert job.arguments == (*series, "--ksw-sd=10", f"--r1={tmp_path / '-r1.nii'}", "--ksw-sd=20")
    assert job.name == "sub-a1"
    assert "group" in notes[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"subject,series\n", "no scan"),
        (b"subject,file\n1,a.nii\n", "series is missing"),
        (b"subject,series,series\n1,a,b\n", "twice"),
        (b"subject,series\n../../etc,a.nii\n", "cannot be the name of a folder"),
        (b"subject,series\n,a.nii\n", "cannot be the name of a folder"),
        (b"subject,series\n1,a.nii,b.nii\n", "3 cells under 2 columns"),
        (b"\xff\xfes\x00u\x00b\x00", "UTF-8"),
        (b'subject,series\n1,"a.nii\n', "line 2"),
    ],
)
def test_a_hostile_table_is_refused_in_one_sentence(tmp_path, content, sentence):
    scans = tmp_path / "scans.csv"
    scans.write_bytes(content)
    with pytest.raises(ReaderError, match=sentence):
        jobs_in_table(scans, [])


def test_two_rows_of_one_subject_are_refused(tmp_path, capsys):
    scans = tmp_path / "scans.csv"
    scans.write_text("subject,series\nA1,a.nii\nsub-a1,b.nii\n", encoding="utf-8")
    assert main(["batch", str(scans), "--out", str(tmp_path / "out"), "--progress", "none"]) == 2
    assert "more than one scan" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_exit_code_tells_of_failures(tmp_path, capsys):
    scans = tmp_path / "scans.csv"
    scans.write_text("subject,series,method\n1,absent.nii,ld\n2,absent.nii,--overwrite\n", encoding="utf-8")
    assert main(["batch", str(scans), "--out", str(tmp_path / "out"), "--workers", "1"]) == 3
    assert "0 done, 0 skipped, 2 failed" in capsys.readouterr().out
    assert "invalid choice" in table(tmp_path / "out")["sub-2"]["sentence"]
