"""The JSON file that a DICOM converter writes beside a NIfTI image (dcm2niix, BIDS): what it says of the scanner.

It has the field, the frequency and the repetition time but no offset or saturation, which DICOM has no place for.
Conventions: dcm2niix, "FILENAMING.md" for the endings ``_e2``, ``_ph``, ``_real``, ``_imaginary``; the value 3 of
DICOM's Image Type, which dcm2niix completes by ``PHASE``, ``REAL`` or ``IMAGINARY``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.protocol_json import read_document

# What holds of the scan whatever protocol file is laid over it; offsets, references and the like hold only together.
SCANNER_KEYS = ("MagneticFieldStrength", "ImagingFrequency", "RepetitionTime")
FRAME_KEYS = ("ReferenceFrames", "Normalized")
PARTS = {
    "P": "phase",
    "PHASE": "phase",
    "PHASE MAP": "phase",
    "REAL": "real part",
    "IMAGINARY": "imaginary part",
}
ENDINGS = {"_ph": "phase", "_phmag": "phase", "_real": "real part", "_imaginary": "imaginary part"}


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return the keys of the JSON file ``path``; none where there is no such file or it is no JSON object.

    A file that is needed as the protocol is read again there, and refused if it is damaged.
    """
    try:
        return read_document(path)
    except ProtocolError:
        return {}


def scanner_keys(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Protocol keys that describe the scanner, to be laid under a protocol file that need not repeat them."""
    return {key: sidecar[key] for key in SCANNER_KEYS if sidecar.get(key) is not None}


def protocol_keys(sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """All protocol keys, to be laid under the file that was written to complete this one."""
    ours = {k: v for k, v in sidecar.items() if k.startswith("Saturation") or k in FRAME_KEYS}
    return ours | scanner_keys(sidecar)


def refuse_parts(image: Path, stem: str, sidecar: Mapping[str, Any]) -> None:
    """Refuse the phase, real or imaginary part of the images, told by the sidecar and dcm2niix's name.

    Raises
    ------
    ReaderError
        When it is one of them.
    """
    kinds = sidecar.get("ImageType")
    words = [str(kind).upper() for kind in kinds] if isinstance(kinds, list) else []
    part = next((PARTS[word] for word in words if word in PARTS), None)
    if part is None and "dcm2niix" in str(sidecar.get("ConversionSoftware")):
        part = next((name for ending, name in ENDINGS.items() if stem.lower().endswith(ending)), None)
    if part is not None:
        raise ReaderError(
            f"{image}: its JSON file says that it holds the {part} of the images; give the file of the magnitude"
            " that the converter wrote beside it"
        )


def echo_note(stem: str, sidecar: Mapping[str, Any]) -> tuple[str, ...]:
    """Say that an image is one echo of several."""
    number = sidecar.get("EchoNumber")
    if number is None and not re.search(r"_e[0-9]+$", stem):
        return ()
    echo = "" if number is None else f" {number}"
    time = _echo_time(sidecar)
    at = "" if time is None else f" (EchoTime {time:g} s)"
    return (f"the converter calls this echo{echo}{at} of a scan with several; the others are not used",)


def refuse_mixed_echoes(folder: Path, sidecars: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse a folder whose frames are several echoes.

    Raises
    ------
    ReaderError
        When their JSON files give more than one echo time.
    """
    first_of: dict[float, Path] = {}
    for image, sidecar in sidecars.items():
        if (time := _echo_time(sidecar)) is not None:
            first_of.setdefault(time, image)
    if len(first_of) > 1:
        (one, a), (other, b), *_ = first_of.items()
        raise ReaderError(
            f"{folder}: the folder mixes echoes: EchoTime is {one:g} s for {a.name} but {other:g} s for {b.name}; keep"
            " the files of one echo"
        )


def _echo_time(sidecar: Mapping[str, Any]) -> float | None:
    """In s."""
    time = sidecar.get("EchoTime")
    return time if isinstance(time, float) and math.isfinite(time) else None
