"""The maps of the result, printed: over the anatomy with outlines, with fixed color ranges."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.figures import FigureInput
from PCrCESTLib.figures.maps import FS_COLORS, KSW_COLORS, overview_view
from PCrCESTLib.figures.plates import QUALITY_NAMES, Plate, draw_montage, draw_plates, montage_view
from PCrCESTLib.quality import Quality
from PCrCESTLib.report.page import Section, paragraph, picture
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import percent
from PCrCESTLib.roi import NOT_IDENTIFIABLE, OBJECTIONS


def maps_section(result: Result) -> Section:
    """Return the maps, their SDs and the quality of the slices with most of the regions, and all slices if more.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    content = figure_input(result)
    values, spreads = _plates(result, content)
    quality = _quality_classes(result)
    slices = [str(i + 1) for i in overview_view(content).slices]
    n_slices = result.geometry.shape[overview_view(content).axis]
    where = f"slice {', '.join(slices)} of {n_slices}" if n_slices > 1 else "the only slice"
    html = picture(
        draw_plates(content, values),
        f"Anatomy and maps of {where}. " + " ".join(_in_words(p) for p in values),
        f"Anatomy{' with numbered regions' if content.rois else ''}, and maps over it. Color ranges are the same in "
        "every report. Letters: patient directions; images as stored, not flipped."
        + _numbers(result)
        + _hatched(values),
    )
    html += picture(
        draw_plates(content, spreads, anatomy=False, quality=quality),
        f"Standard deviations and quality of {where}. "
        + " ".join(_in_words(p) for p in spreads)
        + f" Quality: {_quality_in_words(quality)}.",
        "Standard deviation (SD) of each voxel's estimate, and quality: “flagged” voxels have one of the flags under "
        "Quality other than those on identifiability.",
    )
    shown, all_slices = overview_view(content).slices, montage_view(content).slices
    if len(all_slices) > len(shown):
        for plate in values:
            html += picture(
                draw_montage(content, plate),
                f"{plate.title} in {len(all_slices)} slices. {_in_words(plate)}",
                f"{plate.title}, slices with values, numbered.",
            )
    return Section("Maps", html + paragraph(_note(result)))


def figure_input(result: Result) -> FigureInput:
    """Return maps, anatomy and regions as the figures take them."""
    maps = result.maps
    named = dict(result.regions)
    order = [name for name in result.roi_names() if name in named] or list(named)
    return FigureInput(
        geometry=result.geometry,
        fs=maps["fs"],
        ksw=maps["ksw"] if result.tells_ksw else None,
        anatomy=result.anatomy,
        fs_sd=maps["fs_sd"],
        ksw_sd=maps["ksw_sd"],
        arex=maps.get("arex"),
        arex_sd=maps.get("arex_sd"),
        ksw_identifiable=(maps["quality"].astype(int) & int(Quality.KSW_NOT_IDENTIFIABLE)) == 0,
        rois=tuple((name, named[name]) for name in order),
    )


def _plates(result: Result, content: FigureInput) -> tuple[list[Plate], list[Plate]]:
    """Return fs and, where the method tells one, ksw or AREX; and their SDs."""
    ranges, maps = content.ranges, result.maps
    values = [Plate("PCr fraction fs", "10⁻³", maps["fs"] * 1e3, FS_COLORS, ranges.fs)]
    spreads = [Plate("SD of fs", "10⁻³", maps["fs_sd"] * 1e3, FS_COLORS, ranges.fs_sd)]
    if result.tells_ksw:
        hidden = ~np.asarray(content.ksw_identifiable) & np.isfinite(maps["ksw"])
        values.append(Plate("exchange rate ksw", "s⁻¹", maps["ksw"], KSW_COLORS, ranges.ksw, hidden))
        spreads.append(Plate("SD of ksw", "s⁻¹", maps["ksw_sd"], KSW_COLORS, ranges.ksw_sd, hidden))
    elif "arex" in maps and "arex_sd" in maps:
        values.append(Plate("AREX at PCr", "s⁻¹", maps["arex"], KSW_COLORS, ranges.arex))
        spreads.append(Plate("SD of AREX", "s⁻¹", maps["arex_sd"], KSW_COLORS, ranges.arex_sd))
    return values, spreads


def _in_words(plate: Plate) -> str:
    known = plate.values[np.isfinite(plate.values)]
    if not len(known):
        return f"{plate.title}: no values."
    low, middle, high = np.percentile(known, (5, 50, 95))
    text = f"{plate.title}: median {middle:.3g} {plate.unit}, 5 to 95 % of voxels {low:.3g} to {high:.3g} {plate.unit}"
    if plate.hidden is not None and plate.hidden.any():
        share = float(np.mean(plate.hidden[np.isfinite(plate.values)]))
        text += f"; hatched, as not identifiable, in {percent(share)}"
    return text + "."


def _quality_classes(result: Result) -> np.ndarray:
    """Class of each mapped voxel, index of `QUALITY_NAMES`, (z, y, x); NaN elsewhere."""
    bits = result.maps["quality"].astype(int)
    unknown = int(NOT_IDENTIFIABLE["fs"]) | (int(NOT_IDENTIFIABLE["ksw"]) if result.tells_ksw else 0)
    found = np.where(result.mapped | result.inside, 0.0, np.nan)
    for index, mask in ((1, unknown), (2, int(OBJECTIONS)), (3, int(Quality.NO_VALUE))):
        found[((bits & mask) > 0) & np.isfinite(found)] = index
    return found


def _quality_in_words(classes: np.ndarray) -> str:
    known = classes[np.isfinite(classes)]
    return ", ".join(
        f"{name} {percent(float(np.mean(known == i)) if len(known) else 0.0)}"
        for i, name in enumerate(QUALITY_NAMES)
    )


def _numbers(result: Result) -> str:
    content = figure_input(result)
    named = [f"{i + 1}: {name}" for i, (name, _) in enumerate(content.rois[:12])]
    more = f" and {len(content.rois) - 12} more" if len(content.rois) > 12 else ""
    return f" Regions: {', '.join(named)}{more}." if named else ""


def _hatched(plates: list[Plate]) -> str:
    hatched = any(p.hidden is not None and p.hidden.any() for p in plates)
    return " Gray hatching: ksw is not identifiable there." if hatched else ""


def _note(result: Result) -> str:
    remedy = (
        "the numbers to report are those under Findings" if result.rows else "numbers to report need regions"
    )
    return (
        "Each voxel's estimate is drawn toward the usual range by its noise, and averaging voxels does not undo that: "
        f"{remedy}."
    )
