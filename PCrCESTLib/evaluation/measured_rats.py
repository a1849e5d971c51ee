"""Our network on six measured rats, where nobody knows the truth: left against right, and a model-free measure.

The data are public but not part of the project: 4.7 T, 0.25 µT, GlycoNOE study of the Vanderbilt CEST group, in
``rat_leg_4p7T/sub-*`` of the data folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.evaluation.fit_chapter import panel_of
from PCrCESTLib.evaluation.pictures import drawn
from PCrCESTLib.evaluation.section import Section, markdown_table
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.components import SpectrumPanel, draw_components
from PCrCESTLib.figures.method_marks import COLORS, MARKERS
from PCrCESTLib.methods import METHODS, make_fit
from PCrCESTLib.methods.network import TwoBranch
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.device import Device
from PCrCESTLib.models.model import Model
from PCrCESTLib.physics.concentration import PCR_PROTONS, concentration_from_fraction
from PCrCESTLib.preparation.zseries import ZSeries, prepare_series, protocol_of
from PCrCESTLib.quantify import Companions, Maps, Voxels, prepare_voxels, quantify
from PCrCESTLib.readers import RoiSet, read_map, read_rois, read_series
from PCrCESTLib.roi import ROI_SPECTRUM, VOXEL_MEAN, roi_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATS_FOLDER, RATS_MODEL = "rat_leg_4p7T", "rat-4.7T-0.25uT"
PEAK_FITS = ("arex", "plof", "mplf", "ld")
PUBLISHED_AREX = "(9.6 ± 1.7)·10⁻³ s⁻¹"
CPU = Device(NumpyBackend(), "numpy", "the evaluation computes on the CPU")


@dataclass(frozen=True)
class LegRow:
    """One measured leg: fs and ksw (s⁻¹) of its mean spectrum with their SDs, means of its voxels, AREX bump (s⁻¹)."""

    animal: str
    leg: str
    fs: float
    fs_sd: float
    ksw: float
    ksw_sd: float
    ksw_identifiable: bool
    voxel_fs: float
    voxel_ksw: float
    flagged_share: float
    bump: float


def rats_section(model: Model, data_folder: Path) -> Section:
    """Fs and ksw of twelve rat legs, whether left and right agree, and whether a model-free measure agrees.

    Raises
    ------
    ReaderError
        When the data are not in ``data_folder``.
    """
    folder = require_folder(data_folder / RATS_FOLDER)
    animals = sorted(folder.glob("sub-*"))
    legs = [row for animal in animals for row in rat_legs(model, animal)]
    if not legs:
        raise ReaderError(f"{folder}: no folders sub-*; the six measured rats are expected there")
    numbers, peaks = rat_numbers(legs), peaks_of_rats(animals)
    parts = [_rats_setting(model, legs), _rats_table(legs), _rats_findings(numbers), _peaks_text(peaks)]
    figures = drawn("rats.png", lambda: _draw_rats(legs))
    figures += drawn("rats_fits.png", lambda: draw_components(_panels(animals[0])))
    scores = {"legs": [asdict(leg) for leg in legs], **numbers, "peaks": peaks}
    return Section("Measured rat legs", "\n".join(parts), figures, scores)


def peaks_of_rats(animals: Sequence[Path]) -> dict[str, dict[str, list[float]]]:
    """AREX at 2.6 ppm and fs of both legs of every animal together, by fit: ``arex`` (s⁻¹) and ``fs``."""
    found: dict[str, dict[str, list[float]]] = {}
    for animal in animals:
        series, voxels = _legs_voxels(animal)
        for key in PEAK_FITS:
            _, e = make_fit(key, protocol_of(series)).region(voxels.spectra)
            row = found.setdefault(key, {"arex": [], "fs": []})
            row["arex"].append(float(e.further["arex"][0]))
            row["fs"].append(float(e.fs[0]))
    return found


def _legs_voxels(animal: Path) -> tuple[ZSeries, Voxels]:
    series, r1, rois = _read(animal)
    fm = read_map(animal / f"{animal.name}_fm.nii.gz", "fm", series.geometry).values
    mask = np.any(rois.masks, axis=0)
    return series, prepare_voxels(series, Companions(r1_obs=r1, mask=mask, fm=fm))


def _panels(animal: Path) -> list[tuple[str, list[SpectrumPanel]]]:
    """One voxel and all of both legs as every fit sees them."""
    series, voxels = _legs_voxels(animal)
    methods = [make_fit(key, protocol_of(series)) for key in PEAK_FITS]
    n = len(voxels.spectra)
    chosen = {"one voxel": np.array([n // 3]), f"{n} voxels": np.arange(n)}
    return [
        (name, [panel_of(m, voxels.spectra.rows(rows)) for m in methods]) for name, rows in chosen.items()
    ]


def _peaks_text(peaks: dict[str, dict[str, list[float]]]) -> str:
    header = [
        "fit",
        "AREX at 2.6 ppm of each animal, 10⁻³ s⁻¹",
        "mean ± SD between animals",
        "fs at 110 s⁻¹, 10⁻³",
    ]
    rows = [
        [
            METHODS[key].title,
            " ".join(f"{v * 1e3:.1f}" for v in row["arex"]),
            f"{np.mean(row['arex']) * 1e3:.1f} ± {np.std(row['arex'], ddof=1) * 1e3:.1f}",
            f"{np.mean(row['fs']) * 1e3:.2f} ± {np.std(row['fs'], ddof=1) * 1e3:.2f}",
        ]
        for key, row in peaks.items()
    ]
    return (
        "The fits on the mean spectrum of both legs, with the R1 and fm maps. What AREX is depends on what a fit takes "
        f"for background; the same data with a simple background window are reported to give {PUBLISHED_AREX}.\n\n"
        + markdown_table(header, rows)
    )


def _read(animal: Path) -> tuple[ZSeries, np.ndarray, RoiSet]:
    def file(kind: str) -> Path:
        return animal / f"{animal.name}_{kind}.nii.gz"

    series = prepare_series([read_series(file("cest"))])
    return (
        series,
        read_map(file("R1obs"), "r1", series.geometry).values,
        read_rois(file("legs"), series.geometry),
    )


def rat_legs(model: Model, animal: Path) -> list[LegRow]:
    """Quantify one animal as ``pcrcest quantify`` does; one row a leg."""
    series, r1, rois = _read(animal)
    method = TwoBranch(model, CPU, protocol_of(series))
    maps = quantify(series, Companions(r1_obs=r1), method)
    return [_leg_row(method, animal.name, rois, i, maps, series) for i in range(len(rois))]


def _leg_row(method: TwoBranch, animal: str, rois: RoiSet, index: int, maps: Maps, series: ZSeries) -> LegRow:
    name, mask = rois.names[index], rois.masks[index]
    rows, _ = roi_rows(maps, [(name, mask)], method, series.geometry.voxel_volume_mm3, PCR_PROTONS)
    found = {(row.quantity, row.estimator): row for row in rows}
    fs, ksw = found["fs", ROI_SPECTRUM], found["ksw", ROI_SPECTRUM]
    inside = np.nonzero(mask[maps.voxels.mask])[0]
    _, bump = make_fit("arex", method.protocol).region(maps.voxels.spectra.rows(inside))
    return LegRow(
        animal,
        name,
        fs.value,
        fs.sd,
        ksw.value,
        ksw.sd,
        ksw.identifiable,
        found["fs", VOXEL_MEAN].value,
        found["ksw", VOXEL_MEAN].value,
        fs.flagged_share,
        float(bump.further["arex"][0]),
    )


def rat_numbers(legs: Sequence[LegRow]) -> dict[str, float]:
    """Spread, left–right repeatability (RMS of difference ÷ its predicted SD) and correlation with the bump."""
    from scipy import stats

    fs, bump = np.array([leg.fs for leg in legs]), np.array([leg.bump for leg in legs])
    animals = sorted({leg.animal for leg in legs})
    pairs = [[leg for leg in legs if leg.animal == a] for a in animals]
    both = [pair for pair in pairs if len(pair) == 2]
    relative = np.array([a.fs / b.fs - 1 for a, b in both])
    ratio = np.array([(a.fs - b.fs) / np.hypot(a.fs_sd, b.fs_sd) for a, b in both])
    means = np.array([[np.mean([leg.fs for leg in p]), np.mean([leg.bump for leg in p])] for p in pairs])
    return {
        "mean_fs": float(fs.mean()),
        "mean_ksw": float(np.mean([leg.ksw for leg in legs])),
        "cov_fs": float(fs.std(ddof=1) / fs.mean()),
        "cov_bump": float(bump.std(ddof=1) / bump.mean()),
        "left_right_fs": float(np.sqrt(np.mean(relative**2))),
        "left_right_over_predicted_sd": float(np.sqrt(np.mean(ratio**2))),
        "bump_correlation_animals": float(stats.pearsonr(*means.T).statistic),
        "bump_p_animals": float(stats.pearsonr(*means.T).pvalue),
        "bump_correlation_legs": float(stats.pearsonr(fs, bump).statistic),
        "n_animals": len(animals),
    }


def _rats_setting(model: Model, legs: Sequence[LegRow]) -> str:
    n_animals = len({leg.animal for leg in legs})
    return (
        f"{n_animals} control rats, {len(legs)} legs, 4.7 T, 0.25 µT for 5 s (public data of the Vanderbilt CEST "
        f"group, GlycoNOE study), model {model.card.name}. One power hardly tells ksw. The truth is not known; what "
        "can be asked is whether the two legs of an animal agree within the predicted SD, and whether fs follows the "
        "bump of AREX at 2.6 ppm over its flanks, which needs no tissue model.\n"
    )


def _rats_table(legs: Sequence[LegRow]) -> str:
    header = ["animal", "leg", "fs ± SD, 10⁻³", "PCr, mM", "ksw ± SD, s⁻¹", "voxel mean fs, 10⁻³"]
    header += ["flagged", "bump, s⁻¹"]
    rows = [
        [
            leg.animal,
            leg.leg,
            f"{leg.fs * 1e3:.2f} ± {leg.fs_sd * 1e3:.2f}",
            f"{concentration_from_fraction(leg.fs, PCR_PROTONS):.0f}",
            f"{leg.ksw:.0f} ± {leg.ksw_sd:.0f}" + ("" if leg.ksw_identifiable else " (not identifiable)"),
            f"{leg.voxel_fs * 1e3:.2f}",
            f"{leg.flagged_share:.0%}",
            f"{leg.bump:.4f}",
        ]
        for leg in legs
    ]
    return markdown_table(header, rows)


def _rats_findings(n: dict[str, float]) -> str:
    return (
        f"Mean fs {n['mean_fs'] * 1e3:.2f}·10⁻³ ({concentration_from_fraction(n['mean_fs'], PCR_PROTONS):.0f} mM with "
        f"{PCR_PROTONS:g} protons), ksw {n['mean_ksw']:.0f} s⁻¹. fs varies by {n['cov_fs']:.1%} between legs (SD ÷ "
        f"mean), the bump by {n['cov_bump']:.1%}. Left and right differ by {n['left_right_fs']:.1%} (RMS), "
        f"{n['left_right_over_predicted_sd']:.2f} times the predicted SD of the difference (1 is expected of honest "
        f"SDs if the legs are alike; below 1 they are cautious). Correlation of fs with the bump: "
        f"{n['bump_correlation_animals']:+.2f} over {n['n_animals']} animals (p = {n['bump_p_animals']:.2g}), "
        f"{n['bump_correlation_legs']:+.2f} over legs.\n"
    )


def _draw_rats(legs: Sequence[LegRow]) -> Figure:
    figure = new_figure("the figures of the evaluation", figsize=(5.2, 3.8), layout="constrained")
    axes = figure.subplots()
    for i, animal in enumerate(sorted({leg.animal for leg in legs})):
        own = [leg for leg in legs if leg.animal == animal]
        axes.errorbar(
            [leg.bump * 1e3 for leg in own],
            [leg.fs * 1e3 for leg in own],
            [leg.fs_sd * 1e3 for leg in own],
            color=COLORS[i % len(COLORS)],
            marker=MARKERS[i % len(MARKERS)],
            linestyle=":",
            capsize=2,
            label=animal,
        )
    axes.set(
        xlabel="AREX bump at 2.6 ppm, 10⁻³ s⁻¹", ylabel="fs of the leg ± predicted SD, 10⁻³", ylim=(0, None)
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small")
    return figure


def require_folder(folder: Path) -> Path:
    """Return the folder.

    Raises
    ------
    ReaderError
        When it does not exist.
    """
    if not folder.is_dir():
        raise ReaderError(f"{folder}: no such folder; --data takes the folder that holds {folder.name}")
    return folder
