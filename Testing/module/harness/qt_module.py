"""The modules ``qt`` and ``ctk`` and the widget classes of ``slicer``, made from classes.json."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
import types
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtWidgets

from . import api, dialogs, native
from .enums import patch_enums
from .journal import JOURNAL
from .refcounts import top_up
from .ui_loader import QUiLoader
from .wrapped import WrappedObject, WrappedType

SPACES = {"PySide6.QtWidgets": "QtGui", "PySide6.QtGui": "QtGui", "PySide6.QtCore": "QtCore"}
MODULES = (QtWidgets, QtGui, QtCore)
# Stand-ins for classes that Qt does not have; ctk_*.py and mrml_*.py add theirs with ``register``.
STAND_INS: dict[str, type] = {**dialogs.NATIVES, "QUiLoader": QUiLoader}


def register(kind: type) -> type:
    """Class decorator: a stand-in named as the class of Slicer."""
    STAND_INS[kind.__name__] = kind
    return kind


def _from_qt(name: str) -> Any:
    return next((getattr(module, name) for module in MODULES if hasattr(module, name)), None)


@functools.cache
def native_class(name: str) -> type | None:
    """Return the class that does the work, with every signal that the real class has."""
    full = api.full_name(name)
    described = api.class_api(full or "")
    base = STAND_INS.get(name) or _from_qt(name)
    if described is None or (base is not None and name not in STAND_INS):
        return base
    if base is None:
        base = QtWidgets.QWidget if "QWidget" in described.inherits else QtCore.QObject
    missing = {
        signal: QtCore.Signal(*[object] * max(len(kinds) for kinds in overloads))
        for signal, overloads in described.signals.items()
        if not hasattr(base, signal)
    }
    return type(base)(name, (base,), missing)


def _lenient(name: str, kind: type) -> api.ClassApi:
    """Describe a Qt class that classes.json lacks, from Qt itself."""
    meta = kind.staticMetaObject
    properties = [meta.property(index) for index in range(meta.propertyCount())]
    signals: dict[str, list[tuple[str, ...]]] = {}
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
            found = api.arguments(method.methodSignature().data().decode())
            if found:
                signals.setdefault(found[0], []).append(found[1])
    return api.ClassApi(
        name,
        {item.name(): (item.typeName(), item.isWritable()) for item in properties},
        signals,
        {},
        frozenset(member for member in dir(kind) if not member.startswith("_")),
        lenient=True,
    )


def _filled(described: api.ClassApi, qt_own: api.ClassApi) -> api.ClassApi:
    """Tell properties and signals from methods where only names are known."""
    properties = {key: value for key, value in qt_own.properties.items() if key in described.members}
    signals = {key: value for key, value in qt_own.signals.items() if key in described.members}
    members = described.members - set(properties) - set(signals)
    return dataclasses.replace(described, properties=properties, signals=signals, members=members)


@functools.cache
def wrapper_class(name: str) -> type[WrappedObject] | None:
    """Return the strict class of this name, or None if there is nothing of the kind."""
    kind = native_class(name)
    full = api.full_name(name)
    described = api.class_api(full) if full else None
    if described is None:
        if not (isinstance(kind, type) and issubclass(kind, QtCore.QObject)):
            return None
        described = _lenient(name, kind)
    elif described.sparse and issubclass(kind, QtCore.QObject):
        described = _filled(described, _lenient(name, kind))
    space = "PythonQt." + SPACES.get(kind.__module__, (full or "qt.").split(".")[0])
    return WrappedType(
        name,
        (WrappedObject,),
        {"_api": described, "_native_class": kind, "__module__": space, "__slots__": ()},
    )


def _class_of(value: QtCore.QObject) -> type[WrappedObject] | None:
    for kind in type(value).__mro__:
        described = api.full_name(kind.__name__) and kind is not QtCore.QObject
        if described or kind.__module__.startswith("PySide6"):
            return wrapper_class(kind.__name__)
    return None


def _module(name: str, prefixes: tuple[str, ...]) -> types.ModuleType:
    module = types.ModuleType(name)

    def get(attribute: str) -> Any:
        if attribute.startswith("__") or not attribute.startswith(prefixes):
            raise AttributeError(f"module '{name}' has no attribute '{attribute}'")
        if attribute == "QDesktopServices":  # no QObject, and not in the description
            return dialogs.QDesktopServices
        found = wrapper_class(attribute) or (_from_qt(attribute) if name == "qt" else None)
        if found is None:
            raise AttributeError(f"module '{name}' has no attribute '{attribute}'")
        setattr(module, attribute, found)
        return found

    module.__getattr__ = get
    return module


def slicer_class(name: str) -> type[WrappedObject] | None:
    """Return ``slicer.qMRMLNodeComboBox`` and the like; None for a name that is no described class."""
    return wrapper_class(name) if api.full_name(name) == f"slicer.{name}" else None


class _Natives(dict):
    """What the .ui loader asks for: stand-ins only, Qt makes its own classes."""

    def get(self, name: str, default: Any = None) -> Any:
        if name in STAND_INS or name.startswith(("ctk", "qMRML", "qSlicer")):
            if api.full_name(name) is None:
                JOURNAL.ui_problems.append(f"unknown class {name}")
                return default
            return native_class(name)
        return default

    def __getitem__(self, name: str) -> Any:
        return self.get(name)


top_up()
patch_enums(*MODULES)
native.class_of = _class_of
QUiLoader.natives = _Natives()
qt = _module("qt", ("Q", "Signal", "Slot", "Property"))
ctk = _module("ctk", ("ctk",))


def application() -> QtWidgets.QApplication:
    """Return the one application object of the process."""
    running = QtWidgets.QApplication.instance()
    if running is None:
        QtCore.qInstallMessageHandler(_message)
        running = QtWidgets.QApplication(["slicer-harness"])
    return running


def _message(kind: QtCore.QtMsgType, context: Any, text: str) -> None:
    if "propagateSizeHints" not in text:  # the offscreen platform says it for every window
        print(f"Qt: {text}", file=sys.stderr)
