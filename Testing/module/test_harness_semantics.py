"""The stand-in for Slicer answers as the real application does, row by row of the recorded table."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)

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
def names(lenient_harness):
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
