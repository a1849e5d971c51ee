"""Section *Results*: maps over the anatomy, numbers per muscle, two results side by side."""

import qt
import slicer
from slicer.i18n import tr as _

from PCrCESTLib.scene.map_nodes import KINDS, hide_legends, show_legend, shown_map, style
from PCrCESTLib.scene.messages import messages
from PCrCESTLib.scene.runs import find_runs, names_apart, restore_tables
from PCrCESTLib.scene.tables import comparison_rows, show_comparison
from PCrCESTWidgetLib.spectrumplot import SpectrumPlot

RANGE_STEPS = 200
FIRST_VIEW, SECOND_VIEW = "Red", "Yellow"


class ResultsSection:
    """Shows one run, and another beside it."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.runs = {}
        self.shown = None  # the map, or its copy without the doubtful voxels
        self.isFilling = False
        self.layoutBefore = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        self.plot = SpectrumPlot(panel)
        self.ui.runSelector.connect("activated(int)", self.onRun)
        self.ui.mapSelector.connect("activated(int)", self.onMap)
        self.ui.compareSelector.connect("activated(int)", self.onCompare)
        self.ui.rangeWidget.connect("valuesChanged(double,double)", self.onRange)
        self.ui.opacitySlider.connect("valueChanged(double)", self.onOpacity)
        self.ui.doubtSlider.connect("valueChanged(double)", self.onDoubt)
        self.ui.copyTableButton.connect("clicked(bool)", self.onCopyTable)
        self.ui.showTableButton.connect("clicked(bool)", self.onShowTable)

    def run(self):
        """The run that is shown, None without results or while a scene is closed."""
        return None if self.panel.parameters is None else self.runs.get(self.panel.parameters.run)

    def otherRun(self):
        """The run beside the first, None where none is chosen."""
        return self.runs.get(self.panel.parameters.compareWith)

    def kind(self):
        """The map that is shown: the chosen one, or fs where the run does not have it."""
        run, chosen = self.run(), self.panel.parameters.mapKind
        return chosen if chosen in (KINDS if run is None else run.maps) else "fs"

    def restore(self):
        """The scene may have been opened from a file."""
        restore_tables()

    def update(self):
        """List the runs of the scene; return what is missing."""
        self.runs = {run.run_id: run for run in find_runs()}
        parameters = self.panel.parameters
        if parameters.run not in self.runs:
            parameters.run = next(reversed(self.runs), "")
        if parameters.compareWith not in self.runs:
            parameters.compareWith = ""
        fill(self.ui.runSelector, [(run.name, run_id) for run_id, run in self.runs.items()], parameters.run)
        others = [(run.name, run_id) for run_id, run in self.runs.items() if run_id != parameters.run]
        fill(self.ui.compareSelector, [(_("nothing"), ""), *others], parameters.compareWith)
        run = self.run()
        kinds = [] if run is None else [(known.title, kind) for kind, known in KINDS.items() if kind in run.maps]
        fill(self.ui.mapSelector, kinds, self.kind())
        self.ui.tableView.setMRMLTableNode(self.tableNode())
        self.ui.tableView.resizeColumnsToContents()
        self.ui.resultsMessage.text = "" if run is None else messages(run.record)
        for button in (self.ui.copyTableButton, self.ui.showTableButton):
            button.enabled = run is not None and run.table is not None
        self.panel.tableUpdate.update(run)
        self.plot.update()
        return "" if run is not None else _("Nothing is computed yet: press Apply in the section Quantify.")

    def tableNode(self):
        """The summary of the run, or of both where another stands beside it."""
        run, other = self.run(), self.otherRun()
        if run is None:
            return None
        if other is None or not run.rows or not other.rows:
            return run.summary
        rows = comparison_rows(run.rows, other.rows, names_apart(run.name, other.name))
        return show_comparison(rows)

    def show(self, fit=False):
        """Show the chosen map of the chosen run in the views."""
        run = self.run()
        if run is None:
            return
        kind = self.kind()
        self.fillRange(run.maps[kind], kind)
        self.shown = shown_map(run.maps, kind, self.mostDoubt())
        slicer.util.setSliceViewerLayers(
            background=self.panel.backgroundNode(),
            foreground=self.shown,
            foregroundOpacity=self.panel.parameters.opacity,
            fit=fit,
            rotateToVolumePlane=fit,
        )
        self.showSecond(kind)
        self.outlineMuscles()
        show_legend(self.shown, kind)

    def hideColorBars(self):
        """Another scan is shown: the bar of the map before would stay over it."""
        hide_legends()

    def outlineMuscles(self):
        """A filled muscle would hide the map under it."""
        muscles = self.panel.parameters.muscles
        if muscles is not None and muscles.GetDisplayNode() is not None:
            muscles.GetDisplayNode().SetVisibility2DFill(False)

    def mostDoubt(self):
        """Largest SD over value that is shown; None for all."""
        percent = self.ui.doubtSlider.value  # the parameter may not have followed yet
        return None if percent >= 100 else percent / 100

    def showSecond(self, kind):
        """The other run beside the first, same map and colors."""
        manager = slicer.app.layoutManager()
        other = self.otherRun()
        if manager is None or other is None or kind not in other.maps:
            return
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        first, second = (manager.sliceWidget(name).sliceLogic() for name in (FIRST_VIEW, SECOND_VIEW))
        second.GetSliceNode().GetSliceToRAS().DeepCopy(first.GetSliceNode().GetSliceToRAS())
        second.GetSliceNode().UpdateMatrices()
        display = self.run().maps[kind].GetDisplayNode()
        style(other.maps[kind], kind, (display.GetWindowLevelMin(), display.GetWindowLevelMax()))
        composite = second.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(first.GetSliceCompositeNode().GetBackgroundVolumeID())
        composite.SetForegroundVolumeID(other.maps[kind].GetID())
        composite.SetForegroundOpacity(self.panel.parameters.opacity)
        for logic in (first, second):
            logic.GetSliceCompositeNode().SetLinkedControl(True)

    def fillRange(self, node, kind):
        display = node.GetDisplayNode()
        low, high = KINDS[kind].shown
        widget = self.ui.rangeWidget
        self.isFilling = True
        try:
            widget.decimals = 5 if high < 0.01 else 2 if high < 10 else 0
            widget.minimum, widget.maximum = min(low, display.GetWindowLevelMin()), max(2 * high, 2e-5)
            widget.singleStep = (high - low) / RANGE_STEPS
            widget.setValues(display.GetWindowLevelMin(), display.GetWindowLevelMax())
        finally:
            self.isFilling = False

    def onRun(self, index):
        self.panel.parameters.run = str(self.ui.runSelector.itemData(index))
        self.panel.refresh()
        self.show()

    def onMap(self, index):
        self.panel.parameters.mapKind = str(self.ui.mapSelector.itemData(index))
        self.show()
        self.plot.update()

    def onCompare(self, index):
        self.panel.parameters.compareWith = str(self.ui.compareSelector.itemData(index))
        self.panel.refresh()
        manager = slicer.app.layoutManager()
        if not self.panel.parameters.compareWith and manager is not None:
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self.show()

    def onRange(self, low, high):
        run = self.run()
        if self.isFilling or run is None or not low < high:
            return
        for node in (run.maps[self.kind()], self.shown):
            if isInScene(node):
                node.GetDisplayNode().SetWindowLevelMinMax(low, high)
        other = self.otherRun()
        if other is not None and self.kind() in other.maps:
            other.maps[self.kind()].GetDisplayNode().SetWindowLevelMinMax(low, high)

    def onOpacity(self, value):
        slicer.util.setSliceViewerLayers(foregroundOpacity=value)

    def onDoubt(self, _value):
        self.show()

    def onSegmentChosen(self):
        self.plot.followMuscle()

    def onCopyTable(self, _checked=False):
        run = self.run()
        if run is not None and run.rows:
            lines = ["\t".join(run.rows[0]), *("\t".join(row.values()) for row in run.rows)]
            qt.QApplication.clipboard().setText("\n".join(lines) + "\n")

    def onShowTable(self, _checked=False):
        """Every number in a table view of its own below the slices; pressed again, the views are as before."""
        run, manager = self.run(), slicer.app.layoutManager()
        if run is None or run.table is None or manager is None:
            return
        withTable = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
        selection = slicer.app.applicationLogic().GetSelectionNode()
        isShown = manager.layout == withTable and selection.GetActiveTableID() == run.table.GetID()
        if isShown:
            manager.setLayout(self.layoutBefore)
            return
        if manager.layout != withTable:
            self.layoutBefore = manager.layout
        manager.setLayout(withTable)
        selection.SetActiveTableID(run.table.GetID())
        slicer.app.applicationLogic().PropagateTableSelection()
        for i in range(manager.tableViewCount):
            manager.tableWidget(i).tableView().resizeColumnsToContents()

    def forget(self):
        """The scene is closed."""
        self.runs, self.shown = {}, None
        self.ui.tableView.setMRMLTableNode(None)
        self.plot.forget()


def isInScene(node):
    return node is not None and node.GetScene() is not None


def fill(combo, entries, chosen):
    """Give a combo box its (text, data) entries and choose one, without telling anyone."""
    wasBlocked = combo.blockSignals(True)
    combo.clear()
    for text, data in entries:
        combo.addItem(text, data)
    combo.setCurrentIndex(max(combo.findData(chosen), 0) if entries else -1)
    combo.blockSignals(wasBlocked)
