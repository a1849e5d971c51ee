"""``pcrcest view``: what it says, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.viewer import command
from PCrCESTLib.viewer.command import address, listen, session_command

FAKE = Path(__file__).with_name("fake_session.py")
SESSIONS = """
import sys
from PCrCESTLib.viewer import command
command.session_command = lambda scan, roots: [sys.executable, sys.argv[1]]
"""
# As a user types it, but for the sessions; and without what else the command line imports, which takes a second.
WHOLE = SESSIONS + """
from PCrCESTLib.cli import main
sys.exit(main(["view", *sys.argv[2:]]))
"""
ALONE = SESSIONS + """
import argparse
parser = argparse.ArgumentParser()
command.add_parser(parser.add_subparsers())
arguments = parser.parse_args(["view", *sys.argv[2:]])
sys.exit(arguments.func(arguments))
"""


@pytest.fixture
def view(environment, tmp_path):
    """Returns a function that starts ``pcrcest view`` and gives the process and the address it printed."""
    started = []

    def start(*arguments, program=ALONE):
        program = [sys.executable, "-c", program, str(FAKE), "--no-browser", "--port=0", *arguments]
        process = subprocess.Popen(
            program,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | {"TMPDIR": str(tmp_path)},
        )
        started.append(process)
        line = process.stdout.readline()
        return process, re.fullmatch(r"PCrCEST is at (http://\S+/\?token=\S+) \(Ctrl-C ends it\)\n", line).group(1)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def opened(url: str) -> int:
    """Begin a session; its process number as soon as it answers."""
    with urllib.request.urlopen(url) as answer:
        place = answer.url
    while True:
        with urllib.request.urlopen(place) as answer:
            if found := re.search(r"session (\d+)", answer.read().decode()):
                return int(found.group(1))
        time.sleep(0.02)


def until_gone(is_running, pid: int) -> None:
    for _ in range(1000):
        if not is_running(pid):
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} still runs")


@pytest.mark.parametrize(
    ("number", "program"), [(signal.SIGINT, WHOLE), (signal.SIGTERM, ALONE), (signal.SIGHUP, ALONE)]
)
def test_an_end_that_is_asked_for_ends_all_sessions_and_leaves_no_file(
    view, is_running, tmp_path, number, program
):
    process, url = view(program=program)
    pids = [opened(url), opened(url)]
    assert len(list(tmp_path.glob("pcrcest-view-*/session-*"))) == 2
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not any(map(is_running, pids))
    assert list(tmp_path.iterdir()) == []
    assert process.stderr.read() == ""


def test_no_session_outlives_a_viewer_that_is_killed_and_the_next_one_removes_its_files(
    view, is_running, tmp_path
):
    process, url = view()
    pid = opened(url)
    (left,) = tmp_path.iterdir()
    assert left.stat().st_mode & 0o077 == 0
    process.kill()
    process.wait(20)
    until_gone(is_running, pid)
    assert left.exists()
    _, url = view()
    opened(url)
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 1  # its own


def test_viewers_at_once_leave_each_other_alone(view, tmp_path):
    (_, first), (_, second) = view(), view()
    assert opened(first) != opened(second)
    assert len(list(tmp_path.glob("pcrcest-view-*/session-*"))) == 2


def test_the_scan_and_its_folder_are_what_a_session_may_open(tmp_path):
    (tmp_path / "study" / "7").mkdir(parents=True)
    (tmp_path / "-other").mkdir()
    scan = tmp_path / "study" / "cest.nii.gz"
    scan.touch()
    program = [sys.executable, "-m", "PCrCESTLib.viewer.session"]
    study, other = tmp_path / "study", tmp_path / "-other"
    assert session_command(None, []) == program
    assert session_command(scan, [other, other]) == [
        *program, f"--scan={scan}", f"--root={study}", f"--root={other}",
    ]  # fmt: skip
    assert session_command(study / "7", []) == [*program, f"--scan={study / '7'}", f"--root={study / '7'}"]


def refused(capsys, *arguments: str) -> str:
    assert main(["view", "--no-browser", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_what_is_not_there_is_refused(capsys, tmp_path):
    assert refused(capsys, "nowhere.nii.gz") == (
        "pcrcest: nowhere.nii.gz: there is no such file or folder; give the path of a scan, or none"
    )
    (tmp_path / "file").touch()
    assert "--root needs a folder that exists" in refused(capsys, "--root", str(tmp_path / "file"))
    assert "no address of this computer" in refused(capsys, "--host", "192.0.2.1")
    assert "no address of this computer" in refused(capsys, "--host", "nowhere.invalid")


def test_a_port_that_is_taken_is_refused(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken or not allowed on 127.0.0.1" in refused(capsys, "--port", str(port))


def test_without_a_port_the_next_free_one_is_taken(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(command, "DEFAULT_PORT", port)
        with listen("127.0.0.1", None) as listening:
            assert port < listening.getsockname()[1] < port + command.TRIED_PORTS


@pytest.mark.parametrize("option", [("--port", "70000"), ("--port", "x"), ("--sessions", "0"), ("--memory-gib", "nan"),
                                    ("--idle-minutes", "-1"), ("--upload-mib", "0.5")])  # fmt: skip
def test_a_number_that_makes_no_sense_is_refused(capsys, option):
    with pytest.raises(SystemExit) as error:
        main(["view", *option])
    assert error.value.code == 2
    assert f"argument {option[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize("package", ["aiohttp", "trame_slicer"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(capsys, monkeypatch, package):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == package else real(n, *a))
    line = refused(capsys)
    assert f"'{package.replace('_', '-')}' is not installed" in line
    assert line.endswith("pip install 'pcrcest[viewer]'")


def test_the_address_is_one_that_a_browser_opens():
    with listen("127.0.0.1", 0) as here, listen("0.0.0.0", 0) as everywhere:
        assert address(here, "T") == f"http://127.0.0.1:{here.getsockname()[1]}/?token=T"
        assert address(everywhere, "T") == f"http://{socket.gethostname()}:{everywhere.getsockname()[1]}/?token=T"
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        with listen("::1", 0) as here:
            assert address(here, "T") == f"http://[::1]:{here.getsockname()[1]}/?token=T"


def test_an_address_that_others_reach_is_warned_about(view):
    process, _ = view("--host", "0.0.0.0")
    assert "not encrypted: better leave --host out and use an SSH tunnel (ssh -L" in process.stderr.readline()


def test_a_browser_opens_where_there_is_a_display_and_gets_a_token_for_one_session(environment, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho \"$1\" > {tmp_path}/asked.part && mv {tmp_path}/asked.part {tmp_path}/asked\n")
    browser.chmod(0o755)
    shown = {"BROWSER": str(browser), "DISPLAY": ":9", "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(FAKE), "--port=0"],
        stdout=subprocess.PIPE, text=True, env=environment | shown,
    )  # fmt: skip
    try:
        printed = process.stdout.readline()
        while not (tmp_path / "asked").exists():
            time.sleep(0.02)
        asked = (tmp_path / "asked").read_text().strip()
        assert asked.partition("?token=")[2] not in printed
        opened(asked)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(asked).close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def test_without_a_display_no_browser_opens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "environ", {})
    assert not command._has_display()
    monkeypatch.setattr(os, "environ", {"WAYLAND_DISPLAY": "wayland-0"})
    assert command._has_display()
