"""Charts as nodes of the scene: spectra, motion and boxes as MRML plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PCrCESTLib.scene.charts import (
    ESTIMATED,
    MARK,
    MEASURED,
    UNCERTAIN,
    WHOLE,
    Chart,
    Curve,
    motion_chart,
    spectra_chart,
)
from PCrCESTLib.scene.spectra import Spectrum

PLOT = "PCrCEST.Plot"


def show_spectra(spectra: Sequence[Spectrum], title: str, view: str = WHOLE) -> Any:
    """Fill the one chart of Z-spectra of the scene as `spectra_chart` says; returns the chart node."""
    return fill(chart_node("spectrum", "PCrCEST Z-spectrum"), spectra_chart(spectra, title, view))


def show_motion(frames: Sequence[Mapping[str, Any]], title: str) -> Any:
    """Fill the one chart of motion of the scene as `motion_chart` says; returns the chart node."""
    return fill(chart_node("motion", "PCrCEST motion"), motion_chart(frames, title))


def fill(node: Any, chart: Chart) -> Any:
    """Let a chart node show a chart; returns the node. A range that the chart leaves open stays as it was."""
    set_curves(node, chart.curves)
    node.SetTitle(chart.title)
    node.SetXAxisTitle(chart.x_title)
    node.SetYAxisTitle(chart.y_title)
    if chart.x_range is not None:
        node.SetXAxisRangeAuto(False)
        node.SetXAxisRange(*chart.x_range)
    if chart.y_range is not None:
        node.SetYAxisRangeAuto(False)
        node.SetYAxisRange(*chart.y_range)
    return node


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
        _fill_table(series.GetTableNode(), curve)
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


def _fill_table(table: Any, curve: Curve) -> None:
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
