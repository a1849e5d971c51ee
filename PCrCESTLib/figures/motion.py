"""The picture of a motion correction: where the leg was in every frame, and what was left of one frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from PCrCESTLib.figures.canvas import new_figure

if TYPE_CHECKING:
    from PCrCESTLib.preparation.motion import FrameMotion, MotionExample, MotionReport

AXES = ("x", "y", "z")


def save_motion_picture(path: Path, report: MotionReport) -> None:
    """Draw translations, rotations and similarity over the frames, and the frame that moved most, into a PNG.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    figure = new_figure("the picture of the motion correction", figsize=(10.5, 8.5), layout="constrained")
    bands: Any = figure.subfigures(2, 1, height_ratios=[1.6, 1]) if report.example else [figure, None]
    traces, images = bands
    shown = "corrected" if report.moved else "at rest, nothing resampled"
    figure.suptitle(f"Motion of the leg ({report.kind}, {shown})")
    _draw_traces(traces, report)
    if images is not None and report.example is not None:
        _draw_example(images, report.example)
    figure.savefig(path, dpi=130, format="png")


def _draw_traces(figure: Any, report: MotionReport) -> None:
    panels = figure.subplots(3, 1, sharex=True)
    for z in dict.fromkeys(row.slice for row in report.frames):
        rows = [row for row in report.frames if row.slice == z]
        name = f"slice {z} " if report.per_slice and any(r.slice != z for r in report.frames) else ""
        _draw_rows(panels, rows, name, in_plane=report.per_slice)
    panels[0].axhspan(-report.voxel_mm / 2, report.voxel_mm / 2, color="0.92", label="one voxel")
    panels[0].set_ylabel("translation, mm")
    panels[1].set_ylabel("rotation, °")
    panels[2].set_ylabel("similarity to\nthe predicted frame")
    panels[2].set_xlabel("frame, in the order of the series given")
    for panel in panels:
        panel.grid(alpha=0.3)
        if len(panel.get_legend_handles_labels()[1]) <= 8:
            panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _draw_rows(panels: Any, rows: list[FrameMotion], name: str, *, in_plane: bool) -> None:
    frame = np.arange(len(rows))
    translation, rotation = (
        np.array([getattr(r, k) for r in rows]) for k in ("translation_mm", "rotation_deg")
    )
    for i in (0, 1) if in_plane else (0, 1, 2):
        panels[0].plot(frame, translation[:, i], label=f"{name}{AXES[i]}", color=f"C{i}", linewidth=1)
    for i in (2,) if in_plane else (0, 1, 2):
        panels[1].plot(frame, rotation[:, i], label=f"{name}about {AXES[i]}", color=f"C{i}", linewidth=1)
    panels[2].plot(
        frame, [r.similarity_before for r in rows], color="tab:red", label=f"{name}before", linewidth=1
    )
    panels[2].plot(
        frame, [r.similarity_after for r in rows], color="tab:green", label=f"{name}after", linewidth=1
    )
    starts = [i for i, r in enumerate(rows) if i and r.frame == 0]
    guessed = [i for i, r in enumerate(rows) if not r.estimated]
    for panel in panels:
        for start in starts:
            panel.axvline(start - 0.5, color="0.4", linewidth=0.8, linestyle=":")
        if guessed:
            panel.plot(guessed, np.full(len(guessed), panel.get_ylim()[0]), "|", color="0.5")


def _draw_example(figure: Any, example: MotionExample) -> None:
    row = example.row
    offset = "no saturation" if not np.isfinite(row.offset_ppm) else f"{row.offset_ppm:g} ppm"
    figure.suptitle(
        f"The frame that moved most: frame {row.frame} of series {row.series + 1} ({offset}, {row.b1_ut:g} µT), "
        f"{row.displacement_mm:.2g} mm",
        fontsize="medium",
    )
    left, middle, right = figure.subplots(1, 3)
    brightest = float(np.nanpercentile(example.expected, 99.5)) or 1.0
    picture = left.imshow(example.expected, cmap="gray", vmin=0, vmax=brightest)
    figure.colorbar(picture, ax=left, label="intensity")
    left.set_title("as predicted", fontsize="medium")
    for axes, image, title in ((middle, example.before, "as acquired"), (right, example.after, "corrected")):
        picture = axes.imshow(image, cmap="RdBu_r", vmin=-brightest / 3, vmax=brightest / 3)
        axes.set_title(f"{title}, minus predicted", fontsize="medium")
    figure.colorbar(picture, ax=[middle, right], label="difference")
    for axes in (left, middle, right):
        axes.set_axis_off()
