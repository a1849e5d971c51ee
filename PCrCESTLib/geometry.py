"""Where an image lies in the patient: grid size, spacing, origin and directions (ITK, LPS, mm)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from PCrCESTLib.errors import GeometryError

if TYPE_CHECKING:
    import SimpleITK as sitk

ANGLE_TOLERANCE = 1e-4
RELATIVE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Geometry:
    """A 3D voxel grid in physical space.

    Parameters
    ----------
    size : tuple of int
        Voxels along (x, y, z); arrays on this grid have the shape ``size[::-1]`` = (z, y, x).
    spacing_mm, origin_mm : tuple of float
        As in ITK: LPS axes, mm.
    direction : tuple of float
        Nine direction cosines, row major.

    Raises
    ------
    GeometryError
        When a number is not finite, a spacing not positive, or the directions not orthonormal.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.size) != 3 or min(self.size) < 1:
            raise GeometryError(
                f"the image has the size {self.size}; at least one voxel along x, y and z is expected"
            )
        numbers = np.array([*self.spacing_mm, *self.origin_mm, *self.direction], dtype=float)
        if not np.all(np.isfinite(numbers)) or min(self.spacing_mm) <= 0:
            raise GeometryError(
                f"the image has spacing {self.spacing_mm} mm and origin {self.origin_mm} mm; positive finite "
                "spacings and a finite origin are expected: export the image again from its source"
            )
        orthonormal = len(self.direction) == 9 and np.allclose(
            self.matrix.T @ self.matrix, np.eye(3), atol=ANGLE_TOLERANCE
        )
        if not orthonormal:
            raise GeometryError(
                "the image axes are not perpendicular (sheared or scaled direction cosines); resample the "
                "image on a regular grid before loading it"
            )

    @property
    def matrix(self) -> np.ndarray:
        """Direction cosines as a (3, 3) matrix; columns are the grid's x, y and z axes in LPS."""
        return np.asarray(self.direction, dtype=float).reshape(3, 3)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of arrays on this grid."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm³."""
        return float(np.prod(self.spacing_mm))

    @classmethod
    def of_image(cls, image: sitk.Image) -> Geometry:
        """Geometry of a SimpleITK image; of a 4D image, that of its first three axes."""
        n = image.GetDimension()
        direction = np.asarray(image.GetDirection(), dtype=float).reshape(n, n)[:3, :3]
        if n == 2:
            direction = np.block([[direction, np.zeros((2, 1))], [np.zeros((1, 2)), np.ones((1, 1))]])

        def three(values: tuple[float, ...], fill: float) -> tuple[float, float, float]:
            x, y, z = (*values[:3], *([fill] * (3 - min(n, 3))))
            return float(x), float(y), float(z)

        sx, sy, sz = three(image.GetSize(), 1)
        return cls(
            (int(sx), int(sy), int(sz)),
            three(image.GetSpacing(), 1.0),
            three(image.GetOrigin(), 0.0),
            tuple(float(v) for v in direction.ravel()),
        )

    def same_as(self, other: Geometry) -> bool:
        """Tell whether both grids coincide to a thousandth of a voxel and 1e-4 in direction."""
        scale = np.asarray(self.spacing_mm)
        return (
            self.size == other.size
            and np.allclose(self.spacing_mm, other.spacing_mm, rtol=RELATIVE_TOLERANCE)
            and bool(
                np.all(np.abs(np.subtract(self.origin_mm, other.origin_mm)) <= RELATIVE_TOLERANCE * scale)
            )
            and np.allclose(self.direction, other.direction, atol=ANGLE_TOLERANCE)
        )

    def to_image(self, array: np.ndarray) -> sitk.Image:
        """SimpleITK image of ``array``, (z, y, x) or (t, z, y, x), at this place."""
        import SimpleITK as sitk

        if array.shape[-3:] != self.shape:
            raise GeometryError(f"an array of shape {array.shape} does not fit a grid of shape {self.shape}")
        stored = array.astype(np.uint8) if array.dtype == bool else array
        image = sitk.GetImageFromArray(np.ascontiguousarray(stored), isVector=False)
        if array.ndim == 3:
            image.SetSpacing(self.spacing_mm)
            image.SetOrigin(self.origin_mm)
            image.SetDirection(self.direction)
            return image
        direction = np.eye(4)
        direction[:3, :3] = self.matrix
        image.SetSpacing((*self.spacing_mm, 1.0))
        image.SetOrigin((*self.origin_mm, 0.0))
        image.SetDirection(direction.ravel().tolist())
        return image

    def describe(self) -> str:
        """One readable line, as used in error messages."""
        size = " x ".join(str(n) for n in self.size)
        spacing = " x ".join(f"{s:g}" for s in self.spacing_mm)
        origin = ", ".join(f"{o:g}" for o in self.origin_mm)
        return f"{size} voxels of {spacing} mm at ({origin}) mm"
