"""Draw PCrCEST/Resources/Icons/PCrCEST.png: a calf in cross-section as a PCr map, and the Z-spectrum it comes from.

Run from the repository root: ``python Resources/make_icon.py`` (needs the extra ``figures``).
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

SIZE_PX = 128
Pair = tuple[float, float]
TARGET = Path(__file__).resolve().parents[1] / "PCrCEST" / "Resources" / "Icons" / "PCrCEST.png"

CENTER_Y, SCALE = 0.22, 0.86  # of the leg; the curve needs room below

BACKGROUND, FAT, BONE, LINE = "#12203a", "#f1e3c4", "#f7f4ec", "#ffffff"

# Muscles of the calf: center x, y, half axes, turn in degrees, and the share of the color map (PCr content).
MUSCLES = (
    (-0.40, 0.30, 0.30, 0.21, 35, 0.62),
    (0.02, 0.42, 0.24, 0.17, -5, 0.80),
    (-0.48, -0.18, 0.23, 0.32, -12, 0.70),
    (0.00, -0.12, 0.34, 0.24, 0, 0.90),
    (0.42, -0.28, 0.26, 0.36, 28, 0.55),
    (-0.10, -0.58, 0.40, 0.20, 4, 0.76),
)
BONES = ((0.42, 0.28, 0.19, 0.17, 20), (-0.14, 0.17, 0.08, 0.08, 0))


def ellipse(center: Pair, half_axes: Pair, degrees: float, points: int = 120) -> np.ndarray:
    """Outline (points, 2) of a turned ellipse."""
    t = np.linspace(0, 2 * np.pi, points)
    a = np.deg2rad(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.stack([half_axes[0] * np.cos(t), half_axes[1] * np.sin(t)], axis=1) @ turn.T + center


def z_spectrum(x: np.ndarray) -> np.ndarray:
    """Water dip on the right, PCr dip left of it, on a slope."""
    return 1 - 0.86 / (1 + ((x - 0.86) / 0.13) ** 2) - 0.30 / (1 + ((x - 0.34) / 0.075) ** 2)


def draw() -> Figure:
    """Return the icon as a figure of SIZE_PX pixels a side."""
    figure = Figure(figsize=(1, 1), dpi=SIZE_PX)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    axes.axis("off")
    colors = mpl.colormaps["inferno"]
    tile = mpl.patches.FancyBboxPatch(
        (-0.86, -0.86), 1.72, 1.72, boxstyle="round,pad=0.12,rounding_size=0.3", color=BACKGROUND, lw=0
    )
    axes.add_patch(tile)

    def place(x: float, y: float, a: float, b: float, turn: float) -> np.ndarray:
        return ellipse((SCALE * x, CENTER_Y + SCALE * y), (SCALE * a, SCALE * b), turn).T

    axes.fill(*place(0, 0, 0.86, 0.82, 0), color=FAT)
    axes.fill(*place(0, 0, 0.78, 0.74, 0), color=colors(0.30))
    for x, y, a, b, turn, share in MUSCLES:
        axes.fill(
            *place(0.92 * x, 0.92 * y, a, b, turn),
            facecolor=colors(share),
            edgecolor=colors(0.18),
            linewidth=0.8,
        )
    for bone in BONES:
        axes.fill(*place(*bone), facecolor=BONE, edgecolor=BACKGROUND, linewidth=0.6)
    x = np.linspace(0, 1, 300)
    curve = (-0.88 + 1.76 * x, -0.95 + 0.56 * z_spectrum(x))
    axes.plot(*curve, color=BACKGROUND, lw=4.5, solid_capstyle="round")
    axes.plot(*curve, color=LINE, lw=2.1, solid_capstyle="round")
    return figure


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    draw().savefig(TARGET, dpi=SIZE_PX, transparent=True, metadata={"Software": None})
