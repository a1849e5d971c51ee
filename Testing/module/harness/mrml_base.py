"""What all qMRML stand-ins share: a scene, and observations that end with the widget."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
import vtk
from PySide6 import QtCore, QtWidgets

from .journal import JOURNAL
from .native import unwrap
from .qt_module import register
from .refcounts import top_up

MODIFIED = vtk.vtkCommand.ModifiedEvent


class Observations:
    """VTK observations of one widget."""

    def __init__(self, owner: QtCore.QObject) -> None:
        self._owner = weakref.ref(owner)
        self._tags: list[tuple[Any, int]] = []

    def add(self, subject: Any, event: Any, method: Callable[[], None]) -> None:
        """Call ``method`` (of the owner) on the event, while the owner exists."""
        method = weakref.WeakMethod(method)

        def call(*_: Any) -> None:
            top_up()
            owner, function = self._owner(), method()
            if owner is None or function is None or not shiboken6.isValid(owner):
                self.clear()
                return
            try:
                function()
            except Exception as error:
                JOURNAL.slot_failed(error)

        self._tags.append((subject, subject.AddObserver(event, call)))

    def clear(self) -> None:
        """End all."""
        tags, self._tags = self._tags, []
        for subject, tag in tags:
            subject.RemoveObserver(tag)


class SceneMixin:
    """``mrmlScene``/``setMRMLScene`` and a call of ``_update`` when nodes come and go."""

    _scene: Any = None
    _scene_observations: Observations | None = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if self._scene_observations is None:
            self._scene_observations = Observations(self)
        self._scene_observations.clear()
        changed, self._scene = scene is not self._scene, scene
        if scene is not None:
            for event in ("NodeAddedEvent", "NodeRemovedEvent", "EndCloseEvent", "EndBatchProcessEvent"):
                self._scene_observations.add(scene, getattr(scene, event), self._on_scene)
        self._update()
        if changed and hasattr(self, "mrmlSceneChanged"):
            self.mrmlSceneChanged.emit(scene)

    def _on_scene(self) -> None:
        if not (self._scene.IsClosing() or self._scene.IsImporting()):
            self._update()

    def _update(self) -> None:
        """Show what the scene holds now."""


def node_argument(scene: Any, node: Any) -> Any:
    """Take a node or its ID."""
    node = unwrap(node)
    return scene.GetNodeByID(node) if isinstance(node, str) and scene is not None else node or None


@register
class qMRMLWidget(SceneMixin, QtWidgets.QWidget):
    """Holds a scene; hands it on only through connections."""

    mrmlSceneChanged = QtCore.Signal(object)


@register
class qSlicerWidget(SceneMixin, QtWidgets.QWidget):
    """Holds a scene; hands it on only through connections."""

    mrmlSceneChanged = QtCore.Signal(object)
