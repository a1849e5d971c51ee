"""Which slices a figure shows, cropped to the body, side by side, and which way they face. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.geometry import Geometry

MOST_SLICES = 4
MARGIN_SHARE = 0.10  # of the cropped side, kept around what is of interest
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))  # toward plus and minus of each LPS axis


@dataclass(frozen=True)
class View:
    """How to cut 2D mosaics out of volumes on one grid.

    Parameters
    ----------
    axis : int
        Array axis (of z, y, x) that is stepped through; the other two are the picture's rows and columns.
    slices : tuple of int
        Indices along ``axis``, ascending.
    rows, columns : slice
        The part of each slice that is shown.
    grid : tuple of int
        Tiles down and across.
    aspect : float
        Height of a pixel divided by its width.
    pixel_width_mm : float
        Width of a pixel.
    letters : tuple of str
        Patient directions at the picture's left, right, top and bottom.
    """

    axis: int
    slices: tuple[int, ...]
    rows: slice
    columns: slice
    grid: tuple[int, int]
    aspect: float
    pixel_width_mm: float
    letters: tuple[str, str, str, str]

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Rows and columns of one tile."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def mosaic(self, volume: np.ndarray, fill: float = np.nan) -> np.ndarray:
        """Slices of ``volume`` (z, y, x) side by side, ``fill`` where the last row has no tile."""
        down, across = self.grid
        height, width = self.tile_shape
        picture = np.full((down * height, across * width), fill, dtype=np.result_type(volume, type(fill)))
        for (top, left), number in zip(self.corners(), self.slices, strict=True):
            tile = np.take(volume, number, axis=self.axis)[self.rows, self.columns]
            picture[top : top + height, left : left + width] = tile
        return picture

    def corners(self) -> list[tuple[int, int]]:
        """Top left pixel of every tile in the mosaic."""
        height, width = self.tile_shape
        return [(n // self.grid[1] * height, n % self.grid[1] * width) for n in range(len(self.slices))]


def choose_view(
    geometry: Geometry, interest: np.ndarray, body: np.ndarray, most: int = MOST_SLICES
) -> View:
    """Choose the slices with most voxels of ``interest`` (z, y, x), at most ``most``, cropped to ``body``.

    The image is shown as stored, neither flipped nor turned; the letters say which way the patient lies.
    Slices are stacked along z unless z is in the plane (a stack stored with a single row or column).
    """
    axis = _slice_axis(geometry)
    in_plane = tuple(a for a in range(3) if a != axis)
    counts = interest.sum(axis=in_plane)
    busiest = np.argsort(-counts, kind="stable")[:most]
    slices = tuple(sorted(int(i) for i in busiest if counts[i] > 0)) or (len(counts) // 2,)
    shown: np.ndarray = np.any(np.take(body | interest, slices, axis=axis), axis=axis)
    row_axis, column_axis = (2 - a for a in in_plane)  # array axis (z, y, x) to image axis (x, y, z)
    spacing = geometry.spacing_mm
    rows, columns = _crop(np.atleast_1d(shown.any(axis=1))), _crop(np.atleast_1d(shown.any(axis=0)))
    aspect = spacing[row_axis] / spacing[column_axis]
    shape = (aspect * (rows.stop - rows.start), float(columns.stop - columns.start))
    left, right = _direction_letters(geometry, column_axis)
    top, bottom = _direction_letters(geometry, row_axis)
    return View(
        axis=axis,
        slices=slices,
        rows=rows,
        columns=columns,
        grid=_tiling(len(slices), shape),
        aspect=aspect,
        pixel_width_mm=spacing[column_axis],
        letters=(left, right, top, bottom),
    )


def boundary_segments(mask: np.ndarray) -> np.ndarray:
    """Pixel-exact outline of a 2D mask: (n_segments, 2, 2) of (x, y), pixel centers at whole numbers."""
    padded = np.pad(mask.astype(bool), 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    across = np.stack([np.stack([columns - 0.5, rows - 0.5], 1), np.stack([columns + 0.5, rows - 0.5], 1)], 1)
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    down = np.stack([np.stack([columns - 0.5, rows - 0.5], 1), np.stack([columns - 0.5, rows + 0.5], 1)], 1)
    return np.concatenate([across, down])


def label_point(mask: np.ndarray) -> tuple[float, float]:
    """(x, y) deep inside a 2D mask, where a number can stand; the mask must not be empty."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(mask.astype(bool), 1))
    y, x = np.unravel_index(np.argmax(depth), depth.shape)
    return float(x - 1), float(y - 1)


def _slice_axis(geometry: Geometry) -> int:
    nz, ny, nx = geometry.shape
    if nz > 1 and min(ny, nx) == 1:
        return 1 if ny == 1 else 2
    return 0


def _crop(used: np.ndarray) -> slice:
    """Range of the used rows with a margin; everything where nothing is used."""
    indices = np.nonzero(used)[0]
    if len(indices) == 0:
        return slice(0, len(used))
    margin = 1 + int(MARGIN_SHARE * (indices[-1] - indices[0]))
    return slice(max(0, int(indices[0]) - margin), min(len(used), int(indices[-1]) + 1 + margin))


def _tiling(n: int, shape: tuple[float, float]) -> tuple[int, int]:
    """Tiles down and across whose mosaic comes closest to the 3:2 of a map panel."""
    height, width = shape

    def mismatch(across: int) -> float:
        down = -(-n // across)
        return abs(np.log(across * width / (down * height) / 1.5))

    across = min(range(1, n + 1), key=mismatch)
    return -(-n // across), across


def _direction_letters(geometry: Geometry, image_axis: int) -> tuple[str, str]:
    """Patient directions toward the start and the end of an image axis: the nearest of L R P A S I."""
    cosines = geometry.matrix[:, image_axis]
    nearest = int(np.argmax(np.abs(cosines)))
    plus, minus = _LETTERS[nearest]
    return (minus, plus) if cosines[nearest] > 0 else (plus, minus)
