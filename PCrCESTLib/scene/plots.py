"""Charts as nodes: the Z-spectrum under the crosshair or of a muscle, and boxes of a map over the muscles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from PCrCESTLib.figures.components import POOL_COLORS
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.scene.spectra import Spectrum

PLOT = "PCrCEST.Plot"
REGION_PPM, POOLS_PPM = (1.0, 4.5), 6.0
WHOLE, REGION, EFFECT, POOLS = "whole", "region", "effect", "pools"
VIEWS = {REGION: "PCr region", WHOLE: "whole spectrum", EFFECT: "effect of PCr", POOLS: "fit and pools"}
_MEASURED = ((0.10, 0.35, 0.75), (0.80, 0.35, 0.05), (0.20, 0.55, 0.25), (0.50, 0.25, 0.60))


def show_spectra(spectra: Sequence[Spectrum], title: str, view: str = WHOLE) -> Any:
    """Fill the one chart of Z-spectra of the scene; returns the chart node.

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
        return _show_pools(spectra, title)
    chart = _chart("spectrum", "PCrCEST Z-spectrum")
    curves = []
    for i, s in enumerate(spectra):
        color = _MEASURED[i % len(_MEASURED)]
        near = (s.offsets_ppm >= REGION_PPM[0]) & (s.offsets_ppm <= REGION_PPM[1]) if view != WHOLE else slice(None)
        x, z, rest = s.offsets_ppm[near], s.z[near], s.rest[near]
        seen = np.isfinite(rest)  # a fit says nothing outside its window
        known = bool(seen.any())
        if view == EFFECT:
            if known:
                curves.append((f"{s.b1_ut:g} µT", x[seen], 100 * (rest - z)[seen], color, "measured"))
            continue
        curves.append((f"{s.b1_ut:g} µT", x, z, color, "measured"))
        if known:
            curves.append((f"{s.b1_ut:g} µT without PCr", x[seen], rest[seen], color, "model"))
    if curves:
        low, high = (float(f([f(c[2]) for c in curves])) for f in (min, max))
        curves.append((f"PCr {PCR_PPM} ppm", np.full(2, PCR_PPM), np.array([low, high]), (0.5, 0.5, 0.5), "mark"))
    _set_curves(chart, curves)
    chart.SetTitle(title)
    chart.SetXAxisTitle("offset from water (ppm)")
    chart.SetYAxisTitle("effect of PCr (% of M0)" if view == EFFECT else "Z = M/M0")
    if spectra:
        farthest = max(float(np.abs(s.offsets_ppm).max()) for s in spectra)
        chart.SetXAxisRangeAuto(False)
        chart.SetXAxisRange(*(REGION_PPM if view != WHOLE else (-farthest, farthest)))
    return chart


def _show_pools(spectra: Sequence[Spectrum], title: str) -> Any:
    chart = _chart("spectrum", "PCrCEST Z-spectrum")
    curves: list[tuple[str, np.ndarray, np.ndarray, Any, str]] = []
    for s in spectra[:1]:
        x = s.offsets_ppm
        curves.append((f"{s.b1_ut:g} µT", x, s.z, _MEASURED[0], "measured"))
        lines = {"without PCr": (s.rest, _MEASURED[1])}
        if s.fit is not None:
            lines = {"fit": (s.fit, (0.1, 0.1, 0.1)), **lines, "residual": (s.z - s.fit, (0.5, 0.5, 0.5))}
        lines |= {name: (1 - part, _rgb(POOL_COLORS.get(name, "#999999"))) for name, part in s.parts.items()}
        for name, (y, color) in lines.items():
            known = np.isfinite(y)
            if known.any():
                curves.append((name, x[known], y[known], color, "model"))
    _set_curves(chart, curves)
    chart.SetTitle(title)
    chart.SetXAxisTitle("offset from water (ppm)")
    chart.SetYAxisTitle("Z = M/M0")
    if spectra:
        farthest = min(float(np.abs(spectra[0].offsets_ppm).max()), POOLS_PPM)
        chart.SetXAxisRangeAuto(False)
        chart.SetXAxisRange(-farthest, farthest)
    return chart


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def show_boxes(
    values: Mapping[str, np.ndarray], title: str, unit_title: str, colors: Mapping[str, Sequence[float]]
) -> Any:
    """Fill the box chart of the scene: for each muscle median, quartiles, and 5 to 95 % of its voxels.

    Parameters
    ----------
    values : mapping
        Finite values of each muscle, (n_voxels,).
    title, unit_title : str
        Heading; quantity with its unit.
    colors : mapping
        RGB 0–1 of each muscle, that of its outline in the views.
    """
    chart = _chart("boxes", "PCrCEST muscles")
    curves = []
    for i, (name, inside) in enumerate(values.items()):
        if len(inside):
            x, y = _box(i + 1.0, np.percentile(inside, [5, 25, 50, 75, 95]))
            curves.append((f"{i + 1} {name} (n = {len(inside)})", x, y, colors[name], "model"))
    _set_curves(chart, curves)
    chart.SetTitle(title)
    chart.SetXAxisTitle("muscle, numbered as in the legend")
    chart.SetYAxisTitle(unit_title)
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(0.0, len(values) + 1.0)
    return chart


def show_motion(frames: Sequence[Mapping[str, Any]], title: str) -> Any:
    """Fill the chart of motion of the scene from the ``motion`` entry of a run: how far the leg lay from its start.

    Parameters
    ----------
    frames : sequence of mapping
        Rows of `FrameMotion`, None for what is not known; of several slices the worst is shown.
    title : str
        Heading.
    """
    chart = _chart("motion", "PCrCEST motion")
    places = list(dict.fromkeys((frame["series"], frame["frame"]) for frame in frames))
    named = {
        "displacement (mm)": ("displacement_mm", max, _MEASURED[0]),
        "similarity before": ("similarity_before", min, _MEASURED[1]),
        "similarity after": ("similarity_after", min, _MEASURED[2]),
    }
    curves = []
    for name, (key, worst, color) in named.items():
        values: dict[int, list[float]] = {}
        for frame in frames:
            if frame[key] is not None:
                values.setdefault(places.index((frame["series"], frame["frame"])), []).append(float(frame[key]))
        if values:
            y = np.array([worst(of_slices) for of_slices in values.values()])
            curves.append((name, np.array([*values], dtype=float), y, color, "model"))
    _set_curves(chart, curves)
    chart.SetTitle(title)
    chart.SetXAxisTitle("frame, in the order of the series")
    chart.SetYAxisTitle("mm, and correlation with the predicted frame")
    return chart


def _box(x: float, quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One line that draws whiskers, box and median without lifting the pen."""
    low, q1, median, q3, high = quantiles
    left, right = x - 0.3, x + 0.3
    path = [
        (x, low), (x, q1), (left, q1), (left, median), (right, median), (left, median), (left, q3), (x, q3), (x, high),
        (x, q3), (right, q3), (right, q1), (x, q1),
    ]  # fmt: skip
    xs, ys = np.array(path, dtype=float).T
    return xs, ys


def _chart(kind: str, name: str) -> Any:
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLPlotChartNode"):
        if node.GetAttribute(PLOT) == kind:
            return node
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetAttribute(PLOT, kind)
    chart.SetLegendVisibility(True)
    chart.SetGridVisibility(False)
    return chart


def _set_curves(chart: Any, curves: Sequence[tuple[str, np.ndarray, np.ndarray, Any, str]]) -> None:
    """Give the chart exactly these curves, reusing its series and tables (a chart that follows the crosshair)."""
    import slicer

    kept = [chart.GetNthPlotSeriesNode(i) for i in range(chart.GetNumberOfPlotSeriesNodes())]
    for surplus in kept[len(curves) :]:
        chart.RemovePlotSeriesNodeID(surplus.GetID())
        slicer.mrmlScene.RemoveNode(surplus.GetTableNode())
        slicer.mrmlScene.RemoveNode(surplus)
    for i, (name, x, y, color, style) in enumerate(curves):
        series = kept[i] if i < len(kept) else _new_series(chart)
        series.SetName(name)
        _fill(series.GetTableNode(), x, y)
        series.SetColor(*(float(c) for c in color))
        node = slicer.vtkMRMLPlotSeriesNode
        measured = style == "measured"
        series.SetMarkerStyle(node.MarkerStyleCircle if measured else node.MarkerStyleNone)
        series.SetMarkerSize(5)
        series.SetLineStyle(node.LineStyleDash if style == "mark" else node.LineStyleSolid)
        series.SetLineWidth(1.0 if style == "mark" else 2.0)


def _new_series(chart: Any) -> Any:
    import slicer

    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{chart.GetName()} data")
    table.SetHideFromEditors(True)
    series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetXColumnName("x")
    series.SetYColumnName("y")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return series


def _fill(table: Any, x: np.ndarray, y: np.ndarray) -> None:
    import vtk

    table.RemoveAllColumns()
    for name, values in (("x", x), ("y", y)):
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(float(value))
        table.AddColumn(column)
