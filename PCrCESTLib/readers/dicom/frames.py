"""Frames into one series: slices by position along their normal, images of a slice in the order of acquisition.

Nothing is guessed. Frames that differ in size, direction or spacing, a slice that is missing, and orders that
contradict each other are refused, because a scrambled series would still give maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.dicom.file import read_frames
from PCrCESTLib.readers.dicom.headers import FileHeader, Frame

SAME_PLACE_MM = 0.05  # some scanners round the positions of one slice differently
DISTANCE_TOLERANCE = 0.02
ANGLE_TOLERANCE = 1e-4
GRID_ORDERS: dict[str, Callable[[Frame], float | None]] = {
    "temporal position": lambda f: f.temporal,
    "acquisition number": lambda f: f.acquisition,
}
TIME_ORDER = "acquisition time"


@dataclass(frozen=True)
class Stack:
    """Frames on one grid: ``frames[image][slice]``, slices along the normal, images as acquired."""

    geometry: Geometry
    frames: tuple[tuple[Frame, ...], ...]
    order: str


def stack_frames(name: str, frames: Sequence[Frame]) -> Stack:
    """Sort the frames of one series.

    Parameters
    ----------
    name : str
        What to call the series in messages.
    frames : sequence of Frame
        All its frames, in any order.

    Raises
    ------
    ReaderError
        When images are missing, doubled, of several echoes, or in no order that can be told.
    GeometryError
        When they do not lie on one grid.
    """
    _check_alike(name, frames)
    slices = _slices(name, frames)
    spacing = _slice_spacing(name, slices)
    order, columns = _in_order(name, [frames for _, frames in slices])
    images = tuple(zip(*columns, strict=True))
    return Stack(_geometry(name, [c[0] for c in columns], spacing), images, order)


def one_image_geometry(name: str, frames: Sequence[Frame]) -> Geometry:
    """Return the grid that the frames of a scan lie on, whatever their number, order and settings.

    Raises
    ------
    GeometryError
        When they do not lie on one grid.
    """
    alike = [replace(frame, echo_ms=0.0) for frame in frames]
    _check_alike(name, alike)
    normal = _normal(alike[0])
    slices: list[tuple[float, list[Frame]]] = []
    for place, _, frame in sorted((float(np.dot(f.position_mm, normal)), i, f) for i, f in enumerate(alike)):
        if not slices or place - slices[-1][0] > SAME_PLACE_MM:
            slices.append((place, [frame]))
    _check_aligned(name, slices, normal)
    return _geometry(name, [frames[0] for _, frames in slices], _slice_spacing(name, slices))


def load_stack(stack: Stack, headers: Sequence[FileHeader]) -> np.ndarray:
    """Return the signal of a stack, float32, (n_images, z, y, x), reading one stored frame at a time.

    Raises
    ------
    ReaderError
        When a file cannot be read or decompressed.
    """
    stored = {header.path: header.pixels for header in headers}
    wanted: dict[Path, dict[int, list[tuple[int, int, Frame]]]] = {}
    for t, image in enumerate(stack.frames):
        for z, frame in enumerate(image):
            wanted.setdefault(frame.path, {}).setdefault(frame.index, []).append((t, z, frame))
    try:
        data = np.empty((len(stack.frames), *stack.geometry.shape), np.float32)
    except MemoryError as error:
        path = next(iter(wanted))
        raise ReaderError(f"{path}: the series does not fit into memory; use a larger computer") from error
    for path, places in wanted.items():
        for index, pixels in enumerate(read_frames(path, stored[path])):
            for t, z, frame in places.get(index, ()):
                with np.errstate(over="ignore", invalid="ignore"):
                    data[t, z] = _tile(pixels, frame) * np.float64(frame.slope) + frame.intercept
    return data


def _tile(pixels: np.ndarray, frame: Frame) -> np.ndarray:
    if frame.tile is None:
        return pixels
    row, column = frame.tile
    return pixels[row : row + frame.size[0], column : column + frame.size[1]]


def _check_alike(name: str, frames: Sequence[Frame]) -> None:
    first = frames[0]
    for frame in frames[1:]:
        if frame.size != first.size:
            what = f"{_size(frame)} pixels but {first.path.name} {_size(first)}"
        elif not np.allclose(frame.axes, first.axes, atol=ANGLE_TOLERANCE):
            what = f"other directions than {first.path.name}"
        elif not np.allclose(frame.spacing_mm, first.spacing_mm, rtol=1e-3):
            what = f"pixels of {frame.spacing_mm} mm but {first.path.name} {first.spacing_mm} mm"
        else:
            continue
        raise GeometryError(
            f"{name}: {frame.path.name} has {what}; all images of a CEST series lie on one grid: keep other"
            " images (localizers, maps) elsewhere"
        )
    echoes = sorted({round(f.echo_ms, 3) for f in frames})
    if len(echoes) > 1:
        raise ReaderError(
            f"{name}: images of {len(echoes)} echo times ({echoes[0]:g} to {echoes[-1]:g} ms); one echo is"
            " expected: keep the images of one"
        )


def _size(frame: Frame) -> str:
    return f"{frame.size[1]} x {frame.size[0]}"


def _normal(frame: Frame) -> np.ndarray:
    return np.cross(frame.axes[:3], frame.axes[3:])


def _slices(name: str, frames: Sequence[Frame]) -> list[tuple[float, list[Frame]]]:
    """Frames of each slice with its place along the normal, ascending."""
    normal = _normal(frames[0])
    slices: list[tuple[float, list[Frame]]] = []
    for place, _, frame in sorted((float(np.dot(f.position_mm, normal)), i, f) for i, f in enumerate(frames)):
        if slices and place - slices[-1][0] <= SAME_PLACE_MM:
            slices[-1][1].append(frame)
        else:
            slices.append((place, [frame]))
    _check_aligned(name, slices, normal)
    counts = [len(s) for _, s in slices]
    if min(counts) != max(counts):
        odd = min(slices, key=lambda s: len(s[1]))
        raise ReaderError(
            f"{name}: the slice at {odd[0]:.1f} mm has {min(counts)} images, another {max(counts)}; images are"
            " missing, or several series are mixed: export the series completely and alone"
        )
    return slices


def _check_aligned(name: str, slices: list[tuple[float, list[Frame]]], normal: np.ndarray) -> None:
    """Refuse images shifted within their plane."""
    first = np.array(slices[0][1][0].position_mm)
    for _, frames in slices:
        for frame in frames:
            shift = np.array(frame.position_mm) - first
            aside = float(np.linalg.norm(shift - np.dot(shift, normal) * normal))
            if aside > max(SAME_PLACE_MM, DISTANCE_TOLERANCE * min(frame.spacing_mm)):
                raise GeometryError(
                    f"{name}: {frame.path.name} lies {aside:.2g} mm aside of {frames[0].path.name} or its"
                    " neighbors; all images of a CEST series lie on one grid: resample them, or leave it out"
                )


def _slice_spacing(name: str, slices: list[tuple[float, list[Frame]]]) -> float:
    if len(slices) == 1:
        return slices[0][1][0].slice_mm
    gaps = np.diff([place for place, _ in slices])
    usual = float(np.median(gaps))
    wrong = int(np.argmax(np.abs(gaps - usual)))
    if abs(gaps[wrong] - usual) > max(DISTANCE_TOLERANCE * usual, 2 * SAME_PLACE_MM):
        raise GeometryError(
            f"{name}: slices lie {usual:.3g} mm apart, but {gaps[wrong]:.3g} mm after the one at"
            f" {slices[wrong][0]:.1f} mm; a slice is missing: export the series completely"
        )
    return (slices[-1][0] - slices[0][0]) / (len(slices) - 1)


def _in_order(name: str, slices: list[list[Frame]]) -> tuple[str, list[list[Frame]]]:
    """Name of the order, and the frames of each slice in it.

    Temporal position, acquisition number and time of acquisition must not contradict each other; where none of
    them is there, the instance number counts, if it advances alike on every slice.
    """
    if len(slices[0]) == 1:
        return "position", slices
    sorted_by: dict[str, list[list[Frame]]] = {}
    for order, key in GRID_ORDERS.items():
        values = [[key(f) for f in frames] for frames in slices]
        if _tells_apart(values):
            _check_complete(name, order, values)
            sorted_by[order] = [_sorted(frames, key) for frames in slices]
    if _tells_apart([[f.time_s for f in frames] for frames in slices]):
        sorted_by[TIME_ORDER] = [_sorted(frames, lambda f: f.time_s) for frames in slices]
    names = list(sorted_by)
    for other in names[1:]:
        if sorted_by[other] != sorted_by[names[0]]:
            raise ReaderError(
                f"{name}: the images have one order by {names[0]} and another by {other}; export the series again,"
                " one scan alone"
            )
    if names:
        return names[0], sorted_by[names[0]]
    instances = [[f.instance for f in frames] for frames in slices]
    if any(len(set(i)) < len(i) for i in instances):
        raise ReaderError(
            f"{name}: several images of one slice have the same numbers and times, so that their order is not"
            " known; export the series again, or remove copies"
        )
    by_instance = [sorted(frames, key=lambda f: f.instance) for frames in slices]
    steps = np.diff([[f.instance for f in frames] for frames in by_instance], axis=1)
    if np.any(steps != steps[:1]):
        raise ReaderError(
            f"{name}: the instance numbers of the slices advance differently, and nothing else gives the order of"
            " their images; images are missing or mixed: export the series completely and alone"
        )
    return "instance number", by_instance


def _sorted(frames: list[Frame], key: Callable[[Frame], float | None]) -> list[Frame]:
    return sorted(frames, key=lambda f: key(f) or 0.0)


def _check_complete(name: str, order: str, values: Sequence[Sequence[float | None]]) -> None:
    """Refuse numbers that some slices have and others lack; numbers of single images are never shared."""
    every = set().union(*values)
    if len(every) in (len(values[0]), sum(map(len, values))):
        return
    lacking = next(v for v in sorted(every, key=lambda v: v or 0.0) if any(v not in s for s in values))
    raise ReaderError(
        f"{name}: not every slice has an image with {order} {lacking:g}; images are missing: export the series"
        " completely"
    )


def _tells_apart(values: Sequence[Sequence[float | None]]) -> bool:
    return all(None not in v and len(set(v)) == len(v) for v in values)


def _geometry(name: str, first_image: list[Frame], spacing: float) -> Geometry:
    frame = first_image[0]
    column_axis, row_axis = np.array(frame.axes[:3]), np.array(frame.axes[3:])
    matrix = np.column_stack([column_axis, row_axis, np.cross(column_axis, row_axis)])
    try:
        return Geometry(
            (frame.size[1], frame.size[0], len(first_image)),
            (frame.spacing_mm[1], frame.spacing_mm[0], float(spacing)),
            (frame.position_mm[0], frame.position_mm[1], frame.position_mm[2]),
            tuple(float(v) for v in matrix.ravel()),
        )
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from error
