"""The module file loads as Slicer loads it, finds its library in developer mode, and shows its line."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import types
import unittest
from pathlib import Path

import pytest

from PCrCESTLib.version import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE_FILE = REPOSITORY / "PCrCEST" / "PCrCEST.py"


class Module:
    """As much of ScriptedLoadableModule as the module relies on."""

    def __init__(self, parent):
        self.parent = parent


class Widget:
    """As much of ScriptedLoadableModuleWidget as the module relies on."""

    def __init__(self, parent=None):
        self.parent = parent
        self.layout = Layout()

    def setup(self):
        self.isSetUp = True

    def resourcePath(self, name):
        return str(MODULE_FILE.parent / "Resources" / name)


class Logic:
    """As much of ScriptedLoadableModuleLogic as the module relies on."""

    def __init__(self, parent=None):
        pass


class Layout:
    """A layout that remembers its widgets."""

    def __init__(self):
        self.widgets = []

    def addWidget(self, widget):
        self.widgets.append(widget)


class Panel:
    """A loaded .ui file."""

    def __init__(self, path):
        assert Path(path).is_file(), path
        self.statusLabel = types.SimpleNamespace(text="")
        self.scene = None

    def setMRMLScene(self, scene):
        self.scene = scene


@pytest.fixture
def slicer(monkeypatch):
    """Stand-in for the package ``slicer`` of the application."""
    package = types.ModuleType("slicer")
    package.__path__ = []
    package.mrmlScene = types.SimpleNamespace(Clear=lambda: None)
    package.util = types.SimpleNamespace(loadUI=Panel, childWidgetVariables=lambda panel: panel)
    translation = types.ModuleType("slicer.i18n")
    translation.tr = lambda text: text
    translation.translate = lambda _context, text: text
    base = types.ModuleType("slicer.ScriptedLoadableModule")
    base.ScriptedLoadableModule, base.ScriptedLoadableModuleWidget = Module, Widget
    base.ScriptedLoadableModuleLogic, base.ScriptedLoadableModuleTest = Logic, unittest.TestCase
    for module in (package, translation, base):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return package


@pytest.fixture
def module(slicer):
    spec = importlib.util.spec_from_file_location("PCrCEST", MODULE_FILE)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_slicer_finds_the_four_classes_by_name(module):
    for suffix in ("", "Widget", "Logic", "Test"):
        assert hasattr(module, f"PCrCEST{suffix}")


def test_the_module_introduces_itself(module):
    parent = types.SimpleNamespace()
    module.PCrCEST(parent)
    assert parent.title == "PCrCEST"
    assert parent.categories == ["Quantification"]
    assert "not for diagnosis" in parent.helpText
    assert parent.contributors
    assert parent.acknowledgementText


def test_the_panel_shows_version_and_place_of_the_library(module, slicer):
    widget = module.PCrCESTWidget()
    widget.setup()
    assert widget.layout.widgets[0].scene is slicer.mrmlScene
    assert __version__ in widget.ui.statusLabel.text
    assert str(REPOSITORY / "PCrCESTLib") in widget.ui.statusLabel.text


def test_a_missing_library_is_explained_in_the_panel(module, monkeypatch):
    def fail():
        raise ImportError("No module named 'PCrCESTLib'")

    monkeypatch.setattr(module, "importLibrary", fail)
    assert "install the extension again" in module.PCrCESTLogic().libraryStatus()


def test_the_self_test_passes(module):
    result = unittest.TestResult()
    module.PCrCESTTest("runTest").run(result)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


def test_in_developer_mode_the_library_is_found_beside_the_module_folder(tmp_path):
    # A bare interpreter: neither site packages nor the repository on its path, only the module's folder.
    code = f"""
import sys, types, unittest
sys.path.insert(0, {str(MODULE_FILE.parent)!r})
def stub(name, **members):
    sys.modules[name] = module = types.ModuleType(name)
    vars(module).update(members)
empty = type("Empty", (), {{}})
stub("slicer", __path__=[])
stub("slicer.i18n", tr=str, translate=lambda c, t: t)
stub("slicer.ScriptedLoadableModule", ScriptedLoadableModule=empty, ScriptedLoadableModuleWidget=empty,
     ScriptedLoadableModuleLogic=empty, ScriptedLoadableModuleTest=unittest.TestCase)
import PCrCEST
assert "PCrCESTLib" not in sys.modules
print(PCrCEST.PCrCESTLogic().libraryStatus())
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(REPOSITORY / "PCrCESTLib") in done.stdout
