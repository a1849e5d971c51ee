"""Parameters that differ from image to image of a Bruker scan, brought into the order of its images.

A frame group says which parameters depend on it: ``VisuFGOrderDesc`` is a list of (length, name, comment, first
dependent, number of dependents), counted in ``VisuGroupDepVals``, a list of (parameter, where its values start).
Source: Bruker, ParaVision manual, chapter "Visu parameters". Lists of a method file name no group; they belong to the
one that has their length.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.bruker.layout import SLICES, Layout
from PCrCESTLib.readers.bruker.parameters import Parameters


def frame_values(parameters: Parameters, name: str, visu: Parameters, layout: Layout) -> np.ndarray | None:
    """One value an image, (n_frames,), of a parameter; None where it is absent.

    Raises
    ------
    ReaderError
        When it is damaged, does not fit the images, or differs between slices of one image.
    """
    values = parameters.numbers(name)
    if values is None or not values.size:
        return None
    if not np.all(np.isfinite(values)):
        raise ReaderError(
            f"{parameters.path}: {name} holds a number that is not finite; copy the scan again from the scanner, or"
            " give the values with the option for them"
        )
    lengths = [n for _, n in layout.groups]
    names = [group for group, _ in layout.groups]
    group, start = _owner(visu, name) if parameters is visu else (None, 0)
    if len(set(values.tolist())) == 1:
        return np.full(layout.n_frames, values[0])
    if group is None:
        fitting = [g for g, n in layout.groups if n == len(values) and g != SLICES]
        group = fitting[0] if len(fitting) == 1 else None
    if group in names:
        axis = names.index(group)
        own = values[start : start + lengths[axis]]
        if len(own) == lengths[axis]:
            shape = [1] * len(lengths)
            shape[axis] = lengths[axis]
            # NumPy counts the fastest axis last.
            stored = np.broadcast_to(own.reshape(shape[::-1]), lengths[::-1])
            return _of_images(parameters, name, stored, names[::-1])
    if len(values) == layout.n_stored:
        return _of_images(parameters, name, values.reshape(lengths[::-1]), names[::-1])
    listed = " x ".join(f"{n} {g}" for g, n in layout.groups)
    raise ReaderError(
        f"{parameters.path}: {name} lists {len(values)} values, which fit no frame group of the images ({listed});"
        " reconstruct the scan again, or give the values with the option for them"
    )


def _of_images(parameters: Parameters, name: str, stored: np.ndarray, names: list[str]) -> np.ndarray:
    if SLICES in names:
        stored = np.moveaxis(stored, names.index(SLICES), -1)
        if np.ptp(stored, axis=-1).any():
            raise ReaderError(
                f"{parameters.path}: {name} differs between the slices of one image; a scan with the same times on"
                " all slices is expected: give one slice, as NIfTI with a JSON file"
            )
        stored = stored[..., 0]
    return np.ascontiguousarray(stored).ravel()


def _owner(visu: Parameters, name: str) -> tuple[str | None, int]:
    """Frame group that a parameter depends on, and where its values start."""
    dependents = visu.structures("VisuGroupDepVals")
    for group in visu.structures("VisuFGOrderDesc"):
        for index in _window(group):
            entry = dependents[index] if index < len(dependents) else []
            # A damaged entry may hold anything, arrays among it.
            owned, start = (entry[0], entry[1]) if len(entry) > 1 else (None, None)
            if isinstance(owned, str) and owned == name and isinstance(start, int) and start >= 0:
                return str(group[1]), start
    return None, 0


def _window(group: list[Any]) -> range:
    first, count = (group[3], group[4]) if len(group) > 4 else (0, 0)
    if not (isinstance(first, int) and isinstance(count, int) and first >= 0 and 0 <= count <= 100):
        return range(0)
    return range(first, first + count)
