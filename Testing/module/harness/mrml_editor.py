"""Stand-in for the embedded Segment Editor: nodes, segments, and effects by name."""

from __future__ import annotations

import logging
from typing import Any

from PySide6 import QtCore, QtWidgets

from .mrml_base import MODIFIED, Observations, SceneMixin, node_argument
from .mrml_combobox import qMRMLNodeComboBox
from .mrml_effects import EFFECTS, Effect
from .mrml_segments import SegmentList, observe_segments, segment_ids
from .qt_module import register

INVALID = "qMRMLSegmentEditorWidget: Invalid segment editor parameter set node"


def _visibility(part: str) -> tuple[Any, Any]:
    def get(self: Any) -> bool:
        return not getattr(self, part).isHidden()

    def put(self: Any, value: bool) -> None:
        widget = getattr(self, part)
        if self._form.indexOf(widget) >= 0:
            self._form.setRowVisible(widget, value)
        else:
            widget.setVisible(value)

    return get, put


@register
class qMRMLSegmentEditorWidget(SceneMixin, QtWidgets.QWidget):
    """Works only after ``setMRMLSegmentEditorNode``, as in Slicer."""

    mrmlSceneChanged = QtCore.Signal(object)
    currentSegmentIDChanged = QtCore.Signal(str)
    segmentationNodeChanged = QtCore.Signal(object)
    sourceVolumeNodeChanged = QtCore.Signal(object)
    masterVolumeNodeChanged = QtCore.Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._active: Effect | None = None
        self._order: tuple[str, ...] = EFFECTS
        self._unordered, self._busy = True, False
        self._shown: tuple[Any, ...] = (None, None, "")
        self.shortcuts_installed = False
        self._observed, self._segments = Observations(self), Observations(self)
        self._effects = {name: Effect(self, name) for name in EFFECTS}
        self._build()

    def _build(self) -> None:
        self._segmentations, self._sources = qMRMLNodeComboBox(), qMRMLNodeComboBox()
        self._segmentations.setNodeTypes(["vtkMRMLSegmentationNode"])
        self._sources.setNodeTypes(["vtkMRMLScalarVolumeNode"])
        form = self._form = QtWidgets.QFormLayout()
        for label, box in (("Segmentation:", self._segmentations), ("Source volume:", self._sources)):
            box.setNoneEnabled(True)
            form.addRow(label, box)
        self._add, self._remove = QtWidgets.QPushButton("Add"), QtWidgets.QPushButton("Remove")
        self._edit_buttons = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(self._edit_buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._add)
        row.addWidget(self._remove)
        self._list = SegmentList()
        self._buttons = QtWidgets.QWidget()
        self._grid = QtWidgets.QGridLayout(self._buttons)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        for widget in (self._edit_buttons, self._list, self._buttons):
            layout.addWidget(widget)
        self._segmentations.nodeActivated.connect(self.setSegmentationNode)
        self._sources.nodeActivated.connect(self.setSourceVolumeNode)
        self._add.clicked.connect(self.onAddSegment)
        self._remove.clicked.connect(self.onRemoveSegment)
        self._list.chosen.connect(self.setCurrentSegmentID)
        self.updateEffectList()

    segmentationNodeSelectorVisible, setSegmentationNodeSelectorVisible = _visibility("_segmentations")
    sourceVolumeNodeSelectorVisible, setSourceVolumeNodeSelectorVisible = _visibility("_sources")
    masterVolumeNodeSelectorVisible, setMasterVolumeNodeSelectorVisible = _visibility("_sources")
    addRemoveSegmentButtonsVisible, setAddRemoveSegmentButtonsVisible = _visibility("_edit_buttons")

    def setMRMLScene(self, scene: Any) -> None:
        self._segmentations.setMRMLScene(scene)
        self._sources.setMRMLScene(scene)
        SceneMixin.setMRMLScene(self, scene)

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._observed.clear()
        self._node = node
        if node is not None:
            self._observed.add(node, MODIFIED, self.updateWidgetFromMRML)
        self.updateWidgetFromMRML()

    def _update(self) -> None:
        if self._node is not None and self._scene is not None and not self._scene.IsNodePresent(self._node):
            self.setActiveEffect(None)
            self.setMRMLSegmentEditorNode(None)
        self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self) -> None:
        if self._busy:
            return
        segmentation, source, segment = self.segmentationNode(), self.sourceVolumeNode(), ""
        before = self._shown
        if segmentation is not before[0]:
            observe_segments(self._segments, segmentation, self.updateWidgetFromMRML)
        if segmentation is not None:
            ids, segment = segment_ids(segmentation), self._node.GetSelectedSegmentID() or ""
            if segment not in ids:
                segment = ids[0] if ids else ""
                self._busy = True
                self._node.SetSelectedSegmentID(segment)
                self._busy = False
        self._shown = (segmentation, source, segment)
        for box, node in ((self._segmentations, segmentation), (self._sources, source)):
            box.setCurrentNode(node)
        self._list.fill(segmentation, segment)
        ready = segmentation is not None and source is not None
        self._buttons.setEnabled(ready and bool(segment))
        self._add.setEnabled(ready)
        self._remove.setEnabled(bool(segment))
        if segmentation is not before[0]:
            self.segmentationNodeChanged.emit(segmentation)
        if source is not before[1]:
            self.sourceVolumeNodeChanged.emit(source)
            self.masterVolumeNodeChanged.emit(source)
        if segment != before[2]:
            self.currentSegmentIDChanged.emit(segment)

    def segmentationNode(self) -> Any:
        return self._node.GetSegmentationNode() if self._node is not None else None

    def segmentationNodeID(self) -> str:
        return self.segmentationNode().GetID() if self.segmentationNode() else ""

    def setSegmentationNode(self, node: Any) -> None:
        if self._node is None:
            logging.getLogger("harness").error("%s (setSegmentationNode)", INVALID)
            return
        self._node.SetAndObserveSegmentationNode(node_argument(self._scene, node))

    setSegmentationNodeID = setSegmentationNode

    def sourceVolumeNode(self) -> Any:
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def sourceVolumeNodeID(self) -> str:
        return self.sourceVolumeNode().GetID() if self.sourceVolumeNode() else ""

    def setSourceVolumeNode(self, node: Any) -> None:
        if self._node is None:
            logging.getLogger("harness").error("%s (setSourceVolumeNode)", INVALID)
            return
        self._node.SetAndObserveSourceVolumeNode(node_argument(self._scene, node))

    setSourceVolumeNodeID = setSourceVolumeNode
    masterVolumeNode, masterVolumeNodeID = sourceVolumeNode, sourceVolumeNodeID
    setMasterVolumeNode = setMasterVolumeNodeID = setSourceVolumeNode

    def currentSegmentID(self) -> str:
        return self._node.GetSelectedSegmentID() or "" if self._node is not None else ""

    def setCurrentSegmentID(self, segment_id: str) -> None:
        if self._node is not None:
            self._node.SetSelectedSegmentID(segment_id)

    def onAddSegment(self) -> None:
        segmentation = self.segmentationNode()
        if segmentation is not None:
            self.setCurrentSegmentID(segmentation.GetSegmentation().AddEmptySegment())

    def onRemoveSegment(self) -> None:
        if self.currentSegmentID():
            self.segmentationNode().GetSegmentation().RemoveSegment(self.currentSegmentID())

    def selectSegmentAtOffset(self, offset: int) -> None:
        ids = segment_ids(self.segmentationNode())
        if self.currentSegmentID() in ids:
            self.setCurrentSegmentID(ids[(ids.index(self.currentSegmentID()) + offset) % len(ids)])

    def selectNextSegment(self) -> None:
        self.selectSegmentAtOffset(1)

    def selectPreviousSegment(self) -> None:
        self.selectSegmentAtOffset(-1)

    def availableEffectNames(self) -> list[str]:
        return list(EFFECTS)

    def effectCount(self) -> int:
        return len(EFFECTS)

    def effectByName(self, name: str) -> Effect | None:
        return self._effects.get(name)

    def activeEffect(self) -> Effect | None:
        return self._active

    def setActiveEffect(self, effect: Effect | None) -> None:
        self._active = effect
        if self._node is not None:
            self._node.SetActiveEffectName(effect.name if effect else "")
        for index in range(self._grid.count()):
            button = self._grid.itemAt(index).widget()
            button.setChecked(effect is not None and button.text() == effect.name)

    def setActiveEffectByName(self, name: str) -> None:
        self.setActiveEffect(self._effects.get(name))

    def effectNameOrder(self) -> tuple[str, ...]:
        return self._order

    def setEffectNameOrder(self, names: Any) -> None:
        self._order = tuple(names)
        self.updateEffectList()

    def unorderedEffectsVisible(self) -> bool:
        return self._unordered

    def setUnorderedEffectsVisible(self, value: bool) -> None:
        self._unordered = value
        self.updateEffectList()

    def updateEffectList(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0).widget().deleteLater()
        names = [name for name in self._order if name in EFFECTS]
        names += [name for name in EFFECTS if self._unordered and name not in names]
        for index, name in enumerate(names):
            button = QtWidgets.QToolButton()
            button.setText(name)
            button.setCheckable(True)
            button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda on, name=name: self.setActiveEffectByName(name if on else ""))
            self._grid.addWidget(button, index // 3, index % 3)

    def installKeyboardShortcuts(self, widget: Any = None) -> None:
        self.shortcuts_installed = True

    def uninstallKeyboardShortcuts(self) -> None:
        self.shortcuts_installed = False


def _nothing(self: Any, *args: Any) -> None:
    """Concerns views that the harness does not have."""


for _name in ("setupViewObservations", "removeViewObservations", "turnOffLightboxes", "jumpSlices",
              "rotateSliceViewsToSegmentation", "showSourceVolumeInSliceViewers", "pauseRender",
              "resumeRender", "saveStateForUndo", "showMasterVolumeInSliceViewers"):  # fmt: skip
    setattr(qMRMLSegmentEditorWidget, _name, _nothing)
