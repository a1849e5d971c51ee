"""Where results stand in the subject hierarchy: under the study of the scan they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def place(nodes: Sequence[Any], folder_name: str, beside: Any | None) -> int:
    """Put nodes into a new folder beside ``beside`` (at the top without it); return the folder's item."""
    import slicer

    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    parent = tree.GetSceneItemID()
    if beside is not None:
        item = tree.GetItemByDataNode(beside)
        if item:
            parent = tree.GetItemParent(item)
    folder = int(tree.CreateFolderItem(parent, folder_name))
    _move(tree, nodes, folder)
    return folder


def gather(nodes: Sequence[Any], study_name: str) -> int:
    """Put the nodes of one scan into a study item of its own; return that item."""
    import slicer

    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = int(tree.CreateStudyItem(tree.GetSceneItemID(), study_name))
    _move(tree, nodes, study)
    return study


def _move(tree: Any, nodes: Sequence[Any], parent: int) -> None:
    """Slicer's window gives every node an item; without a window it must be made."""
    for node in nodes:
        item = tree.GetItemByDataNode(node)
        if item:
            tree.SetItemParent(item, parent)
        else:
            tree.CreateItem(parent, node)
