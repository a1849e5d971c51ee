"""Charts as nodes: the Z-spectrum under the crosshair or of a muscle, and the motion of the frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from PCrCESTLib.figures.components import POOL_COLORS
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.scene.spectra import Spectrum

PLOT = "PCrCEST.Plot"
REGION_PPM, POOLS_PPM = (1.0, 4.5), 6.0
WHOLE, REGION, EFFECT, POOLS = "whole", "region", "effect", "pools"
VIEWS = {REGION: "PCr region", WHOLE: "whole spectrum", EFFECT: "effect of PCr", POOLS: "fit and pools"}
MEASURED, MODEL, MARK = "measured", "model", "mark"
BOXED, ESTIMATED, UNCERTAIN = "boxed", "estimated", "uncertain"
COLORS = ((0.10, 0.35, 0.75), (0.80, 0.35, 0.05), (0.20, 0.55, 0.25), (0.50, 0.25, 0.60))


class Curve(NamedTuple):
    """One curve of a chart: where NaN stands, the pen is lifted; ``labels`` are shown where the mouse rests."""

    name: str
    x: np.ndarray
    y: np.ndarray
    color: Sequence[float]
    style: str
    labels: tuple[str, ...] = ()


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
    chart = chart_node("spectrum", "PCrCEST Z-spectrum")
    curves: list[Curve] = []
    for i, s in enumerate(spectra):
        color = COLORS[i % len(COLORS)]
        near = (s.offsets_ppm >= REGION_PPM[0]) & (s.offsets_ppm <= REGION_PPM[1]) if view != WHOLE else slice(None)
        x, z, rest = s.offsets_ppm[near], s.z[near], s.rest[near]
        seen = np.isfinite(rest)  # a fit says nothing outside its window
        known = bool(seen.any())
        if view == EFFECT:
            if known:
                curves.append(Curve(f"{s.b1_ut:g} µT", x[seen], 100 * (rest - z)[seen], color, MEASURED))
            continue
        curves.append(Curve(f"{s.b1_ut:g} µT", x, z, color, MEASURED))
        if known:
            curves.append(Curve(f"{s.b1_ut:g} µT without PCr", x[seen], rest[seen], color, MODEL))
    if curves:
        low, high = (float(f([f(c.y) for c in curves])) for f in (min, max))
        curves.append(Curve(f"PCr {PCR_PPM} ppm", np.full(2, PCR_PPM), np.array([low, high]), (0.5, 0.5, 0.5), MARK))
    set_curves(chart, curves)
    chart.SetTitle(title)
    chart.SetXAxisTitle("offset from water (ppm)")
    chart.SetYAxisTitle("effect of PCr (% of M0)" if view == EFFECT else "Z = M/M0")
    if spectra:
        farthest = max(float(np.abs(s.offsets_ppm).max()) for s in spectra)
        chart.SetXAxisRangeAuto(False)
        chart.SetXAxisRange(*(REGION_PPM if view != WHOLE else (-farthest, farthest)))
    return chart


def _show_pools(spectra: Sequence[Spectrum], title: str) -> Any:
    chart = chart_node("spectrum", "PCrCEST Z-spectrum")
    curves: list[Curve] = []
    for s in spectra[:1]:
        x = s.offsets_ppm
        curves.append(Curve(f"{s.b1_ut:g} µT", x, s.z, COLORS[0], MEASURED))
        lines = {"without PCr": (s.rest, COLORS[1])}
        if s.fit is not None:
            lines = {"fit": (s.fit, (0.1, 0.1, 0.1)), **lines, "residual": (s.z - s.fit, (0.5, 0.5, 0.5))}
        lines |= {name: (1 - part, _rgb(POOL_COLORS.get(name, "#999999"))) for name, part in s.parts.items()}
        for name, (y, color) in lines.items():
            known = np.isfinite(y)
            if known.any():
                curves.append(Curve(name, x[known], y[known], color, MODEL))
    set_curves(chart, curves)
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


def show_motion(frames: Sequence[Mapping[str, Any]], title: str) -> Any:
    """Fill the chart of motion of the scene from the ``motion`` entry of a run: how far the leg lay from its start.

    Parameters
    ----------
    frames : sequence of mapping
        Rows of `FrameMotion`, None for what is not known; of several slices the worst is shown.
    title : str
        Heading.
    """
    chart = chart_node("motion", "PCrCEST motion")
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
    set_curves(chart, curves)
    chart.SetTitle(title)
    chart.SetXAxisTitle("frame, in the order of the series")
    chart.SetYAxisTitle("mm, and correlation with the predicted frame")
    return chart


def chart_node(kind: str, name: str) -> Any:
    """Return the one chart of a kind that the scene has, made where it has none."""
    import slicer

    for node in slicer.util.getNodesByClass("vtkMRMLPlotChartNode"):
        if node.GetAttribute(PLOT) == kind:
            return node
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetAttribute(PLOT, kind)
    chart.SetLegendVisibility(True)
    chart.SetGridVisibility(False)
    return chart


def set_curves(chart: Any, curves: Sequence[Curve]) -> None:
    """Give the chart exactly these curves, reusing its series and tables (a chart that follows the crosshair)."""
    import slicer

    kept = [chart.GetNthPlotSeriesNode(i) for i in range(chart.GetNumberOfPlotSeriesNodes())]
    for surplus in kept[len(curves) :]:
        chart.RemovePlotSeriesNodeID(surplus.GetID())
        slicer.mrmlScene.RemoveNode(surplus.GetTableNode())
        slicer.mrmlScene.RemoveNode(surplus)
    node = slicer.vtkMRMLPlotSeriesNode
    markers = {
        MEASURED: node.MarkerStyleCircle,
        ESTIMATED: node.MarkerStylePlus,
        UNCERTAIN: node.MarkerStyleCross,
    }
    for i, curve in enumerate(curves):
        series = kept[i] if i < len(kept) else _new_series(chart)
        series.SetName(curve.name)
        _fill(series.GetTableNode(), curve)
        series.SetLabelColumnName("of" if curve.labels else "")
        series.SetColor(*(float(c) for c in curve.color))
        series.SetMarkerStyle(markers.get(curve.style, node.MarkerStyleNone))
        series.SetMarkerSize(5 if curve.style == MEASURED else 8)
        series.SetLineStyle(node.LineStyleDash if curve.style == MARK else node.LineStyleSolid)
        series.SetLineWidth(1.0 if curve.style == MARK else 2.0)


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


def _fill(table: Any, curve: Curve) -> None:
    import vtk

    table.RemoveAllColumns()
    for name, values in (("x", curve.x), ("y", curve.y)):
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(float(value))
        table.AddColumn(column)
    if curve.labels:
        labels = vtk.vtkStringArray()
        labels.SetName("of")
        for text in curve.labels:
            labels.InsertNextValue(text)
        table.AddColumn(labels)
