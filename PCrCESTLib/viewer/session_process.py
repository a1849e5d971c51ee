"""The process behind one browser session: started, listened to, and ended with all its children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Sequence

from PCrCESTLib.job import KILL, NO_WINDOW, event_of, library_environment, signal_group
from PCrCESTLib.viewer import processes
from PCrCESTLib.viewer.processes import Process

KEY_VARIABLE = "PCRCEST_SESSION_KEY"
STOP_S = 3.0
KEPT_LINES, LONGEST_LINE = 100, 1000


class SessionProcess:
    """A child that tells its port in one line, ``{"event": "ready", "port": N}``, and serves HTTP there.

    Its standard input is a pipe from here that carries nothing: where this process ends without a word, the child
    reads the end of it and ends too. All that it prints is read, so that it never waits; the last lines are kept.
    """

    def __init__(self, command: Sequence[str], key: str) -> None:
        """Start nothing yet; the child learns the secret ``key`` from its environment."""
        self._command = list(command)
        self._key = key
        self._process: asyncio.subprocess.Process | None = None
        self._started = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._seen: set[tuple[int, int]] = set()
        self._family: list[Process] = []

    async def start(self) -> None:
        """Start it; `OSError` when that cannot be done."""
        pipe = asyncio.subprocess.PIPE
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env=library_environment() | {KEY_VARIABLE: self._key},
                creationflags=NO_WINDOW,
                start_new_session=os.name == "posix",
            )
        finally:
            self._started.set()
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [asyncio.create_task(self._read(s)) for s in (process.stdout, process.stderr)]

    @property
    def pid(self) -> int | None:
        """Its number, None before the start."""
        return None if self._process is None else self._process.pid

    @property
    def last_lines(self) -> str:
        """The last that it printed."""
        return "\n".join(self._kept)

    async def port(self) -> int | None:
        """Wait for the port it serves; None when it ends without one."""
        ended = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait((self._port, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        return self._port.result() if self._port.done() else None

    async def wait(self) -> int:
        """Wait for its end and for all that it printed; return the exit code."""
        assert self._process is not None
        code = await self._process.wait()
        await asyncio.wait(self._readers, timeout=STOP_S)
        return code

    def measure(self, running: dict[int, Process]) -> int:
        """Return the memory of it and of its children, bytes, and remember these: a job outlives a parent that dies."""
        if self.pid is None:
            return 0
        now = processes.family(self.pid, running)
        self._family += [p for p in now if (p.pid, p.started) not in self._seen]
        self._seen |= {(p.pid, p.started) for p in now}
        return sum(process.resident_bytes for process in now)

    async def end(self) -> None:
        """Ask it to end, do not wait long, and leave no child of it running; `start` must have been called."""
        await self._started.wait()
        process = self._process
        if process is None:
            return
        self.measure(processes.all_processes())
        assert process.stdin is not None
        process.stdin.close()
        signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
        signal_group(process.pid, KILL)
        processes.kill(self._family)
        await self.wait()
        for reader in self._readers:
            reader.cancel()
        self._port.cancel()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-LONGEST_LINE:]
            for line in lines:
                self._take(line.decode("utf-8", "replace").rstrip())
        if rest:
            self._take(rest.decode("utf-8", "replace"))

    def _take(self, line: str) -> None:
        event = event_of(line)
        if event is None or event["event"] != "ready":
            self._kept.append(line[:LONGEST_LINE])
        elif isinstance(event.get("port"), int) and not self._port.done():
            self._port.set_result(event["port"])
