"""``pcrcest companion``: a map of R1, B0 or B1 for ``quantify``, from the scan that measured it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.commands.companion_kinds import KINDS, Companion, Kind
from PCrCESTLib.errors import OutputError, ProtocolError, ReaderError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.outputs import staged_files
from PCrCESTLib.progress import make_progress
from PCrCESTLib.readers import read_mask
from PCrCESTLib.readers.image_series import ImageSeries, read_image_series
from PCrCESTLib.readers.nifti import SUFFIXES, stem_of
from PCrCESTLib.version import __version__

# Of the 99th percentile of the brightest image: above the noise floor of magnitudes, below dim tissue.
SIGNAL_SHARE = 0.1


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``companion`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "companion",
        help="a map of R1, B0 or B1 for quantify, from the scan that measured it",
        description="Compute a companion map for quantify: "
        + "; ".join(f"{name}, {kind.what}" for name, kind in KINDS.items())
        + ". Settings come from the scan, or the JSON file beside the images (BIDS keys), unless an option gives them.",
    )
    add = parser.add_argument
    add("kind", choices=tuple(KINDS), metavar="KIND", help=", ".join(KINDS))
    add(
        "series",
        type=Path,
        nargs="+",
        metavar="SERIES",
        help="4D NIfTI or NRRD, several 3D files, a folder of them, Bruker scans, or DICOM series",
    )
    add(
        "--out",
        type=Path,
        required=True,
        metavar="MAP.nii.gz",
        help="the map; its SD and JSON file go beside it",
    )
    add("--overwrite", action="store_true", help="replace an earlier map of that name")
    add("--mask", type=Path, metavar="M.nii.gz", help="where to compute; by default where there is signal")
    add("--times", type=float, nargs="+", metavar="S", help="inversion or recovery times, s, one an image")
    add("--tr", type=float, metavar="S", help="repetition time, s")
    add(
        "--flip-angles",
        type=float,
        nargs="+",
        metavar="DEG",
        help="nominal flip angles, degrees, one an image",
    )
    add("--b1", type=Path, metavar="RELB1.nii.gz", help="relative B1 map for t1-vfa")
    add("--offsets", type=float, nargs="+", metavar="PPM", help="WASSR offsets, ppm, one an image")
    add("--echo-times", type=float, nargs=2, metavar="S", help="echo times, s")
    add("--field", type=float, metavar="T", help="B0, T")
    add(
        "--flip-phase",
        action="store_true",
        help="the scanner's phase falls with time (its B0 map is negative) where the frequency is too high",
    )
    add("--nominal", type=float, metavar="DEG", help="the B1 map is in degrees of this nominal flip angle")
    add("--progress", choices=("text", "json"), default="text", help="what to print (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read, compute, write; returns the exit code.

    Raises
    ------
    PCrCESTError
        Whenever an input cannot be used or the map cannot be written.
    """
    kind = KINDS[args.kind]
    if not args.out.name.lower().endswith(SUFFIXES):
        raise OutputError(f"{args.out}: the map is a NIfTI file; give a name that ends in .nii.gz")
    map_name, sd_name, json_name = names_beside(args.out)
    outputs = [args.out.parent / name for name in (map_name, sd_name, json_name)]
    progress = make_progress("json" if args.progress == "json" else "none")
    with staged_files(outputs, overwrite=args.overwrite) as folder:
        progress.step(0.0, "reading")
        series = read_image_series(args.series, kind.component)
        _keep_inputs(args, series)
        voxels = _voxels(series, kind, args.mask)
        progress.step(0.2, "computing")
        found = _compute(kind, series, voxels, args)
        found = replace(found, notes=(*series.notes, *found.notes))
        n_known = int(np.isfinite(found.values).sum())
        if n_known == 0:
            raise ReaderError(
                f"{series.name}: no voxel gave {kind.what}; check the kind, the order of the images, and the settings "
                f"({_shown(found.parameters)})"
            )
        write_image(_on_grid(found.values, voxels), series.geometry, folder / map_name)
        if found.sd is not None and np.isfinite(found.sd).any():
            write_image(_on_grid(found.sd, voxels), series.geometry, folder / sd_name)
        record = _record(args, kind, series, found, int(voxels.sum()), n_known)
        (folder / json_name).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    progress.finish(out=str(args.out), notes=list(found.notes), median=record["median"], units=kind.units)
    if args.progress == "text":
        sys.stdout.write(_summary(args.out, kind, found, n_known))
    return 0


def _compute(kind: Kind, series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """Compute the map; what a computation says of its settings is said of the file they belong to."""
    try:
        return kind.compute(series, voxels, args)
    except ProtocolError as error:
        known = any(str(path) in str(error) for path in (*series.files, *series.sidecars))
        if known:
            raise
        raise ProtocolError(f"{series.name}: {error}") from error


def names_beside(out: Path) -> tuple[str, str, str]:
    """Names of the map, its SD and its JSON file."""
    stem = stem_of(out)
    return out.name, stem + "_sd" + out.name[len(stem) :], stem + ".json"


def _keep_inputs(args: argparse.Namespace, series: ImageSeries) -> None:
    """Refuse to write over what is read, even with --overwrite."""
    written = {(args.out.parent / name).resolve() for name in names_beside(args.out)}
    maps = [path for path in (args.b1, args.mask) if path is not None]
    for file in (*series.files, *series.sidecars, *maps):
        if file.resolve() in written:
            raise OutputError(
                f"{args.out}: this would overwrite {file.name}, which the map is made from; give another name"
            )


def _voxels(series: ImageSeries, kind: Kind, mask: Path | None) -> np.ndarray:
    """Where to compute, bool (z, y, x)."""
    finite = np.isfinite(series.data).all(axis=0)
    if mask is not None:
        return np.asarray(read_mask(mask, series.geometry).values & finite)
    if kind.component != "magnitude":
        return np.asarray(finite)
    brightest = np.where(finite, np.abs(series.data).max(axis=0), 0.0)
    return np.asarray(brightest > SIGNAL_SHARE * np.percentile(brightest, 99))


def _on_grid(values: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    whole = np.full(voxels.shape, np.nan, dtype=np.float32)
    whole[voxels] = values
    return whole


def _record(
    args: argparse.Namespace, kind: Kind, series: ImageSeries, found: Companion, n_voxels: int, n_known: int
) -> dict[str, Any]:
    """Provenance; ``Units`` is what `read_map` goes by."""
    files = [("series", f) for f in series.files] + [("settings", f) for f in series.sidecars]
    files += [(name, getattr(args, name)) for name in ("b1", "mask") if getattr(args, name) is not None]
    return {
        "Quantity": kind.quantity,
        "Units": kind.units,
        "Method": kind.what,
        "Kind": args.kind,
        "software": f"PCrCEST {__version__}",
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "inputs": [{"role": role, "path": str(path), "sha256": input_checksum(path)} for role, path in files],
        "parameters": found.parameters,
        "n_voxels": n_voxels,
        "n_known": n_known,
        "median": float(np.nanmedian(found.values)),
        "notes": list(found.notes),
    }


def _shown(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_short(value)}" for key, value in parameters.items()) or "none"


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(f"{v:g}" for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _summary(out: Path, kind: Kind, found: Companion, n_known: int) -> str:
    low, median, high = np.nanpercentile(found.values, [5, 50, 95])
    unit = "" if kind.units == "ratio" else " " + kind.units
    lines = [
        f"{kind.quantity}: median {median:.4g}{unit}, 5 to 95 % of voxels {low:.4g} to {high:.4g}, {n_known} voxels"
    ]
    if n_known < len(found.values):
        lines.append(f"{len(found.values) - n_known} voxels have no value (NaN)")
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join([*lines, f"{out}: give it to quantify as {kind.option}"]) + "\n"
