"""Connections between typed parameters and widgets, both ways."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

from .journal import JOURNAL
from .parameter_checks import Decimals, SingleStep
from .parameter_compound import Pack
from .parameter_widgets import ADAPTERS

PROPERTY = "SlicerParameterName"


def nested(fields: dict[str, Any], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Return serializer and annotation by full name, parts of packs included."""
    out = {}
    for name, entry in fields.items():
        serializer, hint = entry[0], entry[-1]
        out[prefix + name] = (serializer, hint)
        if isinstance(serializer, Pack):
            hints = serializer.kind.allParameters
            parts = {part: (serializer.parts[part][0], hints[part]) for part in serializer.parts}
            out.update(nested(parts, f"{prefix}{name}."))
    return out


def find(wrapper: Any, name: str) -> tuple[Any, Any]:
    """Return serializer and type of a parameter; ValueError for an unknown one."""
    found = nested(wrapper._fields())
    if name not in found:
        names = "".join(f"\n    {key}," for key in found)
        raise ValueError(f"Cannot find a param with the given name: {name}\n  Found parameters [{names}\n  ]")
    return found[name]


def widgets_by_parameter(gui: Any) -> dict[str, Any]:
    """Return the widgets that name a parameter, from a widget or an object with widgets as attributes."""
    candidates = gui.findChildren("QWidget") if hasattr(gui, "findChildren") else vars(gui).values()
    out = {}
    for widget in candidates:
        name = widget.property(PROPERTY) if hasattr(widget, "property") else None
        if name:
            out[name] = widget
    return out


def connect(wrapper: Any, widgets: dict[str, Any]) -> int:
    """Connect all; returns the tag for ``disconnectGui``."""
    connectors = []
    try:
        for name, widget in widgets.items():
            connectors.append(Connector(wrapper, name, widget))
    except Exception:
        for connector in connectors:
            connector.disconnect()
        raise
    tag = wrapper._next_tag
    object.__setattr__(wrapper, "_next_tag", tag + 1)
    wrapper._guis[tag] = connectors
    return tag


class Connector:
    """One parameter and one widget."""

    def __init__(self, wrapper: Any, name: str, widget: Any) -> None:
        self.wrapper, self.name, self.widget = wrapper, name, widget
        self.serializer, hint = find(wrapper, name)
        kind = type(widget).__name__
        adapter = next((a for a in ADAPTERS if kind in a.widgets and a.fits(self.serializer)), None)
        if adapter is None:
            plain = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
            raise RuntimeError(
                f"Unable to create GUI connector from datatype '{plain}' to widget type '{type(widget)}'."
                " To determine which data types can be connected to which widget types,"
                " see the parameter node wrapper documentation."
            )
        self.adapter = adapter(widget, self.serializer)
        for extra in getattr(hint, "__metadata__", ()):
            if isinstance(extra, Decimals):
                widget.decimals = extra.value
            elif isinstance(extra, SingleStep):
                widget.singleStep = extra.value
        self._busy = False
        self._show()
        widget.connect(self.adapter.signal, self._from_widget)
        self._tag = wrapper.AddObserver("ModifiedEvent", self._from_node)

    def disconnect(self) -> None:
        """End both directions."""
        self.widget.disconnect(self.adapter.signal, self._from_widget)
        self.wrapper.RemoveObserver(self._tag)

    def _owner(self) -> tuple[Any, str]:
        owner, last = self.wrapper, self.name
        while "." in last:
            first, last = last.split(".", 1)
            owner = getattr(owner, first)
        return owner, last

    def _show(self) -> None:
        value = getattr(*self._owner())
        if self.adapter.get() != value:
            self.adapter.put(value)

    def _guarded(self, action: Callable[[], None]) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            action()
        finally:
            self._busy = False

    def _from_widget(self) -> None:
        self._guarded(lambda: setattr(*self._owner(), self.adapter.get()))

    def _from_node(self, *_: Any) -> None:
        try:
            self._guarded(self._show)
        except Exception as error:
            JOURNAL.slot_failed(error)
