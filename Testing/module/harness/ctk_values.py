"""Stand-ins for CTK's number, range and path widgets."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from .journal import JOURNAL
from .qt_module import register

Qt = QtCore.Qt
TICKS = 1000


@register
class ctkDoubleSpinBox(QtWidgets.QDoubleSpinBox):
    """A spin box for decimals."""

    setValueIfDifferent = QtWidgets.QDoubleSpinBox.setValue
    setValueAlways = QtWidgets.QDoubleSpinBox.setValue


def _row(owner: QtWidgets.QWidget, *widgets: QtWidgets.QWidget) -> None:
    layout = QtWidgets.QHBoxLayout(owner)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)


def _hidden(widget: QtWidgets.QWidget) -> QtWidgets.QWidget:
    widget.setObjectName("")
    return widget


@register
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box."""

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._slider = _hidden(QtWidgets.QSlider(Qt.Orientation.Horizontal))
        self._slider.setRange(0, TICKS)
        self._box = _hidden(ctkDoubleSpinBox())
        _row(self, self._slider, self._box)
        self._page = 10.0
        self._slider.valueChanged.connect(self._slid)
        self._box.valueChanged.connect(self._typed)
        for name in ("minimum", "maximum", "value", "singleStep", "decimals", "prefix", "suffix"):
            setattr(self, name, getattr(self._box, name))
        for name in ("setValue", "setSingleStep", "setDecimals", "setPrefix", "setSuffix"):
            setattr(self, name, getattr(self._box, name))
        self.setRange(0.0, 100.0)
        self.setSingleStep(1.0)

    # Declared on the class too, because properties are looked up there.
    def minimum(self) -> float: ...
    def maximum(self) -> float: ...
    def value(self) -> float: ...
    def singleStep(self) -> float: ...
    def decimals(self) -> int: ...
    def prefix(self) -> str: ...
    def suffix(self) -> str: ...

    def setRange(self, low: float, high: float) -> None:
        self._box.setRange(low, high)
        self._follow()

    def setMinimum(self, value: float) -> None:
        self._box.setMinimum(value)
        self._follow()

    def setMaximum(self, value: float) -> None:
        self._box.setMaximum(value)
        self._follow()

    def spinBoxVisible(self) -> bool:
        return not self._box.isHidden()

    def setSpinBoxVisible(self, value: bool) -> None:
        self._box.setVisible(value)

    def tracking(self) -> bool:
        return self._slider.hasTracking()

    def setTracking(self, value: bool) -> None:
        self._slider.setTracking(value)

    def pageStep(self) -> float:
        return self._page

    def setPageStep(self, value: float) -> None:
        self._page = value

    def _span(self) -> float:
        return self._box.maximum() - self._box.minimum()

    def _follow(self) -> None:
        self._slider.blockSignals(True)
        share = (self._box.value() - self._box.minimum()) / self._span() if self._span() else 0.0
        self._slider.setValue(round(share * TICKS))
        self._slider.blockSignals(False)

    def _slid(self, tick: int) -> None:
        self._box.setValue(self._box.minimum() + self._span() * tick / TICKS)

    def _typed(self, value: float) -> None:
        self._follow()
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)


@register
class ctkRangeWidget(QtWidgets.QWidget):
    """Two spin boxes and a bar between them."""

    minimumValueChanged = QtCore.Signal(float)
    maximumValueChanged = QtCore.Signal(float)
    valuesChanged = QtCore.Signal(float, float)
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._low, self._high = _hidden(ctkDoubleSpinBox()), _hidden(ctkDoubleSpinBox())
        self._bar = QtWidgets.QWidget()
        self._bar.setMinimumWidth(40)
        self._bar.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        _row(self, self._low, self._bar, self._high)
        self._range = (0.0, 99.0)
        self.setRange(0.0, 99.0)
        self.setValues(0.0, 99.0)
        self._low.valueChanged.connect(self._lower_changed)
        self._high.valueChanged.connect(self._upper_changed)

    def minimum(self) -> float:
        return self._range[0]

    def maximum(self) -> float:
        return self._range[1]

    def setMinimum(self, value: float) -> None:
        self.setRange(value, max(value, self._range[1]))

    def setMaximum(self, value: float) -> None:
        self.setRange(min(value, self._range[0]), value)

    def setRange(self, low: float, high: float) -> None:
        changed, self._range = (low, high) != self._range, (low, high)
        for box in (self._low, self._high):
            box.setRange(low, high)
        if changed:
            self.rangeChanged.emit(low, high)

    def minimumValue(self) -> float:
        return self._low.value()

    def maximumValue(self) -> float:
        return self._high.value()

    def setMinimumValue(self, value: float) -> None:
        self._low.setValue(value)

    def setMaximumValue(self, value: float) -> None:
        self._high.setValue(value)

    def setValues(self, low: float, high: float) -> None:
        before = (self._low.value(), self._high.value())
        for box, value in ((self._low, low), (self._high, high)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        after = (self._low.value(), self._high.value())
        if after[0] != before[0]:
            self.minimumValueChanged.emit(after[0])
        if after[1] != before[1]:
            self.maximumValueChanged.emit(after[1])
        if after != before:
            self.valuesChanged.emit(*after)

    def singleStep(self) -> float:
        return self._low.singleStep()

    def setSingleStep(self, value: float) -> None:
        self._low.setSingleStep(value)
        self._high.setSingleStep(value)

    def decimals(self) -> int:
        return self._low.decimals()

    def setDecimals(self, value: int) -> None:
        self._low.setDecimals(value)
        self._high.setDecimals(value)

    def suffix(self) -> str:
        return self._low.suffix()

    def setSuffix(self, value: str) -> None:
        self._low.setSuffix(value)
        self._high.setSuffix(value)

    def _lower_changed(self, value: float) -> None:
        if value > self._high.value():
            self._high.setValue(value)
        self.minimumValueChanged.emit(value)
        self.valuesChanged.emit(value, self._high.value())
        self.update()

    def _upper_changed(self, value: float) -> None:
        if value < self._low.value():
            self._low.setValue(value)
        self.maximumValueChanged.emit(value)
        self.valuesChanged.emit(self._low.value(), value)
        self.update()

    def paintEvent(self, event: Any) -> None:
        painter = QtWidgets.QStylePainter(self)
        area, span = self._bar.geometry(), self._range[1] - self._range[0]
        middle = self.height() // 2
        painter.fillRect(area.left() + 6, middle - 2, area.width() - 12, 4, self.palette().mid())
        if span > 0:
            ends = [
                round((value - self._range[0]) / span * (area.width() - 12)) + area.left() + 6
                for value in (self._low.value(), self._high.value())
            ]
            painter.fillRect(ends[0], middle - 2, ends[1] - ends[0], 4, self.palette().highlight())
            for end in ends:
                painter.fillRect(end - 4, middle - 8, 8, 16, self.palette().button().color().darker(130))


@register
class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a file or folder, with a button to choose it."""

    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)
    Dirs, Files, Drives, NoSymLinks = 1, 2, 4, 8
    AllEntries, Readable, Writable, Executable = 7, 16, 32, 64
    Hidden, NoDotAndDotDot = 256, 24576

    def __init__(self, *args: Any) -> None:
        super().__init__(*(arg for arg in args if isinstance(arg, QtWidgets.QWidget)))
        self._line = _hidden(QtWidgets.QLineEdit())
        self._button = _hidden(QtWidgets.QToolButton())
        self._button.setText("...")
        _row(self, self._line, self._button)
        self._filters, self._name_filters = 24663, ()
        self._line.textChanged.connect(self.currentPathChanged)
        self._button.clicked.connect(self.browse)

    def currentPath(self) -> str:
        return self._line.text()

    def setCurrentPath(self, value: str) -> None:
        self._line.setText(value)

    def filters(self) -> int:
        return self._filters

    def setFilters(self, value: Any) -> None:
        self._filters = int(value)

    def nameFilters(self) -> tuple[str, ...]:
        return self._name_filters

    def setNameFilters(self, value: Any) -> None:
        self._name_filters = tuple(value)

    def showBrowseButton(self) -> bool:
        return not self._button.isHidden()

    def setShowBrowseButton(self, value: bool) -> None:
        self._button.setVisible(value)

    def addCurrentPathToHistory(self) -> None:
        """The history is kept in the settings; none here."""

    def retrieveHistory(self) -> None:
        """The history is kept in the settings; none here."""

    def browse(self) -> None:
        kind = "getOpenFileName" if self._filters & self.Files else "getExistingDirectory"
        chosen = JOURNAL.ask(kind, "", "", folder=self.currentPath(), filters=self._name_filters)
        if chosen:
            self.setCurrentPath(chosen)
