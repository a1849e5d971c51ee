"""The bridge between what the module sees (strict wrappers) and PySide6's own objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6 import QtCore


class State:
    """What the harness keeps about one native object: on the object, so that it lives as long."""

    def __init__(self) -> None:
        self.wrapper: Any = None
        self.connections: list[tuple[Any, ...]] = []
        self.stored: dict[str, Any] = {}
        self.keep: list[Any] = []


class Wrapped:
    """Base of all wrappers; holds the PySide6 object in ``_native``."""

    __slots__ = ("__weakref__", "_native")


# Set by qt_module: finds the wrapper class of a native object.
class_of: Callable[[Any], type[Wrapped] | None] = lambda native: None  # noqa: E731


def state(native: Any) -> State:
    """Return the harness's notes about a native object."""
    found = getattr(native, "_harness", None)
    if found is None:
        found = native._harness = State()
    return found


def wrap(value: Any) -> Any:
    """Turn what PySide6 returns into what PythonQt would return."""
    if isinstance(value, QtCore.QObject):
        notes = state(value)
        if notes.wrapper is None:
            kind = class_of(value)
            if kind is None:
                return value
            notes.wrapper = object.__new__(kind)
            object.__setattr__(notes.wrapper, "_native", value)
        return notes.wrapper
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return tuple(wrap(item) for item in value)
    return value


def unwrap(value: Any) -> Any:
    """Turn an argument into what PySide6 takes."""
    if isinstance(value, Wrapped):
        return value._native
    if isinstance(value, np.generic) and not isinstance(value, int | float | str):
        # PythonQt knows Python's own numbers only.
        raise ValueError(f"Could not find matching overload for given arguments:\n({value!r},)")
    if type(value) in (list, tuple):
        return type(value)(unwrap(item) for item in value)
    return value


def native(wrapper: Any) -> Any:
    """Return the PySide6 object behind a wrapper, for tests that click or grab."""
    return unwrap(wrapper)
