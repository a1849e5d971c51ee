"""Numbers that know where they come from, read from the library's data file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from PCrCESTLib.errors import PhysicsError

STATUS = {
    "read": "taken from the named source itself, its abstract or its public code",
    "cited": "ascribed to the named source by others; the source itself was not read for this project",
    "assumed": "no source: chosen by this project",
}


@dataclass(frozen=True)
class Sourced:
    """One number with its origin.

    Parameters
    ----------
    value : float
        In the unit that the quantity's name ends with.
    source : str
        Key into ``sources()``.
    status : str
        A key of ``STATUS``.
    low, high : float, optional
        Plausible range, where one is known or assumed.
    note : str
        Conditions of the measurement, or the reason for the choice.
    """

    value: float
    source: str
    status: str
    low: float | None = None
    high: float | None = None
    note: str = ""


@cache
def library_data() -> dict[str, Any]:
    """Return the data file as it is; treat it as read-only."""
    text = files("PCrCESTLib.physics").joinpath("library_data.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def sources() -> dict[str, str]:
    """Key of every source → full reference, with DOI and PMID where they were verified."""
    return {key: _reference(entry) for key, entry in library_data()["sources"].items()}


def sourced(*path: str) -> Sourced:
    """Return the number at ``path`` in the data, for instance ``sourced("pools", "pcr", "k_per_s")``.

    Raises
    ------
    PhysicsError
        When the library holds no such number; the message lists what it holds at that place.
    """
    node: Any = library_data()
    for depth, key in enumerate(path):
        if not isinstance(node, Mapping) or key not in node:
            known = ", ".join(node) if isinstance(node, Mapping) else "nothing"
            place = ".".join(path[:depth]) or "its top level"
            raise PhysicsError(f"the tissue library has no {key!r} at {place}; it has {known}")
        node = node[key]
    if not _is_number(node):
        raise PhysicsError(f"{'.'.join(path)} in the tissue library is a group; name one of its entries")
    return Sourced(**node)


def provenance() -> dict[str, Sourced]:
    """Every number of the library under its dotted path."""
    return dict(_walk(library_data(), ()))


def provenance_markdown() -> str:
    """Return every number of the library and every source as two Markdown tables."""
    lines = ["| number | value | range | origin | status | note |", "|---|---|---|---|---|---|"]
    for path, number in provenance().items():
        span = "" if number.low is None else f"{number.low:g} to {number.high:g}"
        cells = (path, f"{number.value:g}", span, number.source, number.status, number.note)
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| origin | reference |", "|---|---|"]
    lines += [f"| {key} | {text} |" for key, text in sources().items()]
    return "\n".join(lines) + "\n"


def _walk(node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, Sourced]]:
    for key, entry in node.items():
        if key == "sources" and not path:
            continue
        if _is_number(entry):
            yield ".".join((*path, key)), Sourced(**entry)
        else:
            yield from _walk(entry, (*path, key))


def _is_number(node: Any) -> bool:
    return isinstance(node, Mapping) and "value" in node


def _reference(entry: Mapping[str, str]) -> str:
    ids = [f"doi:{entry['doi']}"] if "doi" in entry else []
    ids += [f"PMID {entry['pmid']}"] if "pmid" in entry else []
    return entry["text"] + (f" ({', '.join(ids)})" if ids else "")
