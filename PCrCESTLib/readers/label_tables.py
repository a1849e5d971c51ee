"""Names, colors and terms of regions: in a segmentation's own header, or in a table beside a label map.

Tables: BIDS ``.tsv`` (columns index, name, color as ``#rrggbb``; BIDS specification, *Discrete segmentations*),
ITK-SNAP label descriptions (``.txt``, ``.label``: index, R, G, B 0–255, three switches, "name") and 3D Slicer color
tables (``.ctbl``: index, name, R, G, B, A 0–255).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.muscles import Color
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.segment_file import TERMS_TAG

MAX_TABLE_BYTES = 4 << 20
_SNAP = re.compile(r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\S+\s+\d+\s+\d+\s+"(.*)"\s*')
_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


class Label(NamedTuple):
    """What a table says of a value; color is None where it says none."""

    name: str
    color: Color | None = None


def table_beside(path: Path) -> dict[int, Label]:
    """Read the table of the same stem beside a label map, by value; empty where there is none.

    Raises
    ------
    ReaderError
        When it is there but is no table of labels.
    """
    for suffix, read in _READERS.items():
        table = path.with_name(stem_of(path) + suffix)
        if table.is_file():
            return _read(table, read)
    return {}


def color_of_segment(text: str | None) -> Color | None:
    """Color of ``Segment0_Color``, three numbers from 0 to 1."""
    return _color(*text.split()) if text and len(text.split()) == 3 else None


def terms_of_segment(tags: str | None) -> str:
    """Terms in ``Segment0_Tags``: ``TerminologyEntry:…|`` among others."""
    entries = (entry.partition(":") for entry in (tags or "").split("|"))
    return next((value.strip() for key, _, value in entries if key.strip() == TERMS_TAG), "")


def _read(table: Path, read: Callable[[str], dict[int, Label]]) -> dict[int, Label]:
    try:
        if table.stat().st_size > MAX_TABLE_BYTES:
            raise ValueError("too large")
        return read(table.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise ReaderError(f"{table}: {_EXPECTED[table.suffix.lower()]} is expected") from error


def _bids(text: str) -> dict[int, Label]:
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return {int(row["index"]): Label(row["name"].strip(), _hex(row.get("color"))) for row in rows}


def _snap(text: str) -> dict[int, Label]:
    # Other lines are left out: a .txt of the same name may be somebody's notes.
    lines = (_SNAP.fullmatch(line) for line in text.splitlines())
    return {
        int(m[1]): Label(m[5].strip(), _color(*(int(v) / 255 for v in m.group(2, 3, 4)))) for m in lines if m
    }


def _slicer(text: str) -> dict[int, Label]:
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            index, name, *rgba = line.split()
            # Spaces are kept as underscores there.
            found[int(index)] = Label(name.replace("_", " "), _color(*(int(v) / 255 for v in rgba[:3])))
    return found


def _hex(text: str | None) -> Color | None:
    match = _HEX.fullmatch((text or "").strip())
    return _color(*(int(v, 16) / 255 for v in match.groups())) if match else None


def _color(red: float | str, green: float | str, blue: float | str) -> Color | None:
    try:
        values = (float(red), float(green), float(blue))
    except ValueError:
        return None
    return values if all(0 <= v <= 1 for v in values) else None


_READERS: dict[str, Callable[[str], dict[int, Label]]] = {
    ".tsv": _bids,
    ".label": _snap,
    ".txt": _snap,
    ".ctbl": _slicer,
}
_EXPECTED = {
    ".tsv": "a table with the columns 'index' and 'name' (tab separated)",
    ".label": "text as ITK-SNAP writes it",
    ".txt": "text as ITK-SNAP writes it",
    ".ctbl": "a color table as 3D Slicer writes it",
}
