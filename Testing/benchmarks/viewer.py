"""How fluent the browser viewer is, and whether it grows: pictures a second, delay of the mouse, memory after 20 runs.

``python Testing/benchmarks/viewer.py`` drives the viewer in headless Chromium at 1280 by 720, everything rendered in
software. The same is measured on views as trame-slicer makes them, with 8 samples a pixel. ``--no-memory`` leaves out
the 40 runs.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "Testing" / "viewer" / "browser"))

from viewer_page import PCRCEST, Viewer, ViewerPage, running_chromium, running_viewer  # noqa: E402

from PCrCESTLib.commands.simulate import write_leg  # noqa: E402
from PCrCESTLib.viewer.processes import all_processes, family  # noqa: E402

SECONDS, MOVES, RUNS, TOLD = 6.0, 40, 20, (1, 5, 10, 15, 20)
SIZE, SLICES = 64, 20
EVERY_MS = 16  # between two events of a mouse
SESSION = """
import sys
from PCrCESTLib.viewer import session, workspace
own = workspace.Workspace._prepare
def prepare(self, view):
    own(self, view)
    view.render_window().SetMultiSamples(8)
workspace.Workspace._prepare = prepare
sys.exit(session.main())
"""
PEER = f"""
import sys
from PCrCESTLib.viewer import command
own = command.session_command
command.session_command = lambda *given: [sys.executable, "-c", {SESSION!r}, *own(*given)[3:]]
{PCRCEST}
"""
# Times at which a picture was shown and the mouse moved, ms.
WATCH = """() => {
    window.shown = []; window.moved = [];
    new MutationObserver(() => window.shown.push(performance.now()))
        .observe(document.querySelector("img.image-display-area"), { attributes: true, attributeFilter: ["src"] });
    document.addEventListener("pointermove", () => window.moved.push(performance.now()), true);
}"""


def circle(page: ViewerPage) -> Iterator[tuple[float, float]]:
    """Places of the page around the middle of the view."""
    box = page.view()
    x, y, radius = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 5
    for step in itertools.count():
        yield x + radius * math.cos(step / 15), y + radius * math.sin(step / 15)


def pictures_a_second(page: ViewerPage, act: Callable[[], None]) -> float:
    """Repeat an act for `SECONDS` as a mouse does; pictures that the page showed meanwhile, 1/s."""
    page.page.evaluate("window.shown = []")
    begun = time.perf_counter()
    for number in itertools.count(1):
        act()
        rest = begun + number * EVERY_MS / 1e3 - time.perf_counter()
        if rest > 0:
            page.page.wait_for_timeout(1e3 * rest)
        if time.perf_counter() - begun > SECONDS:
            break
    return len(page.page.evaluate("window.shown")) / (time.perf_counter() - begun)


def delay_ms(page: ViewerPage) -> float:
    """Median time from a movement of the mouse to the next picture, ms."""
    found = []
    for place in itertools.islice(circle(page), MOVES):
        page.page.wait_for_timeout(300)  # the view rests: its last, better picture has been sent
        page.page.evaluate("window.shown = []; window.moved = []")
        page.page.mouse.move(*place)
        page.until("window.shown.length > 0")
        found.append(page.page.evaluate("window.shown[0] - window.moved[0]"))
    return float(np.median(found))


def fluency(browser: Any, folder: Path, scan: Path, program: str) -> tuple[float, float, float]:
    """Pictures a second while painting and while scrolling, and the delay, ms."""
    folder.mkdir()
    with running_viewer(folder, f"--root={scan.parent}", program=program) as viewer:
        page = ViewerPage(browser, viewer.address)
        page.one(".scan-path input").fill(str(scan))
        page.one(".open").click()
        page.until_state("scan_facts", "it.length > 0")
        page.until_idle()
        page.open_section("muscles")
        page.page.evaluate(WATCH)
        places = circle(page)
        page.page.mouse.move(*next(places))
        scrolling = pictures_a_second(page, lambda: page.page.mouse.wheel(0, next(turns)))
        page.one(".tool-paint").click()
        page.until_state("tool", "it === 'paint'")
        delay = delay_ms(page)
        page.page.mouse.move(*next(places))
        page.page.mouse.down()
        painting = pictures_a_second(page, lambda: page.page.mouse.move(*next(places)))
        page.page.mouse.up()
        page.close()
    return painting, scrolling, delay


# Up and down through the slices.
turns = itertools.cycle([120] * (SLICES // 2) + [-120] * (SLICES // 2))


def session_mib(viewer: Viewer) -> float:
    """Resident memory of the one session of a viewer, MiB."""
    return max(p.resident_bytes for p in family(viewer.pid, all_processes()) if p.pid != viewer.pid) / (1 << 20)


def memory(browser: Any, folder: Path, remove: bool) -> list[float]:
    """Memory of a session after 1, 5, 10, 15 and 20 runs, MiB; with ``remove``, each result is removed."""
    folder.mkdir()
    found = []
    with running_viewer(folder) as viewer:
        page = ViewerPage(browser, viewer.address)
        page.open_sample()
        for name in ("quantify", "results"):
            page.open_section(name)
        for run in range(1, RUNS + 1):
            page.compute()
            if remove:
                page.page.get_by_title("remove this result").click()
                page.until_state("runs", "it.length === 0")
            if run in TOLD:
                found.append(session_mib(viewer))
        page.close()
    return found


def main() -> None:
    """Print all numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-memory", action="store_true")
    with_memory = not parser.parse_args().no_memory
    with tempfile.TemporaryDirectory() as name, running_chromium() as browser:
        folder = Path(name)
        write_leg(folder / "scan", "rat-4.7T-0.25uT", size=SIZE, slices=SLICES)
        (scan,) = (folder / "scan").glob("*_cest*.nii.gz")
        print(f"{os.cpu_count()} CPU cores, 1280 x 720, {SIZE} x {SIZE} x {SLICES} voxels, rendered in software\n")
        print("samples a pixel | pictures a second painting | scrolling slices | from mouse to picture, median (ms)")
        for title, program in (("none (ours)", PCRCEST), ("8 (trame-slicer)", PEER)):
            painting, scrolling, delay = fluency(browser, folder / title[0], scan, program)
            print(f"{title:>16} | {painting:.1f} | {scrolling:.1f} | {delay:.0f}", flush=True)
        if with_memory:
            print(f"\nmemory of the session after {', '.join(map(str, TOLD))} runs, MiB")
            for title, remove in (("results removed", True), ("results kept", False)):
                found = memory(browser, folder / title.split()[1], remove)
                print(f"{title}: {', '.join(f'{mib:.0f}' for mib in found)}", flush=True)


if __name__ == "__main__":
    main()
