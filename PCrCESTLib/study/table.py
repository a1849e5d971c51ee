"""The list of scans of a study: a CSV file with one row a scan."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PCrCESTLib.errors import PCrCESTError

REQUIRED = ("subject", "group")
COMPANIONS = ("r1", "t1", "fm", "b1", "b0", "mask", "rois", "anatomy", "protocol")
KNOWN = (*REQUIRED, "session", "side", "series", "result", "exclude", *COMPANIONS)
SIDES = {"l": "left", "left": "left", "r": "right", "right": "right", "": ""}
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+$")


class StudyError(PCrCESTError):
    """The list of scans, or what it lists, cannot be compared."""


@dataclass(frozen=True)
class Scan:
    """One row of the list; paths are absolute.

    ``excluded`` is the reason, in the user's words, why the scan must not be used (column ``exclude``); empty when it
    may be.
    """

    line: int
    subject: str
    group: str
    session: str = ""
    side: str = ""
    series: tuple[Path, ...] = ()
    companions: dict[str, Path] = field(default_factory=dict)
    result: Path | None = None
    covariates: dict[str, float] = field(default_factory=dict)
    excluded: str = ""

    @property
    def name(self) -> str:
        """Say which scan it is."""
        session = f"session {self.session}" if self.session else ""
        return ", ".join(filter(None, (self.subject, session, self.side)))


@dataclass(frozen=True)
class Study:
    """All scans of the list, the groups in order of appearance, and the names of numeric covariates."""

    path: Path
    scans: tuple[Scan, ...]
    covariates: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups in order of appearance."""
        return tuple(dict.fromkeys(scan.group for scan in self.scans))


def read_study(path: Path) -> Study:
    """Read and check the list.

    Columns ``subject`` and ``group`` are needed; further ones are ``session``, ``side``, ``series`` (files separated
    by ``;``), the companions of `COMPANIONS`, ``result`` (a finished result folder), ``exclude`` (a reason) and numeric
    covariates. A companion's column that holds numbers only, like ``T1``, is a covariate. Paths are relative to the
    list.

    Raises
    ------
    StudyError
        When it is no comma-separated table in UTF-8, lacks a column, repeats a scan, or has a subject in two groups.
    """
    path = Path(path)
    rows, header = _rows(path)
    covariates, notes = _covariates(path, rows, header)
    scans = tuple(_scan(path, line, row, covariates) for line, row in rows)
    _require_different(path, scans)
    _require_one_group(path, scans)
    return Study(path, scans, covariates, tuple(notes))


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise StudyError(f"{path}: the file is empty; a row of column names (subject, group, …) is expected")
    for mark, name in ((";", "semicolons"), ("\t", "tabulators")):
        if mark in first and "," not in first:
            raise StudyError(
                f"{path}: the columns are separated by {name}; save the table as CSV with commas (and a decimal "
                "point), since ';' separates the files of one cell"
            )
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise StudyError(f"{path}: this is no CSV table ({error}); save it again as CSV in UTF-8") from error
    lines = [(n, row) for n, row in enumerate(table, start=1) if any(cell.strip() for cell in row)]
    header = [_canonical(cell) for cell in lines[0][1]]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise StudyError(
            f"{path}: the column {' and '.join(missing)} is missing; found {', '.join(header)}; one row a scan with at "
            "least subject and group is expected"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise StudyError(f"{path}: the column {twice[0] or 'without a name'} stands there twice; remove one")
    rows = []
    for n, row in lines[1:]:
        if len(row) > len(header):
            raise StudyError(
                f"{path}, row {n}: {len(row)} cells were found for {len(header)} columns; put quotes around a cell "
                "that contains a comma, and write decimals with a point"
            )
        padded = [*row, *[""] * (len(header) - len(row))]
        rows.append((n, dict(zip(header, (cell.strip() for cell in padded), strict=True))))
    if not rows:
        raise StudyError(f"{path}: there is no scan below the column names; write one row a scan")
    return rows, header


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise StudyError(f"{path}: the list cannot be read ({error.strerror}); give a CSV file") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: the text is not in UTF-8; save it as 'CSV UTF-8'") from error
    if "\0" in text:
        raise StudyError(f"{path}: this is no text file; save the table as 'CSV UTF-8'")
    return text


def _canonical(name: str) -> str:
    name = name.strip()
    return name.lower() if name.lower() in KNOWN else name


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _covariates(
    path: Path, rows: Sequence[tuple[int, dict[str, str]]], header: Sequence[str]
) -> tuple[tuple[str, ...], list[str]]:
    """Names of the columns of numbers, and a note for every column that is neither."""
    found, notes = [], []
    for name in header:
        if not name or (name in KNOWN and name not in COMPANIONS):
            continue
        cells = [(n, row[name]) for n, row in rows if row[name]]
        for n, cell in cells:
            if _DECIMAL_COMMA.match(cell):
                raise StudyError(
                    f"{path}, row {n}, column {name}: '{cell}' has a decimal comma; write a point"
                )
        numeric = [_number(cell) is not None for _, cell in cells]
        if cells and all(numeric):
            found.append(name)
        elif name not in COMPANIONS and any(numeric):
            n, cell = cells[numeric.index(False)]
            raise StudyError(
                f"{path}, row {n}, column {name}: '{cell}' is no finite number; write a number or leave it empty"
            )
        elif name not in COMPANIONS and cells:
            notes.append(f"column {name} holds text and is not used")
    return tuple(found), notes


def _scan(path: Path, line: int, row: dict[str, str], covariates: Sequence[str]) -> Scan:
    for name in REQUIRED:
        if not row[name]:
            raise StudyError(f"{path}, row {line}: the cell {name} is empty; every scan needs a {name}")
    side = SIDES.get(row.get("side", "").lower())
    if side is None:
        raise StudyError(f"{path}, row {line}: side is '{row['side']}'; left or right is expected")
    folder = path.absolute().parent
    companions = {name: folder / row[name] for name in COMPANIONS if row.get(name) and name not in covariates}
    if "r1" in companions and "t1" in companions:
        raise StudyError(f"{path}, row {line}: both an R1 and a T1 map are given; leave one cell empty")
    return Scan(
        line,
        row["subject"],
        row["group"],
        row.get("session", ""),
        side,
        tuple(folder / cell.strip() for cell in row.get("series", "").split(";") if cell.strip()),
        companions,
        folder / row["result"] if row.get("result") else None,
        {name: float(row[name]) for name in covariates if row[name]},
        row.get("exclude", ""),
    )


def _require_different(path: Path, scans: Sequence[Scan]) -> None:
    seen: dict[tuple[str, str, str], Scan] = {}
    for scan in scans:
        key = (scan.subject, scan.session, scan.side)
        if key in seen:
            raise StudyError(
                f"{path}, rows {seen[key].line} and {scan.line}: both are {scan.name}; give repeated scans different "
                "sessions, or remove one"
            )
        seen[key] = scan


def _require_one_group(path: Path, scans: Sequence[Scan]) -> None:
    groups: dict[str, Scan] = {}
    for scan in scans:
        first = groups.setdefault(scan.subject, scan)
        if first.group != scan.group:
            raise StudyError(
                f"{path}, rows {first.line} and {scan.line}: {scan.subject} is in the groups {first.group} and "
                f"{scan.group}; a subject belongs to one group"
            )
