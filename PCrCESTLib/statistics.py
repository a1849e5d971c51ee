"""Numbers per region of a result folder, with other regions or rules than the run had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from PCrCESTLib.methods.method import Method
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.quality import Quality
from PCrCESTLib.result_folder import ResultFolder
from PCrCESTLib.roi import (
    ROI_SPECTRUM,
    UNITS,
    VOXEL_MEAN,
    Region,
    RoiRow,
    spectrum_rows,
    told,
    voxel_rows,
)
from PCrCESTLib.selection import Selection, selection_notes

VOXEL_RMS = "RMS of voxels"
ESTIMATED = ("fs", "ksw", "AREX")  # from the mean spectrum, too
QUANTITY_OF_MAP = {"arex": "AREX", "arex_sd": "AREX_sd"}


@dataclass(frozen=True)
class Statistics:
    """Rows of the table, sentences for the user, and ``flag_shares``, by region and flag.

    Shares are of a region's voxels before any is left out for its flags, and so tell what was left out.
    """

    rows: tuple[RoiRow, ...]
    flag_shares: dict[str, dict[str, float]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """The spectra that the maps of a folder were made from: of the voxels of ``mask``, in array order."""

    method: Method
    spectra: Spectra
    mask: np.ndarray


def region_statistics(
    result: ResultFolder,
    rois: Sequence[tuple[str, np.ndarray]],
    selection: Selection,
    pcr_protons: float,
    source: Source | None = None,
) -> Statistics:
    """Return mean, SD and percentiles of every map in every region, and, of a ``source``, the ROI-spectrum estimates.

    Of a map of SDs the row holds the root mean square, which compares with an SD.

    Parameters
    ----------
    result : ResultFolder
        As `pcrcest quantify` left it.
    rois : sequence of (name, mask)
        Masks bool (z, y, x) as drawn.
    selection : Selection
        Which of their voxels count.
    pcr_protons : float
        Exchangeable protons a molecule, for mM.
    source : Source, optional
        The spectra; without them only statistics of voxels can be given.
    """
    rows: list[RoiRow] = []
    shares: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    regions = []
    has_value = (result.quality & Quality.NO_VALUE) == 0
    maps = told({q: result.maps[m] for m, q in _quantities(result).items()})
    volume = result.geometry.voxel_volume_mm3
    for name, mask in rois:
        selected = selection.of(mask, result.quality)
        used = selected & has_value
        regions.append((name, mask, selected))
        bits = result.quality[selection.eroded(mask)]
        if len(bits):
            shares[name] = {str(flag.name): float(np.mean((bits & flag) > 0)) for flag in Quality}
        region = Region(name, int(mask.sum()), result.quality[used], volume, pcr_protons)
        if not used.any():
            if selected.any():
                notes.append(f"region {name} has no voxel with a value: the table says so in place of numbers")
            rows += _rows_without(region, maps, selection.why_none(mask, result.quality), source is not None)
            continue
        values = {q: of_all[used] for q, of_all in maps.items()}
        rows += [_as_rms(r, values[r.quantity]) if _is_sd(r.quantity) else r for r in voxel_rows(region, values)]
        if source is not None:
            inside = np.nonzero(used[source.mask])[0]
            estimates, _ = spectrum_rows(region, source.method, source.spectra.rows(inside), values)
            rows += estimates
    return Statistics(tuple(rows), shares, (*selection_notes(regions, selection), *notes))


def _rows_without(region: Region, quantities: Iterable[str], why: str, with_spectrum: bool) -> list[RoiRow]:
    """Return the rows that a region would have, without values."""
    rows = []
    for quantity in quantities:
        rows += region.rows_without([quantity], VOXEL_RMS if _is_sd(quantity) else VOXEL_MEAN, why)
    estimated = [q for q in quantities if q in ESTIMATED]
    return rows + (region.rows_without(estimated, ROI_SPECTRUM, why) if with_spectrum else [])


def _is_sd(quantity: str) -> bool:
    return quantity.endswith("_sd")


def _as_rms(row: RoiRow, sds: np.ndarray) -> RoiRow:
    """Return the row of a map of SDs with their root mean square as its value."""
    if row.reason:
        return replace(row, estimator=VOXEL_RMS)
    return replace(row, estimator=VOXEL_RMS, value=float(np.sqrt(np.mean(sds[np.isfinite(sds)] ** 2))))


def _quantities(result: ResultFolder) -> dict[str, str]:
    """Quantity of each map that has one."""
    known = {name: QUANTITY_OF_MAP.get(name, name) for name in result.maps}
    return {name: quantity for name, quantity in known.items() if quantity in UNITS}
