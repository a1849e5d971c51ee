"""The stand-in loads panels and modules as Slicer does, and records what goes wrong."""

from __future__ import annotations

import pathlib
import textwrap

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)

PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>Toy</class><widget class="qMRMLWidget" name="Toy">
<layout class="QVBoxLayout" name="v">
<item><widget class="ctkCollapsibleButton" name="inputs">
<property name="text"><string>Inputs</string></property>
<property name="collapsed"><bool>true</bool></property><layout class="QFormLayout" name="f">
<item row="0" column="1"><widget class="qMRMLNodeComboBox" name="connected"><property name="nodeTypes">
<stringlist notr="true"><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
<property name="noneEnabled"><bool>true</bool></property>
<property name="SlicerParameterName" stdset="0"><string>series</string></property></widget></item>
<item row="1" column="1"><widget class="qMRMLNodeComboBox" name="forgotten"/></item>
<item row="2" column="1"><widget class="ctkPathLineEdit" name="path"><property name="filters">
<set>ctkPathLineEdit::Files|ctkPathLineEdit::Readable</set></property></widget></item>
</layout></widget></item>
<item><widget class="QPushButton" name="run">
<property name="text"><string>Run</string></property></widget></item>
</layout></widget><connections>
<connection><sender>Toy</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal><receiver>connected</receiver>
<slot>setMRMLScene(vtkMRMLScene*)</slot></connection>EXTRA</connections></ui>
"""
MODULE = """
import slicer, qt
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer import vtkMRMLScalarVolumeNode


@parameterNodeWrapper
class ToyNode:
    series: vtkMRMLScalarVolumeNode


class Toy(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Toy"
        parent.categories = ["Quantification"]


class ToyWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/Toy.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = ToyLogic()
        self.tag = None
        self.node = None
        self.ui.run.connect("clicked(bool)", self.onRun)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onEndClose)

    def enter(self):
        self.node = ToyNode(self.logic.getParameterNode())
        self.tag = self.node.connectGui(self.ui)

    def exit(self):
        if self.node:
            self.node.disconnectGui(self.tag)
            self.node = None

    def onStartClose(self, caller, event):
        self.exit()

    def onEndClose(self, caller, event):
        self.enter()

    def cleanup(self):
        self.removeObservers()

    def onRun(self):
        with slicer.util.tryWithErrorDisplay("Failed."):
            raise ValueError("empty muscle")


class ToyLogic(ScriptedLoadableModuleLogic):
    pass


class ToyTest(ScriptedLoadableModuleTest):
    def runTest(self):
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 0)
"""


def write_panel(folder, extra=""):
    (folder / "Resources" / "UI").mkdir(parents=True)
    path = folder / "Resources" / "UI" / "Toy.ui"
    path.write_text(PANEL.replace("EXTRA", extra), encoding="utf-8")
    return str(path)


@pytest.fixture(name="toy")
def toy_file(tmp_path):
    """A module file with its panel."""
    write_panel(tmp_path)
    path = tmp_path / "Toy.py"
    path.write_text(textwrap.dedent(MODULE), encoding="utf-8")
    return path


def connection(sender, signal, receiver, slot):
    parts = (("sender", sender), ("signal", signal), ("receiver", receiver), ("slot", slot))
    return "<connection>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts) + "</connection>"


def test_a_panel_hands_the_scene_on_through_its_connections_only(harness, tmp_path):
    import slicer

    panel = slicer.util.loadUI(write_panel(tmp_path))
    ui = slicer.util.childWidgetVariables(panel)
    panel.setMRMLScene(slicer.mrmlScene)
    assert ui.connected.mrmlScene() is slicer.mrmlScene
    assert ui.forgotten.mrmlScene() is None
    assert (ui.connected.noneEnabled, ui.connected.nodeTypes) == (True, ("vtkMRMLScalarVolumeNode",))
    assert (ui.inputs.collapsed, ui.inputs.text, ui.path.filters) == (True, "Inputs", 18)
    assert ui.connected.property("SlicerParameterName") == "series"


def test_a_connection_that_does_not_exist_is_recorded(lenient_harness, tmp_path):
    import qt
    import slicer

    bad = connection("Toy", "mrmlSceneChanged(vtkMRMLScene*)", "run", "setMRMLScene(vtkMRMLScene*)")
    bad += connection("run", "pushed()", "inputs", "toggle()")
    bad += connection("run", "clicked()", "nobody", "toggle()")
    slicer.util.loadUI(write_panel(tmp_path, bad))
    assert lenient_harness.failed_connects == [
        "Toy.mrmlSceneChanged(vtkMRMLScene*) -> run.setMRMLScene(vtkMRMLScene*)",
        "QPushButton.pushed() -> toggle()",
    ]
    assert lenient_harness.ui_problems == ["connection of unknown widgets: run -> nobody"]
    with pytest.raises(AssertionError):
        lenient_harness.assert_clean()
    assert qt.QPushButton().connect("nosuch()", print) is False


def test_a_panel_with_an_unknown_property_is_recorded(lenient_harness, tmp_path):
    import slicer

    path = pathlib.Path(write_panel(tmp_path))
    path.write_text(path.read_text().replace('"noneEnabled"', '"noneAllowed"'), encoding="utf-8")
    slicer.util.loadUI(str(path))
    assert lenient_harness.ui_problems == ["qMRMLNodeComboBox connected has no property noneAllowed"]


def test_a_module_loads_and_lives_through_the_closing_of_the_scene(harness, toy):
    import slicer

    module, widget, top = harness.load_module(toy)
    assert (top.size.width(), top.windowTitle, slicer.modules.toy.title) == (380, "Toy", "Toy")
    assert widget.ui.run.isVisible()
    assert not widget.ui.path.isVisible()  # in a collapsed section
    widget.ui.inputs.collapsed = False
    assert widget.ui.path.isVisible()
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Z")
    widget.ui.connected.setCurrentNode(volume)
    assert widget.node.series is volume
    slicer.mrmlScene.Clear(0)
    assert widget.node.series is None
    assert widget.ui.connected.currentNode() is None
    module.ToyTest().runTest()
    assert slicer.util.modulePath("Toy") == str(toy)


def test_an_error_in_a_slot_is_shown_and_recorded(lenient_harness, toy):
    _, widget, _ = lenient_harness.load_module(toy)
    widget.ui.run.click()
    assert lenient_harness.texts("error") == ["Failed.\n\nempty muscle"]
    assert [str(error) for error in lenient_harness.slot_errors] == ["empty muscle"]


def test_an_error_in_an_observer_is_recorded(lenient_harness):
    import slicer

    def fail(caller, event):
        raise ValueError("in observer")

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, fail)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.mrmlScene.RemoveObserver(tag)
    assert [str(error) for error in lenient_harness.slot_errors] == ["in observer"]


def test_questions_are_answered_by_the_test(harness):
    import qt
    import slicer

    assert slicer.util.confirmYesNoDisplay("Go on?") is True
    harness.answer("yesNo", False)
    assert slicer.util.confirmYesNoDisplay("Go on?") is False
    harness.answer("getOpenFileName", "/a/b.nii")
    found = [qt.QFileDialog.getOpenFileName(None, "Open", "/a", "*.nii") for _ in range(2)]
    assert found == ["/a/b.nii", ""]
    harness.answer("exec", qt.QMessageBox.No)
    box = qt.QMessageBox()
    box.text = "Sure?"
    assert box.exec_() == qt.QMessageBox.No
    slicer.util.errorDisplay("Wrong", detailedText="why")
    assert harness.texts() == ["Go on?", "Go on?", "Open", "Open", "Sure?", "Wrong"]
    assert harness.messages[-1].options["detailedText"] == "why"


def test_a_script_can_derive_from_a_widget(harness):
    import qt

    class Own(qt.QLabel):
        def __init__(self):
            qt.QLabel.__init__(self, "own")
            self.sizes = []

        def resizeEvent(self, event):
            self.sizes.append(event.size().width())
            qt.QLabel.resizeEvent(self, event)

    own = Own()
    own.resize(50, 20)
    own.show()
    harness.process_events()
    assert own.sizes[-1:] == [50]
    assert isinstance(own, qt.QLabel)
    assert own.text == "own"


@pytest.mark.parametrize("kind", ["ctkCollapsibleButton", "ctkCollapsibleGroupBox"])
def test_unfolding_shows_only_what_was_shown_before(harness, kind):
    import ctk
    import qt

    section = getattr(ctk, kind)()
    layout = qt.QVBoxLayout(section)
    shown, hidden = qt.QLabel("a"), qt.QLabel("b")
    layout.addWidget(shown)
    layout.addWidget(hidden)
    hidden.visible = False
    section.show()
    section.collapsed = True
    assert not shown.isVisible()
    section.collapsed = False
    assert (shown.isVisible(), hidden.isVisible()) == (True, False)


def test_a_shortcut_is_heard(harness):
    import qt
    from harness.native import native
    from PySide6 import QtCore, QtTest

    window, heard = qt.QWidget(), []
    shortcut = qt.QShortcut(window)
    shortcut.setKey(qt.QKeySequence("Ctrl+Return"))
    shortcut.connect("activated()", lambda: heard.append(1))
    window.show()
    window.activateWindow()
    harness.process_events()
    key, control = QtCore.Qt.Key.Key_Return, QtCore.Qt.KeyboardModifier.ControlModifier
    QtTest.QTest.keyClick(native(window), key, control)
    assert heard == [1]


def test_a_script_waits_with_delay_display(harness):
    import qt
    import slicer

    called = []
    qt.QTimer.singleShot(10, lambda: called.append(1))
    slicer.util.delayDisplay("Waiting", 50)
    assert (called, harness.texts("delay")) == ([1], ["Waiting"])


def test_the_parent_of_a_panel_knows_whether_it_is_entered(harness, toy):
    import slicer

    _, widget, top = harness.load_module(toy)
    assert (widget.parent is top, top.isEntered) == (True, True)
    assert slicer.modules.toy.widgetRepresentation().self() is widget
    assert slicer.util.getModuleWidget("Toy") is widget
    assert slicer.util.getModuleLogic("Toy") is widget.logic
    assert "Toy" in slicer.util.moduleNames()
    top.exit()
    assert (top.isEntered, widget.node) == (False, None)


def test_numbers_of_numpy_are_refused_as_pythonqt_does(harness):
    import qt

    box = qt.QDoubleSpinBox()
    with pytest.raises(AttributeError, match="does not accept an object of type float32"):
        box.value = np.float32(1)
    with pytest.raises(ValueError, match="Could not find matching overload"):
        box.setValue(np.float32(1))
    box.value = np.float64(1)
    assert box.value == 1.0


def test_a_deleted_widget_says_so(harness):
    import qt

    label = qt.QLabel("a")
    label.delete()
    with pytest.raises(ValueError, match="destroyed QLabel"):
        label.setText("b")
