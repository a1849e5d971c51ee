"""A 4D NIfTI file with its protocol file beside it, under the same stem.

That file may be a DICOM converter's (``scanner_sidecar``). Then ``leg_protocol.json``, or the file given, adds to
``leg.json`` of ``leg.nii.gz`` what a converter does not know.
"""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import missing_keys
from PCrCESTLib.readers.image_io import as_float32, read_volume
from PCrCESTLib.readers.protocol_source import resolve_protocol
from PCrCESTLib.readers.scanner_sidecar import (
    echo_note,
    protocol_keys,
    read_sidecar,
    refuse_parts,
    scanner_keys,
)
from PCrCESTLib.series import CestSeries

SUFFIXES = (".nii.gz", ".nii")
DOUBLE_SUFFIXES = (*SUFFIXES, ".seq.nrrd")


def stem_of(path: Path) -> str:
    """File name without its ending, such as ``.nii.gz`` or ``.seq.nrrd``, whatever its case."""
    suffix = next((s for s in DOUBLE_SUFFIXES if path.name.lower().endswith(s)), "")
    return path.name[: len(path.name) - len(suffix)] if suffix else path.stem


def read_nifti(path: Path, protocol: Protocol | Path | None = None) -> CestSeries:
    """Read a 4D NIfTI series; its fourth axis counts the frames in the protocol's order.

    Raises
    ------
    ReaderError
        When the file is damaged, not 4D, not of real numbers, or holds the phase of the images.
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
    stem = stem_of(path)
    plain, addition = (path.with_name(stem + ending) for ending in (".json", "_protocol.json"))
    sidecar = read_sidecar(plain)
    refuse_parts(path, stem, sidecar)
    # Beside a complete protocol file another one is some other scan's, or what that file was made from.
    to_complete = (plain.is_file() or addition.is_file()) and missing_keys(sidecar)
    resolved = resolve_protocol(
        path,
        protocol,
        [addition, plain] if to_complete else [plain],
        scanner_keys(sidecar) if protocol is not None else protocol_keys(sidecar),
    )
    from_sidecar = (str(plain),) if resolved.used_series_keys else ()
    return CestSeries(
        as_float32(volume.array),
        volume.geometry,
        resolved.protocol,
        (str(path), *resolved.source, *from_sidecar),
        (*resolved.notes, *echo_note(stem, sidecar)),
    )
