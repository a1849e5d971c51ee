"""The PCrCEST module of 3D Slicer: phosphocreatine maps from CEST MRI of muscle."""

import importlib
import importlib.util
import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


def importLibrary():
    """Return the package PCrCESTLib.

    Installed, it lies on the Python path. In developer mode only this file's folder does, and the library lies
    beside that folder.

    Raises ImportError when it is in neither place.
    """
    root = Path(__file__).resolve().parents[1]
    if importlib.util.find_spec("PCrCESTLib") is None and (root / "PCrCESTLib" / "__init__.py").is_file():
        sys.path.append(str(root))
    return importlib.import_module("PCrCESTLib")


class PCrCEST(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("PCrCEST")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = []
        parent.contributors = ["The PCrCEST developers"]
        parent.helpText = _(
            "Turns CEST MRI of muscle into maps of the phosphocreatine proton fraction and exchange rate,"
            " with their uncertainty. Research software, not for diagnosis."
        )
        parent.acknowledgementText = _(
            "The method follows the global-local two-branch network for phosphocreatine CEST (Magn Reson Med"
            " 2026, PubMed 41964083)."
        )


class PCrCESTWidget(ScriptedLoadableModuleWidget):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.logic = None
        self.ui = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/PCrCEST.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = PCrCESTLogic()
        self.ui.statusLabel.text = self.logic.libraryStatus()


class PCrCESTLogic(ScriptedLoadableModuleLogic):
    """What the panel does, usable from a script."""

    def libraryStatus(self):
        """Say in one line which library version is used and where it is, or why it cannot be used."""
        try:
            library = importLibrary()
        except ImportError as error:
            return _("The PCrCEST library cannot be loaded ({reason}); install the extension again.").format(
                reason=error
            )
        return _("PCrCEST {version} is ready ({folder}).").format(
            version=library.__version__, folder=Path(library.__file__).parent
        )


class PCrCESTTest(ScriptedLoadableModuleTest):
    """Run by Slicer's self test (Reload and Test, ctest)."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_TheLibraryIsFound()

    def test_TheLibraryIsFound(self):
        self.assertIn(importLibrary().__version__, PCrCESTLogic().libraryStatus())
