"""The PCrCEST module of 3D Slicer: phosphocreatine maps from CEST MRI of muscle."""

import importlib
import importlib.util
import sys
import traceback
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSequenceNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


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
            "Turns CEST MRI of muscle into maps of the phosphocreatine proton fraction (fs) and exchange rate (ksw),"
            " with their uncertainty. Load a scan, draw muscles if you want numbers per muscle, press Apply, and read"
            " the maps over the anatomy. Research software, not for diagnosis."
        )
        parent.acknowledgementText = _(
            "The method follows the global-local two-branch network for phosphocreatine CEST (Magn Reson Med"
            " 2026, PubMed 41964083)."
        )
        slicer.app.connect("startupCompleted()", registerWithSlicer)


def registerWithSlicer():
    """Offer sample data and muscle statistics once all modules are loaded; without the library, offer nothing."""
    try:
        importLibrary()
    except ImportError:
        return
    from PCrCESTWidgetLib.sampledata import registerSampleData
    from PCrCESTWidgetLib.segmentstatistics import registerStatistics

    registerSampleData()
    registerStatistics()


class Relaxation(Enum):
    """What a relaxation map holds."""

    R1 = "R1 (1/s)"
    T1 = "T1 (s or ms)"

    def label(self):
        return self.value


@parameterNodeWrapper
class PCrCESTParameters:
    """What the user chose; saved with the scene. Choices that belong to the computer are in the settings."""

    series1: vtkMRMLSequenceNode
    series2: vtkMRMLSequenceNode
    series3: vtkMRMLSequenceNode
    anatomy: vtkMRMLScalarVolumeNode
    relaxation: vtkMRMLScalarVolumeNode
    relaxationKind: Relaxation
    b1Map: vtkMRMLScalarVolumeNode
    b0Map: vtkMRMLScalarVolumeNode
    fmMap: vtkMRMLScalarVolumeNode
    muscles: vtkMRMLSegmentationNode
    onlyMuscles: bool
    erode: Annotated[int, WithinRange(0, 5)] = 0
    excludeFlagged: bool
    method: str = "two-branch"
    model: str = "auto"
    pools: int = 6
    statedKsw: Annotated[float, WithinRange(10, 2000)] = 110.0
    statedKswSd: Annotated[float, WithinRange(0, 1000)] = 36.0
    conversion: str = "rex"
    motion: str = "none"
    pcrProtons: Annotated[float, WithinRange(1, 4)] = 2.0
    run: str
    compareWith: str
    mapKind: str = "fs"
    opacity: Annotated[float, WithinRange(0, 1)] = 0.8
    doubtPercent: Annotated[float, WithinRange(5, 100)] = 100.0
    reportPdf: bool
    deidentify: bool


class PCrCESTWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: sections from top to bottom, the next enabled when the one above is satisfied."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.ui = None
        self.parameters = None
        self.guiTag = None
        self.isRefreshing = False
        self.isOpen = False
        self.sections = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/PCrCEST.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = PCrCESTLogic()
        self.ui.statusLabel.text = self.logic.libraryStatus()
        self.makeSections()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self.onNodeRemoved)
        slicer.app.connect("aboutToQuit()", self.onQuit)
        self.initializeParameterNode()

    def makeSections(self):
        """The library is imported here, not when Slicer starts."""
        importLibrary()
        from PCrCESTWidgetLib.export import ExportSection
        from PCrCESTWidgetLib.muscles import MusclesSection
        from PCrCESTWidgetLib.quantify import QuantifySection
        from PCrCESTWidgetLib.results import ResultsSection
        from PCrCESTWidgetLib.scan import ScanSection
        from PCrCESTWidgetLib.tableupdate import TableUpdate
        from PCrCESTWidgetLib.train import TrainGroup

        self.results = ResultsSection(self)
        self.scan, self.muscles = ScanSection(self), MusclesSection(self)
        self.quantify, self.train = QuantifySection(self), TrainGroup(self)
        self.export, self.tableUpdate = ExportSection(self), TableUpdate(self)
        self.sections = [self.scan, self.muscles, self.results]
        own = [self.quantify.control, self.train.control, self.tableUpdate.control]
        self.jobs = [*own, self.scan.listing, *self.scan.companions.jobs, *self.export.jobs]

    def enter(self):
        self.isOpen = True
        self.initializeParameterNode()
        self.muscles.enter()
        self.results.plot.enter()
        self.quantify.enter()
        self.refresh()

    def exit(self):
        self.isOpen = False
        self.muscles.exit()
        self.results.plot.exit()
        self.disconnectGui()  # the choices are kept: a job that goes on leaves its result in them

    def cleanup(self):
        self.onQuit()
        self.results.plot.exit()
        self.disconnectParameters()
        slicer.app.disconnect("aboutToQuit()", self.onQuit)
        self.removeObservers()

    def onQuit(self):
        self.quantify.stop()
        for job in self.jobs:
            job.stop()

    def onSceneStartClose(self, _caller=None, _event=None):
        """What is computed would have no place any more."""
        for job in self.jobs:
            job.stop()
        self.disconnectParameters()
        for section in self.sections:
            section.forget()

    def onSceneEndClose(self, _caller=None, _event=None):
        if self.isOpen:
            self.initializeParameterNode()
            self.muscles.enter()
            self.results.plot.enter()
            self.refresh()

    def onNodeRemoved(self, _caller=None, _event=None):
        if not slicer.mrmlScene.IsBatchProcessing() and self.parameters is not None:
            self.refresh()

    def initializeParameterNode(self):
        """Connect the panel to the parameter node of the scene."""
        self.disconnectParameters()
        node = self.logic.getParameterNode()
        try:
            self.parameters = PCrCESTParameters(node)
        except ValueError:
            # An old scene holds a choice that no longer exists; start from the defaults.
            for name in list(node.GetParameterNames()):
                node.UnsetParameter(name)
            self.parameters = PCrCESTParameters(node)
        self.results.restore()
        self.guiTag = self.parameters.connectGui(self.ui)
        self.addObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self.refresh()

    def disconnectParameters(self):
        self.disconnectGui()
        self.parameters = None

    def disconnectGui(self):
        if self.guiTag is not None:
            self.removeObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
            self.parameters.disconnectGui(self.guiTag)
            self.guiTag = None

    def onParametersModified(self, _caller=None, _event=None):
        self.refresh()

    def refresh(self):
        """Let every section show what it has and say what it misses."""
        if self.isRefreshing or self.guiTag is None:
            return
        self.isRefreshing = True
        try:
            missing = self.scan.update()
            self.say(self.ui.scanHint, missing)
            self.say(self.ui.musclesHint, self.muscles.update())
            self.say(self.ui.quantifyHint, self.quantify.update(missing))
            self.train.update(missing)
            noResult = self.results.update()
            self.say(self.ui.resultsHint, noResult)
            self.say(self.ui.exportHint, self.export.update())
            self.ui.musclesSection.enabled = not missing or self.parameters.series1 is not None
            self.ui.resultsSection.enabled = self.ui.exportSection.enabled = not noResult
        finally:
            self.isRefreshing = False

    def say(self, label, text):
        label.text = text
        label.visible = bool(text)

    def shownRun(self):
        return self.results.run()

    def showRun(self, run):
        """Open the results on a run that has just been computed."""
        self.parameters.run = run.run_id
        if not self.isOpen:
            return  # the user is elsewhere; the views are theirs
        self.refresh()
        for section in (self.ui.scanSection, self.ui.musclesSection, self.ui.quantifySection):
            section.collapsed = True  # the panel is 600 pixels high
        self.ui.resultsSection.collapsed = False
        self.ui.exportSection.collapsed = False
        self.results.show(fit=True)
        self.results.plot.showFirst()

    def showScan(self):
        """Show the images of a scan that has just been loaded."""
        self.results.hideColorBars()
        self.ui.musclesSection.collapsed = False
        slicer.util.setSliceViewerLayers(
            background=self.backgroundNode(), foreground=None, fit=True, rotateToVolumePlane=True
        )

    def backgroundNode(self):
        """Anatomy, else a frame of the series."""
        return self.muscles.reference()

    @contextmanager
    def guarded(self, title):
        """Show the library's own sentence for what the user can mend, and details for what only we can."""
        from PCrCESTLib.errors import PCrCESTError

        try:
            yield
        except PCrCESTError as error:
            slicer.util.errorDisplay(str(error), windowTitle=title)
        except Exception as error:
            details = traceback.format_exc()
            slicer.util.errorDisplay(
                _("{title}: {error}").format(title=title, error=error), windowTitle=title, detailedText=details
            )


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

    def loadScan(self, path, protocol=None, m0=None):
        """Load a series and the maps beside it; return its nodes by role (``series``, ``r1``, ``anatomy``, …)."""
        importLibrary()
        from PCrCESTLib.scene.loading import load_scan

        return load_scan(Path(path), protocol, m0)

    def partialProtocol(self, path):
        """Keys of the protocol file beside a series, complete or not."""
        importLibrary()
        from PCrCESTLib.scene.loading import partial_protocol

        return partial_protocol(Path(path))

    def loadSimulatedLeg(self):
        """Simulate a rat leg at two powers; return the nodes of both series, as `loadScan` does."""
        importLibrary()
        from PCrCESTLib.scene.loading import load_simulated_leg

        return load_simulated_leg(Path(slicer.app.temporaryPath))

    def assign(self, parameters, nodes):
        """Put the nodes of a loaded scan into the parameters: a further power of the same subject, or a new one."""
        importLibrary()
        from PCrCESTWidgetLib.choice import choiceOf, choose

        choose(parameters, choiceOf(parameters).joined(nodes))

    def seriesOf(self, parameters):
        """The chosen series, without gaps and repetitions."""
        importLibrary()
        from PCrCESTWidgetLib.choice import choiceOf

        return list(choiceOf(parameters).series)

    def filledMuscles(self, parameters):
        """The segmentation, None when nothing is drawn in it yet."""
        importLibrary()
        from PCrCESTWidgetLib.choice import choiceOf

        return choiceOf(parameters).drawn_muscles()


class PCrCESTTest(ScriptedLoadableModuleTest):
    """Run by Slicer's self test (Reload and Test, ctest)."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_TheLibraryIsFound()
        self.setUp()
        self.test_FromScanToTable()

    def test_TheLibraryIsFound(self):
        self.assertIn(importLibrary().__version__, PCrCESTLogic().libraryStatus())

    def test_FromScanToTable(self):
        """The whole path on the simulated leg, through the panel's own buttons."""
        widget = slicer.util.getModuleWidget("PCrCEST")
        widget.enter()
        self.delayDisplay("Loading the simulated leg")
        widget.ui.sampleButton.click()
        self.assertEqual(len(widget.logic.seriesOf(widget.parameters)), 2)
        self.assertTrue(widget.ui.applyButton.enabled)
        self.delayDisplay("Computing")
        widget.ui.applyButton.click()
        for _attempt in range(1200):
            self.delayDisplay("Computing", 100)
            if not widget.quantify.control.running:
                break
        run = widget.shownRun()
        self.assertIsNotNone(run, widget.ui.progressMessage.text)
        self.assertGreater(run.table.GetNumberOfRows(), 0)
        self.delayDisplay("Done")
