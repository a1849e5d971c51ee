"""What happened in a session that a test wants to know: failed connections, errors in slots, messages.

One journal a process (``journal.JOURNAL``); the fixture empties it before each test.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Message:
    """A message box or file dialog that the module opened."""

    kind: str
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    answer: Any = None


class Journal:
    """Records of one test and the answers that the test has prepared."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.failed_connects: list[str] = []
        self.slot_errors: list[BaseException] = []
        self.ui_problems: list[str] = []
        self.messages: list[Message] = []
        self.status_messages: list[str] = []
        self._answers: dict[str, deque[Any]] = {}

    def answer(self, kind: str, *values: Any) -> None:
        """Prepare answers, in order, for message boxes or file dialogs of this kind.

        Kinds: error, warning, info, yesNo, okCancel, retryClose, messageBox, exec, question, critical,
        information, getOpenFileName, getOpenFileNames, getSaveFileName, getExistingDirectory, getText ...
        """
        self._answers.setdefault(kind, deque()).extend(values)

    def ask(self, kind: str, text: str, default: Any, **options: Any) -> Any:
        """Record a question and return the prepared answer, or the default."""
        waiting = self._answers.get(kind)
        answer = waiting.popleft() if waiting else default
        self.messages.append(Message(kind, text, options, answer))
        return answer

    def texts(self, kind: str | None = None) -> list[str]:
        """Texts of the messages shown so far."""
        return [message.text for message in self.messages if kind in (None, message.kind)]

    def slot_failed(self, error: BaseException) -> None:
        """Keep an exception that Qt or VTK would only print."""
        self.slot_errors.append(error)
        print("".join(traceback.format_exception(error)), file=sys.stderr)

    def assert_clean(self) -> None:
        """Raise AssertionError if a connection failed, a slot raised, or a .ui file names unknown things."""
        assert self.failed_connects == []
        assert self.ui_problems == []
        assert self.slot_errors == []


JOURNAL = Journal()
