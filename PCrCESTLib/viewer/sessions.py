"""Browser sessions: each has a process, a folder and secrets of its own, and none outlives its limits."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import tempfile
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PCrCESTLib.errors import ViewerError
from PCrCESTLib.viewer import processes
from PCrCESTLib.viewer.limits import Limits
from PCrCESTLib.viewer.session_process import SessionProcess
from PCrCESTLib.viewer.upload import Uploads

KEPT_ENDED = 100
UPLOADS, DOWNLOADS, TEMPORARY = "uploads", "downloads", "temporary"


class FullError(ViewerError):
    """As many sessions run as are allowed."""


class Session:
    """One browser's process, folder and secrets."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Make a folder below ``folder`` that only this user can read, and start ``command`` with it."""
        self.sid = secrets.token_urlsafe(32)
        self.key = secrets.token_urlsafe(32)
        self.folder = Path(tempfile.mkdtemp(prefix="session-", dir=folder))
        for name in (UPLOADS, DOWNLOADS, TEMPORARY):
            (self.folder / name).mkdir(mode=0o700)
        self.uploads = Uploads(self.folder / UPLOADS, limits)
        self.port: int | None = None
        self.reason = ""
        self._failed = False
        self.begun = asyncio.Event()
        self.process: SessionProcess | None = None
        self._command = [*command, f"--folder={self.folder}"]
        self._limits = limits
        self._used = time.monotonic()
        self._end: asyncio.Task[None] | None = None
        self._run = asyncio.create_task(self._live())

    def touch(self) -> None:
        """Count the idle time from now."""
        self._used = time.monotonic()

    @property
    def ended(self) -> bool:
        """Whether it has ended, or is being ended: then ``reason`` says why."""
        return self._end is not None

    @property
    def last_words(self) -> str:
        """What its process printed last, where it ended by itself and not well."""
        return self.process.last_lines if self.process is not None and self._failed else ""

    @property
    def present(self) -> bool:
        """Whether its process or folder may still be there."""
        return self._end is None or not self._end.done()

    def end(self, reason: str) -> asyncio.Task[None]:
        """End it for a reason, a whole sentence; the first one counts. The task is done when nothing is left of it."""
        if self._end is None:
            self.reason = reason
            self._end = asyncio.create_task(self._leave())
            self.begun.set()
        return self._end

    def check(self, running: dict[int, processes.Process]) -> None:
        """End it when it holds too much memory or has been left alone."""
        held = 0 if self.process is None else self.process.measure(running)
        if held > self._limits.memory_bytes:
            self.end(
                f"It held {held / 2**30:.1f} GiB of memory, and {self._limits.memory_bytes / 2**30:.1f} GiB are "
                "allowed (--memory-gib)."
            )
        elif time.monotonic() - self._used > self._limits.idle_s:
            self.end(f"It was not used for {self._limits.idle_s / 60:g} minutes (--idle-minutes).")

    async def _live(self) -> None:
        try:
            self.process = SessionProcess(self._command, self.key, self.folder / TEMPORARY)
            self.port = await asyncio.wait_for(self.process.port(), self._limits.start_s)
        except asyncio.TimeoutError:
            self.end(f"It did not start within {self._limits.start_s:g} seconds.")
            return
        except OSError as error:
            self.end(f"Its process could not be started ({error}).")
            return
        if self.port is not None:
            self.begun.set()
        code = await self.process.wait()
        if self.ended:
            return
        self._failed = code != 0
        self.end(f"Its process ended by itself ({_told(code)})." if self._failed else "It was closed.")

    async def _leave(self) -> None:
        self._run.cancel()
        if self.process is not None:
            await self.process.end(self._limits.stop_s)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


def _told(exit_code: int) -> str:
    name = signal.strsignal(-exit_code) if exit_code < 0 else None
    return f"exit code {exit_code}" if name is None else name.lower()


class Sessions:
    """All sessions of one viewer."""

    def __init__(self, command: Sequence[str], folder: Path, limits: Limits) -> None:
        """Begin sessions with ``command`` and ``--folder=…``; their folders lie in ``folder``."""
        self._command, self._folder, self._limits = tuple(command), folder, limits
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self) -> Session:
        """Begin one more.

        Raises
        ------
        FullError
            When as many run as are allowed.
        """
        if len(self.present) >= self._limits.sessions:
            raise FullError(
                f"{self._limits.sessions} sessions run here already, as many as are allowed (--sessions). "
                "Close one, or try again later."
            )
        self._forget()
        session = Session(self._command, self._folder, self._limits)
        self._sessions[session.sid] = session
        return session

    def get(self, sid: str) -> Session | None:
        """Return a session, running or ended; None when there is none of that name."""
        return self._sessions.get(sid)

    @property
    def present(self) -> list[Session]:
        """Those that take a place."""
        return [session for session in self._sessions.values() if session.present]

    async def watch(self) -> None:
        """Look after memory and idleness until cancelled."""
        while True:
            await asyncio.sleep(self._limits.check_s)
            if watched := [session for session in self.present if not session.ended]:
                running = await asyncio.to_thread(processes.all_processes)
                for session in watched:
                    session.check(running)

    async def close(self) -> None:
        """End all of them."""
        ends = [session.end("The viewer was closed.") for session in self.present]
        if ends:
            await asyncio.wait(ends)

    def _forget(self) -> None:
        """Keep what a browser may still ask about, but not for ever."""
        ended = [sid for sid, session in self._sessions.items() if not session.present]
        for sid in ended[:-KEPT_ENDED]:
            del self._sessions[sid]
