"""Slice views without a window: what a user would see, as an array."""

from __future__ import annotations

import numpy as np

MANAGERS = (
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceRendering:
    """The offscreen window of a slice logic."""

    def __init__(self, logic, size=(400, 400)) -> None:
        import slicer
        import vtk

        self.logic, self.size = logic, size
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        renderer = vtk.vtkRenderer()
        self.window.AddRenderer(renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.managers = factory.InstantiateDisplayableManagers(renderer)
        self.managers.SetMRMLDisplayableNode(logic.GetSliceNode())
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        image = vtk.vtkActor2D()
        image.SetMapper(self.mapper)
        renderer.AddViewProp(image)

    def render(self) -> None:
        self.logic.ResizeSliceNode(*self.size)
        # There is no connection before a layer exists.
        self.mapper.SetInputConnection(self.logic.GetImageDataConnection())
        self.window.Render()
        self.window.Render()

    def picture(self) -> np.ndarray:
        """RGB 0–255, (height, width, 3), first row on top."""
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        self.render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3]

    def close(self) -> None:
        self.managers.SetMRMLDisplayableNode(None)
        self.window.Finalize()


class SliceView(SliceRendering):
    """A slice view with a logic of its own."""

    def __init__(self, name: str = "Red") -> None:
        import slicer

        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        logic.SetMRMLScene(slicer.mrmlScene)
        self.node = logic.AddSliceNode(name)
        slicer.app.applicationLogic().GetSliceLogics().AddItem(logic)
        super().__init__(logic)

    def show(self, background, foreground=None, opacity: float = 1.0) -> None:
        composite = self.logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
        composite.SetForegroundOpacity(opacity)
        self.logic.ResizeSliceNode(*self.size)
        self.logic.FitSliceToAll()

    def close(self) -> None:
        import slicer

        super().close()
        slicer.app.applicationLogic().GetSliceLogics().RemoveItem(self.logic)
