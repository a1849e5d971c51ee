"""The viewer as it is shipped, in a real browser."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="these tests drive a browser with Playwright, of the extra dev")
pytest.importorskip("trame_slicer", reason="the viewer needs its extra: pip install 'pcrcest[viewer]'")

from viewer_page import CHROMIUM, ViewerPage, running_chromium, running_viewer

from PCrCESTLib.commands.simulate import write_leg
from PCrCESTLib.scene.loading import SIMULATED_NOISE, SIMULATED_SIZE


@pytest.fixture(scope="module")
def browser():
    """Chromium of this module; another loop of events could not run beside it for longer."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (apt install chromium)")
    with running_chromium() as found:
        yield found


@pytest.fixture(scope="module")
def opened_folder(tmp_path_factory):
    """The folder that the viewer was told to open; tests put files there."""
    return tmp_path_factory.mktemp("opened")


@pytest.fixture(scope="module")
def viewer(browser, opened_folder, tmp_path_factory):
    """A viewer that runs for this module."""
    with running_viewer(tmp_path_factory.mktemp("viewer"), "--sessions=8", f"--root={opened_folder}") as found:
        yield found


@pytest.fixture(scope="module")
def visit(browser, viewer):
    """Returns a function that opens the viewer in a browser of its own, and so begins a session."""
    pages = []

    def begin(**options) -> ViewerPage:
        pages.append(ViewerPage(browser, viewer.address, **options))
        return pages[-1]

    yield begin
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def leg(tmp_path_factory):
    """Folder with the files of the leg that the button *Simulated leg* makes."""
    folder = tmp_path_factory.mktemp("leg") / "scan"
    write_leg(folder, noise_sd=SIMULATED_NOISE, size=SIMULATED_SIZE)
    return folder
