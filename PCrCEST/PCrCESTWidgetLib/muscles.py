"""Section *Muscles*: Slicer's own Segment Editor, with presets and copying between slices."""

import slicer
from slicer.i18n import tr as _

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.muscles import PRESETS
from PCrCESTLib.scene.muscles import add_muscle, add_segmentation, copy_to_next_slice
from PCrCESTLib.scene.series_nodes import frames_of_node, show_frame, shown_frame
from PCrCESTLib.scene.volumes import slice_center, voxel_at

EDITOR_TAG = "PCrCESTSegmentEditor"


class MusclesSection:
    """Muscles are segments of one segmentation node on the grid of the images."""

    def __init__(self, panel):
        self.panel, self.ui = panel, panel.ui
        self.editorNode = None
        self.frames = []
        self.ui.presetSelector.addItems(list(PRESETS))
        self.ui.presetSelector.connect("currentIndexChanged(int)", self.onPreset)
        self.onPreset(0)
        self.ui.addLeftButton.connect("clicked(bool)", lambda _checked: self.onAdd("left"))
        self.ui.addRightButton.connect("clicked(bool)", lambda _checked: self.onAdd("right"))
        self.ui.addButton.connect("clicked(bool)", lambda _checked: self.onAdd(""))
        self.ui.copyNextButton.connect("clicked(bool)", lambda _checked: self.onCopy(1))
        self.ui.copyPreviousButton.connect("clicked(bool)", lambda _checked: self.onCopy(-1))
        self.ui.drawOn.connect("currentIndexChanged(int)", self.onDrawOn)
        self.ui.editor.connect("currentSegmentIDChanged(QString)", self.onSegmentChosen)

    def enter(self):
        """Give the editor its own node, so that the Segment Editor module is not disturbed."""
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(EDITOR_TAG)
            node = scene.AddNode(node)
        if node is not self.editorNode:
            self.editorNode = node
            self.ui.editor.setMRMLSegmentEditorNode(node)
        self.ui.editor.installKeyboardShortcuts()

    def exit(self):
        self.ui.editor.setActiveEffect(None)
        self.ui.editor.uninstallKeyboardShortcuts()
        self.ui.editor.removeViewObservations()

    def forget(self):
        """The scene is closed."""
        self.ui.editor.setMRMLSegmentEditorNode(None)
        self.editorNode = None
        self.frames = []

    def onPreset(self, _index):
        self.ui.muscleSelector.clear()
        self.ui.muscleSelector.addItems([m.name for m in PRESETS[self.ui.presetSelector.currentText]])

    def onAdd(self, side):
        with self.panel.guarded(_("The muscle cannot be added")):
            parameters = self.panel.parameters
            reference = self.reference()
            if parameters.muscles is None:
                parameters.muscles = add_segmentation(reference, _("Muscles"))
            muscle = PRESETS[self.ui.presetSelector.currentText][self.ui.muscleSelector.currentIndex]
            segmentId = add_muscle(parameters.muscles, muscle, side)
            parameters.muscles.GetDisplayNode().SetVisibility2DFill(True)
            self.panel.refresh()
            self.ui.editor.setCurrentSegmentID(segmentId)
            self.ui.editor.setActiveEffectByName("Paint")

    def onCopy(self, step):
        with self.panel.guarded(_("The muscle cannot be copied")):
            segmentation, segmentId = self.panel.parameters.muscles, self.ui.editor.currentSegmentID()
            if segmentation is None or not segmentId:
                raise ReaderError(_("no muscle is selected; select one in the list, then copy"))
            target = copy_to_next_slice(segmentation, segmentId, self.reference(), self.shownSlice(), step)
            self.showSlice(target)

    def reference(self):
        """Volume on whose grid muscles are drawn: anatomy, else a frame of the series."""
        parameters = self.panel.parameters
        if parameters.anatomy is not None:
            return parameters.anatomy
        nodes = self.panel.logic.seriesOf(parameters)
        if not nodes:
            raise ReaderError(_("no scan is chosen; load one in the section Scan first"))
        return shown_frame(nodes[0]) or show_frame(nodes[0], 0)

    def shownSlice(self):
        """Slice (k) of the reference that the red view shows."""
        red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
        matrix = red.GetSliceToRAS()
        ras = tuple(matrix.GetElement(i, 3) for i in range(3))
        ijk = voxel_at(self.reference(), ras)
        return ijk[2] if ijk is not None else 0

    def showSlice(self, k):
        """Bring a slice of the reference into the views."""
        slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *slice_center(self.reference(), k))

    def onDrawOn(self, index):
        if 0 <= index < len(self.frames):
            with self.panel.guarded(_("The image cannot be shown")):
                series, frame = self.frames[index]
                node = self.panel.parameters.anatomy if series is None else show_frame(series, frame)
                slicer.util.setSliceViewerLayers(background=node)
                self.ui.editor.setSourceVolumeNode(node)

    def onSegmentChosen(self, _segmentId=""):
        self.panel.results.onSegmentChosen()

    def update(self):
        parameters = self.panel.parameters
        nodes = self.panel.logic.seriesOf(parameters)
        self.fillDrawOn(parameters.anatomy, nodes)
        self.fillEditor(parameters, nodes)
        for button in (self.ui.addLeftButton, self.ui.addRightButton, self.ui.addButton):
            button.enabled = bool(nodes)
        for button in (self.ui.copyNextButton, self.ui.copyPreviousButton):
            button.enabled = parameters.muscles is not None and bool(nodes)
        if not nodes:
            return _("Load a scan first.")
        if parameters.muscles is None:
            return _("Optional: add a muscle and draw it, or choose a segmentation. Without one, maps only.")
        return ""

    def fillEditor(self, parameters, nodes):
        """Give the editor its nodes; it takes none before it has an editor node (the module is not open)."""
        if self.editorNode is None:
            return
        editor = self.ui.editor
        if editor.segmentationNode() is not parameters.muscles:
            editor.setSegmentationNode(parameters.muscles)
        if parameters.muscles is not None and nodes and editor.sourceVolumeNode() is None:
            editor.setSourceVolumeNode(self.reference())

    def fillDrawOn(self, anatomy, nodes):
        frames = [] if anatomy is None else [(None, 0)]
        texts = [] if anatomy is None else [_("Anatomy: {name}").format(name=anatomy.GetName())]
        for series in nodes[:1]:
            for frame in range(frames_of_node(series)):
                frames.append((series, frame))
                texts.append(f"{series.GetNthIndexValue(frame)} ppm")
        combo = self.ui.drawOn
        if [combo.itemText(i) for i in range(combo.count)] != texts:
            wasBlocked = combo.blockSignals(True)
            combo.clear()
            combo.addItems(texts)
            combo.blockSignals(wasBlocked)
        self.frames = frames
