"""Z-spectra of many tissues: the one entrance to the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.arrays import Array, Backend, backend_of
from PCrCESTLib.physics.levels import solve_block
from PCrCESTLib.physics.system import System, build_system
from PCrCESTLib.physics.tissue import Tissue, common_length
from PCrCESTLib.saturation import Saturation

# Points (tissue × frame) worked on at once. NumPy: the 40 or so arrays of 128 KiB fit a core's L2 cache. The
# operations on them last some 6 µs, too short to share between Python threads: two threads handing the
# interpreter lock back and forth were 15 % slower than one. To use several cores, run several processes.
# torch: large enough to hide the cost of launching an operation.
_POINTS_NUMPY, _POINTS_TORCH_CPU, _POINTS_ACCELERATOR = 16384, 65536, 1 << 20


Tile = tuple[slice, slice]


def z_spectra(
    tissue: Tissue,
    saturation: Saturation,
    offsets_ppm: Array,
    b1_ut: Array,
    field_t: float,
    *,
    b0_shift_ppm: Array = 0.0,
    relative_b1: Array = 1.0,
    chunk_points: int | None = None,
) -> Array:
    """Z = Mz/M0 of water after saturation, by the exact solution of the Bloch-McConnell equations.

    Parameters
    ----------
    tissue : Tissue
        One or many tissues; NumPy or torch.
    saturation : Saturation
        Duration and kind of the saturation, its start and its readout.
    offsets_ppm : array, shape (n_frames,)
        Offset of each frame on the scanner's axis in ppm, positive downfield; infinite for no irradiation.
    b1_ut : float or array, shape (n_frames,)
        B1 of each frame in µT, as ``saturation.b1_definition`` means it. Several powers are just
        more frames.
    field_t : float
        Main field in T.
    b0_shift_ppm : float or array, shape (n_tissues,)
        Where water lies on the scanner's axis in ppm.
    relative_b1 : float or array, shape (n_tissues,)
        True B1 divided by nominal B1.
    chunk_points : int, optional
        Points (tissue × frame) worked on at once, which bounds the memory; chosen by default.

    Returns
    -------
    array, shape (n_tissues, n_frames)
        Of the kind, device and precision of the tissue's arrays: NumPy in, NumPy out; torch in, torch out
        and differentiable, forward and backward, by every tensor that came in. Where the tissue is plain
        numbers, the frames' arrays decide; float64 where there are none.

    Raises
    ------
    PhysicsError
        If shapes do not fit together or a value has no physical meaning.
    """
    offsets_ppm, b1_ut = (np.asarray(v) if isinstance(v, (list, tuple)) else v for v in (offsets_ppm, b1_ut))
    per_tissue = [*tissue.numbers(), b0_shift_ppm, relative_b1]
    backend = backend_of(per_tissue, [offsets_ppm, b1_ut])
    _check_frames(backend, offsets_ppm, b1_ut)
    if not 0.0 < field_t < np.inf:
        raise PhysicsError(f"field_t is {field_t} T; give the main field in tesla, above 0")
    n_tissues, n_frames = common_length(per_tissue, "tissue"), len(offsets_ppm)

    def solve(tile: Tile) -> Array:
        rows, columns = tile

        def build(backend: Backend) -> System:
            def pick(value: Array) -> Array:
                return _number_or_array(backend, _slice(value, columns))

            return build_system(
                backend,
                tissue.map(pick),
                backend.array(offsets_ppm[rows])[:, None],
                backend.array(_slice(b1_ut, rows)).reshape(-1, 1),
                field_t,
                pick(b0_shift_ppm),
                pick(relative_b1),
                (rows.stop - rows.start, columns.stop - columns.start),
            )

        return solve_block(backend, build, saturation)

    result = backend.zeros((n_tissues, n_frames))
    for rows, columns in _tiles(n_frames, n_tissues, chunk_points or _default_points(backend)):
        result[columns, rows] = solve((rows, columns)).T
    return result


def _check_frames(backend: Backend, offsets_ppm: Array, b1_ut: Array) -> None:
    offsets, powers = backend.array(offsets_ppm), backend.array(b1_ut)
    if offsets.ndim != 1 or powers.ndim > 1 or (powers.ndim == 1 and powers.shape != offsets.shape):
        raise PhysicsError(
            f"offsets_ppm has shape {tuple(offsets.shape)} and b1_ut {tuple(powers.shape)}; give one offset "
            "for each frame and either one B1 or one for each frame"
        )
    if not bool((offsets == offsets).all()):  # NaN alone differs from itself
        raise PhysicsError(
            "offsets_ppm has an undefined value; give infinity for a frame without irradiation"
        )
    if not bool((powers >= 0.0).all()):
        raise PhysicsError("b1_ut has a negative or undefined value; give 0 µT or more")


def _default_points(backend: Backend) -> int:
    if not backend.is_torch:
        return _POINTS_NUMPY
    return _POINTS_ACCELERATOR if backend.on_accelerator else _POINTS_TORCH_CPU


def _tiles(n_frames: int, n_tissues: int, points: int) -> Iterator[Tile]:
    """Cut frames × tissues into tiles of at most ``points``, whole spectra as far as they fit."""
    frames = min(n_frames, points)
    tissues = max(1, points // max(frames, 1))
    for first in range(0, n_tissues, tissues):
        for row in range(0, n_frames, frames):
            yield slice(row, min(row + frames, n_frames)), slice(first, min(first + tissues, n_tissues))


def _number_or_array(backend: Backend, value: Array) -> Array:
    """Keep plain numbers, which broadcast at no cost, and convert arrays."""
    if isinstance(value, (int, float)) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return float(value)
    return backend.array(value)


def _slice(value: Array, part: slice) -> Array:
    return value[part] if getattr(value, "ndim", 0) and value.shape[0] > 1 else value
