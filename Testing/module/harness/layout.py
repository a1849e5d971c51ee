"""Stand-ins for the layout manager and the slice, plot and table views, with real nodes and logics."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from .mrml_base import SceneMixin
from .mrml_views import qMRMLPlotView, qMRMLTableView
from .qt_module import native_class, register

SLICES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
COLORS = {"Red": (0.953, 0.29, 0.2), "Yellow": (0.929, 0.835, 0.298), "Green": (0.431, 0.69, 0.294)}


def _nothing(self: Any, *args: Any) -> None:
    """There is nothing to draw here."""


@register
class qMRMLSliceView(SceneMixin, QtWidgets.QWidget):
    """A slice; it is drawn only into the offscreen window that ``renderWindow`` gives."""

    node: Any = None
    logic: Any = None
    rendering: Any = None
    forceRender = scheduleRender = requestRender = pauseRender = resumeRender = resetCamera = _nothing

    def mrmlSliceNode(self) -> Any:
        return self.node

    def setMRMLSliceNode(self, node: Any) -> None:
        self.node = node

    def renderWindow(self) -> Any:
        from slice_rendering import SliceRendering

        if self.rendering is None:
            self.rendering = SliceRendering(self.logic)
        self.rendering.render()
        return self.rendering.window


@register
class qMRMLSliceControllerWidget(SceneMixin, QtWidgets.QWidget):
    """The bar above a slice."""

    owner: Any = None

    def mrmlSliceNode(self) -> Any:
        return self.owner.mrmlSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self.owner.mrmlSliceCompositeNode()

    def sliceLogic(self) -> Any:
        return self.owner.sliceLogic()

    def fitSliceToBackground(self) -> None:
        self.owner.fitSliceToBackground()

    def setSliceOffsetValue(self, value: float) -> None:
        self.owner.sliceLogic().SetSliceOffset(value)


@register
class qMRMLSliceWidget(SceneMixin, QtWidgets.QWidget):
    """A slice view with its logic."""

    _logic: Any = None

    def _make(self) -> None:
        if not hasattr(self, "_view"):
            self._view = native_class("qMRMLSliceView")(self)
            self._controller = native_class("qMRMLSliceControllerWidget")(self)
            self._controller.owner = self

    def set_logic(self, logic: Any) -> None:
        self._make()
        self._logic = logic
        self._view.logic = logic
        self._view.setMRMLSliceNode(logic.GetSliceNode())

    def sliceLogic(self) -> Any:
        return self._logic

    logic = sliceLogic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    mrmlAbstractViewNode = mrmlSliceNode

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceView(self) -> Any:
        return self._view

    viewWidget = sliceView

    def sliceController(self) -> Any:
        return self._controller

    controllerWidget = sliceController

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def sliceViewName(self) -> str:
        return self.mrmlSliceNode().GetLayoutName()

    def sliceOrientation(self) -> str:
        return self.mrmlSliceNode().GetOrientation()

    def setSliceOrientation(self, value: str) -> None:
        self.mrmlSliceNode().SetOrientation(value)


@register
class qMRMLPlotWidget(SceneMixin, QtWidgets.QWidget):
    """A plot view in the layout."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._view: qMRMLPlotView = native_class("qMRMLPlotView")(self)

    def plotView(self) -> Any:
        return self._view

    viewWidget = plotView

    def mrmlPlotViewNode(self) -> Any:
        return self._node

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._node = node
        self._view.setMRMLPlotViewNode(node)


@register
class qMRMLTableWidget(SceneMixin, QtWidgets.QWidget):
    """A table view in the layout."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._view: qMRMLTableView = native_class("qMRMLTableView")(self)

    def tableView(self) -> Any:
        return self._view

    viewWidget = tableView

    def mrmlTableViewNode(self) -> Any:
        return self._node

    def setMRMLTableViewNode(self, node: Any) -> None:
        self._node = node
        self._view.setMRMLTableViewNode(node)


@register
class qSlicerLayoutManager(QtCore.QObject):
    """Views of the current layout; the real layout logic makes their nodes."""

    layoutChanged = QtCore.Signal(int)

    def start(self, scene: Any, application_logic: Any, layout_logic: Any) -> None:
        """Make the three slice views; called once by the session."""
        import slicer

        self._scene, self._layout_logic = scene, layout_logic
        self._application_logic = application_logic
        self._slices: dict[str, Any] = {}
        self._widgets: dict[str, Any] = {}
        for name, orientation in SLICES.items():
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(application_logic)
            logic.SetMRMLScene(scene)
            node = logic.AddSliceNode(name)
            node.SetOrientation(orientation)
            node.SetLayoutLabel(name[0])
            node.SetLayoutColor(*COLORS[name])
            node.SetDimensions(256, 256, 1)
            application_logic.GetSliceLogics().AddItem(logic)
            widget = native_class("qMRMLSliceWidget")()
            widget.set_logic(logic)
            self._slices[name] = widget
        layout_logic.SetMRMLScene(scene)
        self.setLayout(layout_logic.GetLayoutNode().SlicerLayoutFourUpView)

    def layout(self) -> int:
        return self._layout_logic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, value: int) -> None:
        before = self.layout()
        self._layout_logic.GetLayoutNode().SetViewArrangement(int(value))
        if value != before:
            self.layoutChanged.emit(value)

    def layoutLogic(self) -> Any:
        return self._layout_logic

    def mrmlScene(self) -> Any:
        return self._scene

    def mrmlSliceLogics(self) -> Any:
        return self._application_logic.GetSliceLogics()

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> Any:
        return self._slices.get(name)

    def _views(self, kind: str) -> list[Any]:
        nodes = self._scene.GetNodesByClass(f"vtkMRML{kind}ViewNode")
        nodes.UnRegister(None)
        return [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]

    def _widget(self, kind: str, index: int) -> Any:
        nodes = self._views(kind)
        if not 0 <= index < len(nodes):
            return None
        node = nodes[index]
        widget = self._widgets.get(node.GetID())
        if widget is None:
            widget = native_class(f"qMRML{kind}Widget")()
            widget.setMRMLScene(self._scene)
            getattr(widget, f"setMRML{kind}ViewNode")(node)
            self._widgets[node.GetID()] = widget
        return widget

    def plotViewCount(self) -> int:
        return len(self._views("Plot"))

    def plotWidget(self, index: int) -> Any:
        return self._widget("Plot", index)

    def tableViewCount(self) -> int:
        return len(self._views("Table"))

    def tableWidget(self, index: int) -> Any:
        return self._widget("Table", index)

    def threeDViewCount(self) -> int:
        return 0

    def threeDWidget(self, index: int) -> None:
        """There is no 3D view here."""

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    resetThreeDViews = pauseRender = resumeRender = setRenderPaused = _nothing
