"""What each class of Slicer offers, from classes.json: the rule by which the stand-ins are strict."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("classes.json")
# Python cannot call a method ``raise``; PythonQt appends an underscore to such names.
RENAMED = {"exec_": "exec", "raise_": "raise", "print_": "print"}
ARGUMENTS = re.compile(r"^(\w+)\((.*)\)$")


@dataclass(frozen=True)
class ClassApi:
    """Names a script can use on one class."""

    name: str
    properties: dict[str, tuple[str, bool]] = field(default_factory=dict)
    signals: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    slots: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    inherits: tuple[str, ...] = ()
    instantiable: bool = True
    lenient: bool = False  # described by Qt itself, not by classes.json
    sparse: bool = False  # names only: the application could not make an instance to look at

    def is_callable(self, name: str) -> bool:
        """Whether ``name`` is a method, slot or constant."""
        return name in self.members or name in self.slots or RENAMED.get(name) in self.slots

    def __contains__(self, name: str) -> bool:
        return name in self.properties or name in self.signals or self.is_callable(name)


def arguments(signature: str) -> tuple[str, tuple[str, ...]] | None:
    """Split ``name(type,type)``; None if it is no signature."""
    found = ARGUMENTS.match(re.sub(r"\bconst |&|\s+$|^\s+", "", signature))
    if not found:
        return None
    kinds = tuple(part.strip().replace(" ", "") for part in found[2].split(",")) if found[2].strip() else ()
    return found[1], kinds


def _by_name(signatures: list[str]) -> dict[str, list[tuple[str, ...]]]:
    out: dict[str, list[tuple[str, ...]]] = {}
    for signature in signatures:
        name, kinds = arguments(signature) or (signature, ())
        out.setdefault(name, []).append(kinds)
    return out


@cache
def entries() -> dict[str, dict]:
    """Return the content of classes.json."""
    return json.loads(FILE.read_text(encoding="utf-8"))


@cache
def class_api(full_name: str) -> ClassApi | None:
    """Return the description of ``qt.QLabel`` and the like; None where there is none."""
    entry = entries().get(full_name)
    if entry is None:
        return None
    inherits = tuple(entry.get("inherits", ()))
    shared = entries()["qt.QWidget"] if "QWidget" in inherits else {}
    joined = {part: [*shared.get(part, ()), *entry.get(part, ())] for part in ("members", "signals", "slots")}
    properties = {**shared.get("properties", {}), **entry.get("properties", {})}
    return ClassApi(
        full_name.split(".")[1],
        {name: tuple(value) for name, value in properties.items()},
        _by_name(joined["signals"]),
        _by_name(joined["slots"]),
        frozenset(joined["members"]),
        inherits,
        entry.get("instantiable", True),
        sparse="properties" not in entry,
    )


@cache
def full_name(class_name: str) -> str | None:
    """Return ``qt.QLabel`` for ``QLabel``; None if the class is not described."""
    return next((key for key in entries() if key.split(".")[1] == class_name), None)
