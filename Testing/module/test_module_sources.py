"""The module's sources and panels use only what Slicer really has."""

from __future__ import annotations

import ast
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[2] / "PCrCEST"
SOURCES = sorted(MODULE.rglob("*.py"))
PANELS = sorted(MODULE.rglob("*.ui"))
ALLOWED_AT_FILE_SCOPE = {"slicer", "qt", "ctk", "vtk", "numpy", "SimpleITK"}
# The sections are imported when the panel is made, the module file when Slicer starts.
ALLOWED_IN_SECTIONS = {
    *ALLOWED_AT_FILE_SCOPE, "PCrCESTLib", "PCrCESTWidgetLib",
    "SampleData", "SegmentStatistics", "SegmentStatisticsPlugins",
}  # fmt: skip
UTIL_CLASSES = {"NodeModify", "VTKObservationMixin"}  # the description lists functions
DESIGNER_ONLY = {"spacer", "Line"}


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def widgets_of(panel):
    """Class of each named widget of a .ui file."""
    return {w.get("name"): w.get("class") for w in ElementTree.parse(panel).iter("widget")}


def described(classes, name):
    """Description of a widget class, whatever namespace it lives in."""
    return next(
        (classes[f"{space}.{name}"] for space in ("qt", "ctk", "slicer") if f"{space}.{name}" in classes),
        None,
    )


def names_of(description):
    """Everything that can be read on an object of the class."""
    callables = [*description["signals"], *description["slots"]]
    return {*description["properties"], *description["members"], *(c.split("(")[0] for c in callables)}


def offered(classes, name):
    return names_of(described(classes, name)) | names_of(classes["qt.QWidget"])


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_file_scopes_import_only_what_slicer_brings(path):
    imports = [n for n in tree_of(path).body if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {
        name.split(".")[0]
        for node in imports
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module])
    }
    allowed = ALLOWED_IN_SECTIONS if path.parent.name == "PCrCESTWidgetLib" else ALLOWED_AT_FILE_SCOPE
    assert names <= allowed | set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_nothing_runs_on_import(path):
    harmless = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for node in tree_of(path).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_constant = isinstance(node, ast.Assign | ast.AnnAssign) and not any(
            isinstance(n, ast.Call) for n in ast.walk(node)
        )
        assert isinstance(node, harmless) or is_docstring or is_constant, f"line {node.lineno} runs on import"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_slicer_util_has_the_functions_that_are_called(path, slicer_python_api):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "slicer.util":
            assert node.attr in {*slicer_python_api["slicer.util"], *UTIL_CLASSES}, f"slicer.util.{node.attr}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_widgets_of_the_panel_have_the_attributes_that_are_used(path, slicer_classes):
    widgets = {name: kind for panel in PANELS for name, kind in widgets_of(panel).items()}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).startswith("self.ui."):
            name = ast.unparse(node.value).split(".")[2]
            assert name in widgets, f"line {node.lineno}: no widget {name} in the panel"
            if ast.unparse(node.value) == f"self.ui.{name}":
                assert node.attr in offered(slicer_classes, widgets[name]), (
                    f"line {node.lineno}: {widgets[name]}"
                )


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.name)
def test_a_panel_uses_classes_and_properties_that_exist(panel, slicer_classes):
    for widget in ElementTree.parse(panel).iter("widget"):
        kind = widget.get("class")
        assert described(slicer_classes, kind), f"{kind} is no class of Slicer"
        for prop in widget.findall("property"):
            if prop.get("stdset") != "0":
                assert prop.get("name") in offered(slicer_classes, kind), f"{kind} has no {prop.get('name')}"


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.name)
def test_connections_of_a_panel_join_signals_and_slots_that_exist(panel, slicer_classes):
    widgets = widgets_of(panel)
    for connection in ElementTree.parse(panel).iter("connection"):
        sender, signal, receiver, slot = (
            connection.findtext(tag) for tag in ("sender", "signal", "receiver", "slot")
        )
        assert signal in described(slicer_classes, widgets[sender])["signals"]
        assert slot in described(slicer_classes, widgets[receiver])["slots"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.name)
def test_widgets_that_show_nodes_get_the_scene(panel):
    tree = ElementTree.parse(panel)
    connected = {
        c.findtext("receiver")
        for c in tree.iter("connection")
        if c.findtext("slot").startswith("setMRMLScene")
    }
    root = tree.find("widget").get("name")
    needing = {n for n, kind in widgets_of(panel).items() if kind.startswith(("qMRML", "qSlicer"))} - {root}
    assert needing <= connected


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.name)
def test_names_of_widgets_are_unique(panel):
    names = [w.get("name") for w in ElementTree.parse(panel).iter("widget")]
    assert len(names) == len(set(names))


def parameters():
    """Fields of the parameter node."""
    tree = tree_of(MODULE / "PCrCEST.py")
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "PCrCESTParameters")
    return {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}


@pytest.mark.parametrize("panel", PANELS, ids=lambda p: p.name)
def test_widgets_are_bound_to_parameters_that_exist(panel):
    bound = [
        prop.findtext("string")
        for prop in ElementTree.parse(panel).iter("property")
        if prop.get("name") == "SlicerParameterName"
    ]
    assert bound
    assert set(bound) <= parameters()
    assert len(bound) == len(set(bound))


WRAPPER_MEMBERS = {"connectGui", "disconnectGui", "parameterNode"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_parameter_is_misspelled(path):
    """Setting a field that does not exist raises nothing in Slicer, so that a typo would go unnoticed."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).split(".")[-1] == "parameters":
            assert node.attr in parameters() | WRAPPER_MEMBERS, f"line {node.lineno}: parameters.{node.attr}"
