"""Effects of the Segment Editor by name, without what they do."""

from __future__ import annotations

from typing import Any

EFFECTS = (
    "Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Fill between slices",
    "Margin", "Hollow", "Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume",
)  # fmt: skip


class Effect:
    """An effect: its parameters are attributes of the editor node, as in Slicer."""

    __slots__ = ("_editor", "name", "title")

    def __init__(self, editor: Any, name: str) -> None:
        self._editor, self.name, self.title = editor, name, name

    def parameterSetNode(self) -> Any:
        return self._editor.mrmlSegmentEditorNode()

    def parameter(self, name: str) -> str:
        return self.parameterSetNode().GetAttribute(f"{self.name}.{name}") or ""

    def parameterDefined(self, name: str) -> bool:
        return self.parameterSetNode().GetAttribute(f"{self.name}.{name}") is not None

    def integerParameter(self, name: str) -> int:
        return int(self.parameter(name) or 0)

    def doubleParameter(self, name: str) -> float:
        return float(self.parameter(name) or 0.0)

    def setParameter(self, name: str, value: Any) -> None:
        self.parameterSetNode().SetAttribute(f"{self.name}.{name}", str(value))

    def setParameterDefault(self, name: str, value: Any) -> None:
        if not self.parameterDefined(name):
            self.setParameter(name, value)

    def setCommonParameter(self, name: str, value: Any) -> None:
        self.parameterSetNode().SetAttribute(name, str(value))

    def selectEffect(self, name: str) -> None:
        self._editor.setActiveEffectByName(name)
