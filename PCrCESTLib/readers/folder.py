"""A folder of 3D NIfTI files, one a frame, in the natural order of their names (frame2 before frame10)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.readers.image_io import Volume, as_float32, read_volume, single_frame
from PCrCESTLib.readers.nifti import SUFFIXES, stem_of
from PCrCESTLib.readers.protocol_source import json_beside, resolve_protocol
from PCrCESTLib.readers.scanner_sidecar import (
    read_sidecar,
    refuse_mixed_echoes,
    refuse_parts,
    scanner_keys,
)
from PCrCESTLib.series import CestSeries


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key that compares runs of digits as numbers and the rest without regard to case."""
    parts = re.split(r"([0-9]+)", name.lower())
    return [(0, int(p), "") if p.isdigit() and p.isascii() else (1, 0, p) for p in parts]


def read_folder(path: Path, protocol: Protocol | Path | None = None) -> CestSeries:
    """Read the 3D NIfTI files of a folder as the frames of one series.

    The protocol, unless given, is ``protocol.json`` in the folder, else the only JSON file there that does
    not share its stem with an image, else a JSON file beside the folder with the folder's name.

    Raises
    ------
    ReaderError
        When the folder holds no NIfTI file, or one that is damaged, not 3D, a phase image or of another echo.
    GeometryError
        When the frames do not lie on one grid.
    ProtocolError
        When the protocol is missing, senseless, or of another number of frames.
    """
    files = frame_files(path)
    scanner = _scanner_keys(path, files)
    resolved = resolve_protocol(path, protocol, _protocol_candidates(path, files), scanner)
    if len(files) != resolved.protocol.n_frames:
        raise ProtocolError(
            f"{path}: the folder holds {len(files)} NIfTI files ({files[0].name} to {files[-1].name}) but the"
            f" protocol lists {resolved.protocol.n_frames} SaturationOffsets; keep exactly one 3D file a"
            " frame in the folder"
        )
    first = _frame(files[0])
    data = np.empty((len(files), *first.geometry.shape), np.float32)
    for i, file in enumerate(files):
        frame = first if i == 0 else _frame(file)
        if not frame.geometry.same_as(first.geometry):
            raise GeometryError(
                f"{file}: this frame has {frame.geometry.describe()}, but {files[0].name} has "
                f"{first.geometry.describe()}; all frames of a folder must lie on one grid"
            )
        data[i] = as_float32(frame.array)
    order = f"frames are ordered by file name, {files[0].name} to {files[-1].name}"
    return CestSeries(
        data, first.geometry, resolved.protocol, (str(path), *resolved.source), (*resolved.notes, order)
    )


def frame_files(path: Path) -> list[Path]:
    """NIfTI files of a folder in natural order of their names; hidden files are left out.

    Raises
    ------
    ReaderError
        When there is none.
    """
    try:
        names = [p for p in path.iterdir() if not p.name.startswith(".") and p.is_file()]
    except OSError as error:
        raise ReaderError(
            f"{path}: the folder cannot be read ({error.strerror}); check its permissions"
        ) from error
    files = [p for p in names if p.name.lower().endswith(SUFFIXES)]
    if not files:
        found = ", ".join(sorted(p.name for p in names)[:3]) or "nothing"
        raise ReaderError(
            f"{path}: the folder holds no NIfTI file (.nii, .nii.gz) but {found}; give the folder with one 3D"
            " file a frame, or a single 4D file"
        )
    return sorted(files, key=lambda p: (natural_key(p.name), p.name))


def _scanner_keys(path: Path, files: list[Path]) -> dict[str, Any]:
    """Protocol keys of the first frame's converter file, once no frame is a phase image or another echo."""
    sidecars = {file: read_sidecar(file.with_name(f"{stem_of(file)}.json")) for file in files}
    for file, sidecar in sidecars.items():
        refuse_parts(file, stem_of(file), sidecar)
    refuse_mixed_echoes(path, sidecars)
    return scanner_keys(sidecars[files[0]])


def _protocol_candidates(path: Path, files: list[Path]) -> list[Path]:
    stems = {stem_of(f) for f in files}
    others = [p for p in path.glob("*.json") if p.stem not in stems]
    # Several JSON files of unknown role: guessing one would be worse than asking.
    only = others if len(others) == 1 else []
    return [path / "protocol.json", *only, json_beside(path)]


def _frame(file: Path) -> Volume:
    return single_frame(
        read_volume(file), file, "a frame of a folder (give a 4D file itself, without its folder)"
    )
