"""The stand-in for the parameter-node wrapper behaves as the recorded one."""

from __future__ import annotations

import enum
import pathlib
from typing import Annotated, Optional

import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)

class Method(enum.Enum):
    TWO_BRANCH = "two-branch"
    MPLF = "mplf"

    def label(self):
        return self.value


@pytest.fixture
def wrapped(harness):
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
def node(harness):
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


def test_a_range_widget_shows_a_range(harness, node):
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
