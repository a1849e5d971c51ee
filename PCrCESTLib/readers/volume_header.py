"""What the header of a NIfTI or NRRD file promises, checked against the file before any image is allocated.

SimpleITK fills the rest of a truncated file with zeros without a word, and allocates whatever size a header
claims. So the number of bytes is counted here first, in constant memory.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from PCrCESTLib.errors import GeometryError, ReaderError

GZIP_MAGIC = b"\x1f\x8b"
NIFTI1_BYTES, NIFTI2_BYTES = 348, 540
MAX_DEFLATE_RATIO = 1040  # deflate cannot shrink data more than 1032-fold
MAX_NRRD_HEADER_BYTES = 4 << 20
CHUNK_BYTES = 1 << 20
MAX_POSITION_MM = 1e6

# Bytes a voxel for each NIfTI datatype code.
NIFTI_ITEM_BYTES = {2: 1, 4: 2, 8: 4, 16: 4, 32: 8, 64: 8, 128: 3, 256: 1, 512: 2, 768: 4, 1024: 8, 1280: 8}
NIFTI_ITEM_BYTES |= {1536: 16, 1792: 16, 2048: 32, 2304: 4}

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


@dataclass(frozen=True)
class VolumeHeader:
    """The format of a volume file and, for NRRD, its key/value pairs (``Segment0_Name`` and the like)."""

    format: Literal["nifti", "nrrd"]
    metadata: dict[str, str]


def sniff(path: Path, n_bytes: int = NIFTI2_BYTES) -> bytes:
    """First bytes of a file, decompressed if it is a gzip file.

    Raises
    ------
    ReaderError
        When the file is missing, a folder, empty, unreadable or a broken gzip file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(n_bytes)
        if head.startswith(GZIP_MAGIC):
            with gzip.open(path, "rb") as stream:
                head = stream.read(n_bytes)
    except IsADirectoryError as error:
        raise ReaderError(f"{path}: this is a folder; a file is expected") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ReaderError(
            f"{path}: the compressed file is damaged or cut short; copy or export it again"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReaderError(
            f"{path}: the file cannot be read ({reason}); check its path and permissions"
        ) from error
    if not head:
        raise ReaderError(f"{path}: the file is empty; copy or export it again")
    return head


def is_nifti(head: bytes) -> bool:
    """Tell a single-file NIfTI-1 or NIfTI-2 by its magic."""
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def is_nrrd(head: bytes) -> bool:
    """Tell an NRRD file by its magic."""
    return head.startswith(b"NRRD000")


def check_volume(path: Path) -> VolumeHeader:
    """Check that a NIfTI or NRRD file holds all the bytes its header promises.

    Raises
    ------
    ReaderError
        When the file is neither, is damaged, or is shorter than its header says.
    GeometryError
        When a voxel size is not a positive number.
    """
    head = sniff(path)
    if is_nifti(head):
        _require_bytes(path, _nifti_bytes(path, head))
        return VolumeHeader("nifti", {})
    if is_nrrd(head):
        return VolumeHeader("nrrd", _check_nrrd(path))
    raise ReaderError(f"{path}: not a NIfTI (.nii, .nii.gz) or NRRD (.nrrd) image; convert it to one of them")


def _nifti_bytes(path: Path, head: bytes) -> int:
    """Bytes of the decompressed file that the header asks for."""
    second = head[4:8] == b"n+2\0"
    size = NIFTI2_BYTES if second else NIFTI1_BYTES
    if len(head) < size:
        raise ReaderError(f"{path}: the NIfTI header is cut short; copy or export the file again")
    order = next((o for o in "<>" if struct.unpack_from(o + "i", head)[0] == size), None)
    if order is None:
        raise ReaderError(f"{path}: the NIfTI header is damaged (wrong header size); export the file again")
    if second:
        datatype = struct.unpack_from(order + "h", head, 12)[0]
        dim = struct.unpack_from(order + "8q", head, 16)
        pixdim = struct.unpack_from(order + "8d", head, 104)
        data_start = float(struct.unpack_from(order + "q", head, 168)[0])
        codes = struct.unpack_from(order + "2i", head, 344)
        transforms = struct.unpack_from(order + "18d", head, 352)
    else:
        dim = struct.unpack_from(order + "8h", head, 40)
        datatype = struct.unpack_from(order + "h", head, 70)[0]
        pixdim = struct.unpack_from(order + "8f", head, 76)
        data_start = struct.unpack_from(order + "f", head, 108)[0]
        codes = struct.unpack_from(order + "2h", head, 252)
        transforms = struct.unpack_from(order + "18f", head, 256)
    shape = dim[1 : dim[0] + 1]
    if not 1 <= dim[0] <= 7 or min(shape) < 1:
        raise ReaderError(
            f"{path}: the NIfTI header gives the impossible size {tuple(shape)}; export the file again"
        )
    if datatype not in NIFTI_ITEM_BYTES:
        raise ReaderError(f"{path}: NIfTI datatype {datatype} is not known; export the file as 32-bit float")
    if not size <= data_start < 2**31:
        raise ReaderError(
            f"{path}: the NIfTI header says its image starts at byte {data_start:g}; export it again"
        )
    _check_voxel_size(path, shape[:3], pixdim[1:4])
    _check_position(path, codes, transforms)
    return int(data_start) + math.prod(shape) * NIFTI_ITEM_BYTES[datatype]


def _check_voxel_size(path: Path, shape: tuple[int, ...], voxel_mm: tuple[float, ...]) -> None:
    # ITK replaces such spacings by 1 mm and goes on.
    for n, spacing in zip(shape, voxel_mm, strict=False):
        if not math.isfinite(spacing) or spacing < 0 or (spacing == 0 and n > 1):
            raise GeometryError(
                f"{path}: a voxel size is {spacing:g} mm; export the image with its voxel sizes"
            )


def _check_position(path: Path, codes: tuple[int, int], transforms: tuple[float, ...]) -> None:
    # ITK computes on with such numbers and prints pages of matrices.
    qform, sform = transforms[:6], transforms[6:]
    for code, numbers in zip(codes, (qform, sform), strict=True):
        if code > 0 and not all(abs(number) < MAX_POSITION_MM for number in numbers):
            raise GeometryError(
                f"{path}: the image position (qform or sform) holds numbers that are not finite or absurdly"
                " large; export the image again from its source"
            )


def _check_nrrd(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        fields, metadata = _nrrd_header(path, file)
        data_start = file.tell()
    if "data file" in fields or "datafile" in fields:
        raise ReaderError(f"{path}: the image data are in another file; save it as one .nrrd file")
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
    needed = math.prod(sizes) * item
    if encoding == "raw":
        _require_bytes(path, data_start + needed)
    elif encoding in ("gzip", "gz"):
        _require_compressed_bytes(path, needed, data_start)
    else:
        raise ReaderError(f"{path}: NRRD encoding {encoding!r} is not supported; save it as raw or gzip")
    return metadata


def _nrrd_header(path: Path, file: BinaryIO) -> tuple[dict[str, str], dict[str, str]]:
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
            metadata[key.strip()] = value.strip()
        elif ":" in line and not line.startswith("#"):
            key, value = line.split(":", 1)
            fields[key.strip().lower()] = value.strip()
    raise ReaderError(
        f"{path}: the NRRD header has no end, or the image data are in another file; save it again"
    )


def _require_bytes(path: Path, needed: int) -> None:
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
    if compressed:
        _require_compressed_bytes(path, needed, 0)
    elif path.stat().st_size < needed:
        _refuse_short(path, path.stat().st_size, needed)


def _require_compressed_bytes(path: Path, needed: int, start: int) -> None:
    stored = path.stat().st_size - start
    if stored * MAX_DEFLATE_RATIO < needed:
        _refuse_short(path, stored * MAX_DEFLATE_RATIO, needed)
    found = 0
    try:
        with path.open("rb") as file:
            file.seek(start)
            with gzip.open(file, "rb") as stream:
                while found <= needed and (chunk := stream.read(CHUNK_BYTES)):
                    found += len(chunk)
    except (EOFError, OSError, zlib.error) as error:
        raise ReaderError(
            f"{path}: the compressed file is damaged or cut short ({found} of {needed} bytes can be read); "
            "copy or export it again"
        ) from error
    if found < needed:
        _refuse_short(path, found, needed)


def _refuse_short(path: Path, found: int, needed: int) -> None:
    raise ReaderError(
        f"{path}: the file holds at most {found} bytes but its header promises {needed}; it is cut short or"
        " its header is wrong: copy or export it again"
    )
