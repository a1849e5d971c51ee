"""One DICOM file: its header through pydicom, its pixels frame by frame, both bounded by the size of the file.

Lengths in a file may promise anything, so every read is cut at the end of the file and the size of the pixel
data is compared with what is stored before anything is allocated. Numbers of sections are those of the DICOM
standard, PS3.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from PCrCESTLib.errors import MissingExtraError, PCrCESTError, ReaderError

MAGIC = slice(128, 132)  # PS3.10 section 7.1
MR_IMAGES = tuple(f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("4", "4.1", "4.3", "4.4"))  # PS3.6 table A-1
DEFLATED = "1.2.840.10008.1.2.1.99"
FLOATS = {0x7FE00008: "f4", 0x7FE00009: "f8"}
INTEGER_BITS = (8, 16, 32)
RLE = "1.2.840.10008.1.2.5"
RLE_RATIO = 64  # two bytes stand for at most 128 (PS3.5 annex G)
MAX_RATIO = 1040  # other schemes; more than they reach on the noise of a real image
MAX_SIDE = 65535

T = TypeVar("T")


@dataclass(frozen=True)
class Pixels:
    """How the frames of one file are stored; checked against the size of the file.

    Attributes
    ----------
    start : int
        Byte at which the first frame begins; -1 when the frames are compressed.
    dtype : str
        NumPy type of a stored value, with its byte order.
    shape : tuple of int
        (n_frames, rows, columns).
    unused_bits : int
        High bits of a stored value that do not belong to it.
    """

    start: int
    dtype: str
    shape: tuple[int, int, int]
    unused_bits: int


class _BoundedFile(io.BufferedReader):
    """A file that never allocates more for one read than it can fill."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.n_bytes = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self.n_bytes - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


def is_dicom(head: bytes) -> bool:
    """Tell a DICOM file by the magic behind its preamble."""
    return head[MAGIC] == b"DICM"


def read_header(path: Path, take: Callable[[Any, Pixels | None], T]) -> T:
    """Parse a file up to its pixels and return what ``take`` makes of it.

    Parameters
    ----------
    path : Path
        A DICOM file.
    take : callable
        Called with the ``pydicom.Dataset`` and the checked place of the pixels (None where it is no MR image).
        Values are only decoded when they are asked for, so that is where most damage shows.

    Raises
    ------
    ReaderError
        When the file is damaged, or its pixels are not what a magnitude image has.
    MissingExtraError
        When pydicom is not installed.
    """
    with _readable(path), _BoundedFile(path) as file:
        dataset = _parse(path, file)
        return take(dataset, _pixels(path, dataset, file) if _is_mr_image(path, dataset) else None)


def read_frames(path: Path, pixels: Pixels) -> Iterator[np.ndarray]:
    """Yield the stored values of each frame, (rows, columns), one at a time.

    Raises
    ------
    ReaderError
        When the frames cannot be read or decompressed.
    """
    if pixels.start < 0:
        yield from _decompressed(path, pixels)
        return
    n_frames, rows, columns = pixels.shape
    dtype = np.dtype(pixels.dtype)
    with _readable(path), path.open("rb") as file:
        file.seek(pixels.start)
        for _ in range(n_frames):
            frame = np.fromfile(file, dtype, rows * columns).reshape(rows, columns)
            yield _without_unused_bits(frame, pixels.unused_bits)


def _import_pydicom() -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtraError("pydicom", "DICOM files", "dicom") from error
    return pydicom


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever pydicom raises on a damaged file into a sentence, and keep its warnings to itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PCrCESTError:
        raise
    except OSError as error:
        raise ReaderError(
            f"{path}: the file cannot be read ({error.strerror}); check its path and permissions"
        ) from error
    except MemoryError as error:
        raise ReaderError(
            f"{path}: the image does not fit into memory; use a larger computer, or fewer slices"
        ) from error
    except Exception as error:  # pydicom raises nearly any type on damaged values
        raise ReaderError(
            f"{path}: the DICOM file is damaged or cut short; export it from the scanner again"
        ) from error


def _parse(path: Path, file: _BoundedFile) -> Any:
    pydicom = _import_pydicom()
    file.seek(MAGIC.stop)
    meta = pydicom.filereader.read_dataset(file, False, True, stop_when=lambda tag, *_: tag.group != 2)
    file.seek(0)
    if meta.get("TransferSyntaxUID") == DEFLATED:  # would be inflated whole, to any size
        raise ReaderError(
            f"{path}: the whole file is deflated; convert it to an uncompressed transfer syntax (dcmconv +te)"
        )
    return pydicom.dcmread(file, stop_before_pixels=True)


def _is_mr_image(path: Path, dataset: Any) -> bool:
    """Tell by the stated class; a header that ends before it says so must not pass for another kind of file."""
    stated = (dataset.get("SOPClassUID"), dataset.file_meta.get("MediaStorageSOPClassUID"))
    classes = {str(s) for s in stated if s}
    if classes and not classes & set(MR_IMAGES):
        return False
    if not classes or "Rows" not in dataset:
        raise ReaderError(f"{path}: the DICOM header is damaged or cut short; export the image again")
    return True


def _pixels(path: Path, dataset: Any, file: _BoundedFile) -> Pixels:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    shape = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    if not (0 < shape[1] <= MAX_SIDE and 0 < shape[2] <= MAX_SIDE and shape[0] > 0):
        raise ReaderError(
            f"{path}: the header promises {shape[0]} frames of {shape[2]} x {shape[1]} pixels; positive numbers"
            " are expected: export the file again"
        )
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise ReaderError(f"{path}: a color image; CEST images have one value a pixel: leave it out")
    order = ">" if syntax == "1.2.840.10008.1.2.2" else "<"
    compressed = bool(syntax is not None and syntax.is_transfer_syntax and syntax.is_compressed)
    tag, start, length = _element_at(path, file, order)
    dtype, unused = _stored_type(path, dataset, tag, order)
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    left = max(file.n_bytes - start, 0)
    ratio = RLE_RATIO if syntax == RLE else MAX_RATIO
    stored = left * ratio if compressed else min(left, length)
    if needed > stored:
        raise ReaderError(
            f"{path}: the header promises {needed} bytes of pixels but the file holds at most {stored}; it is cut"
            " short or its header is wrong: export it again"
        )
    return Pixels(-1 if compressed else start, dtype, shape, unused)


def _element_at(path: Path, file: _BoundedFile, order: str) -> tuple[int, int, int]:
    """Tag of the pixel data, first byte of its value and its stated length (PS3.5 section 7.1)."""
    start = file.tell()
    head = file.read(12)
    if len(head) < 12:
        raise ReaderError(f"{path}: a DICOM header without pixels; export the image again")
    group, element = struct.unpack(order + "HH", head[:4])
    # A length is even, so that the letters of a value representation cannot be one.
    if head[4:6].isalpha() and head[4:6].isupper():
        return group << 16 | element, start + 12, struct.unpack(order + "I", head[8:])[0]
    return group << 16 | element, start + 8, struct.unpack(order + "I", head[4:8])[0]


def _stored_type(path: Path, dataset: Any, tag: int, order: str) -> tuple[str, int]:
    if tag in FLOATS:
        return order + FLOATS[tag], 0
    allocated = int(dataset.BitsAllocated)
    bits = int(dataset.get("BitsStored") or allocated)
    high = int(dataset.get("HighBit", bits - 1))
    if tag != 0x7FE00010 or allocated not in INTEGER_BITS or not 0 < bits <= allocated or high != bits - 1:
        raise ReaderError(
            f"{path}: pixels of {bits} bits in {allocated} with the highest at {high}; whole numbers of 8, 16 or"
            " 32 bits, lowest bit first, are expected: export the image again"
        )
    kind = "i" if int(dataset.get("PixelRepresentation", 0)) else "u"
    return f"{order}{kind}{allocated // 8}", allocated - bits


def _without_unused_bits(frame: np.ndarray, unused: int) -> np.ndarray:
    # Shifting up and down again clears them, or repeats the sign of a signed value.
    return (frame << unused) >> unused if unused else frame


def _decompressed(path: Path, pixels: Pixels) -> Iterator[np.ndarray]:
    pydicom = _import_pydicom()
    with _readable(path), _BoundedFile(path) as file:
        dataset = pydicom.dcmread(file)
        try:
            array = np.asarray(dataset.pixel_array).reshape(pixels.shape)
        except Exception as error:  # decoders raise nearly any type
            name = getattr(dataset.file_meta.TransferSyntaxUID, "name", "unknown")
            raise ReaderError(
                f"{path}: the compressed pixels ({name}) cannot be decoded here; convert the file to an"
                " uncompressed transfer syntax (dcmdjpeg, gdcmconv --raw)"
            ) from error
    yield from array
