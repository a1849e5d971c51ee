"""Scene, slice views and segment editor of one session: Slicer's libraries without its window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.scene import headless
from PCrCESTLib.scene.volumes import geometry_of
from PCrCESTLib.viewer.views import slice_views

FIRST, SECOND = "Red", "Yellow"
ONE, TWO = "one", "two"
PLANES = {0: "Sagittal", 1: "Coronal", 2: "Axial"}  # by the axis of the patient that is normal to the slices


class Workspace:
    """What a session has of Slicer.

    ``editor`` is trame-slicer's segment editor; ``layout`` puts one or two slice views into the page.
    """

    def __init__(self, server: Any, folder: Path, on_mouse: Callable[[str], None]) -> None:
        """Make scene and views.

        Parameters
        ----------
        server : trame server
            Which the views send their pictures through.
        folder : Path
            For temporary files.
        on_mouse : callable
            Is told the type of every mouse event after it was handled.
        """
        from trame_slicer.core import LayoutManager, SlicerApp
        from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition

        self._kept: list[Any] = []
        self._to_fit: set[str] = set()  # views that a new layout will give another size
        self.app = SlicerApp()
        headless.use(headless.extend(self.app.scene, self.app.app_logic, str(folder)))
        self.editor = self.app.segmentation_editor
        self.app.view_manager.register_factory(slice_views(server, on_mouse, self._on_size))
        views = {name: ViewLayoutDefinition.slice_view("Axial", label=name) for name in (FIRST, SECOND)}
        self.layout = LayoutManager(self.app.scene, self.app.view_manager, server)
        self.layout.register_layout_dict(
            {
                ONE: Layout(LayoutDirection.Horizontal, [views[FIRST]]),
                TWO: Layout(LayoutDirection.Horizontal, list(views.values())),
            }
        )
        self.layout.set_layout(ONE)
        for name in views:
            self._prepare(self.view(name))
        self._follow()

    def view(self, name: str = FIRST) -> Any:
        """Return a slice view."""
        return self.app.view_manager.get_view(name)

    def _prepare(self, view: Any) -> None:
        view.render_window().SetMultiSamples(0)  # 8 samples a pixel cost three to four times as much in software
        node = view.get_view_node()
        view.set_ruler(node.RulerTypeThin)
        view.set_orientation_marker(node.OrientationMarkerTypeAxes, node.OrientationMarkerSizeSmall)

    def _follow(self) -> None:
        """Let the second view show the slice that the first shows."""
        import vtk

        first, second = (self.view(name).get_view_node() for name in (FIRST, SECOND))

        def copy() -> None:
            if self.layout.layout_id != TWO:
                return
            second.GetSliceToRAS().DeepCopy(first.GetSliceToRAS())
            width, _height, depth = first.GetFieldOfView()
            shape = second.GetDimensions()
            scale = width / max(first.GetDimensions()[0], 1)
            second.SetFieldOfView(scale * shape[0], scale * shape[1], depth)
            second.UpdateMatrices()

        self._observe(first, vtk.vtkCommand.ModifiedEvent, copy)
        self._copy = copy

    def on_slice(self, moved: Callable[[], None]) -> None:
        """Call a function whenever the first view shows something else."""
        import vtk

        self._observe(self.view().get_view_node(), vtk.vtkCommand.ModifiedEvent, moved)

    def _observe(self, node: Any, event: int, react: Callable[[], None]) -> None:
        """Observe a node for as long as the session lives.

        What observes must be referred to from here: Python's collector sees a node's wrapper and its observer as a
        ring that nothing else holds, clears both, and the next event ends the process.
        """

        def told(*_: Any) -> None:
            react()

        self._kept.append((node, told))
        node.AddObserver(event, told)

    def on_cursor(self, moved: Callable[[tuple[float, float, float]], None]) -> None:
        """Call a function with the place of the mouse in the patient (RAS, mm) whenever that moves over a view."""
        crosshair = self.app.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")

        def read() -> None:
            ras = [0.0, 0.0, 0.0]
            if crosshair.GetCursorPositionRAS(ras):
                moved((ras[0], ras[1], ras[2]))

        self._observe(crosshair, crosshair.CursorPositionModifiedEvent, read)

    def set_views(self, layout: str) -> None:
        """Show `ONE` view, or `TWO` side by side."""
        if layout != self.layout.layout_id:
            self._to_fit = {FIRST, SECOND}
            self.layout.set_layout(layout)

    def _on_size(self, name: str) -> None:
        """Fit what is shown into a view of a new layout, at the slice that it shows."""
        if name == FIRST and name in self._to_fit:
            self.fit_content()
        self._to_fit.discard(name)
        self._copy()

    def fit_content(self) -> None:
        """Show the whole field of view, at the slice that is shown."""
        view = self.view()
        offset = view.get_slice_value()
        view.fit_view_to_content()
        view.set_slice_value(offset)
        self._copy()

    def show(self, background: Any, maps: tuple[Any | None, Any | None], opacity: float) -> None:
        """Show a volume, and over it a map in each view (None for nothing)."""
        for name, shown in zip((FIRST, SECOND), maps, strict=True):
            view = self.view(name)
            view.set_background_volume_id(None if background is None else background.GetID())
            view.set_foreground_volume_id(None if shown is None else shown.GetID())
            view.set_foreground_opacity(opacity)

    def set_opacity(self, opacity: float) -> None:
        """Set how much of the maps covers the image, 0 to 1."""
        for name in (FIRST, SECOND):
            self.view(name).set_foreground_opacity(opacity)

    def fit(self, volume: Any, reference: Any) -> None:
        """Show the slices of a volume as they were acquired, its middle one, and all of what is shown under it."""
        normal = geometry_of(volume).direction
        axis = int(np.argmax(np.abs(np.reshape(normal, (3, 3))[:, 2])))
        first = self.view()
        node = first.get_view_node()
        node.SetOrientation(PLANES[axis])
        node.RotateToVolumePlane(volume)
        first.fit_view_to_content()
        self.go_to_slice(reference, reference.GetImageData().GetDimensions()[2] // 2)
        self._to_fit = {FIRST, SECOND}  # the slider of the slices may come and take room
        self._copy()

    def slice_of(self, volume: Any) -> int:
        """Return the slice (k) of a volume that the views show, the nearest one."""
        import vtk

        to_ijk = vtk.vtkMatrix4x4()
        volume.GetRASToIJKMatrix(to_ijk)
        matrix = self.view().get_view_node().GetSliceToRAS()
        center = [matrix.GetElement(i, 3) for i in range(3)]
        k = to_ijk.MultiplyPoint([*center, 1.0])[2]
        return int(np.clip(round(k), 0, volume.GetImageData().GetDimensions()[2] - 1))

    def go_to_slice(self, volume: Any, k: int) -> None:
        """Move the views to a slice (k) of a volume; nothing else of them changes."""
        import vtk

        to_ras, to_ijk = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(to_ras)
        volume.GetRASToIJKMatrix(to_ijk)
        matrix = self.view().get_view_node().GetSliceToRAS()
        i, j, _ = to_ijk.MultiplyPoint([*(matrix.GetElement(n, 3) for n in range(3)), 1.0])[:3]
        self.view().get_view_node().JumpSliceByOffsetting(*to_ras.MultiplyPoint([i, j, float(k), 1.0])[:3])

    def snapshot(self, path: Path) -> None:
        """Write the first view as a PNG picture."""
        import vtk

        window = self.view().render_window()
        window.Render()
        grab, writer = vtk.vtkWindowToImageFilter(), vtk.vtkPNGWriter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        writer.SetFileName(str(path))
        writer.SetInputConnection(grab.GetOutputPort())
        writer.Write()
