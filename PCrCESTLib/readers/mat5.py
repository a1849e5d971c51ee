"""The numeric arrays of a MATLAB 5 file (MATLAB's "save" up to -v7), parsed strictly.

SciPy's reader is not used: it crashes the whole process on some damaged files. Format: "MAT-File Format",
The MathWorks, chapter "Level 5 MAT-File Format".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from PCrCESTLib.errors import ReaderError

HEADER_BYTES = 128
MATRIX, COMPRESSED = 14, 15
COMPLEX_FLAG = 0x0800
PREFIX_BYTES = 4096  # enough for the flags, size and name of any array

# Storage type of an element -> NumPy type; and array class -> NumPy type (classes left out hold no numbers).
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}


class DamagedError(Exception):
    """The bytes do not follow the format."""


class _Element(NamedTuple):
    kind: int
    data: memoryview
    end: int


class _Description(NamedTuple):
    array_class: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str
    data_start: int


def read_mat5(path: Path) -> dict[str, np.ndarray]:
    """Return the real numeric arrays by name, with MATLAB's axes; text, cells, structures are left out.

    Raises
    ------
    DamagedError
        When the bytes do not follow the format.
    ReaderError
        When an image-like array is complex.
    """
    content = memoryview(path.read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:128]))
    if order is None:
        raise DamagedError
    arrays = {}
    for body in _matrices(content, order):
        found = _describe(body, order)
        if found.array_class not in CLASSES:
            continue
        if found.is_complex:
            if len(found.shape) > 2:
                raise ReaderError(
                    f"{path}: {found.name!r} holds complex numbers; save abs({found.name}) instead"
                )
            continue
        arrays[found.name] = _values(body, found, order)
    return arrays


def _matrices(content: memoryview, order: str) -> Iterator[memoryview]:
    """Bodies of the numeric arrays, decompressed."""
    at = HEADER_BYTES
    while at < len(content):
        element = _element(content, at, order)
        at = element.end if element.kind != COMPRESSED else at + 8 + len(element.data)
        if element.kind == MATRIX:
            yield element.data
        elif element.kind == COMPRESSED:
            head = memoryview(_inflate(element.data, PREFIX_BYTES))
            # Big structures and cells are not worth inflating.
            if len(head) >= 20 and head[16 if order == "<" else 19] in CLASSES:
                whole = memoryview(_inflate(element.data, 8 + struct.unpack_from(order + "I", head, 4)[0]))
                inner = _element(whole, 0, order)
                if inner.kind == MATRIX:
                    yield inner.data


def _inflate(data: memoryview, limit: int) -> bytes:
    # The limit never allocates: the output grows with what is really there.
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error as error:
        raise DamagedError from error


def _element(buffer: memoryview, at: int, order: str) -> _Element:
    if at + 8 > len(buffer):
        raise DamagedError
    kind, size = struct.unpack_from(order + "II", buffer, at)
    start = at + 8
    if kind >> 16:  # a small element: type and size in one word, data in the other
        kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        if size > 4:
            raise DamagedError
        return _Element(kind, buffer[start : start + size], at + 8)
    if start + size > len(buffer):
        raise DamagedError
    return _Element(kind, buffer[start : start + size], start + size + -size % 8)


def _describe(body: memoryview, order: str) -> _Description:
    flags = _element(body, 0, order)
    if len(flags.data) < 4:
        raise DamagedError
    word = struct.unpack_from(order + "I", flags.data)[0]
    size = _element(body, flags.end, order)
    name = _element(body, size.end, order)
    shape = tuple(int(n) for n in _numbers(size, order))
    if len(shape) < 2 or min(shape) < 0:
        raise DamagedError
    text = bytes(name.data).decode("utf-8", errors="replace")
    return _Description(word & 0xFF, bool(word & COMPLEX_FLAG), shape, text, name.end)


def _values(body: memoryview, found: _Description, order: str) -> np.ndarray:
    numbers = _numbers(_element(body, found.data_start, order), order)
    if numbers.size != np.prod(found.shape, dtype=object):
        raise DamagedError
    with np.errstate(over="ignore", invalid="ignore"):
        return numbers.astype(CLASSES[found.array_class]).reshape(found.shape, order="F")


def _numbers(element: _Element, order: str) -> np.ndarray:
    if element.kind not in STORED:
        raise DamagedError
    dtype = np.dtype(order + STORED[element.kind])
    if len(element.data) % dtype.itemsize:
        raise DamagedError
    return np.frombuffer(element.data, dtype)
