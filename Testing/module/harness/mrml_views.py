"""Stand-ins for the table view and the plot view: they show what the nodes hold."""

from __future__ import annotations

import math
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .mrml_base import MODIFIED, Observations, SceneMixin, node_argument
from .qt_module import register

Qt = QtCore.Qt
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")


@register
class qMRMLTableView(SceneMixin, QtWidgets.QTableWidget):
    """Cells of a table node."""

    mrmlSceneChanged = QtCore.Signal(object)
    selectionChanged = QtCore.Signal()

    def __init__(self, parent: Any = None) -> None:
        QtWidgets.QTableWidget.__init__(self, parent)
        self._table = self._view = None
        self._first_row = self._first_column = self._transposed = False
        self._observed = Observations(self)
        self.itemChanged.connect(self._edited)

    def mrmlTableNode(self) -> Any:
        return self._table

    def setMRMLTableNode(self, node: Any) -> None:
        self._observed.clear()
        self._table = node
        if node is not None:
            self._observed.add(node, MODIFIED, self._fill)
        self._fill()

    def mrmlTableViewNode(self) -> Any:
        return self._view

    def setMRMLTableViewNode(self, node: Any) -> None:
        self._view = node
        self.setMRMLTableNode(node.GetTableNode() if node is not None else None)

    def firstRowLocked(self) -> bool:
        return self._first_row

    def setFirstRowLocked(self, value: bool) -> None:
        self._first_row = value

    def firstColumnLocked(self) -> bool:
        return self._first_column

    def setFirstColumnLocked(self, value: bool) -> None:
        self._first_column = value

    def _update(self) -> None:
        if self._scene is not None and self._table is not None and not self._scene.IsNodePresent(self._table):
            self.setMRMLTableNode(None)

    def _fill(self) -> None:
        node = self._table
        self.blockSignals(True)
        self.setColumnCount(node.GetNumberOfColumns() if node else 0)
        self.setRowCount(node.GetNumberOfRows() if node else 0)
        if node is not None:
            columns = range(node.GetNumberOfColumns())
            self.setHorizontalHeaderLabels([node.GetColumnName(column) or "" for column in columns])
            for row in range(node.GetNumberOfRows()):
                for column in columns:
                    item = QtWidgets.QTableWidgetItem(node.GetCellText(row, column))
                    if node.GetLocked():
                        item.setFlags(Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled)
                    self.setItem(row, column, item)
        self.blockSignals(False)

    def _edited(self, item: QtWidgets.QTableWidgetItem) -> None:
        if self._table is not None:
            self._table.SetCellText(item.row(), item.column(), item.text())


def series_of(chart: Any) -> list[dict[str, Any]]:
    """Return what a chart node shows: name, x, y, colour, line or markers, of each series."""
    out = []
    for index in range(chart.GetNumberOfPlotSeriesNodes() if chart is not None else 0):
        node = chart.GetNthPlotSeriesNode(index)
        table = node.GetTableNode() if node is not None else None
        y = table.GetTable().GetColumnByName(node.GetYColumnName() or "") if table is not None else None
        if y is None:
            continue
        x = table.GetTable().GetColumnByName(node.GetXColumnName() or "")
        count = range(y.GetNumberOfTuples())
        scatter = node.GetPlotType() in (node.PlotTypeScatter, node.PlotTypeScatterBar)
        color = QtGui.QColor.fromRgbF(*node.GetColor())
        out.append(
            {
                "name": node.GetName(),
                "x": [x.GetTuple1(i) if x is not None and scatter else float(i) for i in count],
                "y": [y.GetTuple1(i) for i in count],
                "color": color if color != QtGui.QColor(0, 0, 0) else QtGui.QColor(COLORS[index % 6]),
                "line": node.GetLineStyle() != node.LineStyleNone,
                "marker": node.GetMarkerStyleAsString(node.GetMarkerStyle()),
                "width": node.GetLineWidth(),
            }
        )
    return out


@register
class qMRMLPlotView(SceneMixin, QtWidgets.QWidget):
    """Draws a chart node's series: lines, markers, axes, titles."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._view: Any = None
        self._title = ""
        self._observed = Observations(self)
        self.setMinimumSize(120, 100)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._view = node_argument(self._scene, node)
        self._observe()

    def _update(self) -> None:
        if self._view is not None and self._scene is not None and not self._scene.IsNodePresent(self._view):
            self._view = None
        self._observe()

    def _observe(self) -> None:
        self._observed.clear()
        chart = self.chart_node()
        subjects = [self._view, chart]
        for index in range(chart.GetNumberOfPlotSeriesNodes() if chart is not None else 0):
            series = chart.GetNthPlotSeriesNode(index)
            subjects += [series, series.GetTableNode()] if series is not None else []
        for subject in subjects:
            if subject is not None:
                self._observed.add(subject, MODIFIED, self._observe)
        self.update()

    def chart_node(self) -> Any:
        """Return the chart node shown (for tests)."""
        return self._view.GetPlotChartNode() if self._view is not None else None

    def title(self) -> str:
        return self._title

    def setTitle(self, value: str) -> None:
        self._title = value

    def fitToContent(self) -> None:
        self.update()

    def paintEvent(self, event: Any) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        chart = self.chart_node()
        if chart is not None:
            _draw(painter, self.rect().adjusted(58, 24, -12, -42), chart, series_of(chart))
        painter.end()


def _limits(values: list[float], auto: bool, fixed: tuple[float, float]) -> tuple[float, float]:
    if not auto:
        return fixed
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _ticks(limits: tuple[float, float]) -> list[float]:
    """Round numbers between two limits, four to nine of them."""
    low, high = limits
    rough = (high - low) / 9
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= rough)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _mark(painter: QtGui.QPainter, at: QtCore.QPointF, style: str) -> None:
    if style == "circle":
        painter.drawEllipse(at, 3, 3)
    diagonal = {"plus": [(4, 0), (0, 4)], "cross": [(4, 4), (4, -4)]}.get(style, [])
    for x, y in diagonal:
        painter.drawLine(at - QtCore.QPointF(x, y), at + QtCore.QPointF(x, y))


def _draw(painter: QtGui.QPainter, area: QtCore.QRect, chart: Any, series: list[dict[str, Any]]) -> None:
    x_range = _limits([v for s in series for v in s["x"]], chart.GetXAxisRangeAuto(), chart.GetXAxisRange())
    y_range = _limits([v for s in series for v in s["y"]], chart.GetYAxisRangeAuto(), chart.GetYAxisRange())

    def point(x: float, y: float) -> QtCore.QPointF:
        return QtCore.QPointF(
            area.left() + (x - x_range[0]) / (x_range[1] - x_range[0]) * area.width(),
            area.bottom() - (y - y_range[0]) / (y_range[1] - y_range[0]) * area.height(),
        )

    painter.setPen(QtGui.QPen(QtGui.QColor("#444444"), 1))
    painter.drawRect(area)
    middle = Qt.AlignmentFlag.AlignCenter
    for x in _ticks(x_range):
        at = point(x, y_range[0]).toPoint()
        painter.drawText(at.x() - 30, area.bottom() + 3, 60, 14, middle, f"{x:.3g}")
    for y in _ticks(y_range):
        at = point(x_range[0], y).toPoint()
        painter.drawText(at.x() - 44, at.y() - 7, 40, 14, Qt.AlignmentFlag.AlignRight, f"{y:.3g}")
    if chart.GetTitleVisibility():
        painter.drawText(area.left(), 2, area.width(), 18, middle, chart.GetTitle() or "")
    if chart.GetXAxisTitleVisibility():
        painter.drawText(
            area.left(), area.bottom() + 20, area.width(), 16, middle, chart.GetXAxisTitle() or ""
        )
    if chart.GetYAxisTitleVisibility():
        painter.save()
        painter.translate(2, area.bottom())
        painter.rotate(-90)
        painter.drawText(0, 0, area.height(), 14, middle, chart.GetYAxisTitle() or "")
        painter.restore()
    for row, entry in enumerate(series):
        strokes: list[list[QtCore.QPointF]] = [[]]
        for x, y in zip(entry["x"], entry["y"], strict=True):
            if math.isfinite(x) and math.isfinite(y):
                strokes[-1].append(point(x, y))
            else:
                strokes.append([])  # VTK lifts the pen there
        painter.setPen(QtGui.QPen(entry["color"], max(1.0, entry["width"])))
        painter.setBrush(entry["color"])
        for points in strokes:
            if entry["line"]:
                painter.drawPolyline(points)
            for at in points:
                _mark(painter, at, entry["marker"])
        if chart.GetLegendVisibility():
            top = area.top() + 4 + 15 * row
            painter.drawText(
                area.left() + 8, top, area.width() - 16, 14, Qt.AlignmentFlag.AlignRight, entry["name"]
            )
