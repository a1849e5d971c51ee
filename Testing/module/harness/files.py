"""As much of Slicer's input and output manager as ``slicer.util`` needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TYPES = {
    ".mrb": "SceneFile",
    ".mrml": "SceneFile",
    ".seg.nrrd": "SegmentationFile",
    ".seq.nrrd": "SequenceFile",
    ".nrrd": "VolumeFile",
    ".nii": "VolumeFile",
    ".nii.gz": "VolumeFile",
    ".mha": "VolumeFile",
    ".csv": "TableFile",
    ".tsv": "TableFile",
    ".txt": "TextFile",
    ".json": "TextFile",
    ".ctbl": "ColorTableFile",
}
NODES = {
    "SegmentationFile": ("vtkMRMLSegmentationNode", "vtkMRMLSegmentationStorageNode"),
    "SequenceFile": ("vtkMRMLSequenceNode", "vtkMRMLVolumeSequenceStorageNode"),
    "TableFile": ("vtkMRMLTableNode", "vtkMRMLTableStorageNode"),
    "TextFile": ("vtkMRMLTextNode", "vtkMRMLTextStorageNode"),
    "ColorTableFile": ("vtkMRMLColorTableNode", "vtkMRMLColorTableStorageNode"),
}


class IoManager:
    """Reads and writes scenes and single nodes."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene

    def fileType(self, name: str) -> str:
        """Return Slicer's name of a file's type, by its ending."""
        endings = [ending for ending in TYPES if str(name).lower().endswith(ending)]
        return TYPES[max(endings, key=len)] if endings else "NoFile"

    def loadNodes(self, kind: str, properties: dict, collection: Any = None, messages: Any = None) -> bool:
        """Read a file into the scene."""
        name = properties["fileName"]
        if not Path(name).is_file():
            return False
        if kind == "SceneFile":
            return self._load_scene(name, bool(properties.get("clear", False)))
        title = properties.get("name") or Path(name).name.split(".")[0]
        node = self._load_volume(name, title, properties) if kind == "VolumeFile" else None
        if kind in NODES:
            node = self._load_node(kind, name, title)
        if node is not None and collection is not None:
            collection.AddItem(node)
        return node is not None

    def _load_scene(self, name: str, clear: bool) -> bool:
        if name.lower().endswith(".mrb"):
            return bool(self._scene.ReadFromMRB(name, clear))
        self._scene.SetURL(name)
        return bool(self._scene.Connect() if clear else self._scene.Import())

    def _load_volume(self, name: str, title: str, properties: dict) -> Any:
        import slicer

        logic = slicer.modules.volumes.logic()
        return logic.AddArchetypeVolume(name, title, 1 if properties.get("labelmap") else 0)

    def _load_node(self, kind: str, name: str, title: str) -> Any:
        node_class, storage_class = NODES[kind]
        node = self._scene.AddNewNodeByClass(node_class, title)
        storage = self._scene.AddNewNodeByClass(storage_class)
        storage.SetFileName(name)
        if not storage.ReadData(node):
            self._scene.RemoveNode(node)
            self._scene.RemoveNode(storage)
            return None
        node.SetAndObserveStorageNodeID(storage.GetID())
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
        return node

    def loadScene(self, name: str, clear: bool = True) -> bool:
        """Read a scene."""
        return self._load_scene(str(name), clear)

    def loadFile(self, name: str) -> bool:
        """Read a file of any known type."""
        return self.loadNodes(self.fileType(name), {"fileName": name})

    def fileWriterFileType(self, node: Any, format: str = "") -> str:
        """Every node is written by its own storage node."""
        return "NodeFile"

    def saveNodes(self, kind: str, properties: dict, messages: Any = None) -> bool:
        """Write the scene or a node."""
        name = str(properties["fileName"])
        if kind == "SceneFile":
            self._scene.SetRootDirectory(str(Path(name).parent))
            if name.lower().endswith(".mrb"):
                return bool(self._scene.WriteToMRB(name))
            return bool(self._scene.Commit(name))
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node is None or not node.AddDefaultStorageNode(name):
            return False
        storage = node.GetStorageNode()
        storage.SetFileName(name)
        if "useCompression" in properties:
            storage.SetUseCompression(int(properties["useCompression"]))
        return bool(storage.WriteData(node))

    def addDefaultStorageNodes(self) -> None:
        """Storage nodes are made when a node is written."""
