"""What is to be drawn of spectra and motion, whatever draws it: MRML charts in Slicer, other plots in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from PCrCESTLib.figures.components import POOL_COLORS
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.scene.spectra import Spectrum

REGION_PPM, POOLS_PPM = (1.0, 4.5), 6.0
WHOLE, REGION, EFFECT, POOLS = "whole", "region", "effect", "pools"
VIEWS = {REGION: "PCr region", WHOLE: "whole spectrum", EFFECT: "effect of PCr", POOLS: "fit and pools"}
MEASURED, MODEL, MARK = "measured", "model", "mark"
BOXED, ESTIMATED, UNCERTAIN = "boxed", "estimated", "uncertain"
COLORS = ((0.10, 0.35, 0.75), (0.80, 0.35, 0.05), (0.20, 0.55, 0.25), (0.50, 0.25, 0.60))
GRAY, NEARLY_BLACK = (0.5, 0.5, 0.5), (0.1, 0.1, 0.1)


class Curve(NamedTuple):
    """One curve of a chart: where NaN stands, the pen is lifted; ``labels`` are shown where the mouse rests.

    ``x`` and ``y`` are (n,), ``color`` red, green and blue from 0 to 1. ``style``: ``MEASURED`` has points and lines,
    ``MODEL`` and ``BOXED`` a line, ``MARK`` a thin dashed one, ``ESTIMATED`` and ``UNCERTAIN`` error bars.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    color: Sequence[float]
    style: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Heading, axes with their units, and curves; a range that is None follows from the curves."""

    title: str
    x_title: str
    y_title: str
    curves: tuple[Curve, ...] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


def spectra_chart(spectra: Sequence[Spectrum], title: str, view: str = WHOLE) -> Chart:
    """Return the chart of Z-spectra.

    Parameters
    ----------
    spectra : sequence of Spectrum
        One a power.
    title : str
        Heading.
    view : str
        ``WHOLE`` or ``REGION`` (the neighborhood of PCr): points measured, lines without PCr. ``EFFECT``: what PCr
        takes away, in percent of M0. ``POOLS``: the fit of the lowest power with what each pool takes from 1, and
        the residual.
    """
    if view == POOLS:
        curves = [curve for s in spectra[:1] for curve in _with_pools(s)]
    else:
        curves = [c for i, s in enumerate(spectra) for c in _with_pcr(s, COLORS[i % len(COLORS)], view)]
        if curves:
            low, high = (float(f([f(c.y) for c in curves])) for f in (min, max))
            at = np.full(2, PCR_PPM)
            curves.append(Curve(f"PCr {PCR_PPM} ppm", at, np.array([low, high]), GRAY, MARK))
    y_title = "effect of PCr (% of M0)" if view == EFFECT else "Z = M/M0"
    return Chart(title, "offset from water (ppm)", y_title, tuple(curves), _shown_ppm(spectra, view))


def _with_pcr(s: Spectrum, color: Sequence[float], view: str) -> Iterator[Curve]:
    """Yield what is seen of PCr at one power."""
    near = (s.offsets_ppm >= REGION_PPM[0]) & (s.offsets_ppm <= REGION_PPM[1]) if view != WHOLE else slice(None)
    x, z, rest = s.offsets_ppm[near], s.z[near], s.rest[near]
    name, seen = f"{s.b1_ut:g} µT", np.isfinite(rest)  # a fit says nothing outside its window
    if view != EFFECT:
        yield Curve(name, x, z, color, MEASURED)
    if seen.any() and view == EFFECT:
        yield Curve(name, x[seen], 100 * (rest - z)[seen], color, MEASURED)
    elif seen.any():
        yield Curve(f"{name} without PCr", x[seen], rest[seen], color, MODEL)


def _with_pools(s: Spectrum) -> Iterator[Curve]:
    """Yield a spectrum and the curves of its fit."""
    yield Curve(f"{s.b1_ut:g} µT", s.offsets_ppm, s.z, COLORS[0], MEASURED)
    lines: dict[str, tuple[np.ndarray, Sequence[float]]] = {"without PCr": (s.rest, COLORS[1])}
    if s.fit is not None:
        lines = {"fit": (s.fit, NEARLY_BLACK), **lines, "residual": (s.z - s.fit, GRAY)}
    lines |= {name: (1 - part, _rgb(POOL_COLORS.get(name, "#999999"))) for name, part in s.parts.items()}
    for name, (y, color) in lines.items():
        known = np.isfinite(y)
        if known.any():
            yield Curve(name, s.offsets_ppm[known], y[known], color, MODEL)


def _shown_ppm(spectra: Sequence[Spectrum], view: str) -> tuple[float, float] | None:
    if not spectra:
        return None
    if view in (REGION, EFFECT):
        return REGION_PPM
    farthest = [float(np.abs(s.offsets_ppm).max()) for s in spectra]
    limit = min(farthest[0], POOLS_PPM) if view == POOLS else max(farthest)
    return -limit, limit


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def motion_chart(frames: Sequence[Mapping[str, Any]], title: str) -> Chart:
    """Return the chart of how far the leg lay from its start, and how alike the frames are before and after.

    Parameters
    ----------
    frames : sequence of mapping
        ``motion.frames`` of a run's record, rows of `FrameMotion`: None for what is not known; of several slices the
        worst is shown.
    title : str
        Heading.
    """
    places = list(dict.fromkeys((frame["series"], frame["frame"]) for frame in frames))
    named = {
        "displacement (mm)": ("displacement_mm", max, COLORS[0]),
        "similarity before": ("similarity_before", min, COLORS[1]),
        "similarity after": ("similarity_after", min, COLORS[2]),
    }
    curves: list[Curve] = []
    for name, (key, worst, color) in named.items():
        values: dict[int, list[float]] = {}
        for frame in frames:
            if frame[key] is not None:
                values.setdefault(places.index((frame["series"], frame["frame"])), []).append(float(frame[key]))
        if values:
            y = np.array([worst(of_slices) for of_slices in values.values()])
            curves.append(Curve(name, np.array([*values], dtype=float), y, color, MODEL))
    axes = ("frame, in the order of the series", "mm, and correlation with the predicted frame")
    return Chart(title, *axes, tuple(curves))


def motion_title(name: str, motion: Mapping[str, Any]) -> str:
    """Heading of the motion of a result, from its name and the ``motion`` of its record."""
    return f"{name}: largest displacement {motion['largest_displacement_mm']:.2g} mm"
