"""One parameter file of a Bruker scan (``method``, ``acqp``, ``visu_pars``): JCAMP-DX, parsed by brukerapi.

brukerapi is handed text, not a path, because it reads UTF-8 only, which is what ParaVision 360 writes, while the
versions before it wrote names and comments in Latin-1. Values are measured before they are parsed: nothing in the
library keeps a damaged file from unfolding ``@999999999*(0)`` or brackets within brackets.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingExtraError, ReaderError

# A frame takes about 90 bytes of visu_pars (measured on ParaVision 6), so this is enough for 40 000 frames.
MAX_FILE_BYTES = 1 << 22
MAX_LINES = 100_000  # of at most 80 characters
MAX_RECORDS = 10_000
MAX_VALUE_CHARS = 1 << 20
MAX_STRUCTURE_CHARS = 1 << 16  # brukerapi goes through structures character by character, level by level
MAX_UNFOLDING_CHARS = 1 << 30  # characters moved while runs are unfolded one by one
MAX_DEPTH = 8  # of brackets; ParaVision's own structures have four
RUN = re.compile(r"@([0-9]+)\*\(")


@dataclass(frozen=True)
class Parameters:
    """The parameters of one file, looked up by their name without ``##$``.

    A parameter that is absent, or written without a value, is ``None``. Every lookup raises ``ReaderError`` when
    the value is damaged, absurdly long, or of another kind.
    """

    path: Path
    records: Any = None  # brukerapi's JCAMPDX; None for a file that is not there

    def __contains__(self, name: str) -> bool:
        return self.records is not None and name in self.records

    def numbers(self, name: str) -> np.ndarray | None:
        """All numbers of a parameter, float64, (n,)."""
        value = self._value(name)
        if value is None:
            return None
        try:
            return np.atleast_1d(np.asarray(value, dtype=float)).ravel()
        except (TypeError, ValueError, OverflowError) as error:
            raise self._damaged(name) from error

    def number(self, name: str) -> float | None:
        """Return the first number of a parameter."""
        values = self.numbers(name)
        return None if values is None or not values.size else float(values[0])

    def count(self, name: str) -> int | None:
        """Return the first number of a parameter, which must be whole and positive."""
        value = self.number(name)
        if value is None:
            return None
        if not 1 <= value <= 2**31 or not value.is_integer():
            raise self._damaged(name)
        return int(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the words of a parameter: strings or enumeration symbols; empty when it is absent."""
        value = self._value(name)
        if isinstance(value, list):
            raise self._damaged(name)
        return () if value is None else tuple(str(v) for v in np.atleast_1d(value).ravel())

    def text(self, name: str) -> str:
        """Return the first word of a parameter; empty when it is absent."""
        return next(iter(self.texts(name)), "")

    def structures(self, name: str) -> list[list[Any]]:
        """Return the structures of a parameter, ``(…) (…)``, as a list of lists; empty when it is absent."""
        value = self._value(name, structured=True)
        if value is None:
            return []
        if not isinstance(value, list) or not value:
            raise self._damaged(name)
        found = value if isinstance(value[0], list) else [value]
        if not all(isinstance(item, list) and item for item in found):
            raise self._damaged(name)
        return found

    def absent(self) -> ReaderError:
        """Say that the whole file is missing."""
        return ReaderError(
            f"{self.path}: this file of the Bruker scan is missing; copy the whole scan folder from the scanner"
            " (ParaVision 5 or later), or reconstruct the scan again"
        )

    def missing(self, name: str) -> ReaderError:
        """Say that a parameter is missing or of the wrong length."""
        return ReaderError(
            f"{self.path}: {name} is missing or of the wrong length; copy the scan again from the scanner, or"
            " reconstruct it again"
        )

    def _value(self, name: str, *, structured: bool = False) -> Any:
        if name not in self:
            return None
        record = self.records[name]
        text = record.val_str
        if not _is_parsable(text, structured):
            raise self._damaged(name)
        try:
            value = record.value
        except Exception as error:  # brukerapi raises nearly any type on damaged values
            raise self._damaged(name) from error
        return None if isinstance(value, str) and not value else value

    def _damaged(self, name: str) -> ReaderError:
        return ReaderError(
            f"{self.path}: the parameter {name} is damaged or of an unknown form; copy the scan again from the scanner"
        )


def read_parameters(path: Path) -> Parameters:
    """Read a parameter file; one that is not there has no parameters.

    Raises
    ------
    ReaderError
        When the file is damaged or absurdly long.
    MissingExtraError
        When brukerapi is not installed.
    """
    text = _text(path)
    if text is None:
        return Parameters(path)
    try:
        from brukerapi.jcampdx import JCAMPDX
    except ImportError as error:
        raise MissingExtraError("brukerapi", "Bruker ParaVision scans", "bruker") from error
    try:
        return Parameters(path, JCAMPDX(_TextInPlaceOfPath(text)))
    except Exception as error:  # brukerapi raises nearly any type on damaged files
        raise ReaderError(
            f"{path}: not a Bruker parameter file (JCAMP-DX 4.24), or damaged; copy it again from the scanner"
        ) from error


def _text(path: Path) -> str | None:
    try:
        if not path.is_file():  # a pipe or a device would never end
            return None
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ReaderError(
            f"{path}: the file cannot be read ({error.strerror}); check its permissions"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise ReaderError(
            f"{path}: the file is longer than {MAX_FILE_BYTES >> 20} MiB, which no parameter file of ParaVision is;"
            " copy it again from the scanner"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if len(text.splitlines()) > MAX_LINES or text.count("\n##") > MAX_RECORDS:
        raise ReaderError(
            f"{path}: the file has more lines or parameters than any parameter file of ParaVision; copy it again from"
            " the scanner"
        )
    return text


@dataclass(frozen=True)
class _TextInPlaceOfPath:
    """What brukerapi needs of a path (``brukerapi.paths``), over text in memory."""

    text: str
    name: str = "parameters"

    def is_dir(self) -> bool:
        return False

    def open(self, *_mode: str, **_options: str) -> io.StringIO:
        return io.StringIO(self.text, newline=None)


def _is_parsable(text: str, structured: bool) -> bool:
    """Whether the value is, and stays, small: ParaVision 360 writes runs as ``@count*(value)``."""
    if len(text) > (MAX_STRUCTURE_CHARS if structured else MAX_VALUE_CHARS):
        return False
    plain = re.sub(r"<[^<>]*>", lambda string: "s" * len(string.group()), text)
    n_runs = len(RUN.findall(text))
    if n_runs and ("<" in plain or ">" in plain or n_runs != len(RUN.findall(plain))):
        return False  # brukerapi would unfold within a string, and could not find the end of a run
    length, depth, run = len(text), 0, None
    for token in re.finditer(rf"{RUN.pattern}|[()]", plain):
        depth = max(depth - 1, 0) if token.group() == ")" else depth + 1
        if depth > MAX_DEPTH or (token.group() == "(" and not structured):
            return False
        if token.group(1) is not None:
            if run is not None or len(token.group(1)) > 9:
                return False
            run = (depth, token.end(), int(token.group(1)))
        elif run is not None and depth < run[0]:
            length += run[2] * (token.start() - run[1] + 1)
            run = None
            if length > MAX_VALUE_CHARS or n_runs * length > MAX_UNFOLDING_CHARS:
                return False
    return True
