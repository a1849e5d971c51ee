"""Which method solves which point of a block."""

from __future__ import annotations

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.free import Boundary, boundary_of
from PCrCESTLib.physics.propagation import read_single, read_steady_state, saturation_map
from PCrCESTLib.physics.system import System
from PCrCESTLib.saturation import Saturation

# Full matrices of 20 × 20 numbers: 512 of them with their intermediates take some 10 MiB.
_MATRIX_POINTS = 512


def solve_block(system: System, saturation: Saturation) -> Array:
    """Z of every point of a block, shape (n_frames, n_tissues)."""
    backend = system.backend
    everywhere = backend.zeros(system.shape) == 0.0
    result = backend.zeros(system.shape)
    points = backend.nonzero(everywhere)
    result[points] = propagate_points(system, saturation, points)
    return result


def propagate_points(system: System, saturation: Saturation, points: tuple[Array, ...]) -> Array:
    """Z of scattered points by full propagation in float64, shape (n_points,)."""
    boundary = None
    if saturation.repetition_time_s is None:
        boundary = boundary_of(system, saturation)
    result = system.backend.zeros((len(points[0]),))
    for first in range(0, len(points[0]), _MATRIX_POINTS):
        some = slice(first, first + _MATRIX_POINTS)
        chosen = tuple(index[some] for index in points)
        part = system.take(chosen).in_double()
        evolution = saturation_map(part, saturation)
        if boundary is None:
            z = read_steady_state(part, evolution, saturation)
        else:
            z = read_single(part, evolution, _in_double(boundary.take(chosen), part))
        result[some] = system.backend.array(z)
    return result


def _in_double(boundary: Boundary, system: System) -> Boundary:
    return boundary.map(lambda f: f if isinstance(f, float) else system.backend.array(f))
