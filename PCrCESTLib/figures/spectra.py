"""The mean Z-spectra of the overview figure: all offsets, and the PCr region of each power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.text import INK, LABEL_PT, MUTED, PANEL_PT, ROI_COLORS, SMALL_PT, write
from PCrCESTLib.physics.concentration import PCR_PPM

if TYPE_CHECKING:
    from PCrCESTLib.figures.content import FigureInput, MeanSpectra

ZOOM_PPM = (1.5, 3.5)
FEWEST_ZOOM_POINTS = 3
FARTHEST_PPM = 15.0  # reference frames lie beyond
POWER_STYLES = ("-", (0, (4, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
MOST_ZOOMS = 4


def draw_spectra(band: Any, result: FigureInput) -> None:
    """Draw all spectra at left and the PCr region of each power at right; ppm fall to the right."""
    spectra = sorted(result.spectra, key=lambda s: s.b1_ut)
    zooms = [s for s in spectra if _in_zoom(s).sum() >= FEWEST_ZOOM_POINTS][:MOST_ZOOMS]
    wide = not zooms or any(_reaches_beyond_zoom(s) for s in spectra)
    widths = ([1.9 if len(zooms) < 3 else 2.3] if wide else []) + [1.0] * len(zooms)
    grid = band.add_gridspec(
        1,
        len(widths),
        width_ratios=widths,
        left=0.062,
        right=0.985 if len(widths) > 1 else 0.6,
        bottom=0.17,
        top=0.86,
        wspace=0.3,
    )
    panels = [band.add_subplot(grid[0, i]) for i in range(len(widths))]
    if wide:
        _draw_all(panels[0], spectra)
    for axes, spectrum in zip(panels[wide:], zooms, strict=True):
        _draw_zoom(axes, spectrum)
    panels[0].set_ylabel("mean Z = M/M₀", fontsize=LABEL_PT)


def _in_zoom(spectrum: MeanSpectra) -> np.ndarray:
    inside: np.ndarray = (spectrum.offsets_ppm >= ZOOM_PPM[0]) & (spectrum.offsets_ppm <= ZOOM_PPM[1])
    return inside


def _reaches_beyond_zoom(spectrum: MeanSpectra) -> bool:
    low, high = ZOOM_PPM
    near = np.abs(spectrum.offsets_ppm) <= FARTHEST_PPM
    outside = near & ((spectrum.offsets_ppm < low - 0.5) | (spectrum.offsets_ppm > high + 0.5))
    return bool(outside.sum() >= FEWEST_ZOOM_POINTS)


def _draw_all(axes: Any, spectra: list[MeanSpectra]) -> None:
    for power, spectrum in enumerate(spectra):
        style = POWER_STYLES[power % len(POWER_STYLES)]
        keep = np.abs(spectrum.offsets_ppm) <= FARTHEST_PPM
        _draw_lines(axes, spectrum, keep, linestyle=style, linewidth=1.1)
        axes.plot([], [], color=MUTED, linestyle=style, linewidth=1.3, label=f"{spectrum.b1_ut:g} µT")
    _finish(axes, "mean Z-spectrum of each ROI")
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), max(1.02, axes.get_ylim()[1]))
    axes.legend(loc="lower left", fontsize=LABEL_PT, frameon=False, handlelength=2.6)


def _draw_zoom(axes: Any, spectrum: MeanSpectra) -> None:
    _draw_lines(axes, spectrum, _in_zoom(spectrum), linestyle="-", linewidth=1.3, marker="o", markersize=2.2)
    _finish(axes, f"PCr region, {spectrum.b1_ut:g} µT")
    axes.set_xlim(ZOOM_PPM[1] + 0.05, ZOOM_PPM[0] - 0.05)


def _draw_lines(axes: Any, spectrum: MeanSpectra, keep: np.ndarray, **style: Any) -> None:
    order = np.argsort(spectrum.offsets_ppm)
    order = order[keep[order]]
    for i, z in enumerate(spectrum.z[: len(ROI_COLORS)]):
        axes.plot(spectrum.offsets_ppm[order], z[order], color=ROI_COLORS[i], **style)


def _finish(axes: Any, title: str) -> None:
    axes.margins(x=0.02, y=0.08)
    low, high = axes.get_ylim()
    axes.axvline(PCR_PPM, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    axes.set_ylim(low, high + 0.07 * (high - low))
    write(
        axes, PCR_PPM, 0.985, "PCr", fontsize=SMALL_PT, color=MUTED, ha="center", va="top",
        transform=axes.get_xaxis_transform(), bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
    )  # fmt: skip
    axes.invert_xaxis()
    axes.set_xlabel("offset from water (ppm)", fontsize=LABEL_PT)
    axes.tick_params(labelsize=LABEL_PT, length=3, width=0.6, color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_linewidth(0.6)
    write(axes, 0.0, 1.05, title, fontsize=PANEL_PT, transform=axes.transAxes)
