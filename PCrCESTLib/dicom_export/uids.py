"""Unique identifiers from content: the same result has the same ones, another content never.

A repeated export is recognized by a PACS as what it holds already, instead of standing there twice; a result that was
computed anew, by another model, or exported for another patient is another object. So everything written is hashed,
and nothing written depends on when or where the export ran. The hash becomes a UID by way of a name-based UUID
(PS3.5 section B.2, root 2.25).
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

PLACEHOLDER = "2.25.0"
DEFINED_HERE = ("SOPInstanceUID", "SeriesInstanceUID", "DimensionOrganizationUID")


def uid_from(*parts: str) -> str:
    """Return the UID that belongs to some texts."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def identify(dataset: Any, more: str = "") -> None:
    """Give an object, and the series that it is alone in, the identifiers of its content and ``more`` of it."""
    _replace(dataset, dict.fromkeys(DEFINED_HERE, PLACEHOLDER))
    digest = hashlib.sha256(_encoded(dataset) + more.encode()).hexdigest()
    _replace(dataset, {name: uid_from(name, digest) for name in DEFINED_HERE})
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _replace(dataset: Any, uids: dict[str, str]) -> None:
    """Set the identifiers of the object itself, not those it refers to."""
    dataset.SOPInstanceUID = uids["SOPInstanceUID"]
    dataset.SeriesInstanceUID = uids["SeriesInstanceUID"]
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in dataset.get(sequence, ()):
            item.DimensionOrganizationUID = uids["DimensionOrganizationUID"]


def _encoded(dataset: Any) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_dataset(stream, dataset)
    return bytes(stream.getvalue())
