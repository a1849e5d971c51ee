"""The plot of the results: the Z-spectrum under the crosshair or of a muscle, or boxes over all muscles."""

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.scene.box_plots import axis_title, boxes_of_rows, boxes_of_voxels, show_boxes
from PCrCESTLib.scene.muscles import segment_mask, segment_names
from PCrCESTLib.scene.plots import VIEWS, show_motion, show_spectra
from PCrCESTLib.scene.series_nodes import series_of
from PCrCESTLib.scene.spectra import one_voxel, peak_fit_of, spectra_in
from PCrCESTLib.scene.volumes import array_of, voxel_at

CROSSHAIR, BOXES, MOTION = "crosshair", "boxes", "motion"
MUSCLE = "muscle:"
WAIT_MILLISECONDS = 60
VIEW_NAME = "PCrCESTPlot"


class SpectrumPlot:
    """Follows the crosshair (a spectrum every 60 ms at most) or shows the muscle that is chosen."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.series = None  # normalized spectra of the chosen scan, and what they were made of
        self.seriesKey = None
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
        if segmentId and index >= 0 and self.chosen().startswith(MUSCLE):
            self.ui.plotSelector.setCurrentIndex(index)
            self.draw()

    def update(self):
        """List what can be plotted, and plot it again."""
        muscles = self.panel.parameters.muscles
        entries = [(_("the voxel under the crosshair (hold Shift)"), CROSSHAIR)]
        if muscles is not None:
            contents = muscles.GetSegmentation()
            for i, name in enumerate(segment_names(muscles)):
                entries.append((name, MUSCLE + contents.GetNthSegmentID(i)))
        run = self.panel.shownRun()
        if run is not None and (run.rows or len(entries) > 1):
            entries.append((_("all muscles, as boxes of the map"), BOXES))
        if run is not None and run.record.get("motion"):
            entries.append((_("motion of the frames, before and after"), MOTION))
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
        series = self.preparedSeries()
        if series is None:
            return
        mask, title = self.selection(chosen, series)
        if mask is None or not mask.any():
            self.spectra, self.title = [], title
        else:
            run = self.panel.shownRun()
            fit = peak_fit_of(run.record, series) if run is not None else None
            self.spectra, self.title = spectra_in(series, mask, self.maps(mask.shape), fit), title
        view = str(self.ui.plotKind.itemData(self.ui.plotKind.currentIndex))
        self.showChart(show_spectra(self.spectra, self.title, view))

    def selection(self, chosen, series):
        """Voxels to plot, bool (z, y, x) or None, and a heading."""
        reference = self.reference()
        if chosen == CROSSHAIR:
            ijk = voxel_at(reference, self.ras) if self.ras is not None else None
            if ijk is None:
                return None, _("no voxel under the crosshair")
            return one_voxel(series.geometry.shape, ijk), _("voxel {i}, {j}, {k}").format(
                i=ijk[0], j=ijk[1], k=ijk[2]
            ) + self.values(ijk)
        segmentId = chosen[len(MUSCLE) :]
        segment = self.panel.parameters.muscles.GetSegmentation().GetSegment(segmentId)
        if segment is None:
            return None, ""
        mask = segment_mask(self.panel.parameters.muscles, segmentId, reference)
        return mask, _("{name}, mean of {n} voxels").format(name=segment.GetName(), n=int(mask.sum()))

    def values(self, ijk):
        """fs and ksw of a voxel with their SDs, for the heading."""
        run = self.panel.shownRun()
        if run is None:
            return ""
        at = ijk[::-1]
        texts = []
        for kind, factor, unit in (("fs", 1e3, "·10⁻³"), ("ksw", 1, " 1/s")):
            if kind not in run.maps:
                continue
            values = array_of(run.maps[kind])
            if all(i < n for i, n in zip(at, values.shape, strict=True)) and np.isfinite(values[at]):
                sd = float(array_of(run.maps[kind + "_sd"])[at])
                texts.append(f"{kind} {factor * float(values[at]):.3g} ± {factor * sd:.2g}{unit}")
        return ": " + ", ".join(texts) if texts else ""

    def drawMotion(self):
        run = self.panel.shownRun()
        if run is None or not run.record.get("motion"):
            return
        motion = run.record["motion"]
        farthest = _("largest displacement {mm:.2g} mm").format(mm=motion["largest_displacement_mm"])
        self.spectra, self.title = [], ""
        self.showChart(show_motion(motion["frames"], f"{run.name}: {farthest}"))

    def drawBoxes(self):
        """Boxes of the shown map, and of the other result's beside them; muscles are numbered as in the table."""
        results, kind = self.panel.results, self.panel.results.kind()
        runs = [run for run in (results.run(), results.otherRun()) if run is not None and kind in run.maps]
        if not runs:
            return
        names = namesApart(*(run.name for run in runs)) if len(runs) > 1 else [runs[0].name]
        boxes = {name: self.boxesOf(run, kind) for name, run in zip(names, runs, strict=True)}
        rows = [row["roi"] for run in runs for row in run.rows]
        muscles = list(dict.fromkeys([*rows, *(box.muscle for known in boxes.values() for box in known)]))
        axis = axis_title(kind)
        self.spectra, self.title = [], ""
        self.showChart(show_boxes(boxes, f"{' | '.join(names)}: {axis}", axis, muscles), fit=False)

    def boxesOf(self, run, kind):
        """Boxes as the run's table has them; of a map that is not in it, those of the muscles as drawn now."""
        muscles = self.panel.parameters.muscles
        boxes = boxes_of_rows(run.rows, kind)
        if boxes or muscles is None:
            return boxes
        node, contents = run.maps[kind], muscles.GetSegmentation()
        values = array_of(node)
        masks = {
            name: segment_mask(muscles, contents.GetNthSegmentID(i), node)
            for i, name in enumerate(segment_names(muscles))
        }
        return boxes_of_voxels({name: values[mask] for name, mask in masks.items()}, kind)

    def reference(self):
        """A frame of the series, on whose grid the spectra lie."""
        return self.panel.logic.seriesOf(self.panel.parameters)[0].GetNthDataNode(0)

    def maps(self, shape):
        """Arrays of the shown run for the contribution of PCr; empty where it does not belong to this scan."""
        run = self.panel.shownRun()
        if run is None:
            return {}
        found = {kind: array_of(run.maps[kind]) for kind in ("fs", "ksw", "b0") if kind in run.maps}
        return found if all(a.shape == shape for a in found.values()) else {}

    def preparedSeries(self):
        """Normalized spectra of the chosen series, kept until another is chosen or its protocol changes."""
        nodes = self.panel.logic.seriesOf(self.panel.parameters)
        key = tuple((node.GetID(), node.GetMTime()) for node in nodes)
        if key != self.seriesKey:
            try:
                self.series = prepare_series([series_of(node) for node in nodes]) if nodes else None
            except PCrCESTError:
                self.series = None  # the section Scan says why
            self.seriesKey = key
        return self.series

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
        self.series, self.seriesKey, self.ras, self.spectra, self.viewNode = None, None, None, [], None
        self.ui.plotView.setMRMLPlotViewNode(None)


def namesApart(first, second):
    """Two names without what they share at the beginning: columns are narrow."""
    words, others = first.split(), second.split()
    while len(words) > 1 and len(others) > 1 and words[0] == others[0]:
        words, others = words[1:], others[1:]
    return " ".join(words), " ".join(others) + (" (2)" if words == others else "")
