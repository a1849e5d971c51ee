"""A CEST series as a sequence node: one volume a frame, its offset in ppm as index, the protocol beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import protocol_from_dict, protocol_to_dict
from PCrCESTLib.readers.nrrd_series import PROTOCOL_ATTRIBUTE, UNITS, UNSATURATED, offsets_of_index
from PCrCESTLib.scene.volumes import add_volume, array_of, geometry_of
from PCrCESTLib.series import CestSeries

SOURCE, NOTES, PLACE = "PCrCEST.Source", "PCrCEST.Notes", "PCrCEST.Place"
SHOWN_FRAME = "PCrCEST.Frame"
INDEX_NAME, INDEX_UNIT = "offset", "ppm"


def add_series(series: CestSeries, name: str) -> Any:
    """Add a sequence node of a series; index values are the offsets in acquisition order.

    The index is text: a numeric one would sort the frames, and drift between references follows the order of
    acquisition. A value that would occur twice gets the number of its frame.
    """
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    node.SetIndexName(INDEX_NAME)
    node.SetIndexUnit(INDEX_UNIT)
    node.SetIndexType(slicer.vtkMRMLSequenceNode.TextIndex)
    carrier = add_volume(series.data[0], series.geometry, name)
    try:
        for index, frame in zip(_index_values(series.protocol), series.data, strict=True):
            slicer.util.updateVolumeFromArray(carrier, np.ascontiguousarray(frame))
            carrier.SetName(f"{name} {index} {INDEX_UNIT}")
            node.SetDataNodeAtValue(carrier, index)
    finally:
        slicer.mrmlScene.RemoveNode(carrier.GetDisplayNode())
        slicer.mrmlScene.RemoveNode(carrier)
    set_protocol(node, protocol_to_dict(series.protocol))
    node.SetAttribute(SOURCE, json.dumps([Path(s).name for s in series.source]))
    node.SetAttribute(NOTES, json.dumps(list(series.notes)))
    return node


def _index_values(protocol: Protocol) -> list[str]:
    values: list[str] = []
    for i, offset in enumerate(protocol.offsets_ppm):
        text = f"{offset:g}" if math.isfinite(offset) else UNSATURATED
        values.append(text if text not in values else f"{text} ({i + 1})")
    return values


def series_of(node: Any) -> CestSeries:
    """Return the series that a sequence node holds.

    Raises
    ------
    ProtocolError
        When its protocol is missing or senseless.
    ReaderError, GeometryError
        When its frames are no CEST series.
    """
    protocol = protocol_of_node(node)
    first = node.GetNthDataNode(0)
    if first is None:
        raise ProtocolError(f"{node.GetName()}: the sequence has no frame; load the scan again")
    frames = [array_of(node.GetNthDataNode(i)) for i in range(node.GetNumberOfDataNodes())]
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        raise ProtocolError(
            f"{node.GetName()}: its frames have different sizes ({sorted(shapes)}); load one series"
        )
    notes = json.loads(node.GetAttribute(NOTES) or "[]")
    data = np.stack(frames).astype(np.float32)
    return CestSeries(data, geometry_of(first), protocol, (node.GetName(),), tuple(notes))


def set_place(node: Any, path: Path) -> None:
    """Keep where a series was read from: the DICOM objects of its results refer to its images."""
    node.SetAttribute(PLACE, str(path.resolve()))


def place_of(node: Any) -> Path | None:
    """Where a series was read from; None for one that was not read by this module."""
    text = node.GetAttribute(PLACE)
    return Path(text) if text else None


def frames_of_node(node: Any) -> int:
    """Return the number of frames of a sequence node."""
    return int(node.GetNumberOfDataNodes())


def protocol_of_node(node: Any) -> Protocol:
    """Return what a sequence node says was acquired; `ProtocolError` when that is missing or senseless."""
    try:
        protocol = protocol_from_dict(document_of(node))
    except ProtocolError as error:
        raise ProtocolError(f"{node.GetName()}: {error}") from error
    n = frames_of_node(node)
    if protocol.n_frames != n:
        raise ProtocolError(
            f"{node.GetName()}: the series has {n} frames but the protocol lists {protocol.n_frames} offsets; give one "
            "offset a frame, reference frames included"
        )
    return protocol


def document_of(node: Any) -> dict[str, Any]:
    """Return the protocol keys that a sequence node holds, complete or not.

    A sequence that something else loaded has none; its index values are taken as offsets where they are numbers.
    """
    stored = node.GetAttribute(PROTOCOL_ATTRIBUTE)
    if stored:
        return dict(json.loads(stored))
    units = UNITS.get(node.GetIndexUnit().lower())
    offsets = offsets_of_index([node.GetNthIndexValue(i) for i in range(frames_of_node(node))])
    if units is None or not offsets:
        return {}
    return {"SaturationOffsets": offsets, "SaturationOffsetsUnits": units}


def set_protocol(node: Any, document: Mapping[str, Any]) -> None:
    """Keep protocol keys with a sequence node, complete or not."""
    node.SetAttribute(PROTOCOL_ATTRIBUTE, json.dumps(dict(document)))


def frame_volume(node: Any, frame: int, shown: Any | None = None) -> Any:
    """Return a volume node that shows one frame; ``shown`` is filled where it is given."""
    import slicer

    source = node.GetNthDataNode(frame)
    name = f"{node.GetName()} at {node.GetNthIndexValue(frame)}"
    if shown is None:
        return add_volume(array_of(source), geometry_of(source), name)
    slicer.util.updateVolumeFromArray(shown, array_of(source))
    shown.SetName(name)
    return shown


def shown_frame(series: Any) -> Any | None:
    """Return the volume node that shows a frame of a series, whichever it is; None before the first."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        if node.GetNodeReference(SHOWN_FRAME) is series:
            return node
    return None


def show_frame(series: Any, frame: int) -> Any:
    """Let the one volume node that shows frames of a series show this one; return it, made where there is none."""
    shown = frame_volume(series, frame, shown_frame(series))
    shown.SetNodeReferenceID(SHOWN_FRAME, series.GetID())
    return shown
