"""Strict wrappers: a class of the real application over a PySide6 class, with PythonQt's answers."""

from __future__ import annotations

import enum
import functools
from typing import Any

import shiboken6
from PySide6 import QtCore

from . import signals
from .api import RENAMED, ClassApi
from .native import Wrapped, state, unwrap, wrap
from .refcounts import top_up

DEFAULTS = {"bool": False, "int": 0, "double": 0.0, "QString": "", "QStringList": ()}


class Slot:
    """A method of one object: takes and returns wrappers."""

    def __init__(self, function: Any, name: str, owner: Any) -> None:
        self._function, self._name, self._owner = function, name, owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise ValueError(
                f"Called {self._name}() with keyword arguments, but called slot does not support kwargs."
            )
        top_up()
        try:
            return wrap(self._function(*(unwrap(arg) for arg in args)))
        except NotImplementedError:
            raise
        except (TypeError, IndexError) as error:
            if "called with wrong argument" not in str(error):
                raise
            raise ValueError(f"Could not find matching overload for given arguments:\n{args}") from error
        except RuntimeError as error:
            if "already deleted" not in str(error):
                raise
            kind = type(self._owner).__name__
            raise ValueError(f"Trying to call '{self._name}' on a destroyed {kind} object") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slot) and (self._owner is other._owner and self._name == other._name)

    def __hash__(self) -> int:
        return hash((id(self._owner), self._name))

    def __repr__(self) -> str:
        return f"<qt slot {self._name} of {type(self._owner).__name__} instance at {id(self._owner):#x}>"


class OwnSlot(Slot):
    """A method that the harness answers itself, with the wrappers as they are."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


def capital(name: str) -> str:
    """``text`` -> ``Text``."""
    return name[:1].upper() + name[1:]


def read(native: Any, name: str, kind: str) -> Any:
    """Return a property's value by its getter, by Qt, or from the harness's own store."""
    for getter in (name, f"is{capital(name)}", f"has{capital(name)}", f"to{capital(name)}"):
        found = getattr(type(native), getter, None)
        if callable(found) and type(found) is not QtCore.Signal:
            try:
                return wrap(getattr(native, getter)())
            except TypeError:
                continue
    if native.metaObject().indexOfProperty(name) >= 0:
        return wrap(native.property(name))
    return state(native).stored.get(name, DEFAULTS.get(kind))


def write(native: Any, name: str, value: Any) -> None:
    """Set a property by its setter, by Qt, or in the harness's own store."""
    setter = getattr(native, f"set{capital(name)}", None)
    value = unwrap(value)
    top_up()
    if callable(setter) and type(setter) is not QtCore.SignalInstance:
        if isinstance(value, int) and not isinstance(value, bool):
            current = read(native, name, "")
            if isinstance(current, enum.Enum):
                value = type(current)(value)
        setter(value)
    elif native.metaObject().indexOfProperty(name) >= 0:
        native.setProperty(name, value)
    else:
        state(native).stored[name] = tuple(value) if isinstance(value, list) else value


class WrappedType(type):
    """Class attributes: constants and static methods of the real class."""

    def __getattr__(cls, name: str) -> Any:
        api: ClassApi | None = cls.__dict__.get("_api") or next(
            (base.__dict__["_api"] for base in cls.__mro__ if "_api" in base.__dict__), None
        )
        found = getattr(cls._native_class, name, None) if api and (api.lenient or name in api) else None
        if found is None:
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        if isinstance(found, type | enum.Enum) or not callable(found):
            return found
        return functools.wraps(found, updated=())(lambda *args: wrap(found(*(unwrap(a) for a in args))))


class WrappedObject(Wrapped, metaclass=WrappedType):
    """Instance attributes: exactly those that the real class has."""

    __slots__ = ()
    _api: ClassApi
    _native_class: type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self)._api.name
        if kwargs:
            raise ValueError(
                f"Called {name}(QWidget parent) -> {name} with keyword arguments,"
                " but called slot does not support kwargs."
            )
        try:
            native = _native_class_for(type(self))(*(unwrap(arg) for arg in args))
        except TypeError as error:
            raise ValueError(f"Could not find matching overload for given arguments:\n{args}") from error
        object.__setattr__(self, "_native", native)
        state(native).wrapper = self

    def __getattr__(self, name: str) -> Any:
        kind, native = type(self), object.__getattribute__(self, "_native")
        api = kind._api
        if name in api.signals and name not in api.properties:
            return signals.signal_by_name(self, name)
        if name == "name" and name not in api.properties:  # PythonQt's own second name for it
            name = "objectName"
        if name in api.properties or name == "objectName":
            if not shiboken6.isValid(native):
                raise ValueError(f"Trying to read property '{name}' of a destroyed {kind.__name__} object")
            return read(native, name, api.properties.get(name, ("QString",))[0])
        if name in OWN:
            return OwnSlot(functools.partial(OWN[name], self), name, self)
        if api.is_callable(name) or (api.lenient and hasattr(native, name)):
            return self._method(name)
        raise AttributeError(f"{kind.__name__} has no attribute named '{name}'")

    def _method(self, name: str) -> Any:
        native, plain = self._native, RENAMED.get(name, name)
        for spelling in (plain, name, f"{plain}_"):
            found = getattr(native, spelling, None)
            if isinstance(found, enum.Enum | int | type):
                return found
            if found is not None:
                return Slot(found, name, self)
        properties = type(self)._api.properties
        target = name[3:4].lower() + name[4:]
        if name.startswith("set") and target in properties:
            return Slot(lambda value: write(native, target, value), name, self)
        is_target = name[2:3].lower() + name[3:]
        if name.startswith("is") and is_target in properties:
            return Slot(lambda: read(native, is_target, "bool"), name, self)
        text = f"the harness has no stand-in for {type(self).__name__}.{name}()"

        def missing(*args: Any) -> None:
            raise NotImplementedError(text)

        return Slot(missing, name, self)

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(self)
        api = kind._api
        name = "objectName" if name == "name" and name not in api.properties else name
        if name in api.properties:
            type_name, writable = api.properties[name]
            if not writable:
                raise AttributeError(f"Property '{name}' of type '{kind.__name__}' is not writable")
            if not shiboken6.isValid(self._native):
                raise ValueError(f"Trying to set property '{name}' on a destroyed {kind.__name__} object")
            try:
                write(self._native, name, value)
            except (TypeError, ValueError) as error:
                raise AttributeError(
                    f"Property '{name}' of type '{type_name}' does not accept an object of type"
                    f" {type(value).__name__} ({value})"
                ) from error
        elif "_api" not in kind.__dict__:
            object.__setattr__(self, name, value)  # a script's own subclass may have attributes
        elif name in api:
            raise AttributeError(f"Slot '{name}' can not be overwritten on {kind.__name__}")
        else:
            raise AttributeError(
                f"'{name}' does not exist on {kind.__name__} and creating new attributes on C++ objects"
                " is not allowed"
            )

    def __dir__(self) -> list[str]:
        api = type(self)._api
        return sorted({*api.properties, *api.signals, *api.slots, *api.members})

    def __repr__(self) -> str:
        name = f", name={self._native.objectName()!r}" if shiboken6.isValid(self._native) else ", destroyed"
        return f"<{type(self).__name__} (harness){name}>"


def _set_property(self: WrappedObject, name: str, value: Any) -> bool:
    if name in type(self)._api.properties:
        write(self._native, name, value)
        return True
    return self._native.setProperty(name, value)


def _property(self: WrappedObject, name: str) -> Any:
    if name in type(self)._api.properties:
        return read(self._native, name, type(self)._api.properties[name][0])
    return self._native.property(name)


def _inherits(self: WrappedObject, name: str) -> bool:
    return name in (type(self)._api.name, *type(self)._api.inherits) or self._native.inherits(name)


def _find_children(self: WrappedObject, kind: Any = None, name: str | None = None) -> list[Any]:
    kind = kind if isinstance(kind, str | None) else kind._api.name
    found = [wrap(child) for child in self._native.findChildren(QtCore.QObject)]
    return [
        child
        for child in found
        if isinstance(child, WrappedObject)
        and name in (None, child._native.objectName())
        and (kind is None or _inherits(child, kind))
    ]


OWN = {
    "connect": signals.connect,
    "disconnect": signals.disconnect,
    "setProperty": _set_property,
    "property": _property,
    "inherits": _inherits,
    "className": lambda self: type(self)._api.name,
    "delete": lambda self: shiboken6.delete(self._native),
    "findChildren": _find_children,
    "findChild": lambda self, *args: next(iter(_find_children(self, *args)), None),
}


@functools.cache
def _native_class_for(kind: type) -> type:
    """Return the PySide6 class to create: a script's subclass has its event methods called by Qt."""
    own = {}
    for base in kind.__mro__:
        if "_api" in base.__dict__:
            break
        own.update({name: f for name, f in base.__dict__.items() if not name.startswith("_")})
    native = kind._native_class
    virtual = {name: _forward(native, name) for name in own if callable(getattr(native, name, None))}
    return type(native)(kind.__name__, (native,), virtual) if virtual else native


def _forward(native_class: type, name: str) -> Any:
    def call(self: Any, *args: Any) -> Any:
        wrapper = state(self).wrapper
        if wrapper is None:
            return getattr(native_class, name)(self, *args)
        return unwrap(getattr(wrapper, name)(*(wrap(arg) for arg in args)))

    return call
