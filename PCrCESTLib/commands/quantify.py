"""``pcrcest quantify``: from the files of one subject to maps, table, picture and provenance."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.commands.corrections import Corrected, corrected
from PCrCESTLib.commands.quantify_options import add_companions, add_settings
from PCrCESTLib.commands.remedy import remedy
from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.map_files import (
    write_maps,
    write_record,
    write_roi_curves,
    write_roi_spectra,
    write_roi_table,
)
from PCrCESTLib.methods import Method, Settings, make_fit
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.methods.network import TwoBranch
from PCrCESTLib.models.device import choose_device
from PCrCESTLib.models.registry import choose_model, find_model, require_match
from PCrCESTLib.outputs import staged
from PCrCESTLib.preparation.zseries import ZSeries, prepare_series, protocol_of
from PCrCESTLib.progress import KINDS, Progress, make_progress
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import protocol_to_dict
from PCrCESTLib.quality import limits_of
from PCrCESTLib.quantify import Companions, Maps, quantify
from PCrCESTLib.readers import RoiSet, read_map, read_mask, read_rois, read_series
from PCrCESTLib.roi import ROI_SPECTRUM, RoiRow, RoiSpectrum, roi_rows
from PCrCESTLib.segment_file import write_segments
from PCrCESTLib.series import CestSeries
from PCrCESTLib.version import __version__


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


@dataclass(frozen=True)
class _Inputs:
    series: ZSeries
    companions: Companions
    rois: RoiSet | None
    anatomy: np.ndarray
    notes: tuple[str, ...]
    corrected: Corrected


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
        progress.step(0.0, "reading")
        read = [read_series(path, args.protocol, m0=args.m0) for path in args.series]
        # Before the minutes that a correction may take: the method may not be for such a scan.
        prepared = prepare_series(read)
        method = _method(args, protocol_of(prepared), remedy(args.series, read, args.protocol, args.m0))
        inputs = _inputs(args, read, prepared, progress)
        known_limits = limits_of(inputs.series.powers_ut) if args.method == NETWORK else ()
        for limit in known_limits:
            progress.warn(limit)
        result = quantify(
            inputs.series,
            inputs.companions,
            method,
            lambda fraction, stage: progress.step(0.1 + 0.75 * fraction, stage),
        )
        progress.step(0.85, "regions")
        all_rows, spectra = _regions(args, inputs, result, method)
        rows = [] if inputs.rois is None else all_rows
        progress.step(0.9, "writing")
        write_maps(result, inputs.series.geometry, folder)
        write_image(inputs.anatomy, inputs.series.geometry, folder / "anatomy.nii.gz")
        if inputs.rois is not None:
            write_segments(inputs.rois.regions, inputs.series.geometry, folder / "rois.seg.nrrd")
        if rows:
            write_roi_table(rows, folder / "roi_statistics.csv")
        write_roi_spectra(spectra, inputs.series, folder / "roi_spectra.csv")
        if args.method != NETWORK:
            write_roi_curves(spectra, folder / "roi_curves.csv")
        warnings = [*inputs.notes, *result.warnings, *_empty_regions(inputs, spectra)]
        name = " + ".join(path.name for path in args.series)
        warnings += _picture(inputs, result, spectra, method, folder / "overview.png", name)
        warnings += inputs.corrected.write(folder)
        record = _record(args, inputs, result, method, warnings) | inputs.corrected.record
        record["seconds"] = round(time.monotonic() - started, 2)
        write_record(record, folder / "quantify.json")
        files = sorted(p.name for p in folder.iterdir())
    for warning in warnings:
        if warning not in known_limits:
            progress.warn(warning)
    progress.finish(out=str(args.out), files=files, seconds=record["seconds"])
    if args.progress == "bar":
        sys.stdout.write(_summary(args.out, rows, method))
    return 0


def _inputs(
    args: argparse.Namespace, read: list[CestSeries], prepared: ZSeries, progress: Progress
) -> _Inputs:
    """Correct the series as asked for, and read the maps and regions that go with them."""
    correction = corrected(read, prepared, args, lambda f: progress.step(0.1 * f, "motion"))
    series = correction.series
    grid = series.geometry
    notes = list(correction.notes)

    def optional(path: Path | None, quantity: Any) -> np.ndarray | None:
        if path is None:
            return None
        found = read_map(path, quantity, grid, field_t=series.field_t)
        notes.extend(found.notes)
        return found.values

    mask = read_mask(args.mask, grid) if args.mask else None
    notes.extend(mask.notes if mask else ())
    companions = Companions(
        r1_obs=optional(args.r1, "r1") if args.r1 else optional(args.t1, "t1"),
        relative_b1=optional(args.b1, "b1"),
        b0_ppm=optional(args.b0, "b0"),
        mask=mask.values if mask else None,
        fm=optional(args.fm, "fm"),
        noise_sd=correction.noise_sd,
    )
    if args.fm and args.method in (NETWORK, "bm"):
        notes.append(f"the fm map was checked but the method {args.method} does not use it")
    rois = read_rois(args.rois, grid) if args.rois else None
    anatomy = read_map(args.anatomy, "image", grid).values if args.anatomy else _own_image(series)
    notes.extend(rois.notes if rois else ())
    image = np.nan_to_num(anatomy).astype(np.float32)
    return _Inputs(series, companions, rois, image, tuple(notes), correction)


def _own_image(series: ZSeries) -> np.ndarray:
    """Image to draw maps on where none is given: M0, or the frame farthest from water."""
    return series.m0 if series.m0 is not None else series.blocks[0].z[0]


def _method(args: argparse.Namespace, protocol: Protocol, hint: str) -> Method:
    """Make the method ready for the scan; ``hint`` is the command that trains a model for it.

    Raises
    ------
    PCrCESTError
        When no model fits, or the scan lacks what a fit needs.
    """
    if args.method != NETWORK:
        return make_fit(args.method, protocol, _settings(args))
    device = choose_device(args.device)
    if args.model == "auto":
        model, reason = choose_model(protocol, hint)
    else:
        model, reason = find_model(args.model), ""
        require_match(model, protocol, hint)
        reason = f"{model.card.name} was asked for"
    return TwoBranch(model, device, protocol, reason)


def _settings(args: argparse.Namespace) -> Settings:
    return Settings(args.pools, args.ksw, args.ksw_sd, args.conversion, args.pcr_protons)


def _regions(
    args: argparse.Namespace, inputs: _Inputs, result: Maps, method: Method
) -> tuple[list[RoiRow], list[RoiSpectrum]]:
    if inputs.rois is None:
        regions = [("all tissue", result.voxels.mask)]
    else:
        regions = list(zip(inputs.rois.names, inputs.rois.masks, strict=True))
    return roi_rows(result, regions, method, inputs.series.geometry.voxel_volume_mm3, args.pcr_protons)


def _empty_regions(inputs: _Inputs, spectra: list[RoiSpectrum]) -> list[str]:
    """Return a sentence for every region that no usable voxel lies in; it is not in the table."""
    names = () if inputs.rois is None else inputs.rois.names
    found = {spectrum.roi for spectrum in spectra}
    return [
        f"region {name} has no voxel with a usable spectrum and is left out"
        for name in names
        if name not in found
    ]


def _picture(
    inputs: _Inputs,
    result: Maps,
    spectra: list[RoiSpectrum],
    method: Method,
    path: Path,
    name: str,
) -> list[str]:
    """Save the picture; without matplotlib, return the sentence that says so (the maps do not depend on it)."""
    from PCrCESTLib.figures import save_overview
    from PCrCESTLib.overview import overview_input

    rois = [] if inputs.rois is None else list(zip(inputs.rois.names, inputs.rois.masks, strict=True))
    content = overview_input(inputs.series, result, rois, spectra, method, inputs.anatomy, name)
    try:
        save_overview(path, content)
    except MissingExtraError as error:
        return [f"no picture: {error}"]
    return []


def _record(
    args: argparse.Namespace,
    inputs: _Inputs,
    result: Maps,
    method: Method,
    warnings: list[str],
) -> dict[str, Any]:
    given = {
        name: getattr(args, name)
        for name in ("protocol", "m0", "r1", "t1", "fm", "b1", "b0", "mask", "rois", "anatomy")
    }
    files = [("series", path) for path in args.series] + [(n, p) for n, p in given.items() if p is not None]
    facts = method.record()
    if "device" in facts:
        facts["device"] = {"requested": args.device, **facts["device"]}
    facts["roi_estimator"] = f"{ROI_SPECTRUM}: {facts['roi_estimator']}"
    return {
        "software": f"PCrCEST {__version__}",
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "inputs": [{"role": role, "path": str(path), "sha256": input_checksum(path)} for role, path in files],
        "protocol": protocol_to_dict(protocol_of(inputs.series)),
        "method": args.method,
        **({} if args.method == NETWORK else {"settings": asdict(_settings(args))}),
        **facts,
        "pcr_protons": args.pcr_protons,
        "noise_sd": {
            f"{p:g} uT": sd for p, sd in zip(inputs.series.powers_ut, result.voxels.noise_sd, strict=True)
        },
        "n_voxels": int(result.voxels.mask.sum()),
        "versions": _versions(),
        "warnings": warnings,
    }


def _versions() -> dict[str, str]:
    import scipy
    import SimpleITK as sitk

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": str(scipy.__version__),
        "SimpleITK": sitk.Version.VersionString(),
        "platform": platform.system(),
    }


def _summary(out: Path, rows: list[RoiRow], method: Method) -> str:
    facts = method.record()
    lines = [method.title]
    if "model" in facts:
        lines = [
            f"model {facts['model']['reason']}",
            f"device {facts['device']['used']} ({facts['device']['reason']})",
        ]
    for row in rows:
        if row.estimator == ROI_SPECTRUM:
            scale, unit = (1e3, "e-3") if row.quantity == "fs" else (1, f" {row.unit}")
            doubt = "" if row.identifiable else "  not identifiable"
            lines.append(
                f"  {row.roi:<24} {row.quantity:<4} {row.value * scale:7.3g} ± {row.sd * scale:.2g}{unit}{doubt}"
            )
    return "\n".join([*lines, f"results in {out}"]) + "\n"
