"""The DICOM files of a folder, found without end only where there is an end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.dicom.file import MAGIC, is_dicom
from PCrCESTLib.readers.nifti import SUFFIXES

MAX_FILES = 20_000
MAX_DEPTH = 4


def is_dicom_folder(folder: Path) -> bool:
    """Tell whether a folder without NIfTI files has a DICOM file in it or in the folders inside."""
    try:
        if any(p.name.lower().endswith(SUFFIXES) for p in folder.iterdir()):
            return False
    except OSError:
        return False
    return next(dicom_files(folder), None) is not None


def dicom_files(folder: Path) -> Iterator[Path]:
    """Yield the DICOM files of a folder and of the folders inside, by content, in the order of their names.

    Hidden files, links to folders, and anything that is no regular file are left out.

    Raises
    ------
    ReaderError
        When there are so many files that this can hardly be the folder of a scan.
    """
    for number, path in enumerate(_regular_files(folder, MAX_DEPTH)):
        if number >= MAX_FILES:
            raise ReaderError(
                f"{folder}: more than {MAX_FILES} files in this folder and the folders inside; give the folder of"
                " one scan"
            )
        if is_dicom(_head(path)):
            yield path


def _regular_files(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            inside = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError:
        return
    for entry in inside:
        if entry.is_file():
            yield Path(entry.path)
        elif depth > 0 and entry.is_dir(follow_symlinks=False):
            yield from _regular_files(Path(entry.path), depth - 1)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAGIC.stop)
    except OSError:
        return b""
