"""Reference ranges of healthy muscle that the reader brings, and what a number says against them."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.roi import UNITS, RoiRow

COLUMNS = ("roi", "quantity", "low", "high")
EVERY = "*"
_Z95 = 1.96


@dataclass(frozen=True)
class ReferenceRange:
    """Usual values of a quantity in a region, in the unit of ``roi_statistics.csv``; ``roi`` may be ``*``."""

    roi: str
    quantity: str
    low: float
    high: float


def read_reference_ranges(path: Path) -> tuple[ReferenceRange, ...]:
    """Read a CSV table with the columns roi, quantity, low, high (and unit, if it shall be checked).

    ``roi`` is a region's name, whatever its case, or ``*`` for all; ``quantity`` is fs, PCr, ksw or AREX.

    Raises
    ------
    ReaderError
        When the file is no such table, or a range makes no sense.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            columns = reader.fieldnames or []
    except (OSError, ValueError, csv.Error) as error:
        raise ReaderError(f"{path}: this table cannot be read; a CSV file in UTF-8 is expected") from error
    lacking = [name for name in COLUMNS if name not in columns]
    if lacking:
        raise ReaderError(
            f"{path}: the column {lacking[0]} is missing; a CSV table with {', '.join(COLUMNS)} is expected"
        )
    return tuple(_range(path, number, row) for number, row in enumerate(rows, start=2))


def _range(path: Path, line: int, row: dict[str, str]) -> ReferenceRange:
    quantity, unit = (row["quantity"] or "").strip(), (row.get("unit") or "").strip()
    if quantity not in UNITS:
        raise ReaderError(f"{path}: line {line} has the quantity {quantity!r}; {', '.join(UNITS)} are known")
    if unit not in ("", UNITS[quantity]):
        raise ReaderError(f"{path}: line {line} has the unit {unit!r}; {quantity} is in {UNITS[quantity]}")
    try:
        low, high = float(row["low"]), float(row["high"])
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and 0 <= low < high):
        raise ReaderError(
            f"{path}: line {line} has the range {row['low']} to {row['high']}; two numbers are expected, the lower "
            "first"
        )
    return ReferenceRange((row["roi"] or "").strip(), quantity, low, high)


def range_of(ranges: tuple[ReferenceRange, ...], roi: str, quantity: str) -> ReferenceRange | None:
    """Return the range for a region: its own, else that for all."""
    fitting = [r for r in ranges if r.quantity == quantity]
    own = [r for r in fitting if r.roi.casefold() == roi.casefold()]
    return next(iter(own + [r for r in fitting if r.roi == EVERY]), None)


def verdict(row: RoiRow, reference: ReferenceRange) -> str:
    """Say where a number lies against a range, and whether its own uncertainty (±1.96 SD) reaches into it."""
    if not row.identifiable:
        return "cannot be judged"
    if reference.low <= row.value <= reference.high:
        return "within"
    side = "below" if row.value < reference.low else "above"
    reach = _Z95 * row.sd
    overlaps = row.value + reach >= reference.low if side == "below" else row.value - reach <= reference.high
    # An SD that is not known reaches nowhere; then the number cannot be called outside.
    return f"{side}, not certain" if overlaps or not math.isfinite(reach) else side
