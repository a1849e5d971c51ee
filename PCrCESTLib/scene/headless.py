"""A Slicer session without its window: real scene, logics and file formats on slicer-core."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Session:
    """Scene, application logic, module logics by name, a folder for temporary files, and what must be kept alive."""

    scene: Any
    logic: Any
    modules: dict[str, Any]
    folder: str
    keep: tuple[Any, ...]


class HeadlessApp:
    """What of ``slicer.app`` needs no window."""

    def __init__(self, session: Session) -> None:
        """Stand for a session."""
        self._session = session
        self.temporaryPath = session.folder

    def applicationLogic(self) -> Any:
        """Return the application logic."""
        return self._session.logic

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._session.scene

    def processEvents(self) -> None:
        """There are none."""

    def layoutManager(self) -> None:
        """There is none."""


def start() -> HeadlessApp:
    """Make ``slicer.mrmlScene``, ``slicer.app`` and ``slicer.modules`` usable; once a process."""
    import slicer

    if isinstance(getattr(slicer, "app", None), HeadlessApp):
        return slicer.app
    return use(make_session())


def use(session: Session) -> HeadlessApp:
    """Let ``slicer.mrmlScene``, ``slicer.app`` and ``slicer.modules`` be those of a session."""
    import slicer

    slicer.mrmlScene, slicer.app, slicer.modules = session.scene, HeadlessApp(session), SimpleNamespace()
    for name, logic in session.modules.items():
        setattr(slicer.modules, name, SimpleNamespace(name=name, logic=lambda logic=logic: logic))
    return slicer.app


def extend(scene: Any, logic: Any, folder: str) -> Session:
    """Make a session of a scene and an application logic that something else made: what they lack is added."""
    # The color logic looks for files there and complains when there is no such place.
    (Path(folder) / "share" / "ColorFiles").mkdir(parents=True, exist_ok=True)
    logic.SetHomeDirectory(folder)
    logic.SetShareDirectory("share")
    logic.SetTemporaryPath(folder)
    return Session(scene, logic, _module_logics(scene, logic), folder, _data_io(scene, logic, folder))


def make_session() -> Session:
    """Make a scene with its logics, as the application does on startup."""
    import slicer
    import vtk

    folder = tempfile.mkdtemp(prefix="pcrcest-scene-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.GetColorLogic().SetMRMLScene(scene)
    logic.GetColorLogic().AddDefaultColorNodes()
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    for factory in (
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(logic)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return extend(scene, logic, folder)


def _data_io(scene: Any, logic: Any, folder: str) -> tuple[Any, ...]:
    """Give the scene its file reading and writing; the scene does not hold what is returned."""
    import slicer

    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(scene)
    remote.SetMRMLApplicationLogic(logic)
    remote.GetCacheManager().SetRemoteCacheDirectory(folder)
    data = slicer.vtkDataIOManagerLogic()
    data.SetMRMLScene(scene)
    data.SetMRMLApplicationLogic(logic)
    data.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    return remote, data


def _module_logics(scene: Any, logic: Any) -> dict[str, Any]:
    import slicer

    modules = {}
    for name, class_name in LOGICS.items():
        registered = REGISTERED_AS.get(name, name.capitalize())
        module = logic.GetModuleLogic(registered)
        if module is not None and module.IsA(class_name):
            modules[name] = module
            continue
        module = getattr(slicer, class_name)()
        if hasattr(module, "SetMRMLApplicationLogic"):
            module.SetMRMLApplicationLogic(logic)
        module.SetMRMLScene(scene)
        logic.SetModuleLogic(registered, module)
        modules[name] = module
    return modules
