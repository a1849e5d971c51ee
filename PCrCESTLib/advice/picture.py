"""Advice as a picture: precision against ROI size, protocols of equal scan time, and their frames."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.advice.forecast import SEARCH_ROI_VOXELS, Advice
from PCrCESTLib.advice.search import SearchResult
from PCrCESTLib.figures.canvas import new_figure
from PCrCESTLib.protocol import Protocol

PICTURE_FILE = "precision.png"
FS_COLOR, KSW_COLOR = "tab:blue", "tab:orange"
TITLE_COLUMNS = 100
LINE_STYLES = ("-", "--", ":", "-.")


def write_picture(advice: Advice, path: Path) -> None:
    """Draw ``advice`` into the PNG ``path``.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    heights = [3.8] if advice.search is None else [3.8, 1.2 + 0.4 * len(advice.search.alternatives), 2.6]
    figure = new_figure("the picture of the advice", figsize=(9.0, sum(heights)), layout="constrained")
    figure.suptitle("\n".join(textwrap.wrap(advice.protocol.describe(), TITLE_COLUMNS)), fontsize="medium")
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    _draw_precision(panels[0], advice)
    if advice.search is not None:
        _draw_alternatives(panels[1], advice.search, advice.search_noise_sd)
        _draw_frames(panels[2], advice.protocol, advice.search.best.protocol)
    figure.savefig(path, dpi=130, format="png")


def _draw_precision(axes: Any, advice: Advice) -> None:
    noises = dict.fromkeys(p.noise_sd for p in advice.table)
    for i, noise in enumerate(noises):
        rows = sorted((p for p in advice.table if p.noise_sd == noise), key=lambda p: p.n_voxels)
        sizes = [p.n_voxels for p in rows]
        for name, color, sds in (
            ("fs", FS_COLOR, [p.fs_percent for p in rows]),
            ("ksw", KSW_COLOR, [p.ksw_percent for p in rows]),
        ):
            style = LINE_STYLES[i % len(LINE_STYLES)]
            axes.plot(sizes, sds, color=color, linestyle=style, marker="o", label=f"{name}, noise {noise:g}")
    for prior, color, name in zip(advice.prior_percent, (FS_COLOR, KSW_COLOR), ("fs", "ksw"), strict=True):
        axes.axhline(prior, color=color, alpha=0.3, linewidth=5, label=f"{name} before the scan")
    axes.set(xscale="log", xlabel="voxels in the ROI", ylabel="smallest possible SD, %", ylim=(0, None))
    every_size = sorted({p.n_voxels for p in advice.table})
    axes.set_xticks(every_size, [str(n) for n in every_size])
    axes.minorticks_off()
    _legend(axes)
    axes.grid(alpha=0.3)


def _draw_alternatives(axes: Any, search: SearchResult, noise_sd: float) -> None:
    places = range(len(search.alternatives))
    fs = [a.fs_percent for a in search.alternatives]
    ksw = [a.ksw_percent for a in search.alternatives]
    axes.barh([i - 0.2 for i in places], fs, 0.4, label="fs", color=FS_COLOR)
    axes.barh([i + 0.2 for i in places], ksw, 0.4, label="ksw", color=KSW_COLOR)
    axes.set_yticks(list(places), [a.label for a in search.alternatives])
    axes.invert_yaxis()
    axes.set_xlabel("smallest possible SD, %")
    roi = f"{SEARCH_ROI_VOXELS}-voxel ROI (noise {noise_sd:.2g})"
    axes.set_title(f"in the same scan time, {roi}", fontsize="medium")
    _legend(axes)
    axes.grid(alpha=0.3, axis="x")


def _draw_frames(axes: Any, given: Protocol, best: Protocol) -> None:
    powers = sorted({round(b, 2) for protocol in (given, best) for b in protocol.powers_ut})
    rows = ((given, 0.15, "0.5", "as given"), (best, -0.15, "tab:green", "best found"))
    for protocol, shift, color, name in rows:
        frames = list(protocol.saturated_frames)
        b1 = np.array(protocol.b1_ut)[frames]
        places = np.abs(b1[:, None] - np.array(powers)).argmin(axis=1)
        offsets = np.array(protocol.offsets_ppm)[frames]
        axes.scatter(offsets, places + shift, marker="|", color=color, label=name)
    axes.set_yticks(range(len(powers)), [f"{b:g} µT" for b in powers])
    axes.set(xlabel="offset, ppm", ylim=(-0.6, len(powers) - 0.4))
    axes.set_title("frames", fontsize="medium")
    axes.invert_xaxis()
    _legend(axes)


def _legend(axes: Any) -> None:
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
