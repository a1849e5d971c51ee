"""What each kind of widget can show of a typed parameter."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Any

from .parameter_checks import Choice, Maximum, Minimum, RangeBounds, WithinRange
from .parameter_compound import Pack
from .parameter_types import Bool, Enumeration, Node, Number, Text
from .parameter_types import Path as PathSerializer


class Adapter:
    """Value of one kind of widget."""

    widgets: tuple[str, ...] = ()
    kinds: tuple[type, ...] = ()
    signal = ""
    attribute = ""

    def __init__(self, widget: Any, serializer: Any) -> None:
        self.widget, self.serializer = widget, serializer

    @classmethod
    def fits(cls, serializer: Any) -> bool:
        return isinstance(serializer, cls.kinds)

    def get(self) -> Any:
        return getattr(self.widget, self.attribute)

    def put(self, value: Any) -> None:
        setattr(self.widget, self.attribute, value)

    def limits(self, default: tuple[float, float] | None) -> tuple[Any, Any] | None:
        low, high = default or (None, None)
        for validator in self.serializer.validators:
            if isinstance(validator, WithinRange):
                return validator.minimum, validator.maximum
            if isinstance(validator, Minimum):
                low = validator.minimum
            elif isinstance(validator, Maximum):
                high = validator.maximum
        return None if low is None or high is None else (low, high)


class CheckBox(Adapter):
    """bool."""

    widgets, kinds = ("QCheckBox", "QPushButton", "ctkCheckBox"), (Bool,)
    signal, attribute = "toggled(bool)", "checked"


class CheckablePushButton(Adapter):
    """bool, by the check box in the button."""

    widgets, kinds, signal = ("ctkCheckablePushButton",), (Bool,), "checkBoxToggled(bool)"

    def get(self) -> bool:
        return self.widget.checkState == 2

    def put(self, value: bool) -> None:
        self.widget.checkState = 2 if value else 0


class ComboBox(Adapter):
    """An Enum, or a Choice of values with text."""

    widgets, signal = ("QComboBox", "ctkComboBox"), "currentIndexChanged(int)"

    def __init__(self, widget: Any, serializer: Any) -> None:
        super().__init__(widget, serializer)
        if isinstance(serializer, Enumeration):
            self.values = list(serializer.kind)
        else:
            self.values = next(v.choices for v in serializer.validators if isinstance(v, Choice))
        widget.clear()
        for value in self.values:
            label = getattr(value, "label", None)
            text = label() if callable(label) else value.name if isinstance(value, enum.Enum) else str(value)
            widget.addItem(text)

    @classmethod
    def fits(cls, serializer: Any) -> bool:
        return isinstance(serializer, Enumeration) or any(
            isinstance(validator, Choice) for validator in serializer.validators
        )

    def get(self) -> Any:
        index = self.widget.currentIndex
        return self.values[index] if 0 <= index < len(self.values) else None

    def put(self, value: Any) -> None:
        self.widget.currentIndex = self.values.index(value)


class DoubleBox(Adapter):
    """float or int."""

    widgets, kinds = ("QDoubleSpinBox", "ctkDoubleSpinBox", "ctkSliderWidget", "qMRMLSliderWidget"), (Number,)
    signal, attribute = "valueChanged(double)", "value"

    def __init__(self, widget: Any, serializer: Any) -> None:
        super().__init__(widget, serializer)
        kind = type(widget).__name__
        free = None if "Slider" in kind else (-sys.float_info.max, sys.float_info.max)
        limits = self.limits(free)
        if limits is None:
            raise RuntimeError(
                f"Cannot have a connection to {kind} where the {serializer.kind.__name__} types is unbounded."
            )
        widget.minimum, widget.maximum = limits

    def get(self) -> Any:
        return self.serializer.kind(self.widget.value)


class IntBox(Adapter):
    """int."""

    widgets, signal, attribute = ("QSpinBox", "QSlider"), "valueChanged(int)", "value"

    def __init__(self, widget: Any, serializer: Any) -> None:
        super().__init__(widget, serializer)
        limits = self.limits(None if type(widget).__name__ == "QSlider" else (-(2**31), 2**31 - 1))
        if limits is None:
            raise RuntimeError("Cannot have a connection to QSlider where the int types is unbounded.")
        widget.minimum, widget.maximum = limits

    @classmethod
    def fits(cls, serializer: Any) -> bool:
        return isinstance(serializer, Number) and serializer.kind is int


class LineEdit(Adapter):
    """str."""

    widgets, kinds, signal, attribute = ("QLineEdit",), (Text,), "textChanged(QString)", "text"


class Label(Adapter):
    """str, shown only."""

    widgets, kinds, signal, attribute = ("QLabel",), (Text,), "windowTitleChanged(QString)", "text"


class TextEdit(Adapter):
    """str of several lines."""

    widgets, kinds, signal, attribute = ("QTextEdit",), (Text,), "textChanged()", "plainText"


class PathEdit(Adapter):
    """Path."""

    widgets, kinds = ("ctkPathLineEdit",), (PathSerializer,)
    signal, attribute = "currentPathChanged(QString)", "currentPath"

    def get(self) -> Path:
        return Path(getattr(self.widget, self.attribute))

    def put(self, value: Path) -> None:
        setattr(self.widget, self.attribute, str(value))


class DirectoryButton(PathEdit):
    """Path of a folder."""

    widgets, signal, attribute = ("ctkDirectoryButton",), "directoryChanged(QString)", "directory"


class RangeWidget(Adapter):
    """FloatRange."""

    widgets, signal = ("ctkRangeWidget",), "valuesChanged(double,double)"

    def __init__(self, widget: Any, serializer: Any) -> None:
        super().__init__(widget, serializer)
        bounds = next((v for v in serializer.validators if isinstance(v, RangeBounds)), None)
        if bounds is None:
            raise RuntimeError("Cannot have a connection to ctkRangeWidget where the range is unbounded.")
        widget.minimum, widget.maximum = bounds.minimum, bounds.maximum

    @classmethod
    def fits(cls, serializer: Any) -> bool:
        return isinstance(serializer, Pack) and set(serializer.parts) == {"minimum", "maximum"}

    def get(self) -> Any:
        return self.serializer.kind(self.widget.minimumValue, self.widget.maximumValue)

    def put(self, value: Any) -> None:
        self.widget.setValues(value.minimum, value.maximum)


class NodeComboBox(Adapter):
    """A node."""

    widgets, kinds = ("qMRMLNodeComboBox",), (Node,)
    signal = "currentNodeChanged(vtkMRMLNode*)"

    def __init__(self, widget: Any, serializer: Any) -> None:
        super().__init__(widget, serializer)
        widget.nodeTypes = [kind.__name__ for kind in serializer.kind]

    def get(self) -> Any:
        return self.widget.currentNode()

    def put(self, value: Any) -> None:
        self.widget.setCurrentNode(value)


ADAPTERS: tuple[type[Adapter], ...] = (
    CheckBox, CheckablePushButton, ComboBox, DoubleBox, IntBox, LineEdit, Label, TextEdit, PathEdit,
    DirectoryButton, RangeWidget, NodeComboBox,
)  # fmt: skip
