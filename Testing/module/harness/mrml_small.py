"""Stand-ins for small qMRML widgets: sequence player, threshold, slider, colour table selector."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from .ctk_values import ctkRangeWidget, ctkSliderWidget
from .mrml_base import MODIFIED, Observations, SceneMixin, node_argument
from .mrml_combobox import qMRMLNodeComboBox
from .qt_module import register


@register
class qMRMLSliderWidget(SceneMixin, ctkSliderWidget):
    """A slider with units."""


@register
class qMRMLRangeWidget(SceneMixin, ctkRangeWidget):
    """A range with units."""


@register
class qMRMLSpinBox(SceneMixin, QtWidgets.QDoubleSpinBox):
    """A spin box with units."""


@register
class qMRMLColorTableComboBox(qMRMLNodeComboBox):
    """A selector of colour tables."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setNodeTypes(["vtkMRMLColorNode"])
        for setter in (self.setAddEnabled, self.setRemoveEnabled):
            setter(False)
        self.setShowHidden(True)


@register
class qMRMLSequenceBrowserPlayWidget(SceneMixin, QtWidgets.QWidget):
    """Steps through a sequence."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        steps = {"|<": self.onVcrFirst, "<": self.onVcrPrevious, ">": self.onVcrNext, ">|": self.onVcrLast}
        for text, step in steps.items():
            button = QtWidgets.QToolButton()
            button.setText(text)
            button.clicked.connect(step)
            layout.addWidget(button)
        layout.addStretch()

    def setMRMLSequenceBrowserNode(self, node: Any) -> None:
        self._node = node_argument(self._scene, node)
        self.setEnabled(self._node is not None)

    def onVcrFirst(self) -> None:
        self._node.SelectFirstItem()

    def onVcrLast(self) -> None:
        self._node.SelectLastItem()

    def onVcrNext(self) -> None:
        self._node.SelectNextItem(1)

    def onVcrPrevious(self) -> None:
        self._node.SelectNextItem(-1)

    def setPlaybackEnabled(self, value: bool) -> None:
        self._node.SetPlaybackActive(value)

    def setPlaybackRateFps(self, value: float) -> None:
        self._node.SetPlaybackRateFps(value)


@register
class qMRMLVolumeThresholdWidget(QtWidgets.QWidget):
    """The display threshold of a volume."""

    thresholdValuesChanged = QtCore.Signal(float, float)
    Off, Auto, Manual = -1, 0, 1

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._observed = Observations(self)
        self._range = ctkRangeWidget()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._range)
        self._range.valuesChanged.connect(self.setThreshold)

    def _display(self) -> Any:
        return self._node.GetDisplayNode() if self._node is not None else None

    def mrmlVolumeNode(self) -> Any:
        return self._node

    def setMRMLVolumeNode(self, node: Any) -> None:
        self._observed.clear()
        self._node = node
        if self._display() is not None:
            low, high = node.GetImageData().GetScalarRange()
            self._range.setRange(min(low, self.lowerThreshold()), max(high, self.upperThreshold()))
            self._observed.add(self._display(), MODIFIED, self._show)
            self._show()

    def _show(self) -> None:
        self._range.setValues(self.lowerThreshold(), self.upperThreshold())

    def lowerThreshold(self) -> float:
        return self._display().GetLowerThreshold() if self._display() is not None else 0.0

    def upperThreshold(self) -> float:
        return self._display().GetUpperThreshold() if self._display() is not None else 0.0

    def setLowerThreshold(self, value: float) -> None:
        self.setThreshold(value, self.upperThreshold())

    def setUpperThreshold(self, value: float) -> None:
        self.setThreshold(self.lowerThreshold(), value)

    def setThreshold(self, low: float, high: float) -> None:
        display = self._display()
        if display is None or (low, high) == (self.lowerThreshold(), self.upperThreshold()):
            return
        display.SetThreshold(low, high)
        self.thresholdValuesChanged.emit(low, high)

    def autoThreshold(self) -> int:
        display = self._display()
        if display is None or not display.GetApplyThreshold():
            return self.Off
        return self.Auto if display.GetAutoThreshold() else self.Manual

    def setAutoThreshold(self, value: int) -> None:
        display = self._display()
        if display is not None:
            display.SetApplyThreshold(value != self.Off)
            display.SetAutoThreshold(value == self.Auto)
