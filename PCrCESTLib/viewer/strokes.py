"""Edits in the order they were made: a stroke is painted into the muscle that was chosen while it was drawn.

The browser sends mouse events one after another through a throttle, but a press on a button at once. So a stroke may
still be on its way when the next muscle is chosen. The page counts the buttons pressed and released over the views and
sends the counts with each edit; here the edit waits until the server has seen as many.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

PRESS, RELEASE = "LeftButtonPress", "LeftButtonRelease"
PATIENCE_SECONDS = 3.0


class _Waiting(NamedTuple):
    presses: int
    releases: int
    edit: Callable[[], None]


class StrokeOrder:
    """Counts what has arrived, and holds back edits that came before strokes drawn earlier."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing drawn; ``clock`` gives seconds."""
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self.start_page()

    def start_page(self) -> None:
        """Begin counting for a page that was opened or loaded again; nothing it drew before can still arrive."""
        self._presses = self._releases = 0
        self._last = self._clock()
        self._run_due(everything=True)

    @property
    def waiting(self) -> int:
        """Number of edits held back."""
        return len(self._waiting)

    def on_event(self, kind: str) -> None:
        """Count a mouse event that has just been handled; edits that waited for it are made now."""
        self._last = self._clock()
        self._presses += kind == PRESS
        self._releases += kind == RELEASE
        self._run_due()

    def do(self, presses: int, releases: int, edit: Callable[[], None]) -> None:
        """Make an edit when ``presses`` and ``releases`` have arrived, and the edits before it are made."""
        self._waiting.append(_Waiting(presses, releases, edit))
        self._run_due()

    def check(self) -> None:
        """Give up on events that do not come (a lost connection): call this from a timer."""
        if self._waiting and self._clock() - self._last > PATIENCE_SECONDS:
            first = self._waiting[0]
            self._presses, self._releases = max(self._presses, first.presses), max(self._releases, first.releases)
            self._run_due()

    def _run_due(self, *, everything: bool = False) -> None:
        while self._waiting:
            first = self._waiting[0]
            if not everything and (first.presses > self._presses or first.releases > self._releases):
                return
            self._waiting.popleft()
            first.edit()
