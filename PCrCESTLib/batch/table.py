"""Scans in a table: CSV or TSV, one a row, with the columns of `REQUIRED`, ``session``, and options of ``quantify``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from PCrCESTLib.batch.arguments import model_file, option
from PCrCESTLib.batch.job import Job, bids_label
from PCrCESTLib.commands.quantify_options import add_companions, add_settings, flags, names
from PCrCESTLib.errors import ReaderError

REQUIRED = ("subject", "series")
MAX_BYTES = 10_000_000
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


def jobs_in_table(path: Path, settings: Sequence[str]) -> tuple[list[Job], list[str]]:
    """Read a table of scans.

    Only what stands in a row is used, nothing that lies beside the series; paths count from the folder of the table.

    Parameters
    ----------
    path : Path
        Separated by commas, tabs or, when its first line has neither, semicolons; UTF-8.
    settings : sequence of str
        Arguments of ``quantify`` for all; a cell of the same name goes before.

    Returns
    -------
    jobs : list of Job
        One a row.
    notes : list of str
        Sentences on columns that are not used.

    Raises
    ------
    ReaderError
        When it is no such table, or a row does not say whose scan it is.
    """
    lines = _rows(path)
    if not lines:
        raise ReaderError(f"{path}: the table is empty; the columns subject and series are expected")
    number, head = lines[0]
    columns = [cell.strip().lower().replace("-", "_") for cell in head]
    _require_columns(path, columns)
    options = (*names(add_companions), *names(add_settings))
    unused = [c for c in columns if c not in (*REQUIRED, "session", *options, "")]
    notes = (
        [f"{path.name}: columns that are no options of quantify are not used: {', '.join(unused)}"]
        if unused
        else []
    )
    jobs = []
    for number, cells in lines[1:]:
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            raise ReaderError(
                f"{path}, line {number}: {len(cells)} cells under {len(columns)} columns; quote cells that hold the "
                "separator"
            )
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        jobs.append(_job(path, number, row, options, settings))
    if not jobs:
        raise ReaderError(f"{path}: there is no scan under the names of the columns")
    return jobs, notes


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return number and cells of the lines that are not empty."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReaderError(f"{path}: larger than {MAX_BYTES / 1e6:g} MB, so it is no table of scans")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ReaderError(
            f"{path}: cannot be read ({error.strerror or error}); give a folder or a table"
        ) from error
    except UnicodeDecodeError as error:
        raise ReaderError(f"{path}: not a text file in UTF-8; save the table as CSV (UTF-8)") from error
    first = text.lstrip("\n").partition("\n")[0]
    separator = next((s for s in "\t,;" if s in first), ",")
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ReaderError(f"{path}, line {reader.line_num}: not a line of a table ({error})") from error


def _require_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        shown = ", ".join(columns)[:200] or "nothing"
        raise ReaderError(
            f"{path}: the column {' and the column '.join(missing)} is missing; the first line has {shown}, and one "
            "like subject,session,series,r1,rois is expected"
        )
    twice = sorted({c for c in columns if c and columns.count(c) > 1})
    if twice:
        raise ReaderError(f"{path}: the column {twice[0]} stands there twice; remove one")


def _job(
    path: Path, number: int, row: dict[str, str], options: Sequence[str], settings: Sequence[str]
) -> Job:
    try:
        subject = bids_label(row.get("subject", ""), "sub")
        session = bids_label(row["session"], "ses") if row.get("session") not in (None, "", "n/a") else ""
    except ReaderError as error:
        raise ReaderError(f"{path}, line {number}: {error}") from error
    series = [part.strip() for part in row.get("series", "").split(";") if part.strip()]
    if not series:
        return Job(subject, session, (), f"{path.name}, line {number}: no series is given; name a file")
    folder = path.absolute().parent
    given = {name: row[name] for name in options if row.get(name) not in (None, "", "n/a")}
    # A cell goes before the setting for all, also one that says no to a flag.
    arguments = [str(folder / part) for part in series] + [s for s in settings if _name_of(s) not in given]
    try:
        for name, value in given.items():
            arguments += option(name, _value(name, value, folder))
    except ReaderError as error:
        return Job(subject, session, (), f"{path.name}, line {number}: {error}")
    return Job(subject, session, arguments)


def _name_of(setting: str) -> str:
    """Name of the parsed option that a word such as ``--ksw-sd=10`` gives."""
    return setting.partition("=")[0].removeprefix("--").replace("-", "_")


def _value(name: str, cell: str, folder: Path) -> str | Path | bool:
    """Return what a cell says; paths count from ``folder``."""
    if name in names(add_companions) or name == "protocol" or (name == "model" and model_file(cell)):
        return folder / cell
    if name not in flags(add_settings):
        return cell
    if cell.lower() not in YES + NO:
        raise ReaderError(f"{name} is {cell[:40]!r}; true or false is expected")
    return cell.lower() in YES
