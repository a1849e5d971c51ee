"""Where the images of a Bruker reconstruction lie, from its ``visu_pars``.

The rows of ``VisuCoreOrientation`` are the directions of the image axes, and ``VisuCorePosition`` is the center of
the first voxel of a frame, both in the patient's axes of DICOM (x to the left, y to the back, z to the head) and in
mm, so that they are ITK's without any conversion. Source: Bruker, ParaVision manual, chapter "Visu parameters".
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import ANGLE_TOLERANCE, Geometry
from PCrCESTLib.readers.bruker.layout import SLICES, Layout
from PCrCESTLib.readers.bruker.parameters import Parameters

POSITION_TOLERANCE = 0.01  # of the distance between slices
SAME_PLACE_MM = 1e-3
MAX_POSITION_MM = 1e6


def read_geometry(visu: Parameters, layout: Layout) -> Geometry:
    """Find where the volume lies.

    Raises
    ------
    ReaderError
        When a parameter is missing or damaged.
    GeometryError
        When the frames do not lie on one regular grid.
    """
    if any(unit != "mm" for unit in visu.texts("VisuCoreUnits")):
        raise GeometryError(f"{visu.path}: VisuCoreUnits are not mm; reconstruct the scan as images in mm")
    extent = _rows(visu, "VisuCoreExtent", len(layout.size))[0]
    axes = _axes(visu)
    positions = _of_slices(visu, layout, _rows(visu, "VisuCorePosition", 3))
    spacing = [float(mm / n) for mm, n in zip(extent, layout.size, strict=True)]
    normal = axes[2]
    if len(layout.size) == 2:
        step = _step(visu, layout, positions, normal)
        # The slices may follow each other against the normal; they stay in the order they are stored in.
        normal = normal if step >= 0 else -normal
        spacing.append(abs(step))
    nx, ny = layout.size[:2]
    x, y, z = positions[0].tolist()
    try:
        return Geometry(
            (nx, ny, layout.n_slices),
            (spacing[0], spacing[1], spacing[2]),
            (x, y, z),
            tuple(np.column_stack([axes[0], axes[1], normal]).ravel().tolist()),
        )
    except GeometryError as error:
        raise GeometryError(f"{visu.path}: {error}") from error


def _rows(visu: Parameters, name: str, length: int) -> np.ndarray:
    """Numbers of a parameter as rows of ``length``, at least one."""
    numbers = visu.numbers(name)
    if numbers is None or not numbers.size or numbers.size % length:
        raise visu.missing(name)
    if not np.all(np.abs(numbers) < MAX_POSITION_MM):
        raise GeometryError(
            f"{visu.path}: {name} holds numbers that are not finite or absurdly large; copy the scan again from the"
            " scanner"
        )
    return numbers.reshape(-1, length)


def _axes(visu: Parameters) -> np.ndarray:
    """Directions of x, y and z as rows, (3, 3), the same in all frames."""
    frames = _rows(visu, "VisuCoreOrientation", 9)
    if not np.allclose(frames, frames[0], atol=ANGLE_TOLERANCE):
        raise GeometryError(
            f"{visu.path}: the frames are oriented differently (several slice packages); give a scan of parallel slices"
        )
    return frames[0].reshape(3, 3)


def _step(visu: Parameters, layout: Layout, positions: np.ndarray, normal: np.ndarray) -> float:
    """Way from one slice to the next along the normal, mm; negative against it."""
    if layout.n_slices == 1:
        thickness = visu.number("VisuCoreFrameThickness")
        if thickness is None:
            raise visu.missing("VisuCoreFrameThickness")
        return abs(thickness)
    steps = np.diff(positions, axis=0)
    along = float(steps.mean(axis=0) @ normal)
    if not along or np.abs(steps - along * normal).max() > POSITION_TOLERANCE * abs(along):
        raise GeometryError(
            f"{visu.path}: the {layout.n_slices} slices do not follow each other at equal distances along their normal;"
            " give a scan of one package of parallel slices"
        )
    return along


def _of_slices(visu: Parameters, layout: Layout, positions: np.ndarray) -> np.ndarray:
    """Position of every slice, (n_slices, 3); one row for 3D frames. They may be given by slice or by stored frame."""
    n_rows = 1 if len(layout.size) == 3 else layout.n_slices
    if len(positions) == n_rows:
        return positions
    if len(positions) == layout.n_stored:
        lengths = [n for _, n in layout.groups][::-1]
        names = [name for name, _ in layout.groups][::-1]
        by_group = positions.reshape(*lengths, 3)
        if n_rows > 1:
            by_group = np.moveaxis(by_group, names.index(SLICES), -2)
        by_frame = by_group.reshape(-1, n_rows, 3)
        if np.abs(by_frame - by_frame[0]).max() <= SAME_PLACE_MM:
            return np.asarray(by_frame[0])
        raise GeometryError(f"{visu.path}: the frames lie in different places; a series has one place")
    raise ReaderError(
        f"{visu.path}: VisuCorePosition has {len(positions)} places for {layout.n_slices} slices in {layout.n_stored}"
        " stored frames; copy the scan again from the scanner"
    )
