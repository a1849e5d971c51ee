"""The bytes of a file, plain or gzip-compressed, counted before they are believed.

Headers can promise any size. Nothing is allocated here for bytes that a file cannot hold, and a file that
ends early or fails its checksum is refused instead of being filled up with zeros.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from PCrCESTLib.errors import ReaderError

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 540  # the longest header among the formats told apart by their first bytes (NIfTI-2)
MAX_DEFLATE_RATIO = 1040  # deflate cannot shrink data more than 1032-fold
CHUNK_BYTES = 1 << 20


def sniff(path: Path, n_bytes: int = HEAD_BYTES) -> bytes:
    """First bytes of a file, decompressed if it is a gzip file.

    Raises
    ------
    ReaderError
        When the file is missing, a folder, empty, unreadable or a broken gzip file.
    """
    with _readable(path), path.open("rb") as file:
        head = file.read(n_bytes)
        if head.startswith(GZIP_MAGIC):
            file.seek(0)
            with gzip.open(file, "rb") as stream:
                head = stream.read(n_bytes)
    if not head:
        raise ReaderError(f"{path}: the file is empty; copy or export it again")
    return head


def starts_compressed(path: Path) -> bool:
    """Tell a gzip file by its magic."""
    with _readable(path), path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def read_bytes(path: Path, start: int, count: int) -> np.ndarray:
    """``count`` bytes from byte ``start`` of the (decompressed) file, uint8.

    Raises
    ------
    ReaderError
        When the file is shorter than that, or damaged.
    """
    compressed = starts_compressed(path)
    with _readable(path), path.open("rb") as file:
        _require_possible(path, path.stat().st_size, start + count, compressed)
        if not compressed:
            file.seek(start)
            return _fill(path, file, start, count)
        with gzip.open(file, "rb") as stream:
            _skip(path, cast("BinaryIO", stream), start, start + count)
            content = _fill(path, cast("BinaryIO", stream), start, count)
            _read_to_end(cast("BinaryIO", stream))
            return content


def require_bytes(path: Path, start: int, count: int, compressed: bool) -> None:
    """Check that ``count`` bytes follow byte ``start``, compressed from there on or not.

    Raises
    ------
    ReaderError
        When there are fewer, or the compressed data are damaged.
    """
    _require_possible(path, path.stat().st_size - start, count, compressed)
    if not compressed:
        return
    with _readable(path), path.open("rb") as file:
        file.seek(start)
        with gzip.open(file, "rb") as stream:
            _skip(path, cast("BinaryIO", stream), count, count)
            _read_to_end(cast("BinaryIO", stream))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn the many ways in which reading fails into sentences."""
    try:
        yield
    except IsADirectoryError as error:
        raise ReaderError(f"{path}: this is a folder; a file is expected") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ReaderError(
            f"{path}: the compressed file is damaged or cut short; copy or export it again"
        ) from error
    except MemoryError as error:
        raise ReaderError(
            f"{path}: the image does not fit into memory; crop it or use a larger computer"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReaderError(
            f"{path}: the file cannot be read ({reason}); check its path and permissions"
        ) from error


def _require_possible(path: Path, stored: int, needed: int, compressed: bool) -> None:
    most = stored * (MAX_DEFLATE_RATIO if compressed else 1)
    if most < needed:
        _refuse_short(path, most, needed)


def _refuse_short(path: Path, found: int, needed: int) -> None:
    raise ReaderError(
        f"{path}: the file holds at most {found} bytes but its header promises {needed}; it is cut short or"
        " its header is wrong: copy or export it again"
    )


def _skip(path: Path, stream: BinaryIO, count: int, needed: int) -> None:
    left = count
    while left:
        chunk = stream.read(min(left, CHUNK_BYTES))
        if not chunk:
            _refuse_short(path, count - left, needed)
        left -= len(chunk)


def _read_to_end(stream: BinaryIO) -> None:
    """Let gzip come to its checksum, which it compares."""
    while stream.read(CHUNK_BYTES):
        pass


def _fill(path: Path, stream: BinaryIO, start: int, count: int) -> np.ndarray:
    content = np.empty(count, np.uint8)
    view = content.data
    at = 0
    while at < count:
        read = stream.readinto(view[at : at + CHUNK_BYTES])  # type: ignore[attr-defined]
        if not read:
            _refuse_short(path, start + at, start + count)
        at += read
    return content
