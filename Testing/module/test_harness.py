"""The stand-in for Slicer answers as the real application does, row by row of the recorded tables."""

from __future__ import annotations

import enum
import os
import pathlib
import textwrap
from typing import Annotated, Optional

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PySide6")
pytest.importorskip("slicer_core")

from harness.fixtures import harness, lenient_harness  # noqa: F401

KEYWORDS = (
    "Called QPushButton(QWidget parent) -> QPushButton with keyword arguments,"
    " but called slot does not support kwargs."
)


class Fails:
    """An expected exception and its text."""

    def __init__(self, kind, text):
        self.kind, self.text = kind, text


# expression -> what the running application answered (see slicer_api/README.md)
SEMANTICS = [
    ("b.text", "Run"),
    ("b.text()", Fails(TypeError, "'str' object is not callable")),
    ('(b.setText("x"), b.text)[1]', "x"),
    ('(put(b, "text", "y"), b.text)[1]', "y"),
    ('(put(b, "enabled", False), b.enabled, b.isEnabled())[1:]', (False, False)),
    (
        'put(b, "nonsense", 3)',
        Fails(
            AttributeError,
            "'nonsense' does not exist on QPushButton and creating new attributes on C++ objects is not"
            " allowed",
        ),
    ),
    ("b.nonsens2", Fails(AttributeError, "QPushButton has no attribute named 'nonsens2'")),
    ('b.connect("clicked(bool)", f)', True),
    ('b.connect("clicked()", f)', True),
    ("b.clicked.connect(f)", True),
    ('b.connect("nosuch()", f)', False),
    (
        '(b.connect("clicked(bool)", got.append), b.connect("clicked()", lambda: got.append("c")),'
        ' b.clicked.connect(lambda *a: got.append(("s", *a))), b.click(), got)[-1]',
        [False, "c", ("s", False)],
    ),
    ("b.clicked.emit(True)", None),
    ("b.clicked(True)", None),
    ('(b.connect("clicked(bool)", f), b.disconnect("clicked(bool)"))[1]', True),
    ('qt.QPushButton(text="k")', Fails(ValueError, KEYWORDS)),
    ("cb.currentIndex", 0),
    ("cb.count", 2),
    ("cb.currentText", "a"),
    ("cb.itemText(1)", "b"),
    ('cb.findText("b")', 1),
    ("cb.currentIndexChanged.connect(f)", True),
    ('cb.connect("currentIndexChanged(int)", f)', True),
    ("cb.currentTextChanged.connect(f)", True),
    (
        '(cb.connect("currentIndexChanged(int)", lambda v: got.append(("i", v))),'
        ' cb.currentIndexChanged.connect(lambda v: got.append(("I", v))),'
        ' cb.currentTextChanged.connect(lambda v: got.append(("t", v))), put(cb, "currentIndex", 1),'
        " sorted(got))[-1]",
        [("I", 1), ("i", 1), ("t", "b")],
    ),
    ("ck.checked", False),
    ("ck.isChecked()", False),
    ("ck.checkState() == 0", True),
    ("ck.checkState() == qt.Qt.Unchecked", True),
    ("qt.Qt.Checked == 2", True),
    ("ck.toggled.connect(f)", True),
    ("ck.stateChanged.connect(f)", True),
    ("sp.value", 0.0),
    ("sp.value()", Fails(TypeError, "'float' object is not callable")),
    ("sl.value", 0.0),
    ("lb.text", ""),
    ("le.text", ""),
    ("(qt.Qt.AlignCenter | qt.Qt.AlignTop) == 164", True),
    ("qt.QMessageBox.Yes == 16384", True),
    ("qt.Qt.ItemDataRole.UserRole == 256", True),
    ("qt.Qt.UserRole == 256", True),
    ("isinstance(b, qt.QWidget)", False),
    ("isinstance(slicer.qMRMLWidget(), qt.QWidget)", False),
    ("b.isWidgetType()", True),
    ('(put(b, "text", "y"), b.property("text"))[1]', "y"),
    ('(b.setProperty("foo", 1), b.property("foo"))', (False, 1)),
    ("(b.objectName, b.name)", ("", "")),
    ("(b.size.width(), b.size.height())", (640, 480)),
    ("b.width", 640),
    ("b.width()", Fails(TypeError, "'int' object is not callable")),
    ("b.sizeHint.width() > 0", True),
    ("b.sizeHint()", Fails(TypeError, "'PySide6.QtCore.QSize' object is not callable")),
    ("b.parent()", None),
    ("type(b.children())", tuple),
    ("b.isVisible()", False),
    ("b.visible", False),
    ("(b.setVisible(True), b.visible)", (None, True)),
    ("b.show()", None),
    ("b.toolTip", ""),
    ("b.font.family() != ''", True),
    ("tb.rowCount", 2),
    ("tb.rowCount()", Fails(TypeError, "'int' object is not callable")),
    ('tb.setItem(0, 0, qt.QTableWidgetItem("v"))', None),
    ('(tb.setItem(0, 0, qt.QTableWidgetItem("v")), tb.item(0, 0).text())[1]', "v"),
    ('(tb.setItem(0, 0, qt.QTableWidgetItem("v")), callable(tb.item(0, 0).text))[1]', True),
    ("qt.QTimer.singleShot(0, f)", None),
    ("tm.timeout.connect(f)", True),
    ('tm.connect("timeout()", f)', True),
    ("tm.active", False),
    ("tm.isActive()", False),
    ('(put(tm, "interval", 50), tm.interval)', (None, 50)),
    ("(tm.setSingleShot(True), tm.singleShot)", (None, True)),
    ('qt.QSettings().value("a/b", "d")', "d"),
    ('qt.QSettings().setValue("a/c", "1")', None),
    ('(qt.QSettings().setValue("a/c", "1"), slicer.util.settingsValue("a/c", "0"))[1]', "1"),
    ("qt.Signal.__name__", "Signal"),
    ('qt.QColor("#ff0000").name()', "#ff0000"),
    ('qt.QUrl("file:///a").toString()', "file:///a"),
    ("nc.currentNode()", None),
    ("nc.currentNodeID", ""),
    ("nc.currentNodeID()", Fails(TypeError, "'str' object is not callable")),
    ("nc.nodeTypes", ("vtkMRMLScalarVolumeNode",)),
    ("nc.addEnabled", True),
    ("nc.currentNodeChanged.connect(f)", True),
    ('nc.connect("currentNodeChanged(vtkMRMLNode*)", f)', True),
    ('nc.addAttribute("vtkMRMLScalarVolumeNode", "kind", "map")', None),
    ("pl.currentPath", ""),
    ("pl.filters", 24663),
    ("ctk.ctkPathLineEdit.Files | ctk.ctkPathLineEdit.Dirs", 3),
    ("co.collapsed", False),
    ("co.text", ""),
]


@pytest.fixture
def names(lenient_harness):  # noqa: F811
    import ctk
    import qt
    import slicer

    combo = qt.QComboBox()
    combo.addItems(["a", "b"])
    nodes = slicer.qMRMLNodeComboBox()
    nodes.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    return {
        "qt": qt, "ctk": ctk, "slicer": slicer, "put": setattr, "got": [], "f": lambda *values: None,
        "b": qt.QPushButton("Run"), "cb": combo, "ck": qt.QCheckBox(), "sp": qt.QDoubleSpinBox(),
        "sl": ctk.ctkSliderWidget(), "lb": qt.QLabel(), "le": qt.QLineEdit(), "tb": qt.QTableWidget(2, 2),
        "tm": qt.QTimer(), "nc": nodes, "pl": ctk.ctkPathLineEdit(), "co": ctk.ctkCollapsibleButton(),
    }  # fmt: skip


@pytest.mark.parametrize(("expression", "answer"), SEMANTICS, ids=[row[0][:60] for row in SEMANTICS])
def test_an_expression_gives_what_slicer_gives(names, expression, answer):
    if isinstance(answer, Fails):
        with pytest.raises(answer.kind) as caught:
            eval(expression, names)
        assert str(caught.value) == answer.text
    else:
        assert eval(expression, names) == answer


# --- parameter nodes (parameter_node.md) ---


class Method(enum.Enum):
    TWO_BRANCH = "two-branch"
    MPLF = "mplf"

    def label(self):
        return self.value


@pytest.fixture
def wrapped(harness):  # noqa: F811
    """A class with one parameter of each kind, its node, and widgets for most."""
    import slicer
    from slicer.parameterNodeWrapper import Choice, Minimum, WithinRange, parameterNodeWrapper, parameterPack

    @parameterPack
    class Range:
        low: float = 0.1
        high: float = 0.9

    class P:
        series: slicer.vtkMRMLScalarVolumeNode
        rois: slicer.vtkMRMLSegmentationNode
        method: Method
        model: Annotated[str, Choice(["auto", "rat"])]
        opacity: Annotated[float, WithinRange(0, 1)] = 0.5
        n: Annotated[int, Minimum(1)] = 3
        on: bool
        text: str = "hello"
        path: pathlib.Path = pathlib.Path("a/b")
        names: list[str]
        table: dict[str, float]
        rng: Range
        maybe: Optional[float] = None  # noqa: UP045 - as module files write it

    P.__annotations__ = {
        **P.__annotations__,
        "series": slicer.vtkMRMLScalarVolumeNode,
        "rois": slicer.vtkMRMLSegmentationNode,
        "rng": Range,
        "model": Annotated[str, Choice(["auto", "rat"])],
        "opacity": Annotated[float, WithinRange(0, 1)],
        "n": Annotated[int, Minimum(1)],
    }
    return parameterNodeWrapper(P)


@pytest.fixture
def node(harness):  # noqa: F811
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "P")


@pytest.fixture
def p(wrapped, node):
    return wrapped(node)


NAMES = (
    "maybe.1", "method", "model", "n", "names.len", "on", "opacity", "path", "rng.high", "rng.low", "rois",
    "series", "table.len", "text",
)  # fmt: skip


def test_parameters_have_their_defaults(p):
    assert (p.series, p.method, p.model, p.opacity, p.n, p.on) == (
        None,
        Method.TWO_BRANCH,
        "auto",
        0.5,
        3,
        False,
    )
    assert (p.text, p.path, p.rng.low, p.maybe) == ("hello", pathlib.PurePosixPath("a/b"), 0.1, None)
    assert repr(p.names) == "ObservedList([])"
    assert repr(p.table) == "ObservedDict({})"


def test_every_parameter_is_written_at_once(p, node):
    assert tuple(sorted(node.GetParameterNames())) == NAMES


def test_raw_parameters_after_setting(p, node):
    p.method, p.names, p.on = Method.MPLF, ["a", "b"], True
    raw = {name: node.GetParameter(name) for name in node.GetParameterNames()}
    expected = {"maybe.1": "True", "method": "MPLF", "model": "auto", "n": "3", "names.0": "a",
                "names.1": "b", "names.len": "2", "on": "True", "opacity": "0.5"}  # fmt: skip
    assert {name: raw[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "value", "kind", "text"),
    [
        ("opacity", 2, ValueError, "Value must be within range [0, 1], is 2"),
        ("model", "nope", ValueError, "Value is nope, but must be in one of the following: ['auto', 'rat']"),
        ("n", 0, ValueError, "Value must be greater than 1, is 0"),
        ("n", "x", TypeError, "Value must be of type '<class 'int'>', is type '<class 'str'>' value 'x'"),
    ],
)
def test_a_value_outside_the_annotation_is_refused(p, name, value, kind, text):
    with pytest.raises(kind) as caught:
        setattr(p, name, value)
    assert str(caught.value) == text


def test_an_unknown_attribute_can_be_set_but_not_read(p):
    p.unknown = 3
    assert p.unknown == 3
    with pytest.raises(AttributeError, match="'P' object has no attribute 'zzz'"):
        p.zzz  # noqa: B018


def test_a_node_parameter_is_a_reference(p, node):
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v")
    p.series = volume
    assert (node.GetNodeReferenceID("series"), p.series is volume) == ("vtkMRMLScalarVolumeNode1", True)
    with pytest.raises(TypeError):
        p.rois = volume
    slicer.mrmlScene.RemoveNode(volume)
    assert p.series is None


def test_the_public_names_of_a_wrapper(p, node):
    for name in ("AddObserver", "EndModify", "Modified", "RemoveObserver", "StartModify", "allParameters",
                 "connectGui", "connectParametersToGui", "dataType", "disconnectGui"):  # fmt: skip
        assert hasattr(p, name), name
    assert p.parameterNode is node


def test_modified_fires_once_for_a_change_and_once_for_a_block(p):
    import slicer

    events = []
    p.AddObserver("ModifiedEvent", lambda *_: events.append(1))
    p.text = "other"
    first = len(events)
    p.text = "other"
    assert (first, len(events) - first) == (1, 0)
    events.clear()
    with slicer.util.NodeModify(p):
        p.text, p.n, p.names = "a", 7, ["x", "y"]
        inside = len(events)
    assert (inside, len(events)) == (0, 1)


def test_a_list_or_dict_changed_in_place_is_written(p, node):
    p.names.append("a")
    p.table["k"] = 2.5
    assert (p.names[0], node.GetParameter("names.len"), p.table["k"]) == ("a", "1", 2.5)
    p.rng.low = 0.3
    assert node.GetParameter("rng.low") == "0.3"


def test_an_optional_parameter_takes_both(p, node):
    before = p.maybe
    p.maybe = 2.5
    assert (before, p.maybe) == (None, 2.5)
    assert "maybe.1" not in node.GetParameterNames()


@pytest.fixture
def gui(p):
    """Widgets that name their parameters, as attributes of an object."""
    import ctk
    import qt
    import slicer

    made = {
        "method": qt.QComboBox(), "model": qt.QComboBox(), "opacity": ctk.ctkSliderWidget(),
        "n": qt.QSpinBox(), "on": qt.QCheckBox(), "text": qt.QLineEdit(), "path": ctk.ctkPathLineEdit(),
        "rng.low": qt.QDoubleSpinBox(), "series": slicer.qMRMLNodeComboBox(),
    }  # fmt: skip
    ui = type("", (), {})()
    for name, widget in made.items():
        widget.setProperty("SlicerParameterName", name)
        setattr(ui, name.replace(".", "_"), widget)
    ui.series.setMRMLScene(slicer.mrmlScene)
    return ui


def items(combo):
    return [combo.itemText(index) for index in range(combo.count)]


def test_the_gui_shows_the_parameters(p, gui):
    p.method, p.opacity, p.n, p.on, p.rng.low = Method.MPLF, 0.1, 9, True, 0.3
    assert p.connectGui(gui) == 0
    assert (items(gui.method), items(gui.model)) == (["two-branch", "mplf"], ["auto", "rat"])
    slider = gui.opacity
    shown = (gui.method.currentText, gui.model.currentText, slider.value, slider.minimum, slider.maximum)
    assert shown == ("mplf", "auto", 0.1, 0.0, 1.0)
    assert (slider.singleStep, slider.decimals, gui.n.value, gui.n.minimum, gui.on.checked) == (
        1.0,
        2,
        9,
        1,
        True,
    )
    assert (gui.text.text, gui.path.currentPath, gui.rng_low.value) == ("hello", "a/b", 0.3)
    assert (gui.series.nodeTypes, gui.series.noneEnabled) == (("vtkMRMLScalarVolumeNode",), False)


def test_the_gui_writes_and_follows_the_node_until_disconnected(p, gui):
    p.method, p.on = Method.MPLF, True
    tag = p.connectGui(gui)
    gui.method.currentIndex, gui.on.checked, gui.opacity.value = 0, False, 0.9
    gui.text.text, gui.n.value = "new", 5
    assert (p.method, p.on, p.opacity, p.text, p.n) == (Method.TWO_BRANCH, False, 0.9, "new", 5)
    p.method, p.text = Method.MPLF, "again"
    assert (gui.method.currentText, gui.text.text) == ("mplf", "again")
    p.disconnectGui(tag)
    gui.text.text = "unheard"
    assert p.text != "unheard"


def test_widgets_that_cannot_show_a_parameter_are_refused(p):
    import ctk
    import qt
    import slicer

    refused = "Unable to create GUI connector from datatype '<class 'bool'>' to widget type '<class 'PythonQt"
    with pytest.raises(RuntimeError, match=refused.replace("(", r"\(")) as caught:
        p.connectParametersToGui({"on": qt.QRadioButton()})
    assert "'<class 'PythonQt.QtGui.QRadioButton'>'. To determine which data types can be conne" in str(
        caught.value
    )
    with pytest.raises(ValueError, match="Cannot find a param with the given name: nope") as caught:
        p.connectParametersToGui({"nope": qt.QLineEdit()})
    assert "series," in str(caught.value)
    with pytest.raises(RuntimeError) as caught:
        p.connectParametersToGui({"rng.low": ctk.ctkSliderWidget()})
    assert (
        str(caught.value) == "Cannot have a connection to ctkSliderWidget where the float types is unbounded."
    )
    assert p.connectParametersToGui({"on": qt.QCheckBox()}) == 0
    assert p.connectParametersToGui({"series": slicer.qMRMLNodeComboBox()}) == 1  # it has no scene


def test_a_name_that_is_no_member_is_ignored_by_the_wrapper_and_stops_the_next(p, wrapped, node):
    p.method = Method.MPLF
    node.SetParameter("method", "GARBAGE")
    assert p.method is Method.MPLF
    with pytest.raises(
        ValueError, match="Found 'GARBAGE' in parameter node but it is not a name in <enum 'Method'>"
    ):
        wrapped(node)


def test_a_range_widget_shows_a_range(harness, node):  # noqa: F811
    import ctk
    from slicer.parameterNodeWrapper import FloatRange, RangeBounds, parameterNodeWrapper

    class Q:
        window: None

    Q.__annotations__ = {"window": Annotated[FloatRange, RangeBounds(0, 10)]}
    Q.window = FloatRange(2, 5)
    q = parameterNodeWrapper(Q)(node)
    widget = ctk.ctkRangeWidget()
    q.connectParametersToGui({"window": widget})
    assert (widget.minimumValue, widget.maximumValue, widget.maximum) == (2, 5, 10)
    widget.maximumValue = 7
    assert q.window.maximum == 7


# --- .ui files, connections, modules ---

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


def test_a_panel_hands_the_scene_on_through_its_connections_only(harness, tmp_path):  # noqa: F811
    import slicer

    panel = slicer.util.loadUI(write_panel(tmp_path))
    ui = slicer.util.childWidgetVariables(panel)
    panel.setMRMLScene(slicer.mrmlScene)
    assert ui.connected.mrmlScene() is slicer.mrmlScene
    assert ui.forgotten.mrmlScene() is None
    assert (ui.connected.noneEnabled, ui.connected.nodeTypes) == (True, ("vtkMRMLScalarVolumeNode",))
    assert (ui.inputs.collapsed, ui.inputs.text, ui.path.filters) == (True, "Inputs", 18)
    assert ui.connected.property("SlicerParameterName") == "series"


def test_a_connection_that_does_not_exist_is_recorded(lenient_harness, tmp_path):  # noqa: F811
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


def test_a_panel_with_an_unknown_property_is_recorded(lenient_harness, tmp_path):  # noqa: F811
    import slicer

    path = pathlib.Path(write_panel(tmp_path))
    path.write_text(path.read_text().replace('"noneEnabled"', '"noneAllowed"'), encoding="utf-8")
    slicer.util.loadUI(str(path))
    assert lenient_harness.ui_problems == ["qMRMLNodeComboBox connected has no property noneAllowed"]


def test_a_module_loads_and_lives_through_the_closing_of_the_scene(harness, toy):  # noqa: F811
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


def test_an_error_in_a_slot_is_shown_and_recorded(lenient_harness, toy):  # noqa: F811
    _, widget, _ = lenient_harness.load_module(toy)
    widget.ui.run.click()
    assert lenient_harness.texts("error") == ["Failed.\n\nempty muscle"]
    assert [str(error) for error in lenient_harness.slot_errors] == ["empty muscle"]


def test_an_error_in_an_observer_is_recorded(lenient_harness):  # noqa: F811
    import slicer

    def fail(caller, event):
        raise ValueError("in observer")

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, fail)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.mrmlScene.RemoveObserver(tag)
    assert [str(error) for error in lenient_harness.slot_errors] == ["in observer"]


def test_questions_are_answered_by_the_test(harness):  # noqa: F811
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


def test_a_script_can_derive_from_a_widget(harness):  # noqa: F811
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
def test_unfolding_shows_only_what_was_shown_before(harness, kind):  # noqa: F811
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


def test_a_shortcut_is_heard(harness):  # noqa: F811
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


def test_a_script_waits_with_delay_display(harness):  # noqa: F811
    import qt
    import slicer

    called = []
    qt.QTimer.singleShot(10, lambda: called.append(1))
    slicer.util.delayDisplay("Waiting", 50)
    assert (called, harness.texts("delay")) == ([1], ["Waiting"])


def test_the_parent_of_a_panel_knows_whether_it_is_entered(harness, toy):  # noqa: F811
    import slicer

    _, widget, top = harness.load_module(toy)
    assert (widget.parent is top, top.isEntered) == (True, True)
    assert slicer.modules.toy.widgetRepresentation().self() is widget
    assert slicer.util.getModuleWidget("Toy") is widget
    assert slicer.util.getModuleLogic("Toy") is widget.logic
    assert "Toy" in slicer.util.moduleNames()
    top.exit()
    assert (top.isEntered, widget.node) == (False, None)


def test_numbers_of_numpy_are_refused_as_pythonqt_does(harness):  # noqa: F811
    import qt

    box = qt.QDoubleSpinBox()
    with pytest.raises(AttributeError, match="does not accept an object of type float32"):
        box.value = np.float32(1)
    with pytest.raises(ValueError, match="Could not find matching overload"):
        box.setValue(np.float32(1))
    box.value = np.float64(1)
    assert box.value == 1.0


def test_a_deleted_widget_says_so(harness):  # noqa: F811
    import qt

    label = qt.QLabel("a")
    label.delete()
    with pytest.raises(ValueError, match="destroyed QLabel"):
        label.setText("b")


# --- widgets on the scene ---


@pytest.fixture
def volume(harness):  # noqa: F811
    import slicer

    return slicer.util.addVolumeFromArray(np.arange(60.0).reshape(3, 4, 5).astype(np.float32), name="Z")


def test_the_node_selector_follows_the_scene(harness):  # noqa: F811
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


def test_the_node_selector_makes_renames_and_deletes(harness):  # noqa: F811
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


def test_the_table_view_shows_a_table(harness):  # noqa: F811
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


def test_the_plot_view_draws_the_series(harness):  # noqa: F811
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


def test_the_segment_editor_needs_its_node_and_follows_it(harness, volume):  # noqa: F811
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


def test_the_segment_selector_gives_node_and_segment(harness):  # noqa: F811
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


def test_what_has_no_stand_in_says_so(harness):  # noqa: F811
    import slicer

    editor = slicer.qMRMLSegmentEditorWidget()
    with pytest.raises(NotImplementedError, match=r"no stand-in for qMRMLSegmentEditorWidget.undo\(\)"):
        editor.undo()
    with pytest.raises(AttributeError, match="module 'slicer' has no attribute 'qMRMLNoSuchWidget'"):
        slicer.qMRMLNoSuchWidget  # noqa: B018


def test_the_threshold_widget_shows_and_sets_the_threshold(harness, volume):  # noqa: F811
    import slicer

    volume.CreateDefaultDisplayNodes()
    widget = slicer.qMRMLVolumeThresholdWidget()
    widget.setMRMLVolumeNode(volume)
    widget.autoThreshold = slicer.qMRMLVolumeThresholdWidget.Manual
    widget.setThreshold(5.0, 20.0)
    display = volume.GetDisplayNode()
    assert (display.GetLowerThreshold(), display.GetUpperThreshold()) == (5, 20)
    assert (widget.lowerThreshold, widget.autoThreshold, display.GetApplyThreshold()) == (5.0, 1, 1)


def test_the_player_steps_through_a_sequence(harness, volume):  # noqa: F811
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


def test_slice_views_have_real_nodes(harness, volume):  # noqa: F811
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


def test_a_layout_with_a_plot_brings_its_view(harness):  # noqa: F811
    import slicer

    manager = slicer.app.layoutManager()
    before = manager.plotViewCount
    layouts = slicer.vtkMRMLLayoutNode
    manager.setLayout(layouts.SlicerLayoutFourUpPlotView)
    assert (before, manager.plotViewCount, manager.layout) == (0, 1, layouts.SlicerLayoutFourUpPlotView)
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    manager.plotWidget(0).mrmlPlotViewNode().SetPlotChartNodeID(chart.GetID())
    manager.setLayout(layouts.SlicerLayoutFourUpView)


def test_the_application_is_strict_too(harness):  # noqa: F811
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


def test_files_are_written_and_read(harness, volume, tmp_path):  # noqa: F811
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


def test_sample_data_is_registered(harness):  # noqa: F811
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="PCrCEST", sampleName="Rat", uris=["file:///a"], fileNames=["a.nrrd"], nodeNames=["a"],
        checksums=["SHA256:0"], customDownloader=lambda source: [source.sampleName],
    )  # fmt: skip
    assert SampleData.SampleDataLogic().downloadSample("Rat") == "Rat"
    assert harness.session.sample_data.registered[-1].category == "PCrCEST"
    with pytest.raises(TypeError):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(name="x")


def test_a_statistics_plugin_runs(harness):  # noqa: F811
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


def test_nothing_is_left_behind(lenient_harness):  # noqa: F811
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
