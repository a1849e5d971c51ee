"""``pcrcest info``: what a series is, before anything is computed."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from PCrCESTLib.commands.companion_offers import companion_offers
from PCrCESTLib.commands.remedy import remedy
from PCrCESTLib.commands.study_list import study_report
from PCrCESTLib.errors import OutputError, ProtocolError
from PCrCESTLib.models.registry import which_model
from PCrCESTLib.preparation.drift import m0_drift
from PCrCESTLib.preparation.glance import motion_advice
from PCrCESTLib.progress import JsonProgress
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import load_protocol, protocol_to_dict, save_protocol
from PCrCESTLib.protocols import joined_protocol
from PCrCESTLib.quality import limits_of
from PCrCESTLib.readers import read_powers
from PCrCESTLib.readers.bruker.files import is_bruker_scan, read_scan_files
from PCrCESTLib.readers.companions import find_companions
from PCrCESTLib.readers.dicom.images import is_dicom_source
from PCrCESTLib.readers.scan_facts import document_of
from PCrCESTLib.readers.study import list_study
from PCrCESTLib.series import CestSeries


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``info`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "info",
        help="what a CEST series holds: geometry, protocol, frames, companion files",
        description=(
            "Show what a CEST series holds: geometry, protocol, frames and the companion files beside it."
        ),
    )
    add = parser.add_argument
    add(
        "series",
        type=Path,
        nargs="+",
        metavar="SERIES",
        help="4D NIfTI, folder of 3D NIfTI or DICOM, MATLAB file, Slicer sequence or Bruker scan; several powers of "
        "one subject together; a Bruker study, or a folder of several DICOM series, alone lists its scans",
    )
    add("--protocol", type=Path, metavar="P.json", help="protocol file, when none lies beside the series")
    add(
        "--m0",
        type=Path,
        metavar="SERIES",
        help="scan of M0 (NIfTI, NRRD, DICOM, Bruker), when the series has none",
    )
    add(
        "--json",
        action="store_true",
        help="print one JSON object instead of text (a list, for several series)",
    )
    add(
        "--save-protocol",
        type=Path,
        metavar="P.json",
        help="also write the protocol of all series together, for train, advise and simulate",
    )
    add(
        "--progress",
        choices=("json", "none"),
        default="none",
        help="json: only list the scans of a folder, none for a single series, and tell how far that is, one JSON "
        "object a line (for graphical interfaces)",
    )
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read the series and print what they are, or list the scans of a study; returns the exit code.

    Raises
    ------
    PCrCESTError
        When a series cannot be read, or the protocol cannot be saved.
    """
    if args.progress == "json":
        return _list_for_interface(args.series[0])
    is_one = (
        len(args.series) == 1 and args.save_protocol is None and args.protocol is None and args.m0 is None
    )
    if is_one and (scans := list_study(args.series[0])):
        sys.stdout.write(study_report(args.series[0], scans, args.json))
        return 0
    series = read_powers(args.series, args.protocol, args.m0)
    together = joined_protocol([s.protocol for s in series])
    model = which_model(together, remedy(args.series, series, args.protocol, args.m0))
    facts = [
        series_facts(s, find_companions(path), together, model) | {"offers": _offers(s, path)}
        for s, path in zip(series, args.series, strict=True)
    ]
    if args.json:
        sys.stdout.write(json.dumps(facts[0] if len(facts) == 1 else facts, indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(map(as_text, facts)))
    if args.save_protocol is not None:
        _save(together, args.save_protocol)
    return 0


def _list_for_interface(folder: Path) -> int:
    progress = JsonProgress()
    scans = list_study(folder, progress.step)
    progress.finish(scans=[document_of(scan) for scan in scans])
    return 0


def _offers(series: CestSeries, path: Path) -> list[dict[str, Any]]:
    """Find the scans of the same study that give companion maps for a series.

    Only a Bruker scan and a DICOM file lie in a study that is known; what lies beside a folder may be anything.
    """
    if is_bruker_scan(path):
        folder = read_scan_files(path).folder
        study, own = folder.parent, folder
    elif path.is_file() and is_dicom_source(path):
        study, own = path.parent, path
    else:
        return []
    scans = [scan for scan in list_study(study) if own != scan.folder and own not in scan.files]
    return [{**offer.entry(), "text": offer.text()} for offer in companion_offers(series.geometry, scans)]


def _save(protocol: Protocol, path: Path) -> None:
    """Write a protocol file where none or the same lies.

    Raises
    ------
    OutputError
        When another file lies there, or it cannot be written.
    """
    if path.exists() and not _holds(path, protocol):
        raise OutputError(f"{path}: another file lies there; remove it, or give --save-protocol another name")
    try:
        save_protocol(protocol, path)
    except OSError as error:
        raise OutputError(f"{path}: the protocol cannot be written ({error.strerror})") from error


def _holds(path: Path, protocol: Protocol) -> bool:
    try:
        return load_protocol(path) == protocol
    except ProtocolError:
        return False


def series_facts(
    series: CestSeries, companions: dict[str, Path], together: Protocol, model: str
) -> dict[str, Any]:
    """Everything ``info`` tells, as JSON-ready values; lengths in mm, offsets in ppm, B1 in µT, times in s.

    Parameters
    ----------
    series : CestSeries
        One series.
    companions : dict
        Files beside it, by the option that takes them.
    together : Protocol
        Of all series of the subject.
    model : str
        What `which_model` says of that.
    """
    geometry, protocol = series.geometry, series.protocol
    saturated = [protocol.offsets_ppm[i] for i in protocol.saturated_frames]
    return {
        "source": list(series.source),
        "geometry": {
            "size": list(geometry.size),
            "spacing_mm": list(geometry.spacing_mm),
            "origin_mm": list(geometry.origin_mm),
            "direction": list(geometry.direction),
        },
        "frames": series.n_frames,
        "reference_frames": [
            {"frame": i, "offset_ppm": offset if math.isfinite(offset := protocol.offsets_ppm[i]) else None}
            for i in protocol.reference_frames
        ],
        "offsets_ppm": {"count": len(saturated), "lowest": min(saturated), "highest": max(saturated)},
        "powers_ut": [{"b1_ut": p, "frames": len(protocol.frames_at(p))} for p in protocol.powers_ut],
        "saturation": protocol.saturation.describe(),
        "normalized": protocol.normalized,
        "protocol": protocol_to_dict(protocol),
        "model": model,
        "companions": {role: str(path) for role, path in companions.items()},
        "notes": [*series.notes, *limits_of(together.powers_ut), *_unrest(series)],
    }


def _unrest(series: CestSeries) -> list[str]:
    """Sentences on motion and drift during the scan, where they are large."""
    drift = m0_drift(series)
    return [note for note in (motion_advice(series), drift.note if drift else None) if note]


def as_text(facts: dict[str, Any]) -> str:
    """Lay the facts out for reading, one subject a line."""
    rows = [
        ("series", facts["source"][0]),
        ("protocol from", facts["source"][1] if len(facts["source"]) > 1 else "the series itself"),
        ("grid", _grid(facts["geometry"])),
        ("field", f"{facts['protocol']['MagneticFieldStrength']:g} T"),
        ("saturation", facts["saturation"]),
        ("powers", _powers(facts["powers_ut"])),
        ("offsets", _offsets(facts["offsets_ppm"])),
        ("references", _references(facts)),
        ("model", facts["model"]),
        *((f"--{role}", path) for role, path in facts["companions"].items()),
        *(("companion", offer["text"]) for offer in facts["offers"]),
        *(("note", note) for note in facts["notes"]),
    ]
    return "".join(f"{label:<14} {text}\n" for label, text in rows)


def _grid(geometry: dict[str, Any]) -> str:
    size = " x ".join(str(n) for n in geometry["size"])
    spacing = " x ".join(f"{s:g}" for s in geometry["spacing_mm"])
    return f"{size} voxels of {spacing} mm"


def _powers(powers: list[dict[str, Any]]) -> str:
    return ", ".join(f"{p['b1_ut']:g} µT ({p['frames']} frames)" for p in powers)


def _offsets(offsets: dict[str, Any]) -> str:
    return f"{offsets['count']} from {offsets['lowest']:g} to {offsets['highest']:g} ppm"


def _references(facts: dict[str, Any]) -> str:
    frames = facts["reference_frames"]
    normalized = "frames are already divided by M0" if facts["normalized"] else "frames are raw intensities"
    if not frames:
        return f"none; {normalized}"
    shown = ", ".join(
        f"{f['frame']} (" + ("unsaturated" if f["offset_ppm"] is None else f"{f['offset_ppm']:g} ppm") + ")"
        for f in frames
    )
    return f"frames {shown}; {normalized}"
