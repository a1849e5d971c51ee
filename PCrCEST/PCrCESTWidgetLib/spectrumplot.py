"""The plot of the results: the Z-spectrum under the crosshair or of a muscle, or boxes over all muscles."""

import qt
import slicer
from slicer.i18n import tr as _

from PCrCESTLib.scene.box_plots import chart_of_runs, show_boxes
from PCrCESTLib.scene.charts import VIEWS, motion_title
from PCrCESTLib.scene.plot_choice import BOXES, CROSSHAIR, MOTION, MUSCLE, plots_offered, segment_of
from PCrCESTLib.scene.plots import show_motion, show_spectra
from PCrCESTLib.scene.spectrum_source import SpectrumSource

WAIT_MILLISECONDS = 60
VIEW_NAME = "PCrCESTPlot"


class SpectrumPlot:
    """Follows the crosshair (a spectrum every 60 ms at most) or shows the muscle that is chosen."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.source = SpectrumSource()
        self.ras = None
        self.spectra = []
        self.title = ""
        self.crosshair = None
        self.viewNode = None
        self.timer = qt.QTimer()
        self.timer.setSingleShot(True)
        self.timer.setInterval(WAIT_MILLISECONDS)
        self.timer.connect("timeout()", self.draw)
        self.ui.plotSelector.connect("activated(int)", self.onChosen)
        for view, text in VIEWS.items():
            self.ui.plotKind.addItem(_(text), view)
        self.ui.plotKind.connect("activated(int)", self.onChosen)

    def enter(self):
        node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is not None and node is not self.crosshair:
            self.exit()
            self.crosshair = node
            self.panel.addObserver(node, slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent, self.onMoved)

    def exit(self):
        self.timer.stop()
        if self.crosshair is not None:
            event = slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent
            if self.panel.hasObserver(self.crosshair, event, self.onMoved):
                self.panel.removeObserver(self.crosshair, event, self.onMoved)
            self.crosshair = None

    def onMoved(self, crosshair, _event=None):
        ras = [0.0, 0.0, 0.0]
        if crosshair.GetCursorPositionRAS(ras):
            self.ras = tuple(ras)
            if self.chosen() == CROSSHAIR and not self.timer.isActive():
                self.timer.start()

    def chosen(self):
        return str(self.ui.plotSelector.itemData(self.ui.plotSelector.currentIndex) or CROSSHAIR)

    def onChosen(self, _index=0):
        self.draw()

    def showFirst(self):
        """Show the first muscle, where there is one: an empty plot says nothing."""
        if self.chosen() == CROSSHAIR and self.ras is None and self.ui.plotSelector.count > 1:
            self.ui.plotSelector.setCurrentIndex(1)
            self.draw()

    def followMuscle(self):
        """Show the muscle that was chosen in the editor, if a muscle is shown already."""
        segmentId = self.ui.editor.currentSegmentID()
        index = self.ui.plotSelector.findData(MUSCLE + str(segmentId))
        if segmentId and index >= 0 and segment_of(self.chosen()):
            self.ui.plotSelector.setCurrentIndex(index)
            self.draw()

    def update(self):
        """List what can be plotted, and plot it again."""
        offered = plots_offered(self.panel.shownRun(), self.panel.parameters.muscles)
        entries = [(text if segment_of(key) else _(text), key) for key, text in offered]
        kept = self.chosen()
        combo = self.ui.plotSelector
        if [(combo.itemText(i), str(combo.itemData(i))) for i in range(combo.count)] != entries:
            wasBlocked = combo.blockSignals(True)
            combo.clear()
            for text, data in entries:
                combo.addItem(text, data)
            combo.setCurrentIndex(max(0, combo.findData(kept)))
            combo.blockSignals(wasBlocked)
        if kept != CROSSHAIR or self.ras is not None:
            self.draw()

    def draw(self):
        chosen = self.chosen()
        self.ui.plotKind.enabled = chosen not in (BOXES, MOTION)
        if chosen == BOXES:
            self.drawBoxes()
            return
        if chosen == MOTION:
            self.drawMotion()
            return
        if self.source.prepared(self.series()) is None:
            return  # the section Scan says why
        self.spectra, self.title = self.found(chosen)
        view = str(self.ui.plotKind.itemData(self.ui.plotKind.currentIndex))
        self.showChart(show_spectra(self.spectra, self.title, view))

    def series(self):
        return self.panel.logic.seriesOf(self.panel.parameters)

    def found(self, chosen):
        """Spectra of what is chosen, and a heading."""
        run = self.panel.shownRun()
        if chosen == CROSSHAIR:
            return self.source.at_voxel(self.series(), self.ras, run)
        muscles = self.panel.parameters.muscles
        return self.source.of_muscle(self.series(), muscles, segment_of(chosen), run)

    def drawMotion(self):
        run = self.panel.shownRun()
        if run is None or not run.record.get("motion"):
            return
        motion = run.record["motion"]
        self.spectra, self.title = [], ""
        self.showChart(show_motion(motion["frames"], motion_title(run.name, motion)))

    def drawBoxes(self):
        """Boxes of the shown map, and of the other result's beside them."""
        results, kind = self.panel.results, self.panel.results.kind()
        runs = [run for run in (results.run(), results.otherRun()) if run is not None and kind in run.maps]
        if not runs:
            return
        self.spectra, self.title = [], ""
        self.showChart(show_boxes(chart_of_runs(runs, kind, self.panel.parameters.muscles)), fit=False)

    def showChart(self, chart, fit=True):
        """Show a chart in the panel's own plot view, fitted to its curves or in the ranges that it states."""
        if self.viewNode is None or self.viewNode.GetScene() is None:
            node = slicer.mrmlScene.GetSingletonNode(VIEW_NAME, "vtkMRMLPlotViewNode")
            if node is None:
                node = slicer.vtkMRMLPlotViewNode()
                node.SetSingletonTag(VIEW_NAME)
                node.SetLayoutName(VIEW_NAME)
                # Owned by the module's node, so that the layout manager makes no window of its own for it.
                node.SetAndObserveParentLayoutNodeID(self.panel.parameters.parameterNode.GetID())
                node = slicer.mrmlScene.AddNode(node)
            self.viewNode = node
            self.ui.plotView.setMRMLPlotViewNode(node)
        self.viewNode.SetPlotChartNodeID(chart.GetID())
        if fit:
            self.ui.plotView.fitToContent()

    def forget(self):
        """The scene is closed."""
        self.timer.stop()
        self.source.forget()
        self.ras, self.spectra, self.viewNode = None, [], None
        self.ui.plotView.setMRMLPlotViewNode(None)
