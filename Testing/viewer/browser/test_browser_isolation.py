"""Who may see what: other browsers, other paths, other ports; and what the page itself asks for."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from PCrCESTLib.viewer.processes import all_processes, family

FILE = "sub-sim_cest-1uT.nii.gz"


@pytest.fixture(scope="module")
def pages(visit, leg):
    """Two browsers; the first has sent a scan, the second has done nothing."""
    first, second = visit(wait=False), visit()
    first.until_ready()
    with first.page.expect_file_chooser() as waiting:
        first.one(".upload").click()
    waiting.value.set_files([leg / FILE, leg / FILE.replace(".nii.gz", ".json")])
    first.until_state("scan_facts", "it.length > 0")
    return first, second


def sid(page) -> str:
    return urlsplit(page.page.url).path.split("/")[2]


def get(viewer, path: str, port: int | None = None) -> tuple[int, str]:
    """Status and body of what lies at a path that is sent as it is written."""
    place = urlsplit(viewer.origin)
    connection = http.client.HTTPConnection(place.hostname, port or place.port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def told_after(page, script: str) -> str:
    page.page.evaluate(script)
    told = page.until_state("error", "it !== ''")
    page.one(".close-error").click()
    page.until_state("error", "it === ''")
    return told


def test_two_browsers_have_scenes_of_their_own(pages):
    first, second = pages
    assert sid(first) != sid(second)
    assert second.state("scan_facts") == []
    second.open_sample()
    assert len(first.state("scan_facts")) == 1


def test_what_one_browser_sent_the_other_cannot_open(pages, viewer):
    _, second = pages
    (sent,) = viewer.folder.glob(f"pcrcest-view-*/session-*/uploads/*/{FILE}")
    facts = second.state("scan_facts")
    second.one(".scan-path input").fill(str(sent))
    second.one(".open").click()
    assert "not in the opened folders" in second.until_state("error", "it !== ''")
    second.one(".close-error").click()
    batch, folder = sent.parent.name, sent.parents[2].name
    for given in (batch, f"../../{folder}/uploads/{batch}", str(sent.parent), ".."):
        told = told_after(second, f"window.trame.trigger('uploaded', ['{given}'])")
        assert "not in the opened folders" in told
    assert second.state("scan_facts") == facts


def test_a_saved_file_is_found_in_its_own_session_only(pages, viewer, tmp_path):
    first, second = pages
    first.open_section("export")
    name = first.download(".export-picture", tmp_path).name
    assert get(viewer, f"/s/{sid(first)}/download/{name}")[0] == 200
    assert get(viewer, f"/s/{sid(second)}/download/{name}")[0] == 404


@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong"])
def test_without_the_token_no_session_begins(browser, viewer, token):
    page = browser.new_page()
    before = len(family(viewer.pid, all_processes()))
    answer = page.goto(f"{viewer.origin}/{token}")
    assert answer.status == 403
    assert "address that pcrcest view printed" in page.inner_text("body")
    assert len(family(viewer.pid, all_processes())) == before
    page.close()


@pytest.mark.parametrize(
    "path",
    [
        *("../../etc/passwd", "../../../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc/passwd"),
        *("download/..%2f..%2flock", "download/%2e%2e/lock", "download/..%252flock", "download/..\\lock"),
        *("pcrcest-0.1.0/../../session.py", "assets/%2e%2e/%2e%2e/session.py", "//etc/passwd"),
    ],
)
def test_no_path_leads_out_of_a_session(pages, viewer, path):
    status, text = get(viewer, f"/s/{sid(pages[0])}/{path}")
    assert status in (400, 403, 404)
    assert "root:" not in text
    assert "def " not in text


def test_a_session_answers_nobody_but_the_front(pages, viewer):
    ports = {port for process in family(viewer.pid, all_processes()) for port in listening(process.pid)}
    ports -= {urlsplit(viewer.origin).port}
    assert len(ports) == 2
    for port in ports:
        for path in ("/", "/index.html", "/ws"):
            status, text = get(viewer, path, port)
            assert status == 403
            assert "belongs to a session" in text


def listening(pid: int) -> list[int]:
    """Ports that a process listens on, by ``/proc``."""
    try:
        links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []
    inodes = {found.group(1) for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[9] in inodes]


def test_the_page_asks_nobody_but_its_own_viewer(pages, viewer):
    host = urlsplit(viewer.origin).netloc
    for page in pages:
        assert len(page.asked) > 20
        assert {urlsplit(url.removeprefix("blob:")).netloc for url in page.asked} == {host}
