"""Numeric arrays of a MATLAB file, v5 to v7 and v7.3 (HDF5, needs h5py), with MATLAB's axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingExtraError, ReaderError
from PCrCESTLib.readers.mat5 import read_mat5

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_RATIO = 1040  # deflate cannot shrink data more than 1032-fold


def is_matlab(head: bytes) -> bool:
    """Tell a MATLAB file of version 5 or later, or a bare HDF5 file, by its magic."""
    return head.startswith((b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file", HDF5_MAGIC))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the real numeric arrays of a file by name, in MATLAB's axis order; anything else is left out.

    Raises
    ------
    ReaderError
        When the file is damaged or holds no such array.
    MissingExtraError
        When the file is v7.3 and h5py is not installed.
    """
    with path.open("rb") as file:
        head = file.read(24)
    read = read_mat5 if head.startswith(b"MATLAB 5.0") else _read_v73
    try:
        arrays = read(path)
    except (MissingExtraError, ReaderError):
        raise
    except Exception as error:  # h5py raises nearly any type on damaged files
        raise ReaderError(f"{path}: the MATLAB file is damaged or cut short; save it again") from error
    if not arrays:
        raise ReaderError(
            f"{path}: no numeric array in this MATLAB file; save the image and the offsets as arrays"
        )
    return arrays


def _read_v73(path: Path) -> dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "MATLAB v7.3 files", "matlab") from error
    arrays = {}
    with h5py.File(path, "r") as file:
        for name, item in file.items():
            if not isinstance(name, str) or not isinstance(item, h5py.Dataset) or not _is_numeric(item):
                continue
            _require_stored(path, name, item.nbytes, min(item.id.get_storage_size(), path.stat().st_size))
            arrays[name] = np.asarray(item).T  # HDF5 stores the last MATLAB axis first
    return arrays


def _is_numeric(item: Any) -> bool:
    # MATLAB stores text as 16-bit integers, and the size of an empty array in place of its values.
    kind = item.attrs.get("MATLAB_class", b"double")
    return item.dtype.kind in "biuf" and kind != b"char" and not item.attrs.get("MATLAB_empty", 0)


def _require_stored(path: Path, name: str, n_bytes: int, stored: int) -> None:
    if n_bytes > MAX_RATIO * stored:
        raise ReaderError(
            f"{path}: the array {name!r} promises at least {n_bytes} bytes but the file has {stored} bytes"
            " for it; it is cut short or its header is wrong: save it again"
        )
