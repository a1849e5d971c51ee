"""Stand-ins for the segment selector and the segments table, on real segmentation nodes."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .mrml_base import MODIFIED, Observations, SceneMixin
from .mrml_combobox import qMRMLNodeComboBox
from .qt_module import register

Qt = QtCore.Qt


def segment_ids(node: Any) -> list[str]:
    """IDs of a segmentation node's segments, in order."""
    segmentation = node.GetSegmentation() if node is not None else None
    count = segmentation.GetNumberOfSegments() if segmentation is not None else 0
    return [segmentation.GetNthSegmentID(index) for index in range(count)]


def observe_segments(observed: Observations, node: Any, method: Any) -> None:
    """Follow a segmentation node's list of segments."""
    observed.clear()
    if node is None:
        return
    observed.add(node, MODIFIED, method)
    segmentation = node.GetSegmentation()
    for event in ("SegmentAdded", "SegmentRemoved", "SegmentModified", "SegmentsOrderModified"):
        observed.add(segmentation, getattr(segmentation, event), method)


class SegmentList(QtWidgets.QTableWidget):
    """Colour and name of each segment."""

    chosen = QtCore.Signal(str)

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.ids: list[str] = []
        self.setHorizontalHeaderLabels(["", "Name"])
        self.verticalHeader().hide()
        self.setColumnWidth(0, 24)
        self.horizontalHeader().setStretchLastSection(True)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setMinimumHeight(90)
        self.itemSelectionChanged.connect(self._changed)

    def fill(self, node: Any, selected: str) -> None:
        """Show the segments and mark one, without a signal."""
        self.blockSignals(True)
        self.ids = segment_ids(node)
        self.setRowCount(len(self.ids))
        for row, segment_id in enumerate(self.ids):
            segment = node.GetSegmentation().GetSegment(segment_id)
            patch = QtWidgets.QTableWidgetItem()
            patch.setBackground(QtGui.QColor.fromRgbF(*segment.GetColor()))
            self.setItem(row, 0, patch)
            self.setItem(row, 1, QtWidgets.QTableWidgetItem(segment.GetName() or ""))
        if selected in self.ids:
            self.selectRow(self.ids.index(selected))
        else:
            self.clearSelection()
        self.blockSignals(False)

    def selected(self) -> list[str]:
        """IDs of the marked rows."""
        rows = {index.row() for index in self.selectedIndexes()}
        return [segment_id for row, segment_id in enumerate(self.ids) if row in rows]

    def _changed(self) -> None:
        chosen = self.selected()
        if chosen:
            self.chosen.emit(chosen[0])


@register
class qMRMLSegmentsTableView(SceneMixin, QtWidgets.QWidget):
    """Table of the segments of one node."""

    mrmlSceneChanged = QtCore.Signal(object)
    selectionChanged = QtCore.Signal(object, object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._observed = Observations(self)
        self._list = SegmentList()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        self._list.selectionModel().selectionChanged.connect(self.selectionChanged)

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        self._node = node
        observe_segments(self._observed, node, self._refill)
        self._refill()

    def _refill(self) -> None:
        self._list.fill(self._node, next(iter(self._list.selected()), ""))

    def _update(self) -> None:
        if self._node is not None and self._scene is not None and not self._scene.IsNodePresent(self._node):
            self.setSegmentationNode(None)

    def segmentCount(self) -> int:
        return len(self._list.ids)

    def displayedSegmentIDs(self) -> list[str]:
        return self._list.ids

    def selectedSegmentIDs(self) -> list[str]:
        return self._list.selected()

    def setSelectedSegmentIDs(self, ids: Any) -> None:
        self._list.clearSelection()
        flags = QtCore.QItemSelectionModel.SelectionFlag
        for segment_id in ids:
            row = self._list.model().index(self._list.ids.index(segment_id), 0)
            self._list.selectionModel().select(row, flags.Select | flags.Rows)

    def clearSelection(self) -> None:
        self._list.clearSelection()

    def rowForSegmentID(self, segment_id: str) -> int:
        return self._list.ids.index(segment_id) if segment_id in self._list.ids else -1

    def segmentIDForRow(self, row: int) -> str:
        return self._list.ids[row] if 0 <= row < len(self._list.ids) else ""

    def tableWidget(self) -> Any:
        return self._list

    def setHeaderVisible(self, value: bool) -> None:
        self._list.horizontalHeader().setVisible(value)

    def headerVisible(self) -> bool:
        return not self._list.horizontalHeader().isHidden()


@register
class qMRMLSegmentSelectorWidget(SceneMixin, QtWidgets.QWidget):
    """A segmentation node and one of its segments."""

    mrmlSceneChanged = QtCore.Signal(object)
    currentNodeChanged = QtCore.Signal(object)
    currentSegmentChanged = QtCore.Signal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._observed = Observations(self)
        self._ids: list[str] = []
        self._segment = ""
        self.nodes = qMRMLNodeComboBox()
        self.nodes.setNodeTypes(["vtkMRMLSegmentationNode"])
        self.nodes.setNoneEnabled(True)
        self.nodes.setAddEnabled(False)
        self.segments = QtWidgets.QComboBox()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.nodes)
        layout.addWidget(self.segments)
        self.nodes.currentNodeChanged.connect(self._node_changed)
        self.segments.activated.connect(self._chosen)

    def setMRMLScene(self, scene: Any) -> None:
        self.nodes.setMRMLScene(scene)
        SceneMixin.setMRMLScene(self, scene)

    def currentNode(self) -> Any:
        return self.nodes.currentNode()

    def currentNodeID(self) -> str:
        return self.nodes.currentNodeID()

    def setCurrentNode(self, node: Any) -> None:
        self.nodes.setCurrentNode(node)

    def setCurrentNodeID(self, node_id: str) -> None:
        self.nodes.setCurrentNodeID(node_id)

    def segmentIDs(self) -> list[str]:
        return self._ids

    def currentSegmentID(self) -> str:
        return self._segment

    def setCurrentSegmentID(self, segment_id: str) -> None:
        segment_id = segment_id if segment_id in self._ids else ""
        self.segments.setCurrentIndex(self._ids.index(segment_id) + 1 if segment_id else 0)
        if segment_id != self._segment:
            self._segment = segment_id
            self.currentSegmentChanged.emit(segment_id)

    def noneEnabled(self) -> bool:
        return self.nodes.noneEnabled()

    def setNoneEnabled(self, value: bool) -> None:
        self.nodes.setNoneEnabled(value)

    def segmentationNodeSelectorVisible(self) -> bool:
        return not self.nodes.isHidden()

    def setSegmentationNodeSelectorVisible(self, value: bool) -> None:
        self.nodes.setVisible(value)

    def _node_changed(self, node: Any) -> None:
        observe_segments(self._observed, node, self._refill)
        self._refill()
        self.currentNodeChanged.emit(node)

    def _refill(self) -> None:
        node = self.currentNode()
        self._ids = segment_ids(node)
        self.segments.clear()
        self.segments.addItem("Select a segment...")
        for segment_id in self._ids:
            self.segments.addItem(node.GetSegmentation().GetSegment(segment_id).GetName())
        self.setCurrentSegmentID(self._segment)

    def _chosen(self, index: int) -> None:
        self.setCurrentSegmentID(self._ids[index - 1] if index > 0 else "")
