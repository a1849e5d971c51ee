"""Our network on a measured human leg, beside what the published ANNCEST networks give on the same scan.

The data are public but not part of the project: 3 T, Chen 2020, Nat Commun 11:1072, in ``human_leg_3T`` of the data
folder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from PCrCESTLib.evaluation.measured_rats import CPU, require_folder
from PCrCESTLib.evaluation.pictures import drawn
from PCrCESTLib.evaluation.section import Section, markdown_table
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.maps import FS_COLORS
from PCrCESTLib.figures.method_marks import COLORS
from PCrCESTLib.methods import Settings, make_fit
from PCrCESTLib.methods.network import TwoBranch
from PCrCESTLib.methods.settings import JHU, REX
from PCrCESTLib.models.model import Model
from PCrCESTLib.physics.concentration import PCR_PROTONS, concentration_from_fraction
from PCrCESTLib.preparation.zseries import ZSeries, prepare_series, protocol_of
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.quality import Quality
from PCrCESTLib.quantify import Companions, Maps, quantify
from PCrCESTLib.readers import read_mask, read_series
from PCrCESTLib.readers.matlab_arrays import read_arrays

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HUMAN_FITS = (("plof", REX), ("plof", JHU), ("mplf", REX), ("mplf", JHU))
HUMAN_FOLDER, HUMAN_MODEL = "human_leg_3T", "human-3T-0.6uT"
OBJECTIONS = {
    "noise": Quality.LOW_SNR,
    "unknown water frequency": Quality.NO_WATER_DIP,
    "composition unlike the training": Quality.OUTSIDE_TRAINING,
    "structure unlike the training": Quality.HIGH_RESIDUAL,
}
LITERATURE_PCR_MM = "33 ± 2 mM (31P MRS, Kemp 2007)"
PCR_SHOWN_MM = (10.0, 50.0)


def human_section(model: Model, data_folder: Path) -> Section:
    """PCr and ksw of a human leg, beside the published ANNCEST maps of the same scan.

    Raises
    ------
    ReaderError
        When the data are not in ``data_folder``.
    """
    folder = require_folder(data_folder / HUMAN_FOLDER)
    maps, published = human_maps(model, folder)
    objected = np.any([(maps.quality & bit) > 0 for bit in OBJECTIONS.values()], axis=0)
    good = maps.voxels.mask & ~objected & np.isfinite(published["PCr_mM"])
    numbers = human_numbers(maps, published, good)
    fits = human_fits(folder)
    figures = drawn("human.png", lambda: _draw_human(maps, published, good))
    figures += drawn("human_fits.png", lambda: _draw_fits(fits, published, maps.voxels.mask))
    rows = {name: fit_numbers(mm, published, maps.voxels.mask) for name, mm in fits.items()}
    text = f"{_human_text(model, numbers)}\n{_fits_text(rows)}"
    return Section("Measured human leg", text, figures, {**numbers, "fits": rows})


def human_maps(model: Model, folder: Path) -> tuple[Maps, dict[str, np.ndarray]]:
    """Quantify the leg with ANNCEST's B0 and B1 maps; return the result and ANNCEST's maps (z, y, x)."""
    series, companions, published = _read(folder)
    return quantify(series, companions, TwoBranch(model, CPU, protocol_of(series))), published


def _read(folder: Path) -> tuple[ZSeries, Companions, dict[str, np.ndarray]]:
    path = folder / "Data.mat"
    series = prepare_series([read_series(path, human_protocol(path))])
    with np.load(folder / "anncest_maps.npz", allow_pickle=False) as arrays:
        published = {name: arrays[name][None] for name in arrays.files}
    companions = Companions(
        relative_b1=published["B1_uT"] / named_protocol(HUMAN_MODEL).powers_ut[0],
        b0_ppm=published["B0_ppm"],
        mask=read_mask(path, series.geometry).values,
    )
    return series, companions, published


def human_fits(folder: Path) -> dict[str, np.ndarray]:
    """PCr in mM (z, y, x) of the same leg by the fits that its window of offsets allows."""
    series, companions, _ = _read(folder)
    found = {}
    for key, conversion in HUMAN_FITS:
        method = make_fit(key, protocol_of(series), Settings(conversion=conversion))
        fs = quantify(series, companions, method).maps["fs"]
        found[method.title] = concentration_from_fraction(fs.astype(float), PCR_PROTONS)
    return found


def fit_numbers(mm: np.ndarray, published: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
    """Median and 5–95 % of a map of PCr in mM, and its rank correlation with ANNCEST's."""
    from scipy import stats

    good = mask & np.isfinite(mm) & np.isfinite(published["PCr_mM"])
    low, middle, high = np.percentile(mm[good], [5, 50, 95])
    rank = stats.spearmanr(mm[good], published["PCr_mM"][good]).statistic
    return {"pcr_mm": float(middle), "low": float(low), "high": float(high), "rank_correlation": float(rank)}


def _fits_text(rows: dict[str, dict[str, float]]) -> str:
    header = ["fit", "PCr, mM: median (5–95 %)", "rank correlation with ANNCEST's map"]
    body = [
        [name, f"{n['pcr_mm']:.1f} ({n['low']:.1f} to {n['high']:.1f})", f"{n['rank_correlation']:+.2f}"]
        for name, n in rows.items()
    ]
    return (
        "By fits in the same window (every voxel of the mask). On so narrow a window any background smooth enough to "
        "follow direct saturation also follows most of the broad peak that PCr has at 3 T, and what is left is too "
        "small.\n\n" + markdown_table(header, body)
    )


def human_protocol(path: Path) -> Protocol:
    """Return the named human protocol with the offsets that the MATLAB file gives."""
    offsets = tuple(float(o) for o in read_arrays(path)["Freq"].ravel())
    return replace(named_protocol(HUMAN_MODEL), offsets_ppm=offsets)


def human_numbers(maps: Maps, published: dict[str, np.ndarray], good: np.ndarray) -> dict[str, float]:
    """Medians and 5–95 % of PCr and ksw in unflagged voxels, and rank correlations with ANNCEST."""
    from scipy import stats

    inside = maps.voxels.mask
    shares = {name: float(np.mean((maps.quality[inside] & bit) > 0)) for name, bit in OBJECTIONS.items()}
    shares["unflagged_share"] = float(good.sum() / inside.sum())
    if np.count_nonzero(good) < 3:
        return shares
    mm = concentration_from_fraction(maps.maps["fs"][good].astype(float), PCR_PROTONS)
    ksw = maps.maps["ksw"][good].astype(float)
    theirs_mm, theirs_ksw = published["PCr_mM"][good], published["ksw"][good]
    low, middle, high = np.percentile(mm, [5, 50, 95])
    return shares | {
        "pcr_mm": float(middle),
        "pcr_mm_low": float(low),
        "pcr_mm_high": float(high),
        "ksw": float(np.median(ksw)),
        "ksw_identifiable_share": float(np.mean((maps.quality[good] & Quality.KSW_NOT_IDENTIFIABLE) == 0)),
        "anncest_pcr_mm": float(np.median(theirs_mm)),
        "anncest_ksw": float(np.nanmedian(theirs_ksw)),
        "pcr_rank_correlation": float(stats.spearmanr(mm, theirs_mm).statistic),
        "ksw_rank_correlation": float(stats.spearmanr(ksw, theirs_ksw, nan_policy="omit").statistic),
    }


def _human_text(model: Model, n: dict[str, float]) -> str:
    setting = (
        f"One human leg at 3 T, 50 offsets from 1.3 to 3.5 ppm (public data of ANNCEST, Chen 2020, MIT licence), model "
        f"{model.card.name}. What the data do not say is assumed: 0.6 µT nominal, saturation for 2 s (as Ju 2023), R1 "
        f"unknown; B0 and relative B1 are ANNCEST's own maps, because the offsets do not sample the water dip. "
        f"{n['unflagged_share']:.0%} of the voxels in the mask have no objection but on identifiability (objections: "
        f"{', '.join(f'{name} {n[name]:.0%}' for name in OBJECTIONS)}); the numbers are of these.\n"
    )
    if "pcr_mm" not in n:
        return setting + "\nToo few for any number.\n"
    return setting + (
        f"\nPCr is {n['pcr_mm']:.1f} mM (median; 5–95 %: {n['pcr_mm_low']:.1f} to {n['pcr_mm_high']:.1f}) with "
        f"{PCR_PROTONS:g} protons a molecule; ANNCEST gives {n['anncest_pcr_mm']:.1f} mM in the same voxels, the "
        f"literature {LITERATURE_PCR_MM}. ksw is {n['ksw']:.0f} s⁻¹ (median; narrowed down by the data in "
        f"{n['ksw_identifiable_share']:.0%} of the voxels), ANNCEST's {n['anncest_ksw']:.0f} s⁻¹. Rank correlation "
        f"with ANNCEST's maps over voxels (Spearman): {n['pcr_rank_correlation']:+.2f} for PCr, "
        f"{n['ksw_rank_correlation']:+.2f} for ksw.\n"
    )


def _draw_human(maps: Maps, published: dict[str, np.ndarray], good: np.ndarray) -> Figure:
    mm = concentration_from_fraction(np.where(maps.voxels.mask, maps.maps["fs"], np.nan)[0], PCR_PROTONS)
    theirs = published["PCr_mM"]
    figure = new_figure("the figures of the evaluation", figsize=(9.6, 3.2), layout="constrained")
    ours, other, scatter = figure.subplots(1, 3)
    low, high = PCR_SHOWN_MM
    box = _box(maps.voxels.mask[0])
    for axes, values, title in ((ours, mm, "this network"), (other, theirs[0], "ANNCEST")):
        image = axes.imshow(values[box], cmap=FS_COLORS, vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(title, fontsize="medium")
        axes.set_axis_off()
    figure.colorbar(image, ax=[ours, other], extend="both", shrink=0.9).set_label("PCr, mM")
    scatter.plot(theirs[good], mm[good[0]], ".", markersize=2, alpha=0.3, color=COLORS[0])
    scatter.plot([0, 60], [0, 60], color="0.5", linewidth=0.8)
    scatter.set(xlabel="ANNCEST's PCr, mM", ylabel="this network's PCr, mM", xlim=(0, 60), ylim=(0, 60))
    scatter.grid(alpha=0.3)
    return figure


def _draw_fits(fits: dict[str, np.ndarray], published: dict[str, np.ndarray], mask: np.ndarray) -> Figure:
    shown = {"ANNCEST": np.where(mask, published["PCr_mM"], np.nan), **fits}
    figure = new_figure(
        "the figures of the evaluation", figsize=(2.5 * len(shown), 2.9), layout="constrained"
    )
    panels = figure.subplots(1, len(shown))
    box = _box(mask[0])
    for axes, (title, values) in zip(panels, shown.items(), strict=True):
        image = axes.imshow(
            values[0][box], cmap=FS_COLORS, vmin=0, vmax=PCR_SHOWN_MM[1], interpolation="nearest"
        )
        axes.set_title(title.replace(" · ", "\n"), fontsize="small")
        axes.set_axis_off()
    figure.colorbar(image, ax=list(panels), extend="both", shrink=0.9).set_label("PCr, mM")
    return figure


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    rows, columns = (np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
