"""A CEST series in one NRRD file: a sequence that 3D Slicer saved (``.seq.nrrd``), or frames as components.

Slicer writes one axis of kind ``list`` among three of space, its unit and the key/value pairs ``axis 3 index type``
and ``axis 3 index values`` (``axis 0`` in older versions), values URL-encoded between spaces, and every attribute of
the sequence, of which PCrCEST's own protocol is one. Source: Slicer developer guide, "Sequences", and
``vtkMRMLVolumeSequenceStorageNode``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.readers.image_io import as_float32, read_layers
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.readers.nrrd_file import NrrdHeader, read_nrrd_header
from PCrCESTLib.readers.protocol_source import resolve_protocol
from PCrCESTLib.series import CestSeries

PROTOCOL_ATTRIBUTE = "PCrCEST.Protocol"
UNSATURATED = "unsaturated"
UNITS = {"ppm": "ppm", "hz": "Hz"}
SPACE_KINDS = ("domain", "space")
N_SPACE_AXES = 3


def read_nrrd_series(path: Path, protocol: Protocol | Path | None = None) -> CestSeries:
    """Read an NRRD series; a protocol file beside it (same stem) adds what its header does not say.

    Parameters
    ----------
    path : Path
        The file.
    protocol : Protocol or Path, optional
        As for ``read_series``; offsets missing there are taken from the sequence's index if that is ppm or Hz.

    Raises
    ------
    ReaderError
        When the file is damaged, one image, a segmentation, or of colors, tensors or complex numbers.
    GeometryError
        When its axes or voxel sizes are senseless.
    ProtocolError
        When the protocol is missing, senseless, or of another number of frames.
    """
    header = read_nrrd_header(path)
    axis = _frame_axis(path, header)
    volume = read_layers(path)
    if volume.array.ndim != 4:
        raise ReaderError(
            f"{path}: the file holds one image of {volume.geometry.describe()}; a CEST series has a frame an offset:"
            " save the sequence, not one of its volumes"
        )
    beside = path.with_name(f"{stem_of(path)}.json")
    resolved = resolve_protocol(path, protocol, [beside], _stated(path, header, axis))
    return CestSeries(
        as_float32(volume.array),
        volume.geometry,
        resolved.protocol,
        (str(path), *resolved.source),
        (*resolved.notes, *_order_note(header, axis)),
    )


def offsets_of_index(values: Sequence[str]) -> list[float | None] | None:
    """Offsets that a sequence's index values are, None for a frame without saturation; None if they are no offsets.

    A text index holds no value twice, so that PCrCEST adds the frame's number to a repeated one: ``2.6 (4)``.
    """
    offsets: list[float | None] = []
    for value in values:
        text = re.sub(r" \([0-9]+\)$", "", value)
        try:
            offset = math.inf if text == UNSATURATED else float(text)
        except ValueError:
            return None
        offsets.append(offset if math.isfinite(offset) else None)
    return offsets


def _frame_axis(path: Path, header: NrrdHeader) -> int:
    """Axis of the file that counts the frames.

    Raises
    ------
    ReaderError
        When the header names another use of it, or none.
    """
    if any(key.startswith("Segment0_") for key in header.metadata):
        raise ReaderError(
            f"{path}: this is a segmentation; give it with --rois, and the CEST images as the series"
        )
    kinds = header.kinds
    others = [axis for axis, kind in enumerate(kinds) if kind not in SPACE_KINDS]
    if not others and "space directions" not in header.fields:
        return N_SPACE_AXES  # four axes of no special kind, as Python programs write them
    kind = kinds[others[0]] if others else ""
    if len(others) == 1 and (kind == "list" or kind.endswith("vector")):
        return others[0]
    if not others and len(header.fields["sizes"].split()) <= N_SPACE_AXES:
        return N_SPACE_AXES  # one image, which is told when it is read
    raise ReaderError(
        f"{path}: its axes have the kinds {header.fields.get('kinds', '(none)')!r}, which do not say which one counts"
        " the frames; save the sequence in 3D Slicer, or correct the header to 'kinds: domain domain domain list'"
    )


def _stated(path: Path, header: NrrdHeader, axis: int) -> dict[str, Any]:
    """Protocol keys that the header gives."""
    stored = header.metadata.get(PROTOCOL_ATTRIBUTE)
    if stored is not None:
        try:
            document = json.loads(stored)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ProtocolError(
                f"{path}: its header entry {PROTOCOL_ATTRIBUTE} is no JSON object; save the sequence from 3D Slicer"
                " again"
            )
        return document
    units = UNITS.get(_index_unit(header, axis).strip().lower())
    offsets = offsets_of_index(_index_values(header, axis))
    if units is None or not offsets:
        return {}
    return {"SaturationOffsets": offsets, "SaturationOffsetsUnits": units}


def _index_values(header: NrrdHeader, axis: int) -> list[str]:
    return [unquote(value) for value in header.metadata.get(f"axis {axis} index values", "").split()]


def _index_unit(header: NrrdHeader, axis: int) -> str:
    units = header.quoted("units")
    stated = units[axis] if axis < len(units) else ""
    return stated or header.metadata.get(f"axis {axis} index unit", "")


def _order_note(header: NrrdHeader, axis: int) -> tuple[str, ...]:
    if header.metadata.get(f"axis {axis} index type") != "numeric":
        return ()
    return (
        "a numeric sequence index keeps frames sorted by it, not by time: drift of the signal between references"
        " cannot be followed",
    )
