"""Stand-in for ``slicer.ScriptedLoadableModule``: the four classes a module file derives from."""

from __future__ import annotations

# These names come along with ``from slicer.ScriptedLoadableModule import *``, as in Slicer.
import logging
import os
import unittest
from pathlib import Path
from typing import Any

import slicer
import vtk

from .qt_module import ctk, qt

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
    "ctk",
    "logging",
    "os",
    "qt",
    "slicer",
    "unittest",
    "vtk",
]

NODE = "vtkMRMLScriptedModuleNode"


def _resource(module_name: str, filename: str) -> str:
    folder = Path(slicer.util.modulePath(module_name)).parent
    return str(folder / "Resources" / filename)


class ScriptedLoadableModule:
    """What Slicer shows of a module; ``parent`` is the strict qSlicerScriptedLoadableModule."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.categories, parent.dependencies = "", [], []
        parent.contributors, parent.helpText, parent.acknowledgementText = ["", ""], "", ""
        parent.hidden = False
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        return _resource(self.moduleName, filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        return (
            f'<p>For more information see <a href="{docPage or self.moduleName}">the documentation</a>.</p>'
        )

    def runTest(self, msec: int = 100, **kwargs: Any) -> Any:
        test = getattr(slicer.modules.harness_modules[self.moduleName], f"{self.moduleName}Test")()
        return test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    """The module's panel."""

    def __init__(self, parent: Any = None) -> None:
        name = type(self).__name__
        self.moduleName = name.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, slicer.util.toBool)
        if parent is None:
            self.parent = slicer.qMRMLWidget()
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        else:
            self.parent = parent
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()

    def resourcePath(self, filename: str) -> str:
        return _resource(self.moduleName, filename)

    def setup(self) -> None:
        self.setupDeveloperSection()

    def setupDeveloperSection(self) -> None:
        """Nothing: the harness has no developer mode."""

    def cleanup(self) -> None:
        """Called before the widget goes away."""

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    """What the module can do without a panel, and its parameter node."""

    def __init__(self, parent: Any = None) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, NODE)
            if node is not None:
                if node.GetAttribute("ModuleName") != self.moduleName:  # lost when the scene was closed
                    node.SetAttribute("ModuleName", self.moduleName)
                return node
        else:
            found = self.getAllParameterNodes()
            if found:
                return found[0]
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        nodes = slicer.util.getNodesByClass(NODE)
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass(NODE)
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """The module's self test."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.messageDelay = 1000

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        slicer.util.delayDisplay(message, msec or requestedDelay or self.messageDelay)

    def takeScreenshot(self, name: str, description: str, type: int = -1) -> None:
        """There is no window to take a picture of."""

    def setUp(self) -> None:
        """To be overridden."""

    def runTest(self) -> None:
        """To be overridden."""
