"""Reads .ui files as Qt does, with exactly the connections they contain."""

from __future__ import annotations

import functools
import operator
import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from .api import arguments, class_api, full_name
from .journal import JOURNAL
from .native import state, unwrap, wrap
from .wrapped import write

IGNORED = {"geometry", "buddy"}  # Qt treats them in its own way
HOLDERS = (QtCore.Qt, QtWidgets.QComboBox, QtWidgets.QFrame, QtWidgets.QSlider, QtWidgets.QFileDialog)


class QUiLoader(QtUiTools.QUiLoader):
    """Makes stand-ins for the custom classes and sets their properties and connections itself."""

    natives: dict[str, type] = {}  # noqa: RUF012 - filled once by qt_module

    def createWidget(self, kind: str, parent: Any = None, name: str = "") -> Any:
        """Make one widget of the file."""
        own = self.natives.get(kind)
        if own is None:
            widget = super().createWidget(kind, parent, name)
            if widget is None:
                raise RuntimeError(f"Could not load UI file: unknown class {kind}")
        else:
            widget = own(parent)
            widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def load(self, source: Any, parent: Any = None) -> Any:
        """Read an open file and return its top widget."""
        source = unwrap(source)
        tree = ElementTree.fromstring(bytes(source.readAll().data()))
        connections = [
            tuple(entry.findtext(part, "") for part in ("sender", "signal", "receiver", "slot"))
            for entry in tree.iter("connection")
        ]
        for element in tree.findall("connections"):
            tree.remove(element)
        later = [entry for element in tree.iter("widget") for entry in self._take_properties(element)]
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        self._made: list[Any] = []
        top = super().load(buffer, unwrap(parent))
        if top is None:
            return None
        state(top).keep.extend(self._made)  # PySide6 frees widgets that Python does not hold
        widgets = {widget.objectName(): widget for widget in self._made}
        for widget, name, value in later:
            write(widgets[widget], name, value)
        for connection in connections:
            self._connect(widgets, *connection)
        return top

    def _take_properties(self, element: Any) -> list[tuple[str, str, Any]]:
        """Check a widget's properties; take out those that Qt cannot set on a stand-in."""
        kind, widget = element.get("class", ""), element.get("name", "")
        described = class_api(full_name(kind) or "")
        taken = []
        for entry in element.findall("property") if described is not None else ():
            name = entry.get("name", "")
            if name in IGNORED or entry.get("stdset") == "0":
                continue
            if name not in described.properties:
                JOURNAL.ui_problems.append(f"{kind} {widget} has no property {name}")
            elif self.natives.get(kind) is not None and name not in class_api("qt.QWidget").properties:
                element.remove(entry)
                taken.append((widget, name, _value(entry[0], self.natives[kind])))
        return taken

    @staticmethod
    def _connect(widgets: dict[str, Any], sender: str, signal: str, receiver: str, slot: str) -> None:
        ends = [wrap(widgets[name]) if name in widgets else None for name in (sender, receiver)]
        if None in ends:
            JOURNAL.ui_problems.append(f"connection of unknown widgets: {sender} -> {receiver}")
            return
        found = arguments(slot)
        known = found and found[1] in type(ends[1])._api.slots.get(found[0], ())
        if not known:
            JOURNAL.failed_connects.append(f"{sender}.{signal} -> {receiver}.{slot}")
            return
        ends[0].connect(signal, ends[1], slot)


def _value(entry: Any, kind: type) -> Any:
    text = entry.text or ""
    if entry.tag in ("set", "enum"):
        names = [part.rsplit("::", 1)[-1] for part in text.split("|") if part]
        flags = [
            next(getattr(holder, name) for holder in (kind, *HOLDERS) if hasattr(holder, name))
            for name in names
        ]
        return functools.reduce(operator.or_, flags)
    readers = {
        "string": str,
        "cstring": str,
        "bool": lambda text: text == "true",
        "number": int,
        "double": float,
        "stringlist": lambda text: [item.text or "" for item in entry.findall("string")],
        "color": lambda text: QtGui.QColor(
            *(int(entry.findtext(part, "0")) for part in ("red", "green", "blue"))
        ),
    }
    return readers[entry.tag](text)
