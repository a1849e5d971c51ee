"""Annotations of parameters: what values are allowed and how widgets show them."""

from __future__ import annotations

from typing import Any


class Validator:
    """Raises ValueError or TypeError for a value that is not allowed."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


class NotNone(Validator):
    """None is not allowed."""

    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")


class IsInstance(Validator):
    """Only values of a type; ``also`` are silently accepted too."""

    def __init__(self, kind: Any, also: tuple[type, ...] = (), none: bool = False) -> None:
        self.kind, self.also, self.none = kind, also, none

    def validate(self, value: Any) -> None:
        if value is None:
            if self.none:
                return
            raise ValueError("Value must not be None")
        kinds = self.kind if isinstance(self.kind, tuple) else (self.kind,)
        if not isinstance(value, (*kinds, *self.also)):
            kind = kinds[0] if len(kinds) == 1 else kinds
            raise TypeError(f"Value must be of type '{kind}', is type '{type(value)}' value '{value}'")


class WithinRange(Validator):
    """From minimum to maximum."""

    def __init__(self, minimum: Any, maximum: Any) -> None:
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


class Minimum(Validator):
    """Not less than."""

    def __init__(self, minimum: Any) -> None:
        self.minimum = minimum

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be greater than {self.minimum}, is {value}")


class Maximum(Validator):
    """Not more than."""

    def __init__(self, maximum: Any) -> None:
        self.maximum = maximum

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be less than {self.maximum}, is {value}")


class Choice(Validator):
    """One of."""

    def __init__(self, choices: Any) -> None:
        self.choices = list(choices)

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


class Exclude(Validator):
    """None of."""

    def __init__(self, excluded: Any) -> None:
        self.excluded = list(excluded)

    def validate(self, value: Any) -> None:
        if value in self.excluded:
            raise ValueError(f"Value is {value}, but must not be one of the following: {self.excluded}")


class RangeBounds(Validator):
    """Both ends of a FloatRange within bounds."""

    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> None:
        if not self.minimum <= value.minimum <= value.maximum <= self.maximum:
            raise ValueError(
                f"Value must be within range bounds [{self.minimum}, {self.maximum}], is {value}"
            )


class Default:
    """The default, when the class body cannot give it."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Decimals:
    """Decimals shown."""

    def __init__(self, value: int) -> None:
        self.value = value


class SingleStep:
    """Step of a spin box or slider."""

    def __init__(self, value: float) -> None:
        self.value = value


class Label:
    """Text beside a generated widget."""

    def __init__(self, value: str) -> None:
        self.value = value
