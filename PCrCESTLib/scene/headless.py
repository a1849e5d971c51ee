"""A Slicer session without its window: real scene, logics and file formats on slicer-core."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LOGICS = {
    "colors": "vtkSlicerColorLogic",
    "volumes": "vtkSlicerVolumesLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "tables": "vtkSlicerTablesLogic",
    "plots": "vtkSlicerPlotsLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "texts": "vtkSlicerTextsLogic",
    "transforms": "vtkSlicerTransformLogic",
    "units": "vtkSlicerUnitsLogic",
}
# Names that the logics look each other up by where capitalizing the module's name does not give them.
REGISTERED_AS = {"subjecthierarchy": "SubjectHierarchy"}


class HeadlessApp:
    """What of ``slicer.app`` needs no window."""

    def __init__(self, scene: Any, logic: Any, folder: str) -> None:
        """Hold the scene, the application logic and a folder for temporary files."""
        self._scene, self._logic = scene, logic
        self.temporaryPath = folder

    def applicationLogic(self) -> Any:
        """Return the application logic."""
        return self._logic

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    def processEvents(self) -> None:
        """There are none."""

    def layoutManager(self) -> None:
        """There is none."""


def start() -> HeadlessApp:
    """Make ``slicer.mrmlScene``, ``slicer.app`` and ``slicer.modules`` usable; once a process."""
    import slicer

    if isinstance(getattr(slicer, "app", None), HeadlessApp):
        return slicer.app
    folder = tempfile.mkdtemp(prefix="pcrcest-scene-")
    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    logic = _application_logic(scene, folder)
    app = HeadlessApp(scene, logic, folder)
    slicer.mrmlScene, slicer.app, slicer.modules = scene, app, SimpleNamespace()
    for name, class_name in LOGICS.items():
        module = getattr(slicer, class_name)()
        if hasattr(module, "SetMRMLApplicationLogic"):
            module.SetMRMLApplicationLogic(logic)
        module.SetMRMLScene(scene)
        logic.SetModuleLogic(REGISTERED_AS.get(name, name.capitalize()), module)
        setattr(slicer.modules, name, SimpleNamespace(name=name, logic=lambda module=module: module))
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return app


def _application_logic(scene: Any, folder: str) -> Any:
    import slicer
    import vtk

    logic = slicer.vtkSlicerApplicationLogic()
    # The color logic looks for files there and complains when there is no such place.
    (Path(folder) / "share" / "ColorFiles").mkdir(parents=True)
    logic.SetHomeDirectory(folder)
    logic.SetShareDirectory("share")
    logic.SetMRMLScene(scene)
    logic.GetColorLogic().SetMRMLScene(scene)
    logic.GetColorLogic().AddDefaultColorNodes()
    logic.SetTemporaryPath(folder)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    for factory in (
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(logic)
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(scene)
    remote.SetMRMLApplicationLogic(logic)
    remote.GetCacheManager().SetRemoteCacheDirectory(folder)
    data = slicer.vtkDataIOManagerLogic()
    data.SetMRMLScene(scene)
    data.SetMRMLApplicationLogic(logic)
    data.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    logic.pcrcest_keep = (remote, data)  # the scene does not hold them
    return logic
