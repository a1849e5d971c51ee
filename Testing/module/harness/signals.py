"""Signals and string connections with PythonQt's answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from .api import arguments
from .journal import JOURNAL
from .native import state, unwrap, wrap
from .refcounts import top_up

# Signals of Qt 5 that Qt 6 spells otherwise: (class, name, kinds) -> (name, argument converter).
RENAMED: dict[tuple[str, tuple[str, ...]], str] = {
    ("currentIndexChanged", ("QString",)): "currentTextChanged",
    ("activated", ("QString",)): "textActivated",
    ("highlighted", ("QString",)): "textHighlighted",
    ("valueChanged", ("QString",)): "textChanged",
    ("buttonClicked", ("int",)): "idClicked",
    ("buttonPressed", ("int",)): "idPressed",
    ("buttonReleased", ("int",)): "idReleased",
    ("error", ("QProcess::ProcessError",)): "errorOccurred",
}


def _accepted(function: Callable[..., Any]) -> int | None:
    """How many positional arguments a slot takes; None if any number."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _relay(function: Callable[..., Any], kinds: tuple[str, ...]) -> Callable[..., None]:
    accepted = _accepted(function)
    limit = len(kinds) if accepted is None else min(accepted, len(kinds))

    def relay(*values: Any) -> None:
        top_up()
        given = [bool(v) if kind == "bool" else wrap(v) for v, kind in zip(values, kinds, strict=False)]
        try:
            function(*given[:limit])
        except Exception as error:  # as in Slicer, an error in a slot does not reach the emitter
            JOURNAL.slot_failed(error)

    return relay


def _native_signal(native: Any, name: str, kinds: tuple[str, ...]) -> Any:
    name = RENAMED.get((name, kinds), name)
    signal = getattr(native, name, None)
    if type(signal) is not QtCore.SignalInstance:
        return None
    try:
        return signal[",".join(kinds)] if kinds else signal
    except (KeyError, IndexError, TypeError):
        return signal


class Signal:
    """A signal of one object: ``connect``, ``disconnect``, ``emit``; calling it emits too."""

    def __init__(self, owner: Any, name: str, kinds: tuple[str, ...]) -> None:
        self._owner, self._name, self._kinds = owner, name, kinds

    def connect(self, function: Any, *slot: str) -> bool:
        """Connect to a Python function, a slot, or a receiver and the slot's signature."""
        if slot:
            found = arguments(slot[0])
            known = found and found[0] in type(function)._api
            function = getattr(function, found[0]) if known else None
        native = self._owner._native
        signal = _native_signal(native, self._name, self._kinds)
        if function is None or signal is None or not callable(function):
            return False
        relay = _relay(function, self._kinds)
        signal.connect(relay)
        state(native).connections.append((self._name, self._kinds, function, signal, relay))
        return True

    def disconnect(self, function: Any = None, *slot: str) -> bool:
        """Undo connections made by ``connect``: of one function, or all."""
        if slot:
            found = arguments(slot[0])
            function = getattr(function, found[0], None) if found else None
        kept, dropped = [], []
        for entry in state(self._owner._native).connections:
            name, kinds, target, _, _ = entry
            same = name == self._name and kinds == self._kinds and function in (None, target)
            (dropped if same else kept).append(entry)
        for _, _, _, signal, relay in dropped:
            signal.disconnect(relay)
        state(self._owner._native).connections[:] = kept
        return bool(dropped)

    def emit(self, *values: Any) -> None:
        """Emit."""
        signal = _native_signal(self._owner._native, self._name, self._kinds)
        signal.emit(*(unwrap(value) for value in values))

    def __call__(self, *values: Any) -> None:
        self.emit(*values)

    def __repr__(self) -> str:
        return f"<qt signal {self._name} of {type(self._owner).__name__} instance at {id(self._owner):#x}>"


def signal_by_name(owner: Any, name: str) -> Signal:
    """Return ``owner.name``: of several overloads the one that Qt 6 has under this name."""
    overloads = type(owner)._api.signals[name]
    kinds = max(overloads, key=lambda kinds: ((name, kinds) not in RENAMED, len(kinds), kinds != ("bool",)))
    return Signal(owner, name, kinds)


def connect(owner: Any, signature: Any, *target: Any) -> bool:
    """``owner.connect("clicked(bool)", f)``; an unknown signal gives False and is recorded."""
    signal = _by_signature(owner, signature)
    if signal is not None and target and signal.connect(*target):
        return True
    names = " -> ".join(str(part) for part in (signature, *target[1:]))
    JOURNAL.failed_connects.append(f"{type(owner).__name__}.{names}")
    return False


def disconnect(owner: Any, signature: str | None = None, *target: Any) -> bool:
    """``owner.disconnect("clicked(bool)", f)``."""
    signal = _by_signature(owner, signature)
    return signal.disconnect(*target) if signal is not None else False


def _by_signature(owner: Any, signature: Any) -> Signal | None:
    found = arguments(signature) if isinstance(signature, str) else None
    if not found or found[1] not in type(owner)._api.signals.get(found[0], ()):
        return None
    return Signal(owner, *found)
