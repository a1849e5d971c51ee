"""``pcrcest quantify``: from the files of one subject to maps, table, picture and provenance."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.commands.provenance import record_of
from PCrCESTLib.commands.quantify_options import add_companions, add_settings
from PCrCESTLib.commands.subject import Subject, read_subject
from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.map_files import (
    write_maps,
    write_record,
    write_roi_curves,
    write_roi_spectra,
    write_roi_table,
)
from PCrCESTLib.methods import Method
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.outputs import staged
from PCrCESTLib.progress import KINDS, make_progress
from PCrCESTLib.quality import limits_of
from PCrCESTLib.quantify import Maps, quantify
from PCrCESTLib.result_folder import ANATOMY, CORRELATION, RECORD, ROIS, TABLE
from PCrCESTLib.roi import ROI_SPECTRUM, RoiRow, RoiSpectrum, roi_rows
from PCrCESTLib.segment_file import write_segments
from PCrCESTLib.selection import Selection, selection_notes


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``quantify`` to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "quantify",
        help="maps of PCr fraction and exchange rate from a CEST scan",
        description="Maps of PCr proton fraction (fs) and exchange rate (ksw) with their SDs, a table per region, a "
        "picture and the provenance, from the CEST series of one subject.",
    )
    add = parser.add_argument
    add(
        "series",
        type=Path,
        nargs="+",
        metavar="SERIES",
        help="the series; several powers of one subject together",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--overwrite", action="store_true", help="replace the results of an earlier run in DIR")
    add_companions(parser)
    add_settings(parser)
    add("--progress", choices=KINDS, default="bar", help="how to report progress (default: %(default)s)")
    parser.set_defaults(func=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Read, quantify, write; returns the exit code.

    Raises
    ------
    PCrCESTError
        Whenever an input cannot be used or the results cannot be written.
    """
    started = time.monotonic()
    progress = make_progress(args.progress)
    with staged(args.out, overwrite=args.overwrite) as folder:
        subject = read_subject(args, progress)
        known_limits = limits_of(subject.series.powers_ut) if args.method == NETWORK else ()
        for limit in known_limits:
            progress.warn(limit)
        result = quantify(
            subject.series,
            subject.companions,
            subject.method,
            lambda fraction, stage: progress.step(0.1 + 0.75 * fraction, stage),
        )
        progress.step(0.85, "regions")
        selection = Selection(args.erode, args.exclude_flagged)
        regions = subject.regions or [("all tissue", result.voxels.mask)]
        volume = subject.series.geometry.voxel_volume_mm3
        all_rows, spectra = roi_rows(result, regions, subject.method, volume, args.pcr_protons, selection)
        rows = [] if subject.rois is None else all_rows
        progress.step(0.9, "writing")
        write_maps(result, subject.series.geometry, folder)
        write_image(subject.anatomy, subject.series.geometry, folder / ANATOMY)
        if subject.rois is not None:
            write_segments(subject.rois.regions, subject.series.geometry, folder / ROIS)
        if rows:
            write_roi_table(rows, folder / TABLE)
        write_roi_spectra(spectra, subject.series, folder / "roi_spectra.csv")
        if args.method != NETWORK:
            write_roi_curves(spectra, folder / "roi_curves.csv")
        warnings = [*subject.notes, *result.warnings, *_of_regions(subject, result, spectra, selection)]
        name = " + ".join(path.name for path in args.series)
        warnings += _picture(subject, result, spectra, folder / "overview.png", name)
        warnings += subject.corrected.write(folder)
        record = record_of(args, subject, result, warnings) | subject.corrected.record
        record[CORRELATION] = {s.roi: s.log_correlation for s in spectra if np.isfinite(s.log_correlation)}
        record["seconds"] = round(time.monotonic() - started, 2)
        write_record(record, folder / RECORD)
        files = sorted(p.name for p in folder.iterdir())
    for warning in warnings:
        if warning not in known_limits:
            progress.warn(warning)
    progress.finish(out=str(args.out), files=files, seconds=record["seconds"])
    if args.progress == "bar":
        sys.stdout.write(_summary(args.out, rows, subject.method))
    return 0


def _of_regions(
    subject: Subject, result: Maps, spectra: list[RoiSpectrum], selection: Selection
) -> list[str]:
    """Return what there is to say of the regions: who is not in the table, what rules left, and partial volume."""
    found = {spectrum.roi for spectrum in spectra}
    regions = [(name, mask, selection.of(mask, result.quality)) for name, mask in subject.regions]
    return [
        *selection_notes(regions, selection),
        *(
            f"region {name} has no voxel with a usable spectrum: the table says so in place of numbers"
            for name, _, used in regions
            if name not in found and used.any()
        ),
    ]


def _picture(
    subject: Subject,
    result: Maps,
    spectra: list[RoiSpectrum],
    path: Path,
    name: str,
) -> list[str]:
    """Save the picture; without matplotlib, return the sentence that says so (the maps do not depend on it)."""
    from PCrCESTLib.figures import save_overview
    from PCrCESTLib.overview import overview_input

    content = overview_input(
        subject.series, result, subject.regions, spectra, subject.method, subject.anatomy, name
    )
    try:
        save_overview(path, content)
    except MissingExtraError as error:
        return [f"no picture: {error}"]
    return []


def _summary(out: Path, rows: list[RoiRow], method: Method) -> str:
    facts = method.record()
    lines = [method.title]
    if "model" in facts:
        lines = [
            f"model {facts['model']['reason']}",
            f"device {facts['device']['used']} ({facts['device']['reason']})",
        ]
    for row in (r for r in rows if r.estimator == ROI_SPECTRUM):
        if row.reason:
            lines.append(f"  {row.roi:<24} no value: {row.reason}")
        else:
            scale, unit = (1e3, "e-3") if row.quantity == "fs" else (1, f" {row.unit}")
            doubt = "" if row.identifiable else "  not identifiable"
            lines.append(
                f"  {row.roi:<24} {row.quantity:<4} {row.value * scale:7.3g} ± {row.sd * scale:.2g}{unit}{doubt}"
            )
    # A region without any value says so once, not for every quantity.
    return "\n".join([*dict.fromkeys(lines), f"results in {out}"]) + "\n"
