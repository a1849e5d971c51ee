"""A MATLAB .mat file (v5 or v7.3) with named arrays.

Names are compared without regard to case and underscores:

========  ==================================================  ==========================================
role      names                                               shape in MATLAB
========  ==================================================  ==========================================
images    image, images, img, data, cest, Z, Zspec, Zspectra  (rows, columns, frames) or
                                                              (rows, columns, slices, frames)
offsets   offsets, offset, freq, freqs, frequency, ppm,       one a frame; the unit is taken from the
          satfreq, with _ppm or _hz                           name, else from the values
spacing   spacing, voxelsize, pixelspacing, pixdim, with _mm  2 or 3 numbers, mm, columns first (x, y, z)
maps      mask, R1, R1obs, T1, T1obs, fm, relB1, B0 …         as the images without frames
========  ==================================================  ==========================================

MATLAB rows are y (downward on the screen) and columns are x, as ``imshow`` draws them. A protocol key
(``MagneticFieldStrength``, ``SaturationB1`` …) may be a variable too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import REFERENCE_PPM, Protocol
from PCrCESTLib.readers.image_io import as_float32
from PCrCESTLib.readers.matlab_arrays import read_arrays
from PCrCESTLib.readers.protocol_source import resolve_protocol
from PCrCESTLib.series import CestSeries

IMAGE_NAMES = ("image", "images", "img", "data", "cest", "cestdata", "z", "zspec", "zspectra", "zspectrum")
OFFSET_NAMES = (
    "offsets",
    "offset",
    "satoffsets",
    "freq",
    "freqs",
    "frequency",
    "frequencies",
    "satfreq",
    "ppm",
)
SPACING_NAMES = ("spacing", "spacingmm", "voxelsize", "voxelsizemm", "pixelspacing", "pixdim")
MAP_NAMES = {
    "mask": ("mask", "bodymask", "roimask"),
    "r1": ("r1", "r1obs", "r1map"),
    "t1": ("t1", "t1obs", "t1map"),
    "fm": ("fm", "fmmap", "psr", "psrmap"),
    "b1": ("b1", "relb1", "b1map", "relb1map", "b1rel"),
    "image": ("anatomy", "anat"),
    "b0": ("b0", "b0map", "b0ppm", "db0", "b0shift"),
}
PROTOCOL_NUMBERS = ("MagneticFieldStrength", "SaturationB1", "SaturationDuration", "RepetitionTime")


def read_matlab(
    path: Path, protocol: Protocol | Path | None = None, *, variable: str | None = None
) -> CestSeries:
    """Read a MATLAB file; a protocol file beside it (same stem) adds what its arrays do not say.

    Parameters
    ----------
    path : Path
        The .mat file.
    protocol : Protocol or Path, optional
        As for ``read_series``; offsets missing there are taken from the file.
    variable : str, optional
        Name of the image array, when it is none of the usual ones.

    Raises
    ------
    ReaderError
        When no array, or more than one, can be the images, or the file is damaged.
    ProtocolError
        When the protocol is missing, senseless, or of another number of frames.
    MissingExtraError
        When the file is v7.3 and h5py is not installed.
    """
    arrays = read_arrays(path)
    name = variable if variable is not None else _image_name(path, arrays)
    if name not in arrays:
        raise ReaderError(f"{path}: no array is called {name!r}; the file holds {_listing(arrays)}")
    frames = _frames(path, name, arrays[name])
    stated, unit_note = _protocol_keys(arrays)
    resolved = resolve_protocol(path, protocol, [path.with_suffix(".json")], stated)
    _check_frame_axis(path, name, arrays[name], resolved.protocol.n_frames)
    if "SaturationOffsetsUnits" not in resolved.used_series_keys:
        unit_note = ()
    geometry, geometry_note = _geometry(path, arrays, frames)
    return CestSeries(
        as_float32(frames),
        geometry,
        resolved.protocol,
        (str(path), *resolved.source),
        (*resolved.notes, *unit_note, geometry_note, *_companion_notes(path, arrays)),
    )


def read_matlab_map(path: Path, quantity: str, geometry: Geometry) -> np.ndarray:
    """Return the array of ``quantity`` (``mask``, ``r1`` …) as float64 (z, y, x) on ``geometry``.

    Raises
    ------
    ReaderError
        When there is no such array or it has another size: a .mat file gives no position to resample from.
    """
    arrays = read_arrays(path)
    name = _find(arrays, MAP_NAMES[quantity])
    if name is None:
        names = ", ".join(MAP_NAMES[quantity])
        raise ReaderError(
            f"{path}: no array for the {quantity} map (one of {names}); the file holds {_listing(arrays)}"
        )
    array = arrays[name]
    values = (
        (array[:, :, None] if array.ndim == 2 else array).transpose(2, 0, 1)
        if array.ndim in (2, 3)
        else array
    )
    if values.shape != geometry.shape:
        raise ReaderError(
            f"{path}: {name!r} is {_size(array)} but the CEST grid is {geometry.describe()}; a MATLAB file"
            " does not say where its arrays lie: save the map on the CEST grid, or as NIfTI"
        )
    return values.astype(np.float64)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _find(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> str | None:
    by_name = {_plain(name): name for name in arrays}
    return next((by_name[n] for n in names if n in by_name), None)


def _size(array: np.ndarray) -> str:
    return " x ".join(str(n) for n in array.shape)


def _listing(arrays: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{name} ({_size(array)})" for name, array in arrays.items())


def _image_name(path: Path, arrays: Mapping[str, np.ndarray]) -> str:
    images = {name: array for name, array in arrays.items() if array.ndim in (3, 4)}
    named = _find(images, IMAGE_NAMES)
    maps = {n for names in MAP_NAMES.values() for n in names}
    others = [name for name in images if _plain(name) not in maps]
    if named is None and len(others) != 1:
        raise ReaderError(
            f"{path}: {len(others) or 'no'} arrays can be the images ({_listing(arrays)}); name the 3D or 4D"
            " image array 'image' with its frames along the last axis"
        )
    return named if named is not None else others[0]


def _frames(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """(rows, columns[, slices], frames) to (frames, z, y, x)."""
    if array.ndim not in (3, 4) or array.size == 0:
        raise ReaderError(
            f"{path}: {name!r} is {_size(array)}; rows x columns x frames or rows x columns x slices x frames"
            " is expected"
        )
    return np.moveaxis(array if array.ndim == 4 else array[:, :, None, :], (3, 2), (0, 1))


def _check_frame_axis(path: Path, name: str, array: np.ndarray, n_frames: int) -> None:
    if array.shape[-1] == n_frames:
        return
    if n_frames in array.shape:
        axis = array.shape.index(n_frames) + 1
        order = [i for i in range(1, array.ndim + 1) if i != axis] + [axis]
        raise ReaderError(
            f"{path}: {name!r} is {_size(array)} and the protocol has {n_frames} frames, so its frames seem"
            f" to lie along axis {axis}; put them last: {name} = permute({name}, {order})"
        )
    raise ProtocolError(
        f"{path}: {name!r} has {array.shape[-1]} frames (last axis of {_size(array)}) but the protocol lists"
        f" {n_frames} SaturationOffsets; list one offset a frame, reference frames included"
    )


def _protocol_keys(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Protocol-file keys that the arrays give, and what was assumed."""
    keys: dict[str, Any] = {
        key: array.item() if array.size == 1 else [float(v) for v in array.ravel(order="F")]
        for key in PROTOCOL_NUMBERS
        if (array := arrays.get(key)) is not None and array.size and array.dtype.kind != "b"
    }
    name = _offsets_name(arrays)
    if name is None:
        return keys, ()
    offsets = arrays[name].astype(float).ravel(order="F")
    keys["SaturationOffsets"] = [float(o) if np.isfinite(o) else None for o in offsets]
    unit = next((u for u in ("ppm", "hz") if _plain(name).endswith(u)), None)
    keys["SaturationOffsetsUnits"] = unit or ("Hz" if _look_like_hz(offsets) else "ppm")
    assumed = f"the offsets {name!r} were taken as {keys['SaturationOffsetsUnits']} from their values"
    return keys, () if unit else (assumed,)


def _offsets_name(arrays: Mapping[str, np.ndarray]) -> str | None:
    vectors = {name: a for name, a in arrays.items() if a.size > 1 and a.size == max(a.shape)}
    names = [n + unit for n in OFFSET_NAMES for unit in ("", "ppm", "hz")]
    return _find(vectors, tuple(names))


def _look_like_hz(offsets: np.ndarray) -> bool:
    return bool(np.median(np.abs(offsets[np.isfinite(offsets)])) >= REFERENCE_PPM) if offsets.size else False


def _geometry(path: Path, arrays: Mapping[str, np.ndarray], frames: np.ndarray) -> tuple[Geometry, str]:
    nz, ny, nx = frames.shape[1:]
    name = _find(arrays, SPACING_NAMES)
    if name is None:
        return (
            Geometry((nx, ny, nz)),
            "a MATLAB file has no geometry: voxels of 1 mm at the origin were assumed",
        )
    values = [float(v) for v in arrays[name].ravel()]
    if len(values) not in (2, 3):
        raise ReaderError(
            f"{path}: {name!r} has {len(values)} numbers; 2 or 3 voxel sizes in mm are expected"
        )
    x, y, z = (*values, 1.0)[:3]
    return Geometry((nx, ny, nz), (x, y, z)), "a MATLAB file has no position: the grid was put at the origin"


def _companion_notes(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    found = ["anatomy" if q == "image" else q for q, names in MAP_NAMES.items() if _find(arrays, names)]
    return tuple(f"the file also holds the array for --{q}; to use it give --{q} {path.name}" for q in found)
