"""Many scans: each quantified once, whatever fails, dies or is asked for twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch_scans import POWERS, arguments, begun, table, wait_for
from bruker_scans import write_scan

from PCrCESTLib.batch import Job, run_batch
from PCrCESTLib.batch.fingerprint import files_behind
from PCrCESTLib.batch.folder import jobs_in_folder
from PCrCESTLib.batch.lock import SILENT_HERE_S, HeldError, Lock
from PCrCESTLib.batch.table import jobs_in_table
from PCrCESTLib.cli import main
from PCrCESTLib.errors import ClusterError, OutputError, ReaderError
from PCrCESTLib.version import __version__


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


def test_the_results_are_a_data_set_that_says_what_made_it(tmp_path):
    """Keys that BIDS 1.10.0 requires of a derivative (dataset_description.json), and its recommended README."""
    run_batch([Job("1", refusal="not to be done")], tmp_path, workers=1)
    description = json.loads((tmp_path / "dataset_description.json").read_text(encoding="utf-8"))
    assert description["BIDSVersion"] == "1.10.0"
    assert description["DatasetType"] == "derivative"
    assert description["Name"]
    (generator,) = description["GeneratedBy"]
    assert (generator["Name"], generator["Version"]) == ("PCrCEST", __version__)
    readme = tmp_path / "README"
    assert len(readme.read_bytes()) > 150
    readme.write_text("mine", encoding="utf-8")
    run_batch([Job("1", refusal="not to be done")], tmp_path, workers=1)
    assert readme.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("given", [".", "pdata/1", "pdata/1/2dseq"])
def test_what_a_bruker_scan_rests_on_is_all_of_its_folder_however_it_is_named(tmp_path, given):
    pytest.importorskip("brukerapi")
    scan = tmp_path / "study" / "7"
    write_scan(scan)
    names = {path.relative_to(scan).as_posix() for path in files_behind(scan / given)}
    assert {"method", "acqp", "pdata/1/2dseq", "pdata/1/visu_pars"} <= names


@pytest.mark.parametrize(("command", "new"), [("report", "x.html"), ("dicom", "x"), ("stats", "x.csv")])
def test_a_command_for_one_result_names_one_when_it_is_given_all_of_them(tmp_path, capsys, command, new):
    one = tmp_path / "all" / "sub-1" / "ses-2"
    one.mkdir(parents=True)
    (one / "quantify.json").write_text("{}", encoding="utf-8")
    assert main([command, str(tmp_path / "all"), "--out", str(tmp_path / new)]) == 2
    assert f"such as {one}" in capsys.readouterr().err


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
    assert job.arguments == (*series, f"--r1={tmp_path / '-r1.nii'}", "--ksw-sd=20")
    assert job.name == "sub-a1"
    assert "group" in notes[0]


@pytest.mark.parametrize("cell", ["true", "Yes", "TRUE", "1"])
def test_a_cell_that_says_yes_sets_a_flag(tmp_path, cell):
    scans = tmp_path / "scans.csv"
    scans.write_text(f"subject,series,exclude_flagged\n1,a.nii,{cell}\n", encoding="utf-8")
    (job,), _ = jobs_in_table(scans, [])
    assert job.arguments[1:] == ("--exclude-flagged",)


@pytest.mark.parametrize("cell", ["false", "No", "FALSE", "0"])
def test_a_cell_that_says_no_goes_before_the_flag_for_all(tmp_path, cell):
    scans = tmp_path / "scans.csv"
    rows = f"1,a.nii,{cell}\n2,a.nii,n/a\n"
    scans.write_text(f"subject,series,exclude-flagged\n{rows}", encoding="utf-8")
    (says_no, says_nothing), _ = jobs_in_table(scans, ["--exclude-flagged", "--motion=rigid"])
    assert says_no.arguments[1:] == ("--motion=rigid",)
    assert says_nothing.arguments[1:] == ("--exclude-flagged", "--motion=rigid")


def test_yes_and_no_are_values_of_options_that_are_no_flags(tmp_path):
    scans = tmp_path / "scans.csv"
    scans.write_text("subject,series,rois,method\n1,a.nii,no,yes\n", encoding="utf-8")
    (job,), _ = jobs_in_table(scans, [])
    assert job.arguments[1:] == (f"--rois={tmp_path / 'no'}", "--method=yes")


def test_rows_that_cannot_be_read_are_failures_and_the_rest_is_done(a_scan, tmp_path, capsys):
    """A flag that is neither yes nor no, no series, a name no disk can have, a series that is garbage."""
    (tmp_path / "garbage.nii.gz").write_bytes(b"\x1f\x8bnothing of the kind")
    good = ";".join(arguments(a_scan)[: len(POWERS)])
    rows = (("1", good, ""), ("2", good, "maybe"), ("3", "", ""), ("4", "x" * 5000, ""), ("5", "a\0b.nii", ""))
    scans = tmp_path / "scans.csv"
    text = "".join(",".join(row) + "\n" for row in (*rows, ("6", "garbage.nii.gz", "")))
    scans.write_text(f"subject,series,exclude_flagged\n{text}", encoding="utf-8")
    command = ["batch", str(scans), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main([*command, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert (told.count("to do"), told.count("cannot be done")) == (1, 5)
    assert main([*command, "--workers", "1", "--progress", "none"]) == 3
    found = table(tmp_path / "out")
    assert {s: r["status"] for s, r in found.items()} == {"sub-1": "done"} | dict.fromkeys(
        ("sub-2", "sub-3", "sub-4", "sub-5", "sub-6"), "failed"
    )
    assert "line 3: exclude_flagged is 'maybe'; true or false is expected" in found["sub-2"]["sentence"]
    assert "no series is given" in found["sub-3"]["sentence"]
    assert not any("unexpected" in row["sentence"] for row in found.values())


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
