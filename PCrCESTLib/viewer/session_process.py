"""The process behind one browser session: started, listened to, and ended with all its children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from PCrCESTLib.job import KILL, NO_WINDOW, event_of, library_environment, signal_group
from PCrCESTLib.viewer import processes
from PCrCESTLib.viewer.processes import Process

KEY_VARIABLE = "PCRCEST_SESSION_KEY"
# A job that the process leaves behind may hold its output open: the last lines are not waited for any longer.
DRAIN_S = 0.5
TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")
KEPT_LINES, LONGEST_LINE = 100, 1000


class SessionProcess:
    """A child that tells its port in one line, ``{"event": "ready", "port": N}``, and serves HTTP there.

    Its standard input is a pipe from here that carries nothing: where this process ends without a word, the child
    reads the end of it and ends too. All that it prints is read, so that it never waits; the last lines are kept.
    Threads listen to it: asyncio's own subprocesses count as running while anything holds their output open.
    """

    def __init__(self, command: Sequence[str], key: str, temporary: Path) -> None:
        """Start it; `OSError` when that cannot be done.

        The child learns the secret ``key`` from its environment, and that ``temporary`` is the folder for what it and
        its jobs write for a while: wherever they break off, nothing of a scan stays behind elsewhere.
        """
        self._loop = asyncio.get_running_loop()
        self._port: asyncio.Future[int] = self._loop.create_future()
        self._code: asyncio.Future[int] = self._loop.create_future()
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._seen: set[tuple[int, int]] = set()
        self.known: list[Process] = []
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=library_environment() | {KEY_VARIABLE: key} | dict.fromkeys(TEMPORARY_VARIABLES, str(temporary)),
            creationflags=NO_WINDOW,
            start_new_session=os.name == "posix",
        )
        self.pid = self._process.pid
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for thread in (*self._readers, threading.Thread(target=self._await_end, daemon=True)):
            thread.start()

    @property
    def last_lines(self) -> str:
        """The last that it printed."""
        return "\n".join(self._kept)

    async def port(self) -> int | None:
        """Wait for the port it serves; None when it ends without one."""
        await asyncio.wait((self._port, self._code), return_when=asyncio.FIRST_COMPLETED)
        return self._port.result() if self._port.done() else None

    async def wait(self) -> int:
        """Wait for its end and for what it printed; return the exit code."""
        code = await asyncio.shield(self._code)
        for thread in self._readers:
            await asyncio.to_thread(thread.join, DRAIN_S)
        return code

    def measure(self, running: dict[int, Process]) -> int:
        """Return the memory of it and of its children, bytes, and remember these: a job outlives a parent that dies."""
        now = processes.family(self.pid, running)
        self.known += [p for p in now if (p.pid, p.started) not in self._seen]
        self._seen |= {(p.pid, p.started) for p in now}
        return sum(process.resident_bytes for process in now)

    async def end(self, patience_s: float) -> None:
        """Ask it to end, do not wait longer than ``patience_s``, and leave no child of it running."""
        self.measure(processes.all_processes())
        assert self._process.stdin is not None
        self._process.stdin.close()
        signal_group(self.pid, signal.SIGTERM)
        await asyncio.wait((self._code,), timeout=patience_s)
        signal_group(self.pid, KILL)
        processes.kill(self.known)
        await self.wait()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(LONGEST_LINE):
                self._take(line.decode("utf-8", "replace").rstrip())

    def _take(self, line: str) -> None:
        event = event_of(line)
        if event is None or event["event"] != "ready":
            self._kept.append(line)
        elif isinstance(event.get("port"), int):
            self._tell(_settle, self._port, event["port"])

    def _await_end(self) -> None:
        self._tell(_settle, self._code, self._process.wait())

    def _tell(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(function, *arguments)


def _settle(future: asyncio.Future[int], value: int) -> None:
    if not future.done():
        future.set_result(value)
