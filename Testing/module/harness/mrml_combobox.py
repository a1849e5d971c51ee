"""Stand-in for the node selector, on the real scene."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from .journal import JOURNAL
from .mrml_base import MODIFIED, Observations, SceneMixin
from .qt_module import register


def display_name(node_type: str) -> str:
    """``vtkMRMLScalarVolumeNode`` -> ``ScalarVolume``."""
    return node_type.removeprefix("vtkMRML").removesuffix("Node")


def _property(name: str, default: Any) -> tuple[Any, Any]:
    def get(self: Any) -> Any:
        return self._settings.get(name, default)

    def put(self: Any, value: Any) -> None:
        self._settings[name] = tuple(value) if isinstance(value, list) else value
        self._update()

    return get, put


class _Combo(QtWidgets.QComboBox):
    """The combo box inside; tests may use its items."""


@register
class qMRMLNodeComboBox(SceneMixin, QtWidgets.QWidget):
    """Nodes of some types; extra items create, rename and delete."""

    currentNodeChanged = QtCore.Signal(object)
    currentNodeIDChanged = QtCore.Signal(str)
    nodeActivated = QtCore.Signal(object)
    nodeAddedByUser = QtCore.Signal(object)
    nodeAdded = QtCore.Signal(object)
    nodeAboutToBeRemoved = QtCore.Signal(object)
    currentNodeRenamed = QtCore.Signal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._settings: dict[str, Any] = {}
        self._attributes: list[tuple[str, str, Any]] = []
        self._ids: list[str] = []
        self._id = ""
        self._busy = False
        self._names = Observations(self)
        self.combo = _Combo()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo)
        self.combo.activated.connect(self._chosen)
        self._update()

    nodeTypes, setNodeTypes = _property("nodeTypes", ())
    noneEnabled, setNoneEnabled = _property("noneEnabled", False)
    noneDisplay, setNoneDisplay = _property("noneDisplay", "None")
    addEnabled, setAddEnabled = _property("addEnabled", True)
    removeEnabled, setRemoveEnabled = _property("removeEnabled", True)
    renameEnabled, setRenameEnabled = _property("renameEnabled", False)
    editEnabled, setEditEnabled = _property("editEnabled", False)
    showHidden, setShowHidden = _property("showHidden", False)
    showChildNodeTypes, setShowChildNodeTypes = _property("showChildNodeTypes", True)
    hideChildNodeTypes, setHideChildNodeTypes = _property("hideChildNodeTypes", ())
    selectNodeUponCreation, setSelectNodeUponCreation = _property("selectNodeUponCreation", True)
    baseName, setBaseName = _property("baseName", "")

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes.append((node_type, name, value))
        self._update()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._attributes = [entry for entry in self._attributes if entry[:2] != (node_type, name)]
        self._update()

    def _fits(self, node: Any) -> bool:
        types = self.nodeTypes()
        if node.GetHideFromEditors() and not self.showHidden():
            return False
        if not any(node.IsA(kind) if self.showChildNodeTypes() else node.GetClassName() == kind
                   for kind in types):  # fmt: skip
            return False
        if node.GetClassName() in self.hideChildNodeTypes():
            return False
        for kind, name, value in self._attributes:
            if node.IsA(kind):
                found = node.GetAttribute(name)
                if found is None or (value is not None and found != str(value)):
                    return False
        return True

    def _nodes(self) -> list[Any]:
        if self._scene is None or not self.nodeTypes():
            return []
        nodes = self._scene.GetNodes()
        found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
        return [node for node in found if self._fits(node)]

    def _update(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            nodes = self._nodes()
            self._names.clear()
            self.combo.clear()
            self._ids = []
            if self.noneEnabled():
                self.combo.addItem(self.noneDisplay())
                self._ids.append("")
            for node in nodes:
                self.combo.addItem(node.GetName() or "")
                self._ids.append(node.GetID())
                self._names.add(node, MODIFIED, self._renamed)
            self._add_actions()
            wanted = self._id
            if wanted not in self._ids:
                wanted = self._ids[0] if self._ids else ""
            self.combo.setCurrentIndex(self._ids.index(wanted) if wanted in self._ids else -1)
        finally:
            self._busy = False
        self._select(wanted)

    def _add_actions(self) -> None:
        actions = []
        if self.addEnabled():
            actions += [f"Create new {display_name(kind)}" for kind in self.nodeTypes()]
        if self.renameEnabled():
            actions.append("Rename current node")
        if self.editEnabled():
            actions.append("Edit current node")
        if self.removeEnabled():
            actions.append("Delete current node")
        if actions:
            self.combo.insertSeparator(self.combo.count())
            self.combo.addItems(actions)

    def _renamed(self) -> None:
        nodes = {node.GetID(): node.GetName() or "" for node in self._nodes()}
        if list(nodes) != [node_id for node_id in self._ids if node_id]:
            self._update()
            return
        for index, node_id in enumerate(self._ids):
            if node_id and self.combo.itemText(index) != nodes[node_id]:
                self.combo.setItemText(index, nodes[node_id])
                if node_id == self._id:
                    self.currentNodeRenamed.emit(nodes[node_id])

    def _select(self, node_id: str) -> None:
        if node_id == self._id:
            return
        self._id = node_id
        self.currentNodeIDChanged.emit(node_id)
        self.currentNodeChanged.emit(self.currentNode())

    def _chosen(self, index: int) -> None:
        text = self.combo.itemText(index)
        if index < len(self._ids):
            self.setCurrentNodeID(self._ids[index])
        else:
            self.combo.setCurrentIndex(self._ids.index(self._id) if self._id in self._ids else -1)
            if text.startswith("Create new"):
                kind = next(k for k in self.nodeTypes() if text == f"Create new {display_name(k)}")
                self.addNode(kind)
            elif text.startswith("Rename"):
                self.renameCurrentNode()
            elif text.startswith("Delete"):
                self.removeCurrentNode()
        self.nodeActivated.emit(self.currentNode())

    def addNode(self, node_type: str | None = None) -> Any:
        node_type = node_type or self.nodeTypes()[0]
        name = self._scene.GenerateUniqueName(self.baseName() or display_name(node_type))
        node = self._scene.CreateNodeByClass(node_type)
        node.UnRegister(None)
        node.SetName(name)
        for kind, attribute, value in self._attributes:
            if node.IsA(kind):
                node.SetAttribute(attribute, "" if value is None else str(value))
        self._scene.AddNode(node)
        if self.selectNodeUponCreation():
            self.setCurrentNode(node)
        self.nodeAdded.emit(node)
        self.nodeAddedByUser.emit(node)
        return node

    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        name = JOURNAL.ask("getText", "New name:", "", title="Rename")
        if node is not None and name:
            node.SetName(name)

    def removeCurrentNode(self) -> None:
        node = self.currentNode()
        if node is not None:
            self.nodeAboutToBeRemoved.emit(node)
            self._scene.RemoveNode(node)

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._id) if self._id and self._scene is not None else None

    def currentNodeID(self) -> str:
        return self._id

    def setCurrentNodeID(self, node_id: str | None) -> None:
        node_id = node_id or ""
        if node_id not in self._ids:
            if node_id:
                self._update()
            node_id = node_id if node_id in self._ids else ""
        self.combo.setCurrentIndex(self._ids.index(node_id) if node_id in self._ids else -1)
        self._select(node_id)

    currentNodeId, setCurrentNodeId = currentNodeID, setCurrentNodeID

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node else "")

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    def nodeCount(self) -> int:
        return len([node_id for node_id in self._ids if node_id])

    def nodeFromIndex(self, index: int) -> Any:
        ids = [node_id for node_id in self._ids if node_id]
        return self._scene.GetNodeByID(ids[index]) if 0 <= index < len(ids) else None
