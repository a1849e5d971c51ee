"""What a method sees in a Z-spectrum: measured points, its fit, Z without PCr, the pools and the residual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.physics.concentration import PCR_PPM

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDEST_PPM = 6.0
MOST_SHOWN = 0.06  # of M0, in the strip: an asymmetry may be far larger, and would flatten all else
INK = "0.15"
POOL_COLORS = {
    "water": "#56B4E9",
    "MT": "#999999",
    "PCr": "#D55E00",
    "Cr": "#E69F00",
    "amide": "#009E73",
    "NOE": "#CC79A7",
    "NOE -1.6": "#882255",
}


@dataclass(frozen=True)
class SpectrumPanel:
    """One panel.

    Parameters
    ----------
    title : str
        Method and number.
    offsets_ppm, z : ndarray
        (n_offsets,) measured.
    fit, without_pcr : ndarray or None
        (n_offsets,) Z.
    parts : dict
        What each pool takes from Z, (n_offsets,) by name.
    """

    title: str
    offsets_ppm: np.ndarray
    z: np.ndarray
    fit: np.ndarray | None
    without_pcr: np.ndarray | None
    parts: dict[str, np.ndarray]


def draw_components(rows: Sequence[tuple[str, Sequence[SpectrumPanel]]]) -> Figure:
    """Draw one row a spectrum, given with its name, and one column a method.

    A strip below each panel shows what the method takes for PCr (line) and the residual (points).

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    columns = max(len(panels) for _, panels in rows)
    figure = new_figure(
        "the figure of fitted spectra", figsize=(2.9 * columns, 3.3 * len(rows)), layout="constrained"
    )
    grid = figure.subplots(
        2 * len(rows), columns, squeeze=False, height_ratios=[4, 1] * len(rows), sharex=True
    )
    for r, (name, panels) in enumerate(rows):
        strip = min(max(_farthest(p) for p in panels), MOST_SHOWN)
        for c, panel in enumerate(panels):
            upper, lower = grid[2 * r, c], grid[2 * r + 1, c]
            _draw_spectrum(upper, panel)
            _draw_small(lower, panel, strip)
            if c:
                upper.set_yticklabels([])
                lower.set_yticklabels([])
        grid[2 * r, 0].set_ylabel(f"{name}\nZ", fontsize="small")
        grid[2 * r + 1, 0].set_ylabel("PCr, Z − fit", fontsize="small")
    for axes in grid[-1]:
        axes.set_xlabel("offset from water, ppm", fontsize="small")
    names = dict(
        pair for axes in grid.flat for pair in zip(*reversed(axes.get_legend_handles_labels()), strict=True)
    )
    figure.legend(
        names.values(), names.keys(), loc="outside lower center", ncols=10, fontsize="small", frameon=False
    )
    return figure


def _effect(panel: SpectrumPanel) -> np.ndarray:
    """Return what the method takes for PCr between 1 and 4.5 ppm, (n_offsets,), share of M0; NaN elsewhere."""
    if panel.without_pcr is None:
        return np.full(len(panel.z), np.nan)
    near = (panel.offsets_ppm > 1.0) & (panel.offsets_ppm < 4.5)
    return np.where(near, panel.without_pcr - (panel.z if panel.fit is None else panel.fit), np.nan)


def _farthest(panel: SpectrumPanel) -> float:
    shown = np.abs(panel.offsets_ppm) <= WIDEST_PPM
    residual = np.zeros(len(panel.z)) if panel.fit is None else panel.z - panel.fit
    return float(np.nanmax(np.abs(np.concatenate([residual[shown], _effect(panel), [1e-3]]))))


def _draw_spectrum(axes: Any, panel: SpectrumPanel) -> None:
    x = panel.offsets_ppm
    for name, part in panel.parts.items():
        axes.plot(x, 1 - part, color=POOL_COLORS.get(name, "0.6"), linewidth=0.9, label=name)
    if panel.without_pcr is not None:
        axes.plot(x, panel.without_pcr, color="#0072B2", linewidth=1.2, linestyle="--", label="without PCr")
    if panel.fit is not None:
        axes.plot(x, panel.fit, color=INK, linewidth=1.1, label="fit")
    axes.plot(x, panel.z, ".", color="black", markersize=2.2, label="measured")
    axes.axvline(PCR_PPM, color="0.8", linewidth=0.7, zorder=0)
    reach = min(WIDEST_PPM, float(np.abs(x).max()))
    axes.set(xlim=(reach, max(-reach, float(x.min()) - 0.1)), ylim=(0, 1.04))
    axes.set_title(panel.title, fontsize="small")
    axes.tick_params(labelsize="small")


def _draw_small(axes: Any, panel: SpectrumPanel, strip: float) -> None:
    axes.axhline(0, color="0.7", linewidth=0.7)
    axes.plot(panel.offsets_ppm, _effect(panel), color=POOL_COLORS["PCr"], linewidth=1.2)
    if panel.fit is not None:
        axes.plot(panel.offsets_ppm, panel.z - panel.fit, ".", color="black", markersize=2.0)
    axes.set_ylim(-1.1 * strip, 1.1 * strip)
    axes.tick_params(labelsize="small")
