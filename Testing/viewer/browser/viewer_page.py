"""A user of ``pcrcest view``: starts it, opens it in Chromium, and does with mouse and keys what a user does."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk

REPOSITORY = Path(__file__).resolve().parents[3]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Rendered in software and without a word to the maker of the browser.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync"),
)
PCRCEST = "import sys; from PCrCESTLib.cli import main; sys.exit(main())"  # as the script of that name does
WINDOW = {"width": 1280, "height": 720}
START_MS, WAIT_MS = 120_000, 30_000  # a busy computer is no failure
ADDRESS = re.compile(r"PCrCEST is at (http://\S+/\?token=\S+) \(Ctrl-C ends it\)\n")


class Viewer(NamedTuple):
    """A running viewer: the address that it printed, the number of its process, and where its files are."""

    address: str
    pid: int
    folder: Path

    @property
    def origin(self) -> str:
        """Scheme, host and port of the address."""
        return self.address.partition("/?")[0]


@contextlib.contextmanager
def running_viewer(temporary: Path, *arguments: str, program: str = PCRCEST) -> Iterator[Viewer]:
    """Run ``pcrcest view`` as a user does, its files below ``temporary``; ``program`` stands in for the script."""
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
    }
    command = [sys.executable, "-c", program, "view", "--no-browser", "--port=0", *arguments]
    with (temporary / "viewer.log").open("w") as log, subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:
        try:
            found = ADDRESS.fullmatch(process.stdout.readline())
            assert found, (temporary / "viewer.log").read_text()
            yield Viewer(found.group(1), process.pid, temporary)
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def running_chromium() -> Iterator[Any]:
    """Yield a Chromium of Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield browser
        browser.close()


class ViewerPage:
    """One browser (with cookies and storage of its own) and its page."""

    def __init__(self, browser: Any, address: str, *, wait: bool = True) -> None:
        """Open the address and, unless told otherwise, wait until the tool is there."""
        self.context = browser.new_context(viewport=WINDOW, accept_downloads=True)
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.goto(address)
        if wait:
            self.until_ready()

    def until_ready(self) -> None:
        """Wait for page and first picture; fails at once when the session has ended."""
        self.page.locator(".sample, h1:text('ended')").wait_for(timeout=START_MS)
        assert self.one(".sample").is_visible(), self.page.inner_text("body")
        self.until("document.querySelector('img.image-display-area')?.naturalWidth > 0")
        self.page.wait_for_function("() => window.trame?.utils?.pcrcest !== undefined")

    def close(self) -> None:
        """Leave, as closing the browser does."""
        self.context.close()

    def one(self, css: str) -> Any:
        """Return what a selector finds, which must be one."""
        return self.page.locator(css)

    def until(self, expression: str, argument: Any = None) -> Any:
        """Wait until JavaScript is true in the page; returns its value."""
        return self.page.wait_for_function(expression, arg=argument).json_value()

    def state(self, name: str) -> Any:
        """What the page knows of a variable that it shares with the session."""
        return self.page.evaluate("(name) => window.trame.state.get(name)", name)

    def until_state(self, name: str, test: str) -> Any:
        """Wait until a test in JavaScript of the shared variable ``it`` holds; returns the variable.

        Fails at once when the page shows an error.
        """
        read = f"const s = window.trame.state, it = s.get(name); return s.get('error') || {test};"
        try:
            found = self.until(f"(name) => {{ {read} }}", name)
        except Exception as error:
            shown = {key: self.state(key) for key in ("busy", "job", "job_stage", "note", name)}
            raise AssertionError(f"{test} does not come true: {shown}") from error
        assert found is True or name == "error", found
        return self.state(name)

    def until_idle(self) -> None:
        """Wait until nothing is read, computed or on its way."""
        self.until_state("busy", "it === ''")
        self.until_state("job", "it === ''")

    def open_section(self, name: str) -> None:
        """Unfold a section of the left side, and bring it into view."""
        if name not in self.state("open_sections"):
            self.one(f".section-{name} .v-expansion-panel-title").click()
            self.one(f".section-{name} .v-expansion-panel-text").wait_for()
            self.until("!document.querySelector('[class*=expand-transition]')")  # what moves is missed

    def choose(self, css: str, title: str | re.Pattern[str]) -> None:
        """Choose an entry of a list by its text."""
        self.one(f"{css} .v-field").click()
        entry = self.page.locator(".v-overlay--active .v-list-item").filter(has_text=title).first
        entry.click()
        entry.wait_for(state="hidden")

    def open_sample(self) -> None:
        """Load the simulated leg."""
        self.one(".sample").click()
        self.until_state("scan_facts", "it.length >= 8")
        self.until_idle()

    def compute(self, method: str | None = None) -> None:
        """Press *Run* and wait for the result."""
        self.open_section("quantify")
        if method is not None:
            self.choose(".method", method)
        before = len(self.state("runs"))
        self.one(".run").click()
        self.until_state("runs", f"it.length > {before}")
        self.until_idle()

    def plot(self, title: str, heading: str) -> str:
        """Choose what is plotted; the plot's heading, which begins with ``heading``."""
        self.choose(".plot-of", title)
        return self.until_state("plot_title", f"it.startsWith({heading!r})")

    def table(self) -> list[dict[str, str]]:
        """The rows of the table that is shown, by the heads of its columns."""
        read = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
        head, *rows = self.page.locator(".pcr-table:not(.pcr-all) tr").evaluate_all(read)
        return [dict(zip(head, row, strict=True)) for row in rows]

    def download(self, css: str, folder: Path) -> Path:
        """Press a button that makes a file; the file that the browser saved."""
        with self.page.expect_download() as waiting:
            self.one(css).click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def title_at(self, x: float, y: float) -> str:
        """Point at a place of the page; the heading of the plot that follows."""
        before = self.state("plot_title")
        self.page.mouse.move(x, y)
        self.until("(before) => window.trame.state.get('plot_title') !== before", before)
        return self.state("plot_title")

    def view(self, number: int = 0) -> dict[str, float]:
        """Place of a slice view in the page, pixels."""
        return self.page.locator(".remote-controlled-area").nth(number).bounding_box()

    def picture(self, path: Path, number: int = 0) -> np.ndarray:
        """What a slice view shows, (rows, columns, 3), 0 to 255; one pixel a pixel of the page."""
        self.page.locator(".remote-controlled-area").nth(number).screenshot(path=path)
        return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., :3].astype(float)

    def add_muscle(self, name: str, side: str = "") -> str:
        """Add a muscle of the preset in hand; the name it gets in the list."""
        self.open_section("muscles")
        for variable, value, shown, css in (
            ("muscle", name, name, ".v-select:has(label:text-is('muscle'))"),
            ("side", side, side or "none", ".side"),
        ):
            if self.state(variable) != value:
                self.choose(f".section-muscles {css}", shown)
        self.one(".add-muscle").click()
        title = f"{name} {side}".strip()
        self.until_state("segments", f"it.some((s) => s.name === {title!r})")
        return title

    def muscle(self, name: str) -> Any:
        """The line of a muscle in the list."""
        return self.page.locator(".pcr-segment").filter(has=self.page.get_by_text(name, exact=True))

    def voxels(self, name: str) -> int:
        """Voxels of a muscle as the list has them."""
        return int(self.muscle(name).locator(".voxels").inner_text())

    def drag(self, points: Sequence[tuple[float, float]], steps: int = 12) -> None:
        """Draw with the left button along places of the page, as fast as the browser takes it."""
        first, *further = points
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in further:
            self.page.mouse.move(*point, steps=steps)
        self.page.mouse.up()
