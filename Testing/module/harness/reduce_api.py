"""Make the harness's classes.json from the full description of Slicer: ``reduce_api.py PATH CLASS...``.

Members that a widget shares with QWidget are left out (``api.py`` puts them back), so the file stays small.
Without classes the list below is used.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

OWN = Path(__file__).with_name("classes.json")
WIDGET = "qt.QWidget"
PARTS = ("members", "signals", "slots")
QT = [
    "QAbstractButton",
    "QAction",
    "QActionGroup",
    "QButtonGroup",
    "QCheckBox",
    "QClipboard",
    "QColorDialog",
    "QComboBox",
    "QCompleter",
    "QDialog",
    "QDialogButtonBox",
    "QDockWidget",
    "QDoubleSpinBox",
    "QDoubleValidator",
    "QEventLoop",
    "QFileDialog",
    "QFileSystemWatcher",
    "QFormLayout",
    "QFrame",
    "QGridLayout",
    "QGroupBox",
    "QHBoxLayout",
    "QHeaderView",
    "QInputDialog",
    "QIntValidator",
    "QItemSelectionModel",
    "QLabel",
    "QLineEdit",
    "QListView",
    "QListWidget",
    "QMainWindow",
    "QMenu",
    "QMenuBar",
    "QMessageBox",
    "QObject",
    "QPlainTextEdit",
    "QProcess",
    "QProgressBar",
    "QProgressDialog",
    "QPushButton",
    "QRadioButton",
    "QScrollArea",
    "QScrollBar",
    "QSettings",
    "QShortcut",
    "QSignalMapper",
    "QSlider",
    "QSortFilterProxyModel",
    "QSpinBox",
    "QSplitter",
    "QStackedLayout",
    "QStackedWidget",
    "QStandardItemModel",
    "QStatusBar",
    "QTabBar",
    "QTabWidget",
    "QTableView",
    "QTableWidget",
    "QTextBrowser",
    "QTextEdit",
    "QThread",
    "QTimer",
    "QToolBar",
    "QToolBox",
    "QToolButton",
    "QTreeView",
    "QTreeWidget",
    "QUiLoader",
    "QVBoxLayout",
    "QWidget",
]
CTK = [
    "ActionsWidget",
    "CheckBox",
    "CheckableComboBox",
    "CheckablePushButton",
    "CollapsibleButton",
    "CollapsibleGroupBox",
    "ColorPickerButton",
    "ComboBox",
    "DirectoryButton",
    "DoubleRangeSlider",
    "DoubleSlider",
    "DoubleSpinBox",
    "ExpandButton",
    "ExpandableWidget",
    "FittedTextBrowser",
    "MenuButton",
    "MessageBox",
    "PathLineEdit",
    "PopupWidget",
    "PushButton",
    "RangeSlider",
    "RangeWidget",
    "SearchBox",
    "SliderWidget",
]
MRML = [
    "CollapsibleButton",
    "CheckableNodeComboBox",
    "ColorLegendDisplayNodeWidget",
    "ColorTableComboBox",
    "LayoutManager",
    "NodeComboBox",
    "PlotView",
    "PlotViewControllerWidget",
    "PlotWidget",
    "RangeWidget",
    "SegmentEditorWidget",
    "SegmentSelectorWidget",
    "SegmentsTableView",
    "SequenceBrowserPlayWidget",
    "SequenceBrowserSeekWidget",
    "SliceControllerWidget",
    "SliceView",
    "SliceWidget",
    "SliderWidget",
    "SpinBox",
    "SubjectHierarchyComboBox",
    "SubjectHierarchyTreeView",
    "TableView",
    "TableViewControllerWidget",
    "TableWidget",
    "TextWidget",
    "ThreeDView",
    "ThreeDWidget",
    "TreeView",
    "VolumeThresholdWidget",
    "Widget",
    "WindowLevelWidget",
]
SLICER = ["qSlicerLayoutManager", "qSlicerWidget", "qSlicerSimpleMarkupsWidget", "qSlicerMarkupsPlaceWidget",
          "qSlicerModuleManager", "qSlicerScriptedLoadableModule"]  # fmt: skip
DEFAULT = [
    *(f"qt.{name}" for name in QT),
    *(f"ctk.ctk{name}" for name in CTK),
    *(f"slicer.qMRML{name}" for name in MRML),
    *(f"slicer.{name}" for name in SLICER),
]


def reduced(full: dict, names: list[str]) -> dict:
    """Return the named classes without what they share with QWidget."""
    widget = full[WIDGET]
    out = {}
    for name in sorted({*names, WIDGET}):
        entry = dict(full[name])
        if name != WIDGET and "QWidget" in entry.get("inherits", ()):
            for part in (part for part in PARTS if part in entry):
                entry[part] = sorted(set(entry[part]) - set(widget[part]))
            if "properties" in entry:
                own, shared = entry["properties"], widget["properties"]
                entry["properties"] = {key: own[key] for key in own if shared.get(key) != own[key]}
        out[name] = entry
    return out


if __name__ == "__main__":
    description = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = json.dumps(reduced(description, sys.argv[2:] or DEFAULT), sort_keys=True, separators=(",", ":"))
    OWN.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")
    print(f"{OWN}: {OWN.stat().st_size / 1000:.0f} kB")
