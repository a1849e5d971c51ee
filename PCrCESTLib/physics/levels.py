"""Which method solves which point of a block: the fastest one that is proven to be exact there."""

from __future__ import annotations

from collections.abc import Callable

from PCrCESTLib.physics.arrays import Array, Backend
from PCrCESTLib.physics.decay import decay_bounds
from PCrCESTLib.physics.free import Boundary, boundary_of
from PCrCESTLib.physics.laplace import OSCILLATIONS_DEAD_AT, solve_laplace
from PCrCESTLib.physics.propagation import read_single, read_steady_state, saturation_map
from PCrCESTLib.physics.slow_mode import SlowMode, refine, solve_slow, steady_state, transient
from PCrCESTLib.physics.system import System, take
from PCrCESTLib.saturation import Saturation

# Decay rate × duration beyond which a mode no longer counts: e⁻¹⁶ = 1e-7.
_DEAD_AT = 16.0
# Error of Z at which the root search of the first level counts as converged.
_CONVERGED = 2e-8
# Points propagated at once. Matrices hold some 20 × 20 numbers; a continuous wave needs about six of them for
# a point, a shaped pulse as many as it has different amplitudes.
_MATRIX_POINTS_CONTINUOUS, _MATRIX_POINTS_PULSED = 512, 32

Points = tuple[Array, ...]
Build = Callable[[Backend], System]


def solve_block(backend: Backend, build: Build, saturation: Saturation) -> Array:
    """Z of every point of a block, shape (n_frames, n_tissues).

    Parameters
    ----------
    backend : Backend
        Kind and precision of the result; only the first level computes in that precision.
    build : callable
        Makes the block's `System` in the kind and precision of a backend.
    saturation : Saturation
        What is done to the block.
    """
    if saturation.train is not None or saturation.repetition_time_s is not None:
        system = build(backend.double())
        points = system.backend.nonzero(system.backend.zeros(system.shape) == 0.0)
        return _scatter(backend, system.shape, [(points, _propagate(system, saturation, points))])
    system = build(backend)
    boundary = boundary_of(system, saturation)
    if not system.is_differentiable:
        z, _, slow_ok = _first_level(system, boundary, saturation.duration_s)
        if bool(slow_ok.all()):
            return z
        for points, values in _other_levels(_in_double(system, build), saturation, slow_ok):
            z[points] = backend.array(values)
        return z
    plain, plain_boundary = system.detached(), boundary.map(backend.detach)
    _, slow, slow_ok = _first_level(plain, plain_boundary, saturation.duration_s)
    points = backend.nonzero(slow_ok)
    solved = _differentiable_slow(system, boundary, slow, points, saturation.duration_s)
    others = _other_levels(_in_double(system, build), saturation, slow_ok)
    return _scatter(backend, system.shape, [(points, solved), *others])


def _in_double(system: System, build: Build) -> System:
    """Give the block in float64, in which only the first level is not computed."""
    return system if system.backend.epsilon < 1e-12 else build(system.backend.double())


def _scatter(backend: Backend, shape: tuple[int, ...], parts: list[tuple[Points, Array]]) -> Array:
    result = backend.zeros(shape)
    for points, values in parts:
        result[points] = backend.array(values)
    return result


def _first_level(system: System, boundary: Boundary, duration_s: float) -> tuple[Array, SlowMode, Array]:
    """Z by the slow mode, that mode, and where it is exact.

    It is where every other mode has died and the eigenvalue has converged. A root search that runs into a
    pole leaves infinities or NaN, which compare as false.
    """
    with system.backend.without_warnings():
        return _judged_slow(system, boundary, duration_s)


def _judged_slow(system: System, boundary: Boundary, duration_s: float) -> tuple[Array, SlowMode, Array]:
    z, slow, fading = solve_slow(system, boundary, duration_s)
    others = decay_bounds(system).slowest_pair + slow.s
    dead = others * duration_s > _DEAD_AT
    # The residue is taken one Newton step before the root. Its relative error is about that step over the
    # distance to the next mode; the eigenvalue's own error is of second order in the step.
    relative_step = abs(slow.step) / (others + slow.s)
    error = relative_step * (1.0 + abs(slow.step) * duration_s) * abs(fading)
    tolerance = max(_CONVERGED, 10.0 * system.backend.epsilon)
    return z, slow, dead & (error < tolerance) & (relative_step >= 0.0) & (slow.s < 0.0)


def _differentiable_slow(
    system: System, boundary: Boundary, slow: SlowMode, points: Points, duration_s: float
) -> Array:
    """Repeat the first level where it is exact, from its eigenvalue, recording derivatives.

    The Newton step has the derivatives of the eigenvalue itself; adding it before the residue is taken gives
    the residue's derivatives too.
    """
    system, boundary = system.take(points), boundary.take(points)
    root = take(slow.s + slow.step, points)
    root = root + refine(system, root).step
    return steady_state(system, boundary) + transient(system, boundary, refine(system, root), duration_s)


def _other_levels(system: System, saturation: Saturation, done: Array) -> list[tuple[Points, Array]]:
    """Z of the points that the first level left, with their indices; the system is in float64."""
    left = system.backend.flags(~done)
    bounds = decay_bounds(system.detached())
    calm = bounds.oscillating * saturation.duration_s > OSCILLATIONS_DEAD_AT
    parts = []
    points = system.backend.nonzero(left & calm)
    if len(points[0]):
        boundary = boundary_of(system, saturation).take(points)
        parts.append((points, solve_laplace(system.take(points), boundary, saturation.duration_s)))
    points = system.backend.nonzero(left & ~calm)
    if len(points[0]):
        parts.append((points, _propagate(system, saturation, points)))
    return parts


def _propagate(system: System, saturation: Saturation, points: Points) -> Array:
    """Z of scattered points by full propagation, shape (n_points,); the system is in float64."""
    boundary = boundary_of(system, saturation) if saturation.repetition_time_s is None else None
    result = system.backend.zeros((len(points[0]),))
    at_once = _MATRIX_POINTS_CONTINUOUS if saturation.is_continuous else _MATRIX_POINTS_PULSED
    for first in range(0, len(points[0]), at_once):
        some = slice(first, first + at_once)
        chosen = tuple(index[some] for index in points)
        part = system.take(chosen)
        evolution = saturation_map(part, saturation)
        if boundary is None:
            result[some] = read_steady_state(part, evolution, saturation)
        else:
            result[some] = read_single(part, evolution, boundary.take(chosen))
    return result
