"""The tool as a page: its parts, what they share, and the page's state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.scene.choice import ScanChoice
from PCrCESTLib.viewer.access import Access
from PCrCESTLib.viewer.drawing import Drawing
from PCrCESTLib.viewer.exports import Exports
from PCrCESTLib.viewer.jobs import Jobs
from PCrCESTLib.viewer.page import build_page
from PCrCESTLib.viewer.plot import Plot
from PCrCESTLib.viewer.quantification import Quantification
from PCrCESTLib.viewer.redrawn import RedrawnTable
from PCrCESTLib.viewer.results import Results
from PCrCESTLib.viewer.scan import Scan
from PCrCESTLib.viewer.strokes import StrokeOrder
from PCrCESTLib.viewer.workspace import Workspace

logger = logging.getLogger(__name__)
CHECK_SECONDS = 0.25


class Application:
    """One session: every part has a reference to it, and finds the others here.

    ``choice`` is the chosen scan with its maps and muscles.
    """

    def __init__(self, server: Any, access: Access, folder: Path) -> None:
        """Build scene, parts and page on a trame server; ``folder`` is the session's own."""
        self.server, self.state, self.access, self.folder = server, server.state, access, folder
        self.state.setdefault("error", "")
        self.state.setdefault("note", "")
        self.state.setdefault("busy", "")
        self.state.setdefault("dark", True)
        self.choice = ScanChoice()
        self.strokes = StrokeOrder()
        self.edits: dict[str, Callable[[Any], None]] = {}
        self.workspace = Workspace(server, folder, self.strokes.on_event)
        self.jobs = Jobs(self)
        self.scan, self.drawing = Scan(self), Drawing(self)
        self.quantification, self.results = Quantification(self), Results(self)
        self.plot, self.exports = Plot(self), Exports(self)
        self.redrawn = RedrawnTable(self)
        self.trigger("page_opened", self.strokes.start_page)
        self.trigger("edit", self.edit)
        self.trigger("key", self.drawing.on_key)
        build_page(self)
        self.refresh()

    def trigger(self, name: str, handler: Callable[..., Any]) -> None:
        """Let the page call a method by name."""
        self.server.trigger(name)(handler)

    def edit(self, name: str, value: Any = None, presses: int = 0, releases: int = 0) -> None:
        """Do one of ``edits``, which change or use the muscles, after every stroke that was drawn before it."""
        if name in self.edits:
            self.strokes.do(int(presses), int(releases), lambda: self._edit(self.edits[name], value))

    def _edit(self, do: Callable[[Any], None], value: Any) -> None:
        with self.guarded("The muscles cannot be changed"), self.state:
            do(value)

    @contextmanager
    def guarded(self, title: str) -> Iterator[None]:
        """Show the library's own sentence for what the user can mend, and the kind of error for what only we can."""
        try:
            yield
        except PCrCESTError as error:
            self.state.error = f"{title}: {self.access.plain(str(error))}"
        except Exception as error:
            logger.exception(title)
            self.state.error = f"{title}: {type(error).__name__}: {error} (the server's log has the details)"
        finally:
            self.state.flush()

    @contextmanager
    def busy(self, doing: str) -> Iterator[None]:
        """Say what takes a moment while it does."""
        self.state.busy = doing
        try:
            yield
        finally:
            self.state.busy = ""

    def later(self, work: Coroutine[Any, Any, None] | Awaitable[None], title: str) -> None:
        """Do something that waits, without holding up the page; its errors are shown."""

        async def guarded() -> None:
            with self.guarded(title):
                await work

        from trame_server.utils.asynchronous import create_task

        create_task(guarded())

    def refresh(self) -> None:
        """Let every part show what there is and say what it misses."""
        for part in (self.scan, self.drawing, self.quantification, self.results, self.plot, self.exports):
            part.update()

    async def watch_strokes(self) -> None:
        """Give up on strokes that never arrive."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self.strokes.check()

    def stop(self) -> None:
        """End what runs beside the session."""
        self.jobs.stop()
