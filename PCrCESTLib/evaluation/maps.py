"""Maps of one digital rat leg by every method beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.evaluation.methods import Estimate, Method
from PCrCESTLib.evaluation.pictures import drawn
from PCrCESTLib.evaluation.scores import Score, score
from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.figures.maps import FS_COLORS, KSW_COLORS
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quantify import Companions, Voxels, prepare_voxels
from PCrCESTLib.synthesis.phantom import Phantom, simulate_leg
from PCrCESTLib.synthesis.reference import R1_KNOWN_TO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOISE_SD = 0.005
SIZE, REDUCED_SIZE = 64, 32
FEW_SPECTRA = 1000  # an effort below this gets the small phantom
MAPS_A_ROW = 5
QUANTITIES = (("fs", 1e3, "10⁻³", FS_COLORS, (0.2, 1.5)), ("ksw", 1.0, "s⁻¹", KSW_COLORS, (50.0, 200.0)))


@dataclass(frozen=True, eq=False)
class Leg:
    """A scanned digital leg: its whole muscle voxels as ``voxels``, with the true fs and ksw (s⁻¹) of each, (n,)."""

    phantom: Phantom
    voxels: Voxels
    fs: np.ndarray
    ksw: np.ndarray


def maps_section(methods: Sequence[Method], protocol: Protocol, effort: Effort) -> Section:
    """RMSE in muscle and maps of every method on one digital leg that no training has seen."""
    leg = scanned_leg(protocol, effort)
    estimates = [(m.name, m.estimate(leg.voxels.spectra)) for m in methods]
    rows = [
        (name, score(e.fs, leg.fs, e.log_sd_fs), score(e.ksw, leg.ksw, e.log_sd_ksw)) for name, e in estimates
    ]
    scores = [{"method": name, "fs": vars(fs), "ksw": vars(ksw)} for name, fs, ksw in rows]
    text = _setting(leg) + "\n" + _table(rows)
    return Section(
        "Maps of a digital leg",
        text,
        drawn("maps.png", lambda: _draw(estimates, leg)),
        {"noise_sd": NOISE_SD, "methods": scores},
    )


def scanned_leg(protocol: Protocol, effort: Effort) -> Leg:
    """Scan a leg, and prepare its muscle as ``quantify`` does: M0, noise level and B0 from the images."""
    size = REDUCED_SIZE if effort.n_spectra < FEW_SPECTRA else SIZE
    phantom = simulate_leg(protocol, seed=effort.seed, noise_sd=NOISE_SD, size=size)
    rng = np.random.default_rng([effort.seed, 50])
    r1 = phantom.r1_obs * (1 + R1_KNOWN_TO * rng.standard_normal(phantom.r1_obs.shape))
    voxels = prepare_voxels(prepare_series(phantom.series), Companions(r1_obs=r1, mask=phantom.labels > 0))
    return Leg(phantom, voxels, *(v[voxels.mask].astype(float) for v in (phantom.fs, phantom.ksw)))


def _setting(leg: Leg) -> str:
    settings = leg.phantom.settings
    return (
        f"Two legs of four muscles each, {settings.family} muscle with {settings.muscle_fat:.0%} fat, "
        f"{len(leg.fs)} voxels of whole muscle, SD of Z {NOISE_SD:g} in a voxel, B0 ±{settings.b0_range_ppm:g} ppm "
        f"found in the spectra, B1 ±{settings.b1_range:.0%} not known, R1obs known to {R1_KNOWN_TO:.0%}. Every muscle "
        f"has its own fs ({leg.fs.min() * 1e3:.2f} to {leg.fs.max() * 1e3:.2f}·10⁻³) and ksw ({leg.ksw.min():.0f} to "
        f"{leg.ksw.max():.0f} s⁻¹). Voxels are estimated one by one.\n"
    )


def _table(rows: Sequence[tuple[str, Score, Score]]) -> str:
    header = ["method"]
    header += [f"{q} {word}" for q in ("fs", "ksw") for word in ("RMSE", "bias", "within 90 % interval")]
    body = [
        [name, *(cell for s in (fs, ksw) for cell in (f"{s.rmse:.1%}", f"{s.bias:+.1%}", _coverage(s)))]
        for name, fs, ksw in rows
    ]
    note = "RMSE and bias in muscle, relative to the mean of the truth; a method without uncertainty has no interval.\n"
    return markdown_table(header, body) + "\n" + note


def _coverage(s: Score) -> str:
    return "–" if np.isnan(s.coverage90) else f"{s.coverage90:.0%}"


def _draw(estimates: Sequence[tuple[str, Estimate]], leg: Leg) -> Figure:
    shown = [("truth", Estimate(leg.fs, leg.ksw)), *estimates]
    columns = min(len(shown), MAPS_A_ROW)
    rows = -(-len(shown) // columns)
    box = _box(leg.voxels.mask[0])
    ratio = (box[0].stop - box[0].start) / (box[1].stop - box[1].start)
    size = (1.9 * columns + 0.9, 2 * rows * (1.9 * ratio + 0.3) + 0.2)
    figure = new_figure("the figures of the evaluation", figsize=size, layout="constrained")
    bands: Any = figure.subfigures(len(QUANTITIES), 1)
    for band, (quantity, scale, unit, colors, limits) in zip(bands, QUANTITIES, strict=True):
        panels = band.subplots(rows, columns, squeeze=False)
        image = None
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, (name, estimate) in zip(panels.flat, shown, strict=False):
            values = scale * getattr(estimate, quantity)
            image = _draw_map(axes, leg, values, box, colors, limits)
            axes.set_title(name, fontsize="small")
        bar = band.colorbar(image, ax=panels, extend="both", shrink=0.9, pad=0.01)
        bar.set_label(f"{quantity}, {unit}", fontsize="small")
        bar.ax.tick_params(labelsize="small")
    return figure


def _draw_map(
    axes: Any,
    leg: Leg,
    values: np.ndarray,
    box: tuple[slice, slice],
    colors: str,
    limits: tuple[float, float],
) -> Any:
    """Draw the first slice within ``box``."""
    grid = np.full(leg.voxels.mask.shape, np.nan)
    grid[leg.voxels.mask] = values
    anatomy = leg.phantom.anatomy[0][box]
    axes.imshow(
        anatomy, cmap="gray", vmin=0, vmax=1.6 * float(np.percentile(anatomy, 99)), interpolation="nearest"
    )
    return axes.imshow(grid[0][box], cmap=colors, vmin=limits[0], vmax=limits[1], interpolation="nearest")


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold the mask, with a margin of two voxels."""
    rows, columns = (np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    return (
        slice(max(rows[0] - 2, 0), min(rows[-1] + 3, mask.shape[0])),
        slice(max(columns[0] - 2, 0), min(columns[-1] + 3, mask.shape[1])),
    )
