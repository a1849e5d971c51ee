"""``slicer.app``: strict like every other class, with the parts that scripts use."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore

from .api import ClassApi
from .files import IoManager
from .journal import JOURNAL
from .native import state
from .qt_module import application
from .wrapped import WrappedObject, WrappedType

PROPERTIES = [
    "applicationName",
    "applicationVersion",
    "arch",
    "documentationBaseUrl",
    "majorVersion",
    "minorVersion",
    "objectName",
    "os",
    "platform",
    "releaseType",
    "repositoryRevision",
    "revision",
    "slicerHome",
    "slicerSharePath",
    "temporaryPath",
]
METHODS = [
    "applicationLogic",
    "className",
    "connect",
    "coreIOManager",
    "disconnect",
    "font",
    "inherits",
    "ioManager",
    "layoutManager",
    "moduleLogic",
    "moduleManager",
    "mrmlScene",
    "openNodeModule",
    "palette",
    "pauseRender",
    "processEvents",
    "restoreOverrideCursor",
    "resumeRender",
    "setOverrideCursor",
    "settings",
    "testingEnabled",
    "topLevelWidgets",
    "translate",
    "userSettings",
]
SIGNALS = {
    "aboutToQuit": [()],
    "lastWindowClosed": [()],
    "mrmlSceneChanged": [("vtkMRMLScene*",)],
    "startupCompleted": [()],
}
APP_API = ClassApi(
    "qSlicerApplication", dict.fromkeys(PROPERTIES, ("QString", False)), SIGNALS, {}, frozenset(METHODS)
)


class Application(QtCore.QObject):
    """What is behind ``slicer.app``."""

    startupCompleted = QtCore.Signal()
    aboutToQuit = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)
    lastWindowClosed = QtCore.Signal()

    def __init__(self, made: Any, manager: Any, modules: Any) -> None:
        super().__init__()
        self.testing = False
        self._io = IoManager(made.scene)
        running = application()
        values = {
            "applicationName": "Slicer",
            "temporaryPath": made.folder,
            "slicerHome": made.folder,
            "slicerSharePath": "share/Slicer-5.10",
            "applicationVersion": "5.10.0-2025-11-20",
            "majorVersion": 5,
            "minorVersion": 10,
            "revision": "34045",
            "repositoryRevision": "34045",
            "releaseType": "Stable",
            "documentationBaseUrl": "https://slicer.readthedocs.io/",
            "os": "linux",
            "arch": "amd64",
            "platform": "linux-amd64",
        }
        state(self).stored.update(values)
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        scope = QtCore.QSettings.Scope.UserScope
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, made.folder)
        running.setOrganizationName("slicer.org")
        running.setApplicationName("Slicer")
        methods = {
            "applicationLogic": lambda: made.logic,
            "mrmlScene": lambda: made.scene,
            "ioManager": lambda: self._io,
            "coreIOManager": lambda: self._io,
            "layoutManager": lambda: manager,
            "settings": QtCore.QSettings,
            "userSettings": QtCore.QSettings,
            "moduleManager": lambda: modules,
            "moduleLogic": lambda name: made.modules.get(name.lower()),
            "processEvents": lambda *_: running.processEvents(),
            "testingEnabled": lambda: self.testing,
            "setOverrideCursor": lambda cursor: running.setOverrideCursor(cursor),
            "restoreOverrideCursor": running.restoreOverrideCursor,
            "pauseRender": lambda: None,
            "resumeRender": lambda: None,
            "topLevelWidgets": running.topLevelWidgets,
            "palette": running.palette,
            "font": running.font,
            "translate": lambda context, text: text,
            "openNodeModule": lambda node, *_: JOURNAL.ask("openNodeModule", node.GetName(), None),
        }
        for name, method in methods.items():
            setattr(self, name, method)


class qSlicerApplication(WrappedObject, metaclass=WrappedType):
    """``slicer.app``, strict."""

    _api = APP_API
    _native_class = Application
    __slots__ = ()
