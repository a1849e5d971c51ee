"""``pcrcest info``: what a series is, before anything is computed."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from PCrCESTLib.models.registry import which_model
from PCrCESTLib.protocol_json import protocol_to_dict
from PCrCESTLib.quality import limits_of
from PCrCESTLib.readers import read_series
from PCrCESTLib.readers.companions import find_companions
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
    add("series", type=Path, metavar="SERIES", help="4D NIfTI, folder of 3D NIfTI, or MATLAB file")
    add("--protocol", type=Path, metavar="P.json", help="protocol file, when none lies beside the series")
    add("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read the series and print what it is; returns the exit code.

    Raises
    ------
    PCrCESTError
        When the series cannot be read.
    """
    facts = series_facts(read_series(args.series, args.protocol), find_companions(args.series))
    sys.stdout.write(json.dumps(facts, indent=1) + "\n" if args.json else as_text(facts))
    return 0


def series_facts(series: CestSeries, companions: dict[str, Path]) -> dict[str, Any]:
    """Everything ``info`` tells, as JSON-ready values; lengths in mm, offsets in ppm, B1 in µT, times in s."""
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
        "powers_ut": [{"b1_ut": power, "frames": count} for power, count in _frames_by_power(series).items()],
        "saturation": protocol.saturation.describe(),
        "normalized": protocol.normalized,
        "protocol": protocol_to_dict(protocol),
        "model": which_model(protocol),
        "companions": {role: str(path) for role, path in companions.items()},
        "notes": [*series.notes, *limits_of(protocol.powers_ut)],
    }


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
        *(("note", note) for note in facts["notes"]),
    ]
    return "".join(f"{label:<14} {text}\n" for label, text in rows)


def _frames_by_power(series: CestSeries) -> dict[float, int]:
    protocol = series.protocol
    counts = dict.fromkeys(protocol.powers_ut, 0)
    for frame in protocol.saturated_frames:
        counts[min(counts, key=lambda power: abs(power - protocol.b1_ut[frame]))] += 1
    return counts


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
