"""Qt's enumerations as PythonQt shows them: their values equal whole numbers."""

from __future__ import annotations

import enum
import operator
from types import ModuleType
from typing import Any


def _number(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _operation(function: Any) -> Any:
    native = {operator.or_: "__or__", operator.and_: "__and__", operator.xor: "__xor__"}

    def method(self: enum.Enum, other: Any) -> Any:
        if isinstance(self, enum.Flag) and type(self) is type(other):
            return getattr(enum.Flag, native[function])(self, other)
        if not isinstance(_number(other), int):
            return NotImplemented
        return function(self.value, _number(other))

    return method


def _arithmetic(function: Any) -> Any:
    def method(self: enum.Enum, other: Any) -> Any:
        return function(self.value, _number(other))

    return method


METHODS = {
    "__eq__": lambda self, other: self.value == _number(other),
    "__ne__": lambda self, other: self.value != _number(other),
    "__hash__": lambda self: hash(self.value),
    "__int__": lambda self: int(self.value),
    "__index__": lambda self: int(self.value),
    "__lt__": _arithmetic(operator.lt),
    "__add__": _arithmetic(operator.add),
    "__radd__": _arithmetic(operator.add),
    "__or__": _operation(operator.or_),
    "__ror__": _operation(operator.or_),
    "__and__": _operation(operator.and_),
    "__rand__": _operation(operator.and_),
}


def _patch(kind: type) -> None:
    for name, method in METHODS.items():
        setattr(kind, name, method)


def patch_enums(*modules: ModuleType) -> None:
    """Make every enumeration of the modules (and of the classes in them) comparable with int."""
    for module in modules:
        for name in dir(module):
            item = getattr(module, name)
            if not isinstance(item, type):
                continue
            if issubclass(item, enum.Enum):
                _patch(item)
                continue
            for inner in vars(item).values():
                if isinstance(inner, type) and issubclass(inner, enum.Enum):
                    _patch(inner)
