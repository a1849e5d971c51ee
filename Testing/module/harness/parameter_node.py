"""Stand-in for ``slicer.parameterNodeWrapper``; behaves as shared/slicer_api/parameter_node.md records."""

from __future__ import annotations

from typing import Any

from . import parameter_gui
from .parameter_checks import (
    Choice,
    Decimals,
    Default,
    Exclude,
    Label,
    Maximum,
    Minimum,
    NotNone,
    RangeBounds,
    SingleStep,
    Validator,
    WithinRange,
)
from .parameter_compound import PACK, ObservedDict, ObservedList, fields_of
from .parameter_types import Serializer

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "FloatRange",
    "Label",
    "Maximum",
    "Minimum",
    "NotNone",
    "RangeBounds",
    "SingleStep",
    "Validator",
    "WithinRange",
    "isParameterNodeWrapper",
    "isParameterPack",
    "parameterNodeWrapper",
    "parameterPack",
]
FIELDS = "_harness_parameters"


def parameterPack(cls: type) -> type:
    """Make a class whose parts are parameters: usable as the type of a parameter."""
    fields = fields_of(cls)

    def start(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(fields, args, strict=False)) | kwargs
        unknown = set(given) - set(fields)
        if unknown or len(args) > len(fields):
            raise TypeError(f"Unexpected arguments {sorted(unknown) or args}")
        for name, (_, default, _) in fields.items():
            setattr(self, name, given.get(name, default))

    def assign(self: Any, name: str, value: Any) -> None:
        if name in fields:
            fields[name][0].check(value)
        object.__setattr__(self, name, value)
        place = getattr(self, "_place", None)
        if place is not None and name in fields:
            fields[name][0].write(place[0], f"{place[1]}.{name}", value)

    def equal(self: Any, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, n) == getattr(other, n) for n in fields)

    cls.__init__, cls.__setattr__, cls.__eq__, cls.__hash__ = start, assign, equal, None
    cls.__repr__ = lambda self: (
        f"{cls.__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in fields)})"
    )
    setattr(cls, PACK, {name: (serializer, default) for name, (serializer, default, _) in fields.items()})
    cls.allParameters = {name: hint for name, (_, _, hint) in fields.items()}
    return cls


@parameterPack
class FloatRange:
    """Two ends of a range, for ctkRangeWidget."""

    minimum: float
    maximum: float


class _Base:
    """What every wrapped class gets."""

    def __init__(self, node: Any, prefix: str | None = None) -> None:
        if not hasattr(node, "GetParameterNames"):
            raise TypeError(f"A parameter node is needed, not {node!r}")
        put = object.__setattr__
        put(self, "parameterNode", node)
        put(self, "_prefix", f"{prefix}." if prefix else "")
        put(self, "_last", {})
        put(self, "_guis", {})
        put(self, "_next_tag", 0)
        before = node.StartModify()
        try:
            for name, (serializer, default, _) in self._fields().items():
                if serializer.present(node, self._prefix + name):
                    self._last[name] = serializer.read(node, self._prefix + name)
                else:
                    self._write(name, default)
        finally:
            node.EndModify(before)

    @classmethod
    def _fields(cls) -> dict[str, tuple[Serializer, Any, Any]]:
        return getattr(cls, FIELDS)

    def _write(self, name: str, value: Any) -> None:
        serializer = self._fields()[name][0]
        serializer.check(value)
        before = self.parameterNode.StartModify()
        try:
            serializer.write(self.parameterNode, self._prefix + name, value)
        finally:
            self.parameterNode.EndModify(before)
        self._last[name] = value

    def _read(self, name: str) -> Any:
        serializer, default, _ = self._fields()[name]
        if not serializer.present(self.parameterNode, self._prefix + name):
            self._write(name, default)  # the scene was closed: the node lost its parameters
        try:
            value = serializer.read(self.parameterNode, self._prefix + name)
        except ValueError:
            return self._last.get(name, default)
        if isinstance(value, ObservedList | ObservedDict):
            value.changed = lambda changed: self._write(name, changed)
        return value

    # Public names as in Slicer.
    def getValue(self, name: str) -> Any:
        self._known(name)
        return getattr(self, name)

    def setValue(self, name: str, value: Any) -> None:
        self._known(name)
        setattr(self, name, value)

    def default(self, name: str) -> Any:
        self._known(name)
        return self._fields()[name][1]

    def dataType(self, name: str) -> Any:
        return parameter_gui.find(self, name)[1]

    def isCached(self, name: str) -> bool:
        self._known(name)
        return False

    def _known(self, name: str) -> None:
        parameter_gui.find(self, name)

    @property
    def allParameters(self) -> dict[str, Any]:
        return {name: hint for name, (_, _, hint) in self._fields().items()}

    def connectGui(self, gui: Any) -> int:
        return parameter_gui.connect(self, parameter_gui.widgets_by_parameter(gui))

    def connectParametersToGui(self, widgets: dict[str, Any]) -> int:
        return parameter_gui.connect(self, widgets)

    def disconnectGui(self, tag: int) -> None:
        for connector in self._guis.pop(tag):
            connector.disconnect()

    def AddObserver(self, *args: Any) -> int:
        return self.parameterNode.AddObserver(*args)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, before: int) -> int:
        return self.parameterNode.EndModify(before)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def _parameter(name: str) -> property:
    return property(lambda self: self._read(name), lambda self, value: self._write(name, value))


def parameterNodeWrapper(cls: type) -> type:
    """Make typed attributes over the text parameters of a node."""
    fields = fields_of(cls)
    reserved = sorted(set(fields) & {name for name in vars(_Base) if not name.startswith("__")})
    if reserved:
        raise ValueError(f"Reserved names cannot be parameters: {reserved}")
    space = {name: item for name, item in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    space.update({name: _parameter(name) for name in fields}, **{FIELDS: fields})
    return type(cls.__name__, (_Base, *cls.__bases__[:-1]), space)


def isParameterNodeWrapper(kind: Any) -> bool:
    """Whether a class or object was made by parameterNodeWrapper."""
    return hasattr(kind, FIELDS)


def isParameterPack(kind: Any) -> bool:
    """Whether a class or object was made by parameterPack."""
    return hasattr(kind, PACK)
