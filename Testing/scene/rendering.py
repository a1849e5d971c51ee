"""Slice views without a window: what a user would see, as an array."""

from __future__ import annotations

import numpy as np

MANAGERS = (
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceView:
    """One offscreen slice view of the scene, 400 x 400 pixels."""

    def __init__(self, name: str = "Red") -> None:
        import slicer
        import vtk

        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        self.logic.SetMRMLScene(slicer.mrmlScene)
        node = self.logic.AddSliceNode(name)
        slicer.app.applicationLogic().GetSliceLogics().AddItem(self.logic)
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(400, 400)
        renderer = vtk.vtkRenderer()
        self.window.AddRenderer(renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.managers = factory.InstantiateDisplayableManagers(renderer)
        self.managers.SetMRMLDisplayableNode(node)
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        image = vtk.vtkActor2D()
        image.SetMapper(self.mapper)
        renderer.AddViewProp(image)
        self.node = node

    def show(self, background, foreground=None, opacity: float = 1.0) -> None:
        composite = self.logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
        composite.SetForegroundOpacity(opacity)
        self.logic.ResizeSliceNode(400, 400)
        self.logic.FitSliceToAll()
        self.mapper.SetInputConnection(
            self.logic.GetImageDataConnection()
        )  # there is none before a layer exists

    def picture(self) -> np.ndarray:
        """RGB 0–255, (400, 400, 3), first row on top."""
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        self.window.Render()
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3]

    def close(self) -> None:
        import slicer

        slicer.app.applicationLogic().GetSliceLogics().RemoveItem(self.logic)
        self.managers.SetMRMLDisplayableNode(None)
        self.window.Finalize()
