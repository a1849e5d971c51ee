"""A command of this program as a process of its own: how the graphical interfaces run long work.

The process writes one JSON object a line (`progress.JsonProgress`). Nothing here blocks: `Job.poll` is called from a
timer, and what it returns may be shown in a window.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

KEPT_LINES = 200
STOP_SECONDS = 5.0
Event = dict[str, Any]
# Without it a console window flashes up on Windows.
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def interpreter() -> str:
    """Return the Python that runs jobs: Slicer's own where there is one, else this process's."""
    return shutil.which("PythonSlicer") or sys.executable


def library_environment() -> dict[str, str]:
    """Environment of a process that finds this very library first."""
    root = Path(__file__).resolve().parents[1]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a process that leads its group, and to the group; Windows knows only the end."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
    else:
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(pid)], check=False, capture_output=True)


class Job:
    """One running command.

    Events are the dicts that the command printed, and at last ``{"event": "exit", "code": …}``. Lines that are no JSON
    are kept for `details`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        """Start ``pcrcest ARGUMENTS``; give ``--progress json`` among them."""
        self._command = [interpreter(), "-m", "PCrCESTLib", *map(str, arguments)]
        self._started = time.monotonic()
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._open_streams = 2
        self._ended = False
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=library_environment(),
            creationflags=NO_WINDOW,
            # Slicer's interpreter is a launcher with the real one as its child: both must get the signal.
            start_new_session=os.name == "posix",
        )
        self._threads = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def poll(self) -> list[Event]:
        """Return the events since the last call; after the last one, the job is over."""
        events: list[Event] = []
        while True:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                break
            if line is None:
                self._open_streams -= 1
                continue
            event = event_of(line)
            if event is None:
                self._kept.append(line)
            else:
                events.append(event)
        if not self._ended and not self._open_streams and self._process.poll() is not None:
            self._ended = True
            events.append({"event": "exit", "code": self._process.returncode})
        return events

    @property
    def running(self) -> bool:
        """Whether the end has not been polled yet."""
        return not self._ended

    @property
    def seconds(self) -> float:
        """Time since the start, s."""
        return time.monotonic() - self._started

    def details(self) -> str:
        """Command and everything it printed that was no event, for a *Details* part."""
        return "\n".join([" ".join(self._command), *self._kept])

    def cancel(self) -> None:
        """Ask the process to stop; it removes what it had begun and ends with exit code 130 (on Windows, at once)."""
        if self._process.poll() is None:
            signal_group(self._process.pid, signal.SIGTERM)

    def stop(self) -> None:
        """End the process now, whatever it does, and wait for it: for a program that quits."""
        self.cancel()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            signal_group(self._process.pid, KILL)
            self._process.wait(STOP_SECONDS)
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        self._ended = True


def event_of(line: str) -> Event | None:
    """Return the event that a line of output tells, None when it is no event."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None


def time_left(fraction: float, seconds: float) -> str:
    """Say roughly how long a job that did ``fraction`` in ``seconds`` still takes; empty when that is not known yet."""
    if fraction < 0.05 or seconds < 1:
        return ""
    left = seconds * (1 - fraction) / fraction
    if left < 60:
        return f"{max(1, round(left))} s left"
    return f"{round(left / 60)} min left"
