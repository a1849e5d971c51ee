"""Arrays with a place in the patient as volume nodes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from PCrCESTLib.errors import GeometryError
from PCrCESTLib.geometry import Geometry

# Slicer's world is RAS, ITK's and ours LPS: the first two axes change sign.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def ijk_to_ras(geometry: Geometry) -> np.ndarray:
    """Matrix (4, 4) from voxel indices (i, j, k) to Slicer's RAS, mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(geometry.matrix) * np.asarray(geometry.spacing_mm)
    matrix[:3, 3] = geometry.origin_mm
    return LPS_TO_RAS @ matrix


def geometry_of(node: Any) -> Geometry:
    """Where a volume node lies in the world, its linear parent transforms included.

    Raises
    ------
    GeometryError
        When the node is empty, or a transform bends, scales or shears it.
    """
    import vtk

    image = node.GetImageData()
    if image is None:
        raise GeometryError(f"{node.GetName()}: the volume is empty; load it again or choose another")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    local = _as_array(matrix)
    transform = node.GetParentTransformNode()
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            raise GeometryError(
                f"{node.GetName()} lies under the transform {transform.GetName()}, which bends it; resample the "
                "volume through it (module Resample) and take the result"
            )
        transform.GetMatrixTransformToWorld(matrix)
        local = _as_array(matrix) @ local
    lps = LPS_TO_RAS @ local
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    direction = lps[:3, :3] / spacing
    x, y, z = (int(n) for n in image.GetDimensions())
    sx, sy, sz = (float(s) for s in spacing)
    ox, oy, oz = (float(o) for o in lps[:3, 3])
    try:
        return Geometry((x, y, z), (sx, sy, sz), (ox, oy, oz), tuple(float(d) for d in direction.ravel()))
    except GeometryError as error:
        raise GeometryError(f"{node.GetName()}: {error}") from error


def array_of(node: Any) -> np.ndarray:
    """Voxels of a scalar volume node, (z, y, x), a view of its memory.

    Raises
    ------
    GeometryError
        When the node is empty.
    """
    import slicer

    if node.GetImageData() is None:
        raise GeometryError(f"{node.GetName()}: the volume is empty; load it again or choose another")
    return np.asarray(slicer.util.arrayFromVolume(node))


def add_volume(array: np.ndarray, geometry: Geometry, name: str) -> Any:
    """Add a scalar volume node of an array (z, y, x) on ``geometry``, with a display node.

    Raises
    ------
    GeometryError
        When the array does not fit.
    """
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    fill_volume(node, array, geometry)
    node.CreateDefaultDisplayNodes()
    return node


def fill_volume(node: Any, array: np.ndarray, geometry: Geometry) -> None:
    """Set voxels and place of a volume node; `GeometryError` when they do not fit each other."""
    import slicer
    import vtk

    if array.shape != geometry.shape:
        raise GeometryError(f"an array of shape {array.shape} does not fit a grid of shape {geometry.shape}")
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(array))
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(ijk_to_ras(geometry).ravel())
    node.SetIJKToRASMatrix(matrix)


def voxel_at(node: Any, ras: tuple[float, float, float]) -> tuple[int, int, int] | None:
    """Voxel (i, j, k) of a volume node that holds a point (RAS, mm), None outside."""
    geometry = geometry_of(node)
    i, j, k = np.linalg.solve(ijk_to_ras(geometry), [*ras, 1.0])[:3].round().astype(int)
    inside = all(0 <= v < n for v, n in zip((i, j, k), geometry.size, strict=True))
    return (int(i), int(j), int(k)) if inside else None


def slice_center(node: Any, k: int) -> tuple[float, float, float]:
    """Center of slice ``k`` of a volume node in the world (RAS, mm), its parent transforms included."""
    geometry = geometry_of(node)
    x, y, z = (ijk_to_ras(geometry) @ [geometry.size[0] / 2, geometry.size[1] / 2, k, 1.0])[:3]
    return float(x), float(y), float(z)


def _as_array(matrix: Any) -> np.ndarray:
    return np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
