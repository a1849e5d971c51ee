"""A page whose connection ends finds its session again, or says that it has ended."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from viewer_page import ViewerPage, running_viewer

from PCrCESTLib.viewer.processes import all_processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes in /proc")


@pytest.fixture(scope="module")
def place(browser, tmp_path_factory):
    """Folder of the files of a viewer, and a page of its only session."""
    folder = tmp_path_factory.mktemp("ends")
    with running_viewer(folder) as viewer:
        page = ViewerPage(browser, viewer.address)
        yield folder, page
        page.close()


def sessions_of(folder: Path) -> list[int]:
    """Processes of the sessions of a viewer."""
    found = {pid: Path(f"/proc/{pid}/cmdline").read_text(errors="replace") for pid in all_processes()}
    return [pid for pid, line in found.items() if f"--folder={folder}" in line]


def test_a_page_that_lost_its_connection_finds_its_session_again(place):
    folder, page = place
    lines = []

    def pass_on(line):
        lines.append(line)
        line.connect_to_server()

    page.page.route_web_socket("**/ws", pass_on)
    page.page.reload()
    page.until_ready()
    before = page.page.url, sessions_of(folder)
    page.page.evaluate("window.isOld = true")
    lines[-1].close(code=3000, reason="cut")
    page.until("!window.isOld && window.trame?.utils?.pcrcest !== undefined")
    page.until_ready()
    assert (page.page.url, sessions_of(folder)) == before


def test_a_page_whose_session_crashed_says_so_by_itself(place):
    folder, page = place
    (session,) = sessions_of(folder)
    os.kill(session, signal.SIGKILL)
    page.page.get_by_text("Its process ended by itself (killed).").wait_for()
    assert page.page.get_by_role("heading").inner_text() == "This session has ended"
