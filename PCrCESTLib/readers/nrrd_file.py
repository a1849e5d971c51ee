"""The header of an NRRD file, checked before SimpleITK reads the image.

ITK's NRRD parser writes what it does not understand into error texts of fixed length and crashes the process when that
is long, so that it is only given fields that the format knows, with values of the right kind.

Format: "Definition of NRRD File Format", teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.stored_bytes import require_bytes

MAX_NRRD_HEADER_BYTES = 4 << 20

# Bytes a number for each NRRD type name (all the spellings the format allows).
NRRD_ITEM_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(
        ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t"), 4
    ),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int"), 8
    ),
    **dict.fromkeys(("int64", "int64_t", "ulonglong", "unsigned long long", "unsigned long long int"), 8),
    **dict.fromkeys(("uint64", "uint64_t", "double"), 8),
    "float": 4,
}


WORD_FIELDS = ("type", "encoding", "endian", "kinds", "centers", "centerings", "space")
NUMBER_FIELDS = (
    *("dimension", "sizes", "spacings", "thicknesses", "axis mins", "axismins", "axis maxs", "axismaxs"),
    *("space dimension", "space origin", "space directions", "measurement frame", "block size", "blocksize"),
    *(
        "min",
        "max",
        "old min",
        "oldmin",
        "old max",
        "oldmax",
        "line skip",
        "lineskip",
        "byte skip",
        "byteskip",
    ),
)
TEXT_FIELDS = ("content", "labels", "units", "space units", "sample units", "sampleunits", "number")
NEEDED_FIELDS = ("dimension", "type", "sizes", "encoding")
DATA_FILE_FIELDS = ("data file", "datafile")
MAX_AXES = 16
MAX_WORD, MAX_NUMBER, MAX_FIELD = 40, 32, 1000  # characters
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|nan|none|[-+]?inf", re.IGNORECASE)


@dataclass(frozen=True)
class NrrdHeader:
    """What stands before the data.

    Parameters
    ----------
    fields : dict
        The format's own fields (``sizes``, ``kinds`` …), names in lower case.
    metadata : dict
        Key/value pairs, which any program may add.
    data_start : int
        Byte at which the data begin.
    """

    fields: dict[str, str]
    metadata: dict[str, str]
    data_start: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each axis in lower case, fastest axis first; empty where the file does not say."""
        return tuple(self.fields.get("kinds", "").lower().split())

    def quoted(self, field: str) -> tuple[str, ...]:
        """Texts of a field with one in quotation marks an axis (``labels``, ``units``)."""
        return tuple(re.findall(r'"((?:[^"\\]|\\.)*)"', self.fields.get(field, "")))


def is_nrrd(head: bytes) -> bool:
    """Tell an NRRD file by its magic."""
    return head.startswith(b"NRRD000")


def check_nrrd(path: Path) -> NrrdHeader:
    """Check that the file holds all the bytes its header promises; returns that header.

    Raises
    ------
    ReaderError
        When it is damaged, cut short, or its data are in another file.
    """
    header = read_nrrd_header(path)
    fields = header.fields
    item = NRRD_ITEM_BYTES.get(fields.get("type", "").lower())
    try:
        sizes = [int(n) for n in fields.get("sizes", "").split()]
    except ValueError:
        sizes = []
    if item is None or not sizes or min(sizes) < 1:
        raise ReaderError(
            f"{path}: the NRRD header has type {fields.get('type')!r} and sizes {fields.get('sizes')!r}, "
            "which is no image; save it again"
        )
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise ReaderError(f"{path}: NRRD encoding {encoding!r} is not supported; save it as raw or gzip")
    require_bytes(path, header.data_start, math.prod(sizes) * item, compressed=encoding != "raw")
    return header


def read_nrrd_header(path: Path) -> NrrdHeader:
    """Read the header, whose fields are known ones with values of the right kind.

    Raises
    ------
    ReaderError
        When they are not, it does not end, the data are in another file, or the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            fields, metadata = _lines(path, file)
            data_start = file.tell()
    except OSError as error:
        raise ReaderError(
            f"{path}: the file cannot be read ({error.strerror}); check its permissions"
        ) from error
    if any(field in fields for field in DATA_FILE_FIELDS):
        raise ReaderError(f"{path}: the image data are in another file; save it as one .nrrd file")
    _check_fields(path, fields)
    return NrrdHeader(fields, metadata, data_start)


def _check_fields(path: Path, fields: Mapping[str, str]) -> None:
    missing = [field for field in NEEDED_FIELDS if field not in fields]
    if missing:
        raise ReaderError(f"{path}: the NRRD header has no field {missing[0]!r}; save it again")
    for field, value in fields.items():
        if len(value) > MAX_FIELD or not _is_sound(field, value):
            raise ReaderError(
                f"{path}: the NRRD header field {field[:MAX_WORD]!r} is unknown or its value {value[:MAX_WORD]!r} makes"
                " no sense; save it again"
            )


def _is_sound(field: str, value: str) -> bool:
    if field in TEXT_FIELDS:
        return True
    words = re.split(r"[ \t,()]+", value.strip(" \t()"))
    if field in WORD_FIELDS:
        return len(words) <= MAX_AXES and all(len(word) <= MAX_WORD for word in words)
    if field in NUMBER_FIELDS:
        return all(len(word) <= MAX_NUMBER and NUMBER.fullmatch(word) for word in words)
    return False


def _lines(path: Path, file: BinaryIO) -> tuple[dict[str, str], dict[str, str]]:
    """Fields and key/value pairs; leaves ``file`` at the first byte of the data."""
    fields: dict[str, str] = {}
    metadata: dict[str, str] = {}
    while file.tell() < MAX_NRRD_HEADER_BYTES:
        raw = file.readline(MAX_NRRD_HEADER_BYTES)
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if not line:
            if raw:
                return fields, metadata
            break
        if ":=" in line:
            key, value = line.split(":=", 1)
            metadata[key.strip()] = _unescaped(value.strip())
        elif ": " in line and not line.startswith("#"):
            key, value = line.split(": ", 1)
            fields[key.strip().lower()] = value.strip()
        elif not line.startswith(("#", "NRRD000")):
            raise ReaderError(
                f"{path}: the NRRD header has the line {line[:MAX_WORD]!r}, which is none; save it again"
            )
    raise ReaderError(
        f"{path}: the NRRD header has no end, or the image data are in another file; save it again"
    )


def _unescaped(value: str) -> str:
    # The format writes a line break as \n and a backslash as two.
    return re.sub(r"\\([n\\])", lambda found: "\n" if found[1] == "n" else "\\", value)
