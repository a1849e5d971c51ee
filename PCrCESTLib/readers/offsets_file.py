"""A list of saturation offsets in a file of its own: txt, csv or json, ppm or Hz told apart.

========  =============================================================================================
format    content
========  =============================================================================================
txt       numbers separated by blanks, commas, semicolons or line ends; ``#`` and ``%`` begin a comment
csv       one row a frame; a header row names the columns (offset, ppm or Hz, and B1 where it varies)
json      a list, or an object with ``SaturationOffsets`` and, if stated, ``SaturationOffsetsUnits``
========  =============================================================================================

``M0``, ``inf``, ``nan``, ``none`` and ``null`` stand for an image without saturation. The unit is a word "ppm"
or "Hz" in the file, else it follows from the values at the field of the scan.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T

MAX_BYTES = 1 << 20
UNSATURATED = ("m0", "s0", "inf", "+inf", "-inf", "nan", "none", "null")
COLUMN = re.compile(r"offset|ppm|hz|freq", re.IGNORECASE)
B1_COLUMN = re.compile(r"b1", re.IGNORECASE)
COMMENT = re.compile(r"[#%].*")
UNIT = re.compile(r"(?<![a-z])(ppm|hz)(?![a-z])")
# Z-spectra of muscle span 0.5 to 20 ppm; 0.5 ppm is more than 20 Hz from 1 T on.
SPAN_PPM = (0.5, 20.0)


@dataclass(frozen=True)
class OffsetList:
    """Offsets as the file gives them.

    Attributes
    ----------
    values : tuple of float or None
        One a frame, in ``units``; None without saturation.
    units : str
        ``"ppm"`` or ``"Hz"``.
    b1_ut : tuple of float or None
        Saturation amplitude of each frame in µT, where the file has it.
    note : str
        What was assumed about the unit; empty where the file says it.
    """

    values: tuple[float | None, ...]
    units: str
    b1_ut: tuple[float | None, ...] | None = None
    note: str = ""


def read_offsets(path: Path, field_t: float | None = None) -> OffsetList:
    """Read a list of offsets.

    Parameters
    ----------
    path : Path
        A txt, csv or json file.
    field_t : float, optional
        Static field of the scan, T; without it only a stated unit, or values that are plainly ppm, will do.

    Raises
    ------
    ProtocolError
        When the file cannot be read, holds something else, or its unit cannot be told.
    """
    text = _text(path)
    if path.suffix.lower() == ".json":
        values, unit, b1 = _from_json(path, text)
    else:
        values, unit, b1 = _from_text(path, text)
    if not any(v is not None for v in values):
        raise ProtocolError(f"{path}: no offset in this file; list one number a frame, in ppm or Hz")
    if unit is not None:
        return OffsetList(values, unit, b1)
    unit = _unit_of(path, values, field_t)
    return OffsetList(values, unit, b1, f"the offsets of {path.name} were taken as {unit} from their values")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProtocolError(f"{path}: more than 1 MB; a list of saturation offsets is expected")
        return path.read_bytes().decode("utf-8-sig").replace("\N{MINUS SIGN}", "-")
    except OSError as error:
        raise ProtocolError(f"{path}: the offsets file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{path}: not a text file; list one offset a frame, in ppm or Hz") from error


def _from_json(path: Path, text: str) -> tuple[tuple[float | None, ...], str | None, None]:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{path}: not a JSON file ({error})") from error
    unit = None
    if isinstance(document, dict):
        unit = _unit_word(str(document.get("SaturationOffsetsUnits", "")))
        document = document.get("SaturationOffsets")
    if not isinstance(document, list):
        raise ProtocolError(f"{path}: a list of offsets, or an object with SaturationOffsets, is expected")
    return tuple(_value(path, "null" if v is None else str(v)) for v in document), unit, None


def _from_text(
    path: Path, text: str
) -> tuple[tuple[float | None, ...], str | None, tuple[float | None, ...] | None]:
    unit = _unit_word(text)
    lines = [line for raw in text.splitlines() if (line := COMMENT.sub("", raw).strip())]
    if lines and ";" in text and re.search(r"\d,\d", text):  # 2,6; 2,7: decimal commas
        lines = [line.replace(",", ".") for line in lines]
    rows = [[w for w in re.split(r"[\s,;]+", UNIT.sub(" ", line.lower())) if w] for line in lines]
    columns = _columns(path, lines)
    if columns is None:
        rows = rows[1:] if rows and not any(map(_is_value, rows[0])) else rows
        return tuple(_value(path, word) for row in rows for word in row), unit, None
    offset_column, b1_column = columns
    cells = [[c.strip() for c in re.split(r"[,;\t]", UNIT.sub("", line.lower()))] for line in lines[1:]]
    if any(len(row) <= max(columns) for row in cells):
        raise ProtocolError(f"{path}: a row has fewer columns than the first row names")
    offsets = tuple(_value(path, row[offset_column]) for row in cells)
    b1 = None if b1_column < 0 else tuple(_value(path, row[b1_column]) for row in cells)
    return offsets, _unit_word(re.split(r"[,;\t]", lines[0])[offset_column]) or unit, b1


def _columns(path: Path, lines: list[str]) -> tuple[int, int] | None:
    """Columns of offset and B1 (-1 for none) where a first row names several."""
    names = re.split(r"[,;\t]", lines[0]) if lines else []
    if len(names) < 2 or any(_is_value(n.strip()) for n in names):
        return None
    offsets = [i for i, n in enumerate(names) if COLUMN.search(n) and not B1_COLUMN.search(n)]
    if len(offsets) != 1:
        raise ProtocolError(
            f"{path}: {len(offsets)} columns can be the offsets ({', '.join(n.strip() for n in names)}); name one"
            " of them 'offset_ppm' or 'offset_hz'"
        )
    return offsets[0], next((i for i, n in enumerate(names) if B1_COLUMN.search(n)), -1)


def _is_value(word: str) -> bool:
    if word.lower() in UNSATURATED:
        return True
    try:
        float(word)
    except ValueError:
        return False
    return True


def _value(path: Path, word: str) -> float | None:
    if word.lower() in UNSATURATED or word == "":
        return None
    if not _is_value(word):
        raise ProtocolError(f"{path}: {word[:40]!r} is no offset; list one number a frame, in ppm or Hz")
    value = float(word)
    return value if math.isfinite(value) else None


def _unit_word(text: str) -> str | None:
    found = set(UNIT.findall(text.lower().replace("_", " ")))
    return {"ppm": "ppm", "hz": "Hz"}[found.pop()] if len(found) == 1 else None


def _unit_of(path: Path, values: tuple[float | None, ...], field_t: float | None) -> str:
    """Return the unit in which the bulk of the offsets (references may lie far out) spans what a Z-spectrum spans."""
    sizes = sorted(abs(v) for v in values if v is not None)
    span = sizes[(len(sizes) - 1) * 3 // 4]
    low, high = SPAN_PPM
    if low <= span <= high:
        return "ppm"
    if field_t is not None and low <= span / (GAMMA_MHZ_PER_T * field_t) <= high:
        return "Hz"
    at = "" if field_t is None else f" at {field_t:g} T"
    raise ProtocolError(
        f"{path}: offsets around {span:g} can be ppm or Hz{at}; write 'ppm' or 'Hz' in the first line of the file"
    )
