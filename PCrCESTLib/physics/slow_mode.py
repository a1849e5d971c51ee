"""Continuous wave, first level: steady state plus the one mode that still lives at the end.

z(t) = z_ss + a e^(λt) with λ the largest real eigenvalue. λ is the root of g(s) of `elimination.Mode`, and a
is the residue of the resolvent there, so nothing is approximated but the loss of modes that have died out.
"""

from __future__ import annotations

from dataclasses import dataclass

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.elimination import (
    Eliminated,
    Mode,
    eliminate,
    overlap,
    response,
    slow_function,
    solve_mode,
)
from PCrCESTLib.physics.free import Boundary
from PCrCESTLib.physics.system import System


@dataclass(frozen=True, eq=False)
class SlowMode:
    """The slowest mode: the last iterate of its eigenvalue, the Newton step from there, and its vector."""

    s: Array
    step: Array
    mode: Mode


def solve_slow(system: System, boundary: Boundary, duration_s: float) -> tuple[Array, SlowMode, Array]:
    """Z after ``duration_s`` of irradiation, the slow mode it rests on, and that mode's share of Z.

    Three eliminations: at s = 0 for the steady state and a first Newton step on g, at its end g alone, and at
    the root of the rational function through both, where the residue and a last Newton step are taken.
    """
    at_zero = eliminate(system, 0.0)
    mode = solve_mode(at_zero)
    newton = -mode.residual / mode.slope
    ahead = slow_function(eliminate(system, newton))
    curvature = -ahead / (newton * (ahead - mode.residual))
    s = -mode.residual / (mode.slope + curvature * mode.residual)
    slow = refine(system, s)
    fading = transient(system, boundary, slow, duration_s)
    return _steady(at_zero, mode, boundary) + fading, slow, fading


def refine(system: System, s: Array) -> SlowMode:
    """Take the mode and a Newton step at ``s``."""
    mode = solve_mode(eliminate(system, s))
    return SlowMode(s, -mode.residual / mode.slope, mode)


def steady_state(system: System, boundary: Boundary) -> Array:
    """Z after endless irradiation."""
    at_zero = eliminate(system, 0.0)
    return _steady(at_zero, solve_mode(at_zero), boundary)


def _steady(at_zero: Eliminated, mode: Mode, boundary: Boundary) -> Array:
    if boundary.weights is None:
        return 1.0 + mode.drive / mode.residual
    return 1.0 + response(at_zero, Boundary(None, boundary.weights))[0]


def transient(system: System, boundary: Boundary, slow: SlowMode, duration_s: float) -> Array:
    """Contribution of the slow mode to Z after ``duration_s``."""
    eigenvalue = slow.s + slow.step
    source = slow.mode.drive / eigenvalue + overlap(slow.mode.longitudinal, boundary.deviations)
    if boundary.weights is not None:
        fractions = [1.0, *(fraction for fraction, _, _ in system.longitudinal_pools)]
        seen = (w * f for w, f in zip(boundary.weights, fractions, strict=True))
        source = source * overlap(slow.mode.longitudinal, list(seen))
    backend = system.backend
    # A failed root search may leave a positive eigenvalue; it is rejected later and must not overflow.
    return source / slow.mode.slope * backend.exp(backend.clip(eigenvalue * duration_s, -80.0, 0.0))
