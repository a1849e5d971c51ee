"""Pictures of the viewer in a browser: ``python Testing/tools/viewer_screenshots.py OUT``.

Needs Chromium on the path. The simulated leg is opened, drawn on, quantified by two methods, and compared.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIZE = {"width": 1280, "height": 720}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PATIENCE_MS = 120_000


@contextmanager
def viewer() -> Iterator[str]:
    """Address of a running viewer."""
    command = [sys.executable, "-m", "PCrCESTLib", "view", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"http\S+", process.stdout.readline()).group(0)
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with viewer() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        take(page, out)
        browser.close()


def take(page: Any, out: Path) -> None:
    """Go through the page and take its pictures."""

    def picture(name: str) -> None:
        page.wait_for_timeout(1500)  # views at rest are sent once more, sharper
        page.screenshot(path=out / f"{name}.png")

    def section(name: str) -> None:
        page.click(f".section-{name} .v-expansion-panel-title")

    def choose(field: str, text: str) -> None:
        page.click(f".{field} .v-field")
        page.click(f".v-overlay__content .v-list-item:has-text('{text}')")

    def run() -> None:
        page.click(".run:not([disabled])")
        page.wait_for_selector(".job")
        page.wait_for_selector(".job", state="detached")

    page.click(".sample")
    page.wait_for_selector(".new-subject")
    picture("1-scan")
    section("scan")
    section("muscles")
    page.click(".add-muscle")
    page.wait_for_selector(".pcr-segment:nth-child(9)")
    page.mouse.move(470, 300)
    page.mouse.down()
    page.mouse.move(480, 380, steps=12)
    picture("2-muscles")
    page.mouse.up()
    page.click(".undo")
    page.keyboard.press("Escape")
    section("muscles")
    section("quantify")
    run()
    section("quantify")
    section("results")
    picture("3-results")
    section("results")
    section("quantify")
    choose("method", "multi-pool")
    run()
    section("quantify")
    section("results")
    choose("compare", "two-branch")
    picture("4-compared")
    page.click(".theme")
    picture("5-light")


if __name__ == "__main__":
    main()
