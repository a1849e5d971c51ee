"""What Slicer knows of a loaded scripted module, and the widget that its panel is put into."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

from PySide6 import QtCore, QtWidgets

from .api import class_api
from .mrml_base import SceneMixin
from .native import state
from .qt_module import qt, register
from .wrapped import WrappedObject, WrappedType

NAME = "qSlicerScriptedLoadableModuleWidget"
BASE = class_api("slicer.qMRMLWidget")
API = dataclasses.replace(
    BASE,
    name=NAME,
    properties={**BASE.properties, "isEntered": ("bool", False)},
    members=BASE.members | {"enter", "exit", "module", "self", "setEditedNode", "nodeEditable"},
)


@register
class qSlicerScriptedLoadableModule(QtCore.QObject):
    """A scripted module: its name, title and panel."""

    representation: Any = None

    def widgetRepresentation(self) -> Any:
        return self.representation

    def logic(self) -> None:
        """Scripted modules have none here."""

    def mrmlScene(self) -> Any:
        return self.representation.mrmlScene() if self.representation is not None else None


@register
class qSlicerModuleManager(QtCore.QObject):
    """The modules by name."""

    modules: Any = None

    def modulesNames(self) -> list[str]:
        return [item.name for item in vars(self.modules).values() if hasattr(item, "name")]

    def module(self, name: str) -> Any:
        return getattr(self.modules, name.lower(), None)

    def factoryManager(self) -> Any:
        return SimpleNamespace(loadedModuleNames=self.modulesNames)


class ModuleWidget(SceneMixin, QtWidgets.QWidget):
    """Behind the module's ``parent``."""

    mrmlSceneChanged = QtCore.Signal(object)
    script: Any = None
    description: Any = None
    _entered = False

    def isEntered(self) -> bool:
        return self._entered

    def enter(self) -> None:
        self._entered = True
        if hasattr(self.script, "enter"):
            self.script.enter()

    def exit(self) -> None:
        self._entered = False
        if hasattr(self.script, "exit"):
            self.script.exit()

    def module(self) -> Any:
        return self.description

    def self(self) -> Any:
        return self.script

    def setEditedNode(self, node: Any, role: str = "", context: str = "") -> bool:
        function = getattr(self.script, "setEditedNode", None)
        return bool(function(node, role, context)) if function else False


class qSlicerScriptedLoadableModuleWidget(WrappedObject, metaclass=WrappedType):
    """The module's ``parent``, strict."""

    _api = API
    _native_class = ModuleWidget
    __slots__ = ()


def new_module_widget(description: Any, scene: Any) -> Any:
    """Make the widget that a panel is put into, as wide as Slicer's module panel often is."""
    native = ModuleWidget()
    top = object.__new__(qSlicerScriptedLoadableModuleWidget)
    object.__setattr__(top, "_native", native)
    state(native).wrapper = top
    top.setLayout(qt.QVBoxLayout())
    top.setMRMLScene(scene)
    top.windowTitle = description.title
    top.resize(380, 600)
    return top


def adopt(description: Any, top: Any, script: Any) -> None:
    """Tie the module, its widget and its Python object together."""
    top._native.script, top._native.description = script, description._native
    description._native.representation = top._native
