"""All numbers of every region: both estimators, and the distribution over voxels."""

from __future__ import annotations

import math

from PCrCESTLib.figures.content import DisplayRanges
from PCrCESTLib.figures.muscle_boxes import Quantity, RegionNumbers, draw_muscle_boxes
from PCrCESTLib.report.page import Section, paragraph, picture, table
from PCrCESTLib.report.references import ReferenceRange, range_of
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import SCALES, UNITS, heading, number, with_sd
from PCrCESTLib.roi import VOXEL_MEAN, RoiRow

MOST_DRAWN = 24


def muscles_section(result: Result, ranges: tuple[ReferenceRange, ...]) -> Section:
    """Return a table for every quantity and the box plots.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    quantities = list(dict.fromkeys(row.quantity for row in result.rows))
    drawn = [q for q in ("fs", "ksw", "AREX") if q in quantities][:2]
    names = result.roi_names()[:MOST_DRAWN]
    panels = [_panel(result, q, names, ranges) for q in drawn]
    text = picture(draw_muscle_boxes(panels), _alt(panels), _caption(len(result.roi_names())))
    for quantity in quantities:
        text += _table(result, quantity)
    text += paragraph(
        "“Voxels”: the SD is that between voxels. “Mean spectrum”: the method on the B0-aligned mean spectrum of the "
        "region, with the SD of the estimate; this is the number to report. Numbers in brackets mostly repeat the "
        "usual range of muscle; of voxels, where that is so of more than half."
    )
    return Section("Muscles", text)


def _panel(result: Result, quantity: str, names: list[str], ranges: tuple[ReferenceRange, ...]) -> Quantity:
    scale = SCALES.get(quantity, 1.0)
    regions = []
    for roi in names:
        estimate, voxels = result.row(roi, quantity), result.row(roi, quantity, VOXEL_MEAN)
        spread = None
        if voxels is not None and math.isfinite(voxels.median):
            p = (voxels.p5, voxels.q25, voxels.median, voxels.q75, voxels.p95)
            spread = (scale * p[0], scale * p[1], scale * p[2], scale * p[3], scale * p[4])
        reference = range_of(ranges, roi, quantity)
        regions.append(
            RegionNumbers(
                roi,
                spread,
                scale * estimate.value if estimate else math.nan,
                scale * estimate.sd if estimate else math.nan,
                bool(estimate and estimate.identifiable),
                (scale * reference.low, scale * reference.high) if reference else None,
            )
        )
    title = {"fs": "PCr fraction fs", "ksw": "exchange rate ksw", "AREX": "AREX at PCr"}[quantity]
    limits: tuple[float, float] = getattr(DisplayRanges(), quantity.lower())
    return Quantity(title, UNITS[quantity], limits, regions)


def _alt(panels: list[Quantity]) -> str:
    parts = []
    for panel in panels:
        of = [
            f"{r.roi} {r.value:.3g} ± {r.sd:.2g}{'' if r.identifiable else ' (not identifiable)'}"
            for r in panel.regions
            if math.isfinite(r.value)
        ]
        parts.append(f"{panel.title} ({panel.axis}), estimate from the mean spectrum: {'; '.join(of)}.")
    return "Box plots of the regions. " + " ".join(parts)


def _caption(n: int) -> str:
    more = f" The first {MOST_DRAWN} of {n} regions." if n > MOST_DRAWN else ""
    return "Voxels of every region (boxes) and the estimate from its mean spectrum (points)." + more


def _table(result: Result, quantity: str) -> str:
    rows = []
    for roi in result.roi_names():
        estimate, voxels = result.row(roi, quantity), result.row(roi, quantity, VOXEL_MEAN)
        any_row = estimate or voxels
        if any_row is None:
            continue
        rows.append(
            [
                roi,
                f"{any_row.n_voxels} of {any_row.n_total}",
                _estimate(estimate),
                _estimate(voxels),
                *_distribution(voxels, quantity),
            ]
        )
    header = [
        "region",
        "voxels used",
        "mean spectrum ± SD",
        "voxels: mean ± SD",
        "median",
        "quartiles",
        "5–95 %",
    ]
    return table(header, rows, f"{heading(quantity)}")


def _estimate(row: RoiRow | None) -> str:
    if row is None or row.reason:
        return "–"
    return with_sd(row) if row.identifiable else f"not identifiable ({with_sd(row)})"


def _distribution(row: RoiRow | None, quantity: str) -> list[str]:
    if row is None or row.reason:
        return ["–", "–", "–"]
    pairs = ((row.q25, row.q75), (row.p5, row.p95))
    return [
        number(row.median, quantity),
        *(f"{number(low, quantity)}–{number(high, quantity)}" for low, high in pairs),
    ]
