"""How unions, lists, dicts and packs of parameters are checked, written and read."""

from __future__ import annotations

import dataclasses
import enum
import pathlib
import types
import typing
from collections import UserDict, UserList
from collections.abc import Callable
from typing import Any

from .parameter_checks import Default, IsInstance, Validator
from .parameter_types import Bool, Enumeration, Node, Nothing, Number, Path, Serializer, Text, is_node

PACK = "_harness_pack"


class Union(Serializer):
    """Optional or Union: the type's place in the list is part of the parameter's name."""

    def __init__(self, options: list[Serializer]) -> None:
        super().__init__(None, [])
        self.options = options

    def default(self) -> Any:
        return self.options[0].default()

    def _place(self, value: Any) -> int:
        for index, option in enumerate(self.options):
            if isinstance(option, Nothing):
                if value is None:
                    return index
                continue
            try:
                option.check(value)
            except (TypeError, ValueError):
                continue
            return index
        raise TypeError(f"No type of the union fits value '{value}'")

    def check(self, value: Any) -> None:
        self._place(value)

    def present(self, node: Any, name: str) -> bool:
        return any(option.present(node, f"{name}.{i}") for i, option in enumerate(self.options))

    def write(self, node: Any, name: str, value: Any) -> None:
        place = self._place(value)
        for index, option in enumerate(self.options):
            if index != place and option.present(node, f"{name}.{index}"):
                option.remove(node, f"{name}.{index}")
        self.options[place].write(node, f"{name}.{place}", value)

    def read(self, node: Any, name: str) -> Any:
        for index, option in enumerate(self.options):
            if option.present(node, f"{name}.{index}"):
                return option.read(node, f"{name}.{index}")
        return None


class _Observed:
    changed: Callable[[Any], None] | None = None

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"


def _telling(base: type, name: str) -> Any:
    original = getattr(base, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        self._tell()
        return result

    return method


class ObservedList(_Observed, UserList):
    """A list that writes itself back when it changes."""


class ObservedDict(_Observed, UserDict):
    """A dict that writes itself back when it changes."""


for _kind, _names in (
    (ObservedList, ("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse",
                    "__setitem__", "__delitem__", "__iadd__")),
    (ObservedDict, ("__setitem__", "__delitem__")),
):  # fmt: skip
    for _name in _names:
        setattr(_kind, _name, _telling(_kind.__mro__[2], _name))


class List(Serializer):
    """``names.len``, ``names.0`` ..."""

    def __init__(self, item: Serializer, validators: list[Validator]) -> None:
        super().__init__(list, [IsInstance(list, also=(UserList,)), *validators])
        self.item = item

    def default(self) -> list[Any]:
        return []

    def check(self, value: Any) -> None:
        super().check(value)
        for item in value:
            self.item.check(item)

    def present(self, node: Any, name: str) -> bool:
        return f"{name}.len" in node.GetParameterNames()

    def _length(self, node: Any, name: str) -> int:
        return int(node.GetParameter(f"{name}.len") or 0)

    def write(self, node: Any, name: str, value: Any) -> None:
        for index in range(len(value), self._length(node, name)):
            self.item.remove(node, f"{name}.{index}")
        node.SetParameter(f"{name}.len", str(len(value)))
        for index, item in enumerate(value):
            self.item.write(node, f"{name}.{index}", item)

    def read(self, node: Any, name: str) -> ObservedList:
        length = self._length(node, name)
        return ObservedList([self.item.read(node, f"{name}.{index}") for index in range(length)])


class Dict(Serializer):
    """A dict as two lists of keys and values."""

    def __init__(self, key: Serializer, value: Serializer, validators: list[Validator]) -> None:
        super().__init__(dict, [IsInstance(dict, also=(UserDict,)), *validators])
        self.parts = {"key": key, "val": value}

    def default(self) -> dict[Any, Any]:
        return {}

    def check(self, value: Any) -> None:
        super().check(value)
        for key, item in value.items():
            self.parts["key"].check(key)
            self.parts["val"].check(item)

    present, _length = List.present, List._length

    def write(self, node: Any, name: str, value: Any) -> None:
        for index in range(len(value), self._length(node, name)):
            for part, serializer in self.parts.items():
                serializer.remove(node, f"{name}.{index}.{part}")
        node.SetParameter(f"{name}.len", str(len(value)))
        for index, pair in enumerate(value.items()):
            for (part, serializer), item in zip(self.parts.items(), pair, strict=True):
                serializer.write(node, f"{name}.{index}.{part}", item)

    def read(self, node: Any, name: str) -> ObservedDict:
        pairs = (
            tuple(serializer.read(node, f"{name}.{i}.{part}") for part, serializer in self.parts.items())
            for i in range(self._length(node, name))
        )
        return ObservedDict(dict(pairs))


class Pack(Serializer):
    """A ``@parameterPack``: ``rng.low``, ``rng.high``."""

    def __init__(self, kind: type, validators: list[Validator]) -> None:
        super().__init__(kind, [IsInstance(kind), *validators])
        self.parts: dict[str, tuple[Serializer, Any]] = getattr(kind, PACK)

    def default(self) -> Any:
        return self.kind()

    def present(self, node: Any, name: str) -> bool:
        return all(part.present(node, f"{name}.{key}") for key, (part, _) in self.parts.items())

    def write(self, node: Any, name: str, value: Any) -> None:
        for key, (part, _) in self.parts.items():
            part.write(node, f"{name}.{key}", getattr(value, key))

    def read(self, node: Any, name: str) -> Any:
        parts = self.parts.items()
        value = self.kind(**{key: part.read(node, f"{name}.{key}") for key, (part, _) in parts})
        object.__setattr__(value, "_place", (node, name))
        return value


def make_serializer(hint: Any) -> Serializer:
    """Return the serializer of an annotation; ValueError for a type that has none."""
    extras = list(getattr(hint, "__metadata__", ()))
    kind = typing.get_args(hint)[0] if extras else hint
    validators = [extra for extra in extras if isinstance(extra, Validator)]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if all(map(is_node, inner)):
            return Node(inner, validators)
        return Union([Nothing() if part is type(None) else make_serializer(part) for part in inner])
    if origin is list:
        return List(make_serializer(inner[0]), validators)
    if origin is dict:
        return Dict(*map(make_serializer, inner), validators)
    if not isinstance(kind, type):
        raise ValueError(f"Unable to find serializer for type {kind}")
    if is_node(kind):
        return Node((kind,), validators)
    for base, make in ((enum.Enum, Enumeration), (pathlib.PurePath, Path)):
        if issubclass(kind, base):
            return make(kind, validators)
    if hasattr(kind, PACK):
        return Pack(kind, validators)
    if kind in (int, float):
        return Number(kind, validators)
    if kind in (str, bool):
        return (Text if kind is str else Bool)(validators)
    raise ValueError(f"Unable to find serializer for type {kind}")


def fields_of(cls: type) -> dict[str, tuple[Serializer, Any, Any]]:
    """Return serializer, default and annotation of each parameter of a class, in order."""
    out = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        serializer = make_serializer(hint)
        extras = getattr(hint, "__metadata__", ())
        given = [extra.value for extra in extras if isinstance(extra, Default)]
        value = vars(cls).get(name, dataclasses.MISSING)
        if value is dataclasses.MISSING:
            value = given[0] if given else serializer.default()
        serializer.check(value)
        out[name] = (serializer, value, hint)
    return out
