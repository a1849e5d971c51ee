"""How a long job tells that it lives: JSON lines, a bar, or nothing."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol, TextIO


class Progress(Protocol):
    """What a job calls while it runs."""

    def step(self, fraction: float, stage: str) -> None:
        """Report that ``fraction`` (0–1) is done and ``stage`` is under way."""
        ...

    def warn(self, message: str) -> None:
        """Report something the user should know."""
        ...

    def finish(self, **facts: Any) -> None:
        """Report the end with its facts."""
        ...


class JsonProgress:
    """One ASCII JSON object a line on standard output, flushed: the protocol that the GUIs read."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to ``stream`` (standard output when None)."""
        self._stream = stream or sys.stdout
        self._started = time.monotonic()

    def _write(self, event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, **facts}), file=self._stream, flush=True)

    def step(self, fraction: float, stage: str) -> None:
        """Write a progress event."""
        elapsed = round(time.monotonic() - self._started, 2)
        self._write("progress", fraction=round(fraction, 4), stage=stage, seconds=elapsed)

    def warn(self, message: str) -> None:
        """Write a warning event."""
        self._write("warning", message=message)

    def finish(self, **facts: Any) -> None:
        """Write the done event."""
        self._write("done", **facts)

    def error(self, message: str, exit_code: int) -> None:
        """Write the error event."""
        self._write("error", message=message, exit_code=exit_code)


class BarProgress:
    """A bar on standard error for a person at a terminal; whole lines when it is not a terminal."""

    WIDTH = 30

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to ``stream`` (standard error when None)."""
        self._stream = stream or sys.stderr
        self._stage = ""
        self._open = False

    def step(self, fraction: float, stage: str) -> None:
        """Redraw the bar; without a terminal, write a line per new stage."""
        if self._stream.isatty():
            filled = round(self.WIDTH * fraction)
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            print(f"\r\x1b[K[{bar}] {fraction:4.0%} {stage}", end="", file=self._stream, flush=True)
            self._open = True
        elif stage != self._stage:
            print(stage, file=self._stream, flush=True)
        self._stage = stage

    def close(self) -> None:
        """End the bar's line."""
        if self._open:
            print(file=self._stream, flush=True)
            self._open = False

    def warn(self, message: str) -> None:
        """Write a note on its own line."""
        self.close()
        print(f"note: {message}", file=self._stream, flush=True)

    def finish(self, **facts: Any) -> None:
        """End the bar; the command prints its own result."""
        self.close()


class NoProgress:
    """Silence."""

    def step(self, fraction: float, stage: str) -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing; warnings are in quantify.json."""

    def finish(self, **facts: Any) -> None:
        """Do nothing."""


KINDS = ("bar", "json", "none")


def make_progress(kind: str) -> JsonProgress | BarProgress | NoProgress:
    """Return the reporter called ``bar``, ``json`` or ``none``."""
    return {"json": JsonProgress, "bar": BarProgress, "none": NoProgress}[kind]()
