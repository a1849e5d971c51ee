"""Stand-ins for CTK's buttons and combo boxes."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .journal import JOURNAL
from .qt_module import register

Qt = QtCore.Qt
HEADER = 24


class Folding:
    """Hides what is inside, and shows again only what was shown before."""

    _hidden_children: tuple[QtWidgets.QWidget, ...] = ()

    def collapsed(self) -> bool:
        return not self.isChecked()

    def setCollapsed(self, value: bool) -> None:
        self.setChecked(not value)

    def fold(self, opened: bool) -> None:
        if opened:
            self.setMaximumHeight(16777215)
            hidden, self._hidden_children = self._hidden_children, ()
            for child in hidden:
                child.show()
        else:
            children = self.findChildren(QtWidgets.QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
            self._hidden_children = tuple(child for child in children if not child.isHidden())
            for child in self._hidden_children:
                child.hide()
            self.setMaximumHeight(HEADER)
        self.updateGeometry()


@register
class ctkCollapsibleButton(Folding, QtWidgets.QAbstractButton):
    """A header that shows or hides what is inside; ``checked`` is "not collapsed"."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, *args: Any) -> None:
        text = next((arg for arg in args if isinstance(arg, str)), "")
        super().__init__(*(arg for arg in args if not isinstance(arg, str)))
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, HEADER, 0, 0)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.toggled.connect(self._follow)

    def collapse(self, value: bool) -> None:
        self.setChecked(not value)

    def _follow(self, opened: bool) -> None:
        self.fold(opened)
        self.contentsCollapsed.emit(not opened)

    def hitButton(self, point: QtCore.QPoint) -> bool:
        return point.y() < HEADER

    def sizeHint(self) -> QtCore.QSize:
        inside = (
            self.layout().totalSizeHint() if self.layout() and self.isChecked() else QtCore.QSize(60, HEADER)
        )
        return inside.expandedTo(QtCore.QSize(60, HEADER))

    def minimumSizeHint(self) -> QtCore.QSize:
        inside = self.layout().totalMinimumSize() if self.layout() and self.isChecked() else QtCore.QSize()
        return inside.expandedTo(QtCore.QSize(60, HEADER))

    def paintEvent(self, event: Any) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), HEADER - 2)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyle.PrimitiveElement
        option.rect = QtCore.QRect(6, 6, 11, 11)
        painter.drawPrimitive(
            arrow.PE_IndicatorArrowDown if self.isChecked() else arrow.PE_IndicatorArrowRight, option
        )
        painter.drawText(24, 0, self.width(), HEADER - 2, Qt.AlignmentFlag.AlignVCenter, self.text())


@register
class ctkCollapsibleGroupBox(Folding, QtWidgets.QGroupBox):
    """A group box that can be folded; as in Qt, what is inside is disabled while folded."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.setCheckable(True)
        self.toggled.connect(self.fold)


@register
class ctkPushButton(QtWidgets.QPushButton):
    """A push button."""


@register
class ctkMenuButton(QtWidgets.QPushButton):
    """A push button with a menu of its own beside it."""

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOption()
        option.initFrom(self)
        option.rect = QtCore.QRect(self.width() - 16, self.height() // 2 - 5, 10, 10)
        painter.drawPrimitive(QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowDown, option)


@register
class ctkCheckablePushButton(QtWidgets.QPushButton):
    """A push button with a check box inside."""

    checkBoxToggled = QtCore.Signal(bool)
    checkStateChanged = QtCore.Signal(object)
    _state = Qt.CheckState.Unchecked

    def checkState(self) -> Any:
        return self._state

    def setCheckState(self, value: Any) -> None:
        value = Qt.CheckState(int(value))
        if value.value != self._state.value:
            self._state = value
            self.checkStateChanged.emit(value)
            self.checkBoxToggled.emit(value.value != 0)
            self.update()

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(6, self.height() // 2 - 7, 14, 14)
        checked = QtWidgets.QStyle.StateFlag.State_On if self._state.value else None
        option.state |= checked or QtWidgets.QStyle.StateFlag.State_Off
        painter.drawPrimitive(QtWidgets.QStyle.PrimitiveElement.PE_IndicatorCheckBox, option)


@register
class ctkDirectoryButton(QtWidgets.QPushButton):
    """Shows a folder and lets one choose another."""

    directoryChanged = QtCore.Signal(str)
    directorySelected = QtCore.Signal(str)
    _directory = "."

    def __init__(self, *args: Any) -> None:
        text = next((arg for arg in args if isinstance(arg, str)), ".")
        super().__init__(*(arg for arg in args if not isinstance(arg, str)))
        self.setDirectory(text)
        self.clicked.connect(self.browse)

    def directory(self) -> str:
        return self._directory

    def setDirectory(self, value: str) -> None:
        value = QtCore.QDir(value).absolutePath()
        changed, self._directory = value != self._directory, value
        self.setText(value)
        if changed:
            self.directoryChanged.emit(value)

    def browse(self) -> None:
        chosen = JOURNAL.ask("getExistingDirectory", "", "", folder=self._directory)
        if chosen:
            self.setDirectory(chosen)
            self.directorySelected.emit(chosen)


@register
class ctkColorPickerButton(QtWidgets.QPushButton):
    """Shows a colour."""

    colorChanged = QtCore.Signal(object)
    _color = QtGui.QColor(0, 0, 0)

    def color(self) -> QtGui.QColor:
        return self._color

    def setColor(self, value: QtGui.QColor) -> None:
        if value != self._color:
            self._color = QtGui.QColor(value)
            self.setText(value.name())
            self.colorChanged.emit(self._color)


@register
class ctkComboBox(QtWidgets.QComboBox):
    """A combo box."""


@register
class ctkCheckBox(QtWidgets.QCheckBox):
    """A check box."""


@register
class ctkCheckableComboBox(QtWidgets.QComboBox):
    """A combo box whose items can be ticked."""

    checkedIndexesChanged = QtCore.Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.model().rowsInserted.connect(self._make_checkable)
        self.model().dataChanged.connect(lambda *_: self.checkedIndexesChanged.emit())

    def _make_checkable(self, _parent: Any, first: int, last: int) -> None:
        for row in range(first, last + 1):
            item = self.model().item(row)
            item.setCheckable(True)
            item.setCheckState(Qt.CheckState.Unchecked)

    def checkState(self, index: Any) -> Any:
        return self.model().itemFromIndex(index).checkState()

    def setCheckState(self, index: Any, value: Any) -> None:
        self.model().itemFromIndex(index).setCheckState(Qt.CheckState(int(value)))

    def checkedIndexes(self) -> list[Any]:
        rows = (self.model().item(row) for row in range(self.count()))
        return [item.index() for item in rows if item.checkState() == Qt.CheckState.Checked]

    def allChecked(self) -> bool:
        return len(self.checkedIndexes()) == self.count()

    def noneChecked(self) -> bool:
        return not self.checkedIndexes()


@register
class ctkExpandButton(QtWidgets.QToolButton):
    """A small double arrow."""


@register
class ctkSearchBox(QtWidgets.QLineEdit):
    """A line edit for searching."""


@register
class ctkFittedTextBrowser(QtWidgets.QTextBrowser):
    """A text browser as high as its text."""

    def setCollapsibleText(self, text: str) -> None:
        self.setHtml(text)
