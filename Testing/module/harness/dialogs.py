"""Dialogs that never block: tests prepare the answers, the journal keeps the questions."""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets

from .journal import JOURNAL

Yes = QtWidgets.QMessageBox.StandardButton.Yes
Ok = QtWidgets.QMessageBox.StandardButton.Ok


class QMessageBox(QtWidgets.QMessageBox):
    """A box whose ``exec_`` returns the prepared answer for "exec" (else Ok)."""

    def exec(self) -> Any:
        """Record and answer."""
        return JOURNAL.ask("exec", self.text(), Ok, title=self.windowTitle(), detail=self.detailedText())

    def open(self) -> None:
        """Record only."""
        self.exec()


def _static_box(kind: str, default: Any) -> Any:
    def ask(parent: Any, title: str, text: str, *rest: Any) -> Any:
        return JOURNAL.ask(kind, text, default, title=title)

    return staticmethod(ask)


QMessageBox.question = _static_box("question", Yes)
for _name in ("information", "warning", "critical"):
    setattr(QMessageBox, _name, _static_box(_name, Ok))


class ctkMessageBox(QMessageBox):
    """Message box with a check box "don't show again"."""


def _dialog(kind: str, empty: Any) -> Any:
    def ask(parent: Any = None, caption: str = "", folder: str = "", filters: str = "", *rest: Any) -> Any:
        return JOURNAL.ask(kind, caption, empty, folder=folder, filters=filters)

    return staticmethod(ask)


class QFileDialog(QtWidgets.QFileDialog):
    """File dialog: PythonQt returns the path itself, and an empty string when cancelled."""

    getOpenFileName = _dialog("getOpenFileName", "")
    getSaveFileName = _dialog("getSaveFileName", "")
    getExistingDirectory = _dialog("getExistingDirectory", "")
    getOpenFileNames = _dialog("getOpenFileNames", ())

    def exec(self) -> int:
        """Record and answer; cancelled unless the test prepared 1."""
        return JOURNAL.ask("exec", self.windowTitle(), 0)


class QDialog(QtWidgets.QDialog):
    """A dialog whose ``exec_`` returns at once."""

    def exec(self) -> int:
        """Record and answer; accepted unless the test prepared 0."""
        return JOURNAL.ask("exec", self.windowTitle(), 1)


class QMenu(QtWidgets.QMenu):
    """A menu that does not wait for a choice."""

    def exec(self, *where: Any) -> Any:
        """Record and answer: the action that the test prepared, or none."""
        return JOURNAL.ask("menu", self.title(), None)


def _input(kind: str, default: Any) -> Any:
    def ask(parent: Any, title: str, label: str, *rest: Any) -> Any:
        return JOURNAL.ask(kind, label, default, title=title)

    return staticmethod(ask)


class QInputDialog(QtWidgets.QInputDialog):
    """Asks for a text or number; PythonQt returns the value alone."""

    getText = _input("getText", "")
    getItem = _input("getItem", "")
    getInt = _input("getInt", 0)
    getDouble = _input("getDouble", 0.0)


class QDesktopServices:
    """Opens files in other programs; here it only says which."""

    @staticmethod
    def openUrl(url: Any) -> bool:
        """Record and answer; opened unless the test prepared False."""
        return JOURNAL.ask("openUrl", url.toString(), True)


NATIVES = {
    kind.__name__: kind for kind in (QMessageBox, ctkMessageBox, QFileDialog, QDialog, QMenu, QInputDialog)
}
