"""How single values of a parameter node are checked, written and read."""

from __future__ import annotations

import enum
import pathlib
from typing import Any

from .parameter_checks import Choice, IsInstance, Maximum, Minimum, Validator, WithinRange


class Serializer:
    """One type in the text parameters of a node."""

    fallback: Any = None

    def __init__(self, kind: Any, validators: list[Validator]) -> None:
        self.kind, self.validators = kind, validators

    def check(self, value: Any) -> None:
        for validator in self.validators:
            validator.validate(value)

    def default(self) -> Any:
        """Return the type's own default, moved into what the validators allow."""
        for validator in self.validators:
            if isinstance(validator, Choice):
                return validator.choices[0]
            try:
                validator.validate(self.fallback)
            except (TypeError, ValueError):
                if isinstance(validator, Minimum | WithinRange):
                    return self.kind(validator.minimum)
                if isinstance(validator, Maximum):
                    return self.kind(validator.maximum)
        return self.fallback

    def present(self, node: Any, name: str) -> bool:
        return name in node.GetParameterNames()

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, self.to_text(value))

    def read(self, node: Any, name: str) -> Any:
        return self.from_text(node.GetParameter(name))

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)

    def to_text(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str) -> Any:
        return self.kind(text)


class Number(Serializer):
    """int or float; a float takes whole numbers too."""

    def __init__(self, kind: type, validators: list[Validator]) -> None:
        super().__init__(kind, [IsInstance(kind, also=(int,)), *validators])
        self.fallback = kind()


class Text(Serializer):
    """str."""

    fallback = ""

    def __init__(self, validators: list[Validator]) -> None:
        super().__init__(str, [IsInstance(str), *validators])


class Bool(Serializer):
    """bool."""

    fallback = False

    def __init__(self, validators: list[Validator]) -> None:
        super().__init__(bool, [IsInstance(bool), *validators])

    def from_text(self, text: str) -> bool:
        return text == "True"


class Path(Serializer):
    """pathlib.Path."""

    def __init__(self, kind: Any, validators: list[Validator]) -> None:
        super().__init__(kind, [IsInstance(pathlib.PurePath), *validators])
        self.fallback = kind()

    def to_text(self, value: Any) -> str:
        return value.as_posix()


class Enumeration(Serializer):
    """An Enum, by the member's name."""

    def __init__(self, kind: type[enum.Enum], validators: list[Validator]) -> None:
        super().__init__(kind, [IsInstance(kind), *validators])
        self.fallback = next(iter(kind))

    def to_text(self, value: enum.Enum) -> str:
        return value.name

    def from_text(self, text: str) -> enum.Enum:
        if text not in self.kind.__members__:
            raise ValueError(f"Found '{text}' in parameter node but it is not a name in {self.kind}")
        return self.kind[text]


class Node(Serializer):
    """A node of the scene, by reference."""

    def __init__(self, kinds: tuple[type, ...], validators: list[Validator]) -> None:
        super().__init__(kinds, [IsInstance(kinds, none=True), *validators])

    def write(self, node: Any, name: str, value: Any) -> None:
        if not self.present(node, name):
            node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)


class Nothing(Serializer):
    """None, as one side of Optional."""

    def __init__(self) -> None:
        super().__init__(type(None), [])

    def to_text(self, value: None) -> str:
        return "True"

    def from_text(self, text: str) -> None:
        return None


def is_node(kind: Any) -> bool:
    """Whether a type is a MRML node class."""
    import slicer

    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)
