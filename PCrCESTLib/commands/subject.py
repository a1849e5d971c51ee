"""Everything that a run takes of one subject: the series, what goes with it, and the method made ready."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.commands.corrections import Corrected, corrected
from PCrCESTLib.commands.remedy import remedy
from PCrCESTLib.methods import Method, Settings, make_fit
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.methods.network import TwoBranch
from PCrCESTLib.models.device import choose_device
from PCrCESTLib.models.registry import choose_model, find_model, require_match
from PCrCESTLib.preparation.zseries import ZSeries, prepare_series, protocol_of
from PCrCESTLib.progress import Progress
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quantify import Companions
from PCrCESTLib.readers import RoiSet, read_map, read_mask, read_powers, read_rois


@dataclass(frozen=True)
class Subject:
    """What was read, on the grid of ``series``; ``anatomy`` (z, y, x) is drawn under the maps."""

    series: ZSeries
    companions: Companions
    rois: RoiSet | None
    anatomy: np.ndarray
    notes: tuple[str, ...]
    corrected: Corrected
    method: Method

    @property
    def regions(self) -> list[tuple[str, np.ndarray]]:
        """Names and masks of the regions; none where there are none."""
        return [] if self.rois is None else list(zip(self.rois.names, self.rois.masks, strict=True))


def read_subject(args: argparse.Namespace, progress: Progress) -> Subject:
    """Read what the options of ``quantify`` name, corrected as they ask for.

    Raises
    ------
    PCrCESTError
        Whenever an input cannot be used.
    """
    progress.step(0.0, "reading")
    read = read_powers(args.series, args.protocol, args.m0)
    # Before the minutes that a correction may take: the method may not be for such a scan.
    prepared = prepare_series(read)
    method = _method(args, protocol_of(prepared), remedy(args.series, read, args.protocol, args.m0))
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
    return Subject(series, companions, rois, image, tuple(notes), correction, method)


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings of the fits of a peak."""
    return Settings(args.pools, args.ksw, args.ksw_sd, args.conversion, args.pcr_protons)


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
        return make_fit(args.method, protocol, settings_of(args))
    device = choose_device(args.device)
    if args.model == "auto":
        model, reason = choose_model(protocol, hint)
    else:
        model, reason = find_model(args.model), ""
        require_match(model, protocol, hint)
        reason = f"{model.card.name} was asked for"
    return TwoBranch(model, device, protocol, reason)
