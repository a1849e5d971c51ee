"""Checksum of an input, file or folder, that does not depend on where it lies.

A file has its plain SHA-256. A folder (a Bruker scan, a DICOM series, NIfTI files), or a DICOM image that stands for
its series, has that of the text that ``sha256sum`` prints for the files that readers use, sorted by name;
``sha256sum a b … | sha256sum``, run in that folder, gives the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from PCrCESTLib.models.card import sha256
from PCrCESTLib.readers.input_files import input_files


def input_checksum(path: Path) -> str | None:
    """Checksum of an input, hexadecimal; None where there is no file that a reader uses."""
    files = input_files(path)
    if files == [path]:
        return sha256(path)
    if not files:
        return None
    folder = path.parent if path.is_file() else path
    named = sorted((file.relative_to(folder).as_posix(), file) for file in files)
    listed = "".join(f"{sha256(file)}  {name}\n" for name, file in named)
    return hashlib.sha256(listed.encode("utf-8")).hexdigest()
