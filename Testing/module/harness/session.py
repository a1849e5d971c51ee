"""The running "application": ``slicer.app``, ``slicer.modules`` and a module loaded as Slicer loads it."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets

from PCrCESTLib.scene.headless import make_session

from . import (  # noqa: F401 - the stand-ins register themselves
    ctk_buttons,
    ctk_values,
    layout,
    mrml_base,
    mrml_combobox,
    mrml_editor,
    mrml_segments,
    mrml_small,
    mrml_views,
    parameter_node,
    scripted,
)
from .application import Application, qSlicerApplication
from .journal import JOURNAL
from .messages import REPLACED
from .module_widget import adopt, new_module_widget, qSlicerScriptedLoadableModuleWidget
from .native import state, wrap
from .other_modules import sample_data, segment_statistics, statistics_plugin_base, translation
from .qt_module import application, ctk, qt, slicer_class, wrapper_class
from .wrapped import WrappedObject


class Session:
    """One a process: ``activate`` puts it in place, ``deactivate`` puts back what was there."""

    def __init__(self) -> None:
        import slicer

        self.qt_application = application()
        self.made = make_session()
        self._saved: list[tuple[Any, str, Any]] = []
        self._saved_modules: dict[str, Any] = {}
        self.loaded: list[Any] = []
        self.folders: list[Path] = []
        manager = wrapper_class("qSlicerLayoutManager")()
        self.modules = types.SimpleNamespace(harness_modules={})
        for name, logic in self.made.modules.items():
            module = types.SimpleNamespace(name=name.capitalize(), path="", logic=lambda logic=logic: logic)
            setattr(self.modules, name, module)
        module_manager = wrapper_class("qSlicerModuleManager")()
        module_manager._native.modules = self.modules
        self.native_app = Application(self.made, manager, module_manager)
        self.app = object.__new__(qSlicerApplication)
        object.__setattr__(self.app, "_native", self.native_app)
        state(self.native_app).wrapper = self.app
        manager._native.start(self.made.scene, self.made.logic, slicer.vtkMRMLLayoutLogic())
        self.initial = self._node_ids()
        self.sample_data = sample_data()
        plugins = statistics_plugin_base()
        self.python_modules = {
            "qt": qt,
            "ctk": ctk,
            "slicer.ScriptedLoadableModule": scripted,
            "slicer.parameterNodeWrapper": parameter_node,
            "slicer.i18n": translation(),
            "SampleData": self.sample_data,
            "SegmentStatisticsPlugins": plugins,
            "SegmentStatistics": segment_statistics(plugins),
        }

    def _put(self, owner: Any, name: str, value: Any) -> None:
        self._saved.append((owner, name, vars(owner).get(name, self)))
        setattr(owner, name, value)

    def activate(self) -> None:
        """Make this the ``slicer`` that modules import."""
        import slicer
        import slicer.util

        for name, module in self.python_modules.items():
            self._saved_modules[name] = sys.modules.get(name)
            sys.modules[name] = module
            if name.startswith("slicer."):
                self._put(slicer, name.split(".")[1], module)
        for name in ("mrmlScene", "app", "modules"):
            value = self.made.scene if name == "mrmlScene" else getattr(self, name)
            self._put(slicer, name, value)
        self._put(slicer, "__getattr__", self._slicer_attribute)
        for name, function in REPLACED.items():
            self._put(slicer.util, name, function)
        self._put(sys, "excepthook", self._unhandled)

    @staticmethod
    def _slicer_attribute(name: str) -> Any:
        if name == qSlicerScriptedLoadableModuleWidget.__name__:
            return qSlicerScriptedLoadableModuleWidget
        found = slicer_class(name) if name.startswith(("qMRML", "qSlicer")) else None
        if found is None:
            raise AttributeError(f"module 'slicer' has no attribute '{name}'")
        return found

    @staticmethod
    def _unhandled(kind: type, error: BaseException, trace: Any) -> None:
        JOURNAL.slot_failed(error)  # VTK reports errors in observers here

    def deactivate(self) -> None:
        """Put back what ``activate`` replaced."""
        for owner, name, value in reversed(self._saved):
            if value is self:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
        self._saved = []
        for name, module in self._saved_modules.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        self._saved_modules = {}

    def load_module(self, path: Path | str, enter: bool = True) -> tuple[Any, Any, Any]:
        """Load a module file as Slicer does; returns (Python module, widget instance, top level widget)."""

        path = Path(path)
        name = path.stem
        self._forget_helpers(path.parent)
        if str(path.parent) not in sys.path:  # Slicer has the module's folder on the path
            sys.path.insert(0, str(path.parent))
            self.folders.append(path.parent)
        spec = importlib.util.spec_from_file_location(name, path)
        python_module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(python_module)
        description = wrapper_class("qSlicerScriptedLoadableModule")()
        state(description._native).stored.update(name=name, path=str(path))
        self.modules.harness_modules[name] = python_module
        setattr(self.modules, name.lower(), description)
        setattr(self.modules, f"{name}Instance", getattr(python_module, name)(description))
        top = new_module_widget(description, self.made.scene)
        widget = getattr(python_module, f"{name}Widget")(top)
        adopt(description, top, widget)
        setattr(self.modules, f"{name}Widget", widget)
        widget.setup()
        top.show()
        if enter:
            top._native.enter()
        self.loaded.append((widget, top))
        return python_module, widget, top

    def _node_ids(self) -> set[str]:
        nodes = self.made.scene.GetNodes()
        return {nodes.GetItemAsObject(index).GetID() for index in range(nodes.GetNumberOfItems())}

    def reset_scene(self) -> None:
        """Close the scene and take out the singletons that a test has added."""
        self.made.scene.Clear(0)
        for node_id in self._node_ids() - self.initial:
            node = self.made.scene.GetNodeByID(node_id)
            if node is not None:
                self.made.scene.RemoveNode(node)

    @staticmethod
    def _forget_helpers(folder: Path) -> None:
        """Have the module's helper files imported afresh: other tests import them over other stand-ins."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and folder in Path(file).parents:
                del sys.modules[name]

    def unload(self) -> None:
        """Leave and clean up every module loaded in this test."""
        for widget, top in self.loaded:
            if top._native.isEntered():
                top._native.exit()
            widget.cleanup()
            top.close()
            top.deleteLater()
        self.loaded = []
        for lasting in (self.app, self.app.layoutManager()):
            for _, _, _, signal, relay in state(lasting._native).connections:
                signal.disconnect(relay)
            state(lasting._native).connections.clear()
        for folder in self.folders:
            sys.path.remove(str(folder))
            self._forget_helpers(folder)
        self.folders = []
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        self.qt_application.processEvents()


_session: Session | None = None


def bootstrap() -> Session:
    """Return the session of this process, made on the first call."""
    global _session
    if _session is None:
        _session = Session()
    return _session


def picture(widget: Any, path: Path | str) -> bool:
    """Save a picture of a widget."""
    native = widget._native if isinstance(widget, WrappedObject) else widget
    for _ in range(3):  # layouts inside layouts
        QtWidgets.QApplication.processEvents()
    return native.grab().save(str(path))


__all__ = ["Session", "bootstrap", "picture", "wrap"]
