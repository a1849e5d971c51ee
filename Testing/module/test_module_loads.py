"""The module file loads as Slicer loads it, introduces itself, and finds its library in developer mode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PCrCESTLib.version import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE_FILE = REPOSITORY / "PCrCEST" / "PCrCEST.py"



def test_slicer_finds_the_four_classes_by_name(panel):
    for suffix in ("", "Widget", "Logic", "Test"):
        assert hasattr(panel.module, f"PCrCEST{suffix}")


def test_the_module_introduces_itself(panel):
    import slicer

    description = slicer.modules.pcrcest
    assert description.title == "PCrCEST"
    assert list(description.categories) == ["Quantification"]
    assert "not for diagnosis" in description.helpText
    assert description.contributors
    assert description.acknowledgementText


def test_the_panel_shows_version_and_place_of_the_library(panel):
    assert __version__ in panel.ui.statusLabel.text
    assert str(REPOSITORY / "PCrCESTLib") in panel.ui.statusLabel.text


def test_a_missing_library_is_explained_in_the_panel(panel, monkeypatch):
    def fail():
        raise ImportError("No module named 'PCrCESTLib'")

    monkeypatch.setattr(panel.module, "importLibrary", fail)
    assert "install the extension again" in panel.module.PCrCESTLogic().libraryStatus()


def test_in_developer_mode_the_library_is_found_beside_the_module_folder(tmp_path):
    # A bare interpreter: neither site packages nor the repository on its path, only the module's folder.
    code = f"""
import sys, types, unittest
sys.path.insert(0, {str(MODULE_FILE.parent)!r})
def stub(name, **members):
    sys.modules[name] = module = types.ModuleType(name)
    vars(module).update(members)
empty = type("Empty", (), {{}})
nodes = {{n: empty for n in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLSequenceNode")}}
stub("slicer", __path__=[], **nodes)
stub("vtk")
stub("slicer.i18n", tr=str, translate=lambda c, t: t)
stub("slicer.util", VTKObservationMixin=type("Mixin", (), {{}}))
stub("slicer.parameterNodeWrapper", parameterNodeWrapper=lambda c: c, WithinRange=lambda a, b: None)
stub("slicer.ScriptedLoadableModule", ScriptedLoadableModule=empty, ScriptedLoadableModuleWidget=empty,
     ScriptedLoadableModuleLogic=empty, ScriptedLoadableModuleTest=unittest.TestCase)
import PCrCEST
assert not any(name.startswith("PCrCESTLib") for name in sys.modules)
print(PCrCEST.PCrCESTLogic().libraryStatus())
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(REPOSITORY / "PCrCESTLib") in done.stdout
