"""Functions of ``slicer.util`` that would open a window: recorded, and answered by the test."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from .journal import JOURNAL

LONGEST_DELAY = 100  # milliseconds; nobody reads the messages here
LEVELS = {"error": logging.ERROR, "warning": logging.WARNING}


def _display(kind: str, default: Any) -> Callable[..., Any]:
    def display(text: str, windowTitle: str | None = None, parent: Any = None, **options: Any) -> Any:
        logging.getLogger("harness").log(LEVELS.get(kind, logging.INFO), "%s", text)
        return JOURNAL.ask(kind, text, default, title=windowTitle, **options)

    return display


def messageBox(text: str, parent: Any = None, **options: Any) -> Any:
    """Record and answer; Ok unless the test prepared something else."""
    return JOURNAL.ask("messageBox", text, 1024, **options)


def delayDisplay(message: str, autoCloseMsec: int = 1000, parent: Any = None, **options: Any) -> bool:
    """Record, and let Qt work meanwhile: scripts wait with it."""
    JOURNAL.ask("delay", message, True)
    end = time.monotonic() + min(autoCloseMsec, LONGEST_DELAY) / 1000
    while time.monotonic() < end:
        QtCore.QCoreApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 10)
        time.sleep(0.002)
    return True


def showStatusMessage(message: str, duration: int = 0) -> None:
    """Record."""
    JOURNAL.status_messages.append(message)


def selectModule(module: Any) -> None:
    """Record."""
    JOURNAL.ask("selectModule", str(getattr(module, "name", module)), None)


def pip_install(requirements: Any, **options: Any) -> None:
    """Record; nothing is installed here."""
    JOURNAL.ask("pip_install", str(requirements), None)


REPLACED: dict[str, Callable[..., Any]] = {
    "errorDisplay": _display("error", None),
    "warningDisplay": _display("warning", None),
    "infoDisplay": _display("info", None),
    "confirmYesNoDisplay": _display("yesNo", True),
    "confirmOkCancelDisplay": _display("okCancel", True),
    "confirmRetryCloseDisplay": _display("retryClose", False),
    "messageBox": messageBox,
    "delayDisplay": delayDisplay,
    "showStatusMessage": showStatusMessage,
    "selectModule": selectModule,
    "pip_install": pip_install,
    "mainWindow": lambda: None,
}
