"""``pcrcest stats``: the table per region of a result again, with other regions or rules."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.commands.provenance import arguments_of
from PCrCESTLib.commands.quantify_options import add_selection
from PCrCESTLib.commands.subject import read_subject
from PCrCESTLib.errors import OutputError, PCrCESTError, ReaderError
from PCrCESTLib.map_files import table_cells
from PCrCESTLib.outputs import staged_files
from PCrCESTLib.physics.concentration import PCR_PROTONS
from PCrCESTLib.progress import KINDS, Progress, make_progress
from PCrCESTLib.quality import Quality
from PCrCESTLib.quantify import prepare_voxels
from PCrCESTLib.readers import read_rois
from PCrCESTLib.result_folder import RECORD, ResultFolder, read_result_folder
from PCrCESTLib.roi import RoiRow
from PCrCESTLib.selection import Selection
from PCrCESTLib.statistics import Source, Statistics, region_statistics
from PCrCESTLib.version import __version__


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``stats`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "stats",
        help="the table per region of a result again, with other regions or rules",
        description="Statistics of every map in every region of a result of quantify, without computing the voxels "
        "again. The estimates from the mean spectra need the files that the result was made from.",
    )
    add = parser.add_argument
    add("result", type=Path, metavar="DIR", help="folder of a result of quantify")
    add("--rois", type=Path, metavar="LABELS.nii.gz|.seg.nrrd", help="regions; by default those of the run")
    add_selection(parser)
    add(
        "--out",
        type=Path,
        required=True,
        metavar="TABLE.csv",
        help="the table; the same as JSON goes beside it",
    )
    add("--overwrite", action="store_true", help="replace an earlier table of that name")
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read, count, write; returns the exit code.

    Raises
    ------
    PCrCESTError
        Whenever an input cannot be used or the table cannot be written.
    """
    if args.out.suffix.lower() != ".csv":
        raise OutputError(f"{args.out}: the table is a CSV file; give a name that ends in .csv")
    progress = make_progress(args.progress)
    beside = args.out.with_suffix(".json")
    if args.out.resolve().parent == args.result.resolve():
        raise OutputError(
            f"{args.out}: this is the folder of the result, which stays as it is; give another one"
        )
    with staged_files([args.out, beside], overwrite=args.overwrite) as folder:
        result = read_result_folder(args.result)
        rois = read_rois(args.rois, result.geometry) if args.rois else result.rois()
        if rois is None:
            raise ReaderError(f"{args.result}: the run had no regions; give some with --rois")
        source, why_not = _source(result, progress)
        selection = Selection(args.erode, args.exclude_flagged)
        protons = _protons(result)
        regions = list(zip(rois.names, rois.masks, strict=True))
        found = region_statistics(result, regions, selection, protons, source)
        notes = [*rois.notes, *found.notes]
        if why_not:
            notes.append(f"only statistics of voxels, no estimates from mean spectra: {why_not}")
        if all(row.reason for row in found.rows):
            raise ReaderError(f"{args.result}: no region has a voxel with a value ({'; '.join(notes)})")
        facts = _facts(args, result, selection, notes)
        _write_table(found, facts, folder / args.out.name)
        rows = [_json_row(row) for row in found.rows]
        document = facts | {"rows": rows, "flag_shares": found.flag_shares}
        (folder / beside.name).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for note in notes:
        progress.warn(note)
    progress.finish(out=str(args.out), files=[args.out.name, beside.name])
    if args.progress == "bar":
        sys.stdout.write(
            f"{len(found.rows)} rows of {len({row.roi for row in found.rows})} regions: {args.out}\n"
        )
    return 0


def _source(result: ResultFolder, progress: Progress) -> tuple[Source | None, str]:
    """Prepare the spectra behind a result once more, or say why that cannot be."""
    arguments = arguments_of(result.record)
    if isinstance(arguments, str):
        return None, arguments
    arguments.device = "auto"  # the one of the run may be in another computer
    try:
        subject = read_subject(arguments, progress)
        voxels = prepare_voxels(subject.series, subject.companions)
    except PCrCESTError as error:
        return None, str(error)
    if subject.method.record().get("model", {}).get("sha256") != _model(result).get("sha256"):
        return None, "the network has other weights than then"
    if not np.array_equal(voxels.mask, (result.quality & Quality.NO_VALUE) == 0):
        return None, "this version finds other tissue voxels than the run did"
    return Source(subject.method, voxels.spectra, voxels.mask), ""


def _model(result: ResultFolder) -> dict[str, Any]:
    model = result.record.get("model")
    return model if isinstance(model, dict) else {}


def _protons(result: ResultFolder) -> float:
    stated = result.record.get("pcr_protons", PCR_PROTONS)
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        raise ReaderError(
            f"{result.folder / RECORD}: pcr_protons is {stated!r}, a number is expected; quantify again"
        )
    return float(stated)


def _facts(
    args: argparse.Namespace, result: ResultFolder, selection: Selection, notes: list[str]
) -> dict[str, Any]:
    """Provenance of the table."""
    record = result.record
    listed = record.get("inputs")
    given = [i for i in listed if isinstance(i, dict)] if isinstance(listed, list) else []
    if args.rois:
        given = [i for i in given if i.get("role") != "rois"]
        given.append({"role": "rois", "path": str(args.rois), "sha256": input_checksum(args.rois)})
    return {
        "software": f"PCrCEST {__version__}",
        "result": str(args.result),
        "result_sha256": input_checksum(args.result / RECORD),
        "result_software": record.get("software"),
        "method": record.get("method"),
        "model": {k: v for k, v in _model(result).items() if k in ("name", "sha256")},
        "inputs": given,
        "selection": asdict(selection),
        "pcr_protons": record.get("pcr_protons"),
        "notes": notes,
    }


def _json_row(row: RoiRow) -> dict[str, Any]:
    cells = {k: None if v != v else v for k, v in asdict(row).items()}
    return cells | ({"identifiable": None} if row.reason else {})


def _write_table(found: Statistics, facts: dict[str, Any], path: Path) -> None:
    """Write the rows, with the shares of their region's flags, under comment lines of one fact each."""
    shares = {roi: {f"share_{f.lower()}": v for f, v in of.items()} for roi, of in found.flag_shares.items()}
    columns = [f.name for f in fields(RoiRow)] + [f"share_{str(flag.name).lower()}" for flag in Quality]
    with path.open("w", newline="", encoding="utf-8") as stream:
        for key, value in facts.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            stream.write(f"# {key}: {' '.join(text.split())}\n")
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(table_cells(row) | shares.get(row.roi, {}) for row in found.rows)
