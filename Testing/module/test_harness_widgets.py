"""Widgets of the stand-in on the real scene, and the application around them."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)

@pytest.fixture
def volume(harness):
    import slicer

    return slicer.util.addVolumeFromArray(np.arange(60.0).reshape(3, 4, 5).astype(np.float32), name="Z")


def test_the_node_selector_follows_the_scene(harness):
    import slicer

    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    combo.noneEnabled = True
    combo.setMRMLScene(slicer.mrmlScene)
    seen = []
    combo.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: seen.append(node and node.GetName()))
    combo.connect("currentNodeChanged(bool)", seen.append)
    first = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a")
    second = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "b")
    hidden = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hidden")
    hidden.SetHideFromEditors(True)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "c")
    assert (combo.nodeCount(), combo.currentNode()) == (2, None)
    combo.showChildNodeTypes = False
    assert combo.nodeCount() == 1
    combo.showChildNodeTypes = combo.showHidden = True
    assert combo.nodeCount() == 3
    combo.setCurrentNode(second)
    assert (combo.currentNodeID, seen) == (second.GetID(), ["b", True])
    slicer.mrmlScene.RemoveNode(second)
    assert (combo.currentNode(), seen[2:]) == (None, [None, False])
    combo.noneEnabled = False
    assert combo.currentNode() is first
    combo.addAttribute("vtkMRMLScalarVolumeNode", "kind", "map")
    assert (combo.nodeCount(), combo.currentNode()) == (0, None)
    first.SetAttribute("kind", "map")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "d").SetAttribute("kind", "other")
    assert combo.nodeFromIndex(0) is first


def test_the_node_selector_makes_renames_and_deletes(harness):
    import slicer
    from harness.native import native

    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes, combo.renameEnabled, combo.baseName = ["vtkMRMLTableNode"], True, "Values"
    combo.setMRMLScene(slicer.mrmlScene)
    inner = native(combo).combo

    def choose(text):
        inner.activated.emit(inner.findText(text))

    choose("Create new Table")
    node = combo.currentNode()
    assert node.GetName() == "Values"
    harness.answer("getText", "Other")
    choose("Rename current node")
    assert (node.GetName(), inner.currentText()) == ("Other", "Other")
    choose("Delete current node")
    assert combo.currentNode() is None


def test_the_table_view_shows_a_table(harness):
    import slicer

    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.util.updateTableFromArray(table, np.array([[1.0, 2.0], [3.0, 4.0]]), ["x", "y"])
    view = slicer.qMRMLTableView()
    view.setMRMLScene(slicer.mrmlScene)
    view.setMRMLTableNode(table)
    model = view.model()
    assert (model.rowCount(), model.columnCount(), model.index(1, 1).data()) == (2, 2, "4")
    table.AddEmptyRow()
    assert model.rowCount() == 3
    slicer.mrmlScene.Clear(0)
    assert view.mrmlTableNode() is None


def test_the_plot_view_draws_the_series(harness):
    import slicer
    from harness.mrml_views import series_of
    from harness.native import native

    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.util.updateTableFromArray(table, np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0]]), ["x", "y"])
    series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Z")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("x")
    series.SetYColumnName("y")
    series.SetPlotType(series.PlotTypeScatter)
    series.SetColor(1, 0, 0)
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle("Spectrum")
    view_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    view_node.SetPlotChartNodeID(chart.GetID())
    view = slicer.qMRMLPlotView()
    view.setMRMLScene(slicer.mrmlScene)
    view.setMRMLPlotViewNode(view_node)
    view.resize(300, 200)
    image = native(view).grab().toImage()
    reds = sum(image.pixelColor(x, y).red() - image.pixelColor(x, y).green() > 150
               for x in range(300) for y in range(200))  # fmt: skip
    assert reds > 100
    found = series_of(chart)
    assert (found[0]["name"], found[0]["x"], found[0]["y"]) == ("Z", [0, 1, 2], [1, 3, 2])


def test_the_segment_editor_needs_its_node_and_follows_it(harness, volume):
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Calf")
    segmentation.GetSegmentation().AddEmptySegment("TA", "TA")
    editor.setSegmentationNode(segmentation)
    assert editor.segmentationNode() is None
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.setMRMLSegmentEditorNode(node)
    editor.setMRMLScene(slicer.mrmlScene)
    seen = []
    editor.connect("currentSegmentIDChanged(QString)", seen.append)
    editor.connect(
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)", lambda n: seen.append(n and n.GetName())
    )
    editor.setSegmentationNode(segmentation)
    editor.setSourceVolumeNode(volume)
    assert (editor.currentSegmentID(), seen) == ("TA", ["Calf", "TA"])
    editor.onAddSegment()
    added = editor.currentSegmentID()
    assert added not in ("", "TA")
    editor.setCurrentSegmentID("TA")
    assert node.GetSelectedSegmentID() == "TA"
    editor.setEffectNameOrder(["Paint", "Erase"])
    editor.unorderedEffectsVisible = False
    editor.setActiveEffectByName("Paint")
    editor.activeEffect().setParameter("BrushSphere", 1)
    assert (editor.activeEffect().name, node.GetAttribute("Paint.BrushSphere")) == ("Paint", "1")
    editor.installKeyboardShortcuts()
    editor.setActiveEffect(None)
    editor.uninstallKeyboardShortcuts()
    editor.removeViewObservations()
    assert editor.activeEffect() is None
    segmentation.GetSegmentation().RemoveSegment("TA")
    assert editor.currentSegmentID() == added
    slicer.mrmlScene.Clear(0)
    assert (editor.segmentationNode(), editor.mrmlSegmentEditorNode()) == (None, None)


def test_the_segment_selector_gives_node_and_segment(harness):
    import slicer

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Calf")
    segmentation.GetSegmentation().AddEmptySegment("GM", "GM")
    selector = slicer.qMRMLSegmentSelectorWidget()
    selector.setMRMLScene(slicer.mrmlScene)
    selector.setCurrentNode(segmentation)
    selector.setCurrentSegmentID("GM")
    assert (selector.currentNode(), selector.segmentIDs()) == (segmentation, ("GM",))
    segmentation.GetSegmentation().RemoveSegment("GM")
    assert selector.currentSegmentID() == ""


def test_what_has_no_stand_in_says_so(harness):
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    with pytest.raises(NotImplementedError, match=r"no stand-in for qMRMLSegmentEditorWidget.undo\(\)"):
        editor.undo()
    with pytest.raises(AttributeError, match="module 'slicer' has no attribute 'qMRMLNoSuchWidget'"):
        slicer.qMRMLNoSuchWidget  # noqa: B018


def test_the_threshold_widget_shows_and_sets_the_threshold(harness, volume):
    import slicer

    volume.CreateDefaultDisplayNodes()
    widget = slicer.qMRMLVolumeThresholdWidget()
    widget.setMRMLVolumeNode(volume)
    widget.autoThreshold = slicer.qMRMLVolumeThresholdWidget.Manual
    widget.setThreshold(5.0, 20.0)
    display = volume.GetDisplayNode()
    assert (display.GetLowerThreshold(), display.GetUpperThreshold()) == (5, 20)
    assert (widget.lowerThreshold, widget.autoThreshold, display.GetApplyThreshold()) == (5.0, 1, 1)


def test_the_player_steps_through_a_sequence(harness, volume):
    import slicer

    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "s")
    for value in ("1", "2"):
        sequence.SetDataNodeAtValue(volume, value)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    player = slicer.qMRMLSequenceBrowserPlayWidget()
    player.setMRMLScene(slicer.mrmlScene)
    player.setMRMLSequenceBrowserNode(browser)
    player.onVcrFirst()
    player.onVcrNext()
    assert browser.GetSelectedItemNumber() == 1


# --- the application ---


def test_slice_views_have_real_nodes(harness, volume):
    import slicer

    manager = slicer.app.layoutManager()
    assert manager.sliceViewNames() == ("Red", "Yellow", "Green")
    slicer.util.setSliceViewerLayers(background=volume, foreground=volume, foregroundOpacity=0.4, fit=True)
    red = manager.sliceWidget("Red")
    assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    assert red.sliceLogic().GetBackgroundLayer().GetVolumeNode() is volume
    assert red.mrmlSliceNode().GetFieldOfView()[0] < 20
    slicer.util.setSliceViewerLayers(background=volume, rotateToVolumePlane=True)
    slicer.util.resetSliceViews()
    slicer.util.forceRenderAllViews()


def test_a_layout_with_a_plot_brings_its_view(harness):
    import slicer

    manager = slicer.app.layoutManager()
    before = manager.plotViewCount
    layouts = slicer.vtkMRMLLayoutNode
    manager.setLayout(layouts.SlicerLayoutFourUpPlotView)
    assert (before, manager.plotViewCount, manager.layout) == (0, 1, layouts.SlicerLayoutFourUpPlotView)
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    manager.plotWidget(0).mrmlPlotViewNode().SetPlotChartNodeID(chart.GetID())
    manager.setLayout(layouts.SlicerLayoutFourUpView)


def test_the_application_is_strict_too(harness):
    import slicer

    called = []
    assert slicer.app.connect("startupCompleted()", lambda: called.append(1)) is True
    slicer.app.startupCompleted.emit()
    assert called == [1]
    assert pathlib.Path(slicer.app.temporaryPath).is_dir()
    assert slicer.app.testingEnabled() is False
    slicer.app.processEvents()
    with pytest.raises(AttributeError, match="qSlicerApplication has no attribute named 'nonsense'"):
        slicer.app.nonsense  # noqa: B018
    assert slicer.util.mainWindow() is None


def test_files_are_written_and_read(harness, volume, tmp_path):
    import slicer

    for ending in ("nii.gz", "nrrd"):
        path = str(tmp_path / f"map.{ending}")
        assert slicer.util.saveNode(volume, path)
        assert np.array_equal(slicer.util.arrayFromVolume(slicer.util.loadVolume(path)),
                              slicer.util.arrayFromVolume(volume))  # fmt: skip
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Calf")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segmentation.GetSegmentation().AddEmptySegment("TA", "TA")
    mask = np.zeros((3, 4, 5), np.uint8)
    mask[1, 1:3, 1:3] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, "TA", volume)
    assert slicer.util.saveNode(segmentation, str(tmp_path / "calf.seg.nrrd"))
    assert (
        slicer.util.loadSegmentation(str(tmp_path / "calf.seg.nrrd")).GetSegmentation().GetNumberOfSegments()
        == 1
    )
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "t")
    slicer.util.updateTableFromArray(table, np.array([[1.0, 2.0]]), ["x", "y"])
    assert slicer.util.saveNode(table, str(tmp_path / "t.csv"))
    assert slicer.util.loadTable(str(tmp_path / "t.csv")).GetNumberOfColumns() == 2
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert slicer.mrmlScene.GetFirstNodeByName("Calf") is not None
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "absent.nrrd"))


def test_sample_data_is_registered(harness):
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="PCrCEST", sampleName="Rat", uris=["file:///a"], fileNames=["a.nrrd"], nodeNames=["a"],
        checksums=["SHA256:0"], customDownloader=lambda source: [source.sampleName],
    )  # fmt: skip
    assert SampleData.SampleDataLogic().downloadSample("Rat") == "Rat"
    assert harness.session.sample_data.registered[-1].category == "PCrCEST"
    with pytest.raises(TypeError):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(name="x")


def test_a_statistics_plugin_runs(harness):
    import slicer
    from SegmentStatistics import SegmentStatisticsLogic
    from SegmentStatisticsPlugins import SegmentStatisticsPluginBase

    class Plugin(SegmentStatisticsPluginBase):
        def __init__(self):
            super().__init__()
            self.name = "PCr"
            self.keys = self.defaultKeys = ["mean"]

        def computeStatistics(self, segmentID):
            return {"mean": 1.5} if "mean" in self.getRequestedKeys() else {}

    SegmentStatisticsLogic.registerPlugin(Plugin())
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Calf")
    segmentation.GetSegmentation().AddEmptySegment("TA", "TA")
    logic = SegmentStatisticsLogic()
    logic.getParameterNode().SetParameter("Segmentation", segmentation.GetID())
    logic.computeStatistics()
    assert logic.getStatistics()["TA", "PCr.mean"] == 1.5


def test_nothing_is_left_behind(lenient_harness):
    import sys

    import slicer

    lenient_harness.session.deactivate()
    try:
        assert "qt" not in sys.modules
        assert "slicer.ScriptedLoadableModule" not in sys.modules
        assert getattr(slicer, "app", None) is not lenient_harness.session.app
        assert slicer.util.errorDisplay.__module__ == "slicer.util"
        assert sys.excepthook is not lenient_harness.session._unhandled
    finally:
        lenient_harness.session.activate()
