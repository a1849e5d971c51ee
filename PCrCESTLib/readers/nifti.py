"""A 4D NIfTI file with its protocol file beside it, under the same stem."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.readers.image_io import as_float32, read_volume
from PCrCESTLib.readers.protocol_source import resolve_protocol
from PCrCESTLib.series import CestSeries

SUFFIXES = (".nii.gz", ".nii")


def stem_of(path: Path) -> str:
    """File name without ``.nii`` or ``.nii.gz``, whatever its case."""
    suffix = next((s for s in SUFFIXES if path.name.lower().endswith(s)), "")
    return path.name[: len(path.name) - len(suffix)] if suffix else path.stem


def read_nifti(path: Path, protocol: Protocol | Path | None = None) -> CestSeries:
    """Read a 4D NIfTI series; its fourth axis counts the frames in the protocol's order.

    Raises
    ------
    ReaderError
        When the file is damaged, not 4D, or not of real numbers.
    GeometryError
        When its axes or voxel sizes are senseless.
    ProtocolError
        When the protocol is missing, senseless, or of another number of frames.
    """
    volume = read_volume(path)
    if volume.array.ndim != 4:
        raise ReaderError(
            f"{path}: the image has 3 axes {volume.geometry.size}; a CEST series has 4 (x, y, z and one frame"
            " an offset): give the 4D file, or the folder that holds all its 3D files"
        )
    resolved = resolve_protocol(path, protocol, [path.with_name(stem_of(path) + ".json")])
    return CestSeries(
        as_float32(volume.array),
        volume.geometry,
        resolved.protocol,
        (str(path), *resolved.source),
        resolved.notes,
    )
