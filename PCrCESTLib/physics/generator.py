"""The full Bloch-McConnell matrix.

States are deviations from equilibrium in the order water x, y, z, solute x, y, z, ..., semi-solid z, and a
final 1 that carries the constant term: the irradiation acts on the equilibrium magnetization itself.
"""

from __future__ import annotations

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.system import System


def generator(system: System) -> Array:
    """Right-hand side of the Bloch-McConnell equations, shape (n_points, size, size).

    The system must hold scattered points (`System.take`).
    """
    size = 3 * (len(system.solutes) + 1) + (system.semisolid is not None) + 1
    matrix = system.backend.zeros((*system.shape, size, size))
    _add_precession(matrix, 0, system.r1, system.r2, system.delta, system.omega1, 1.0)
    for number, solute in enumerate(system.solutes, start=1):
        first = 3 * number
        _add_precession(matrix, first, solute.r1, solute.r2, solute.delta, system.omega1, solute.fraction)
        for axis in range(3):
            _add_exchange(matrix, axis, first + axis, solute.fraction, solute.k)
    if system.semisolid is not None:
        pool, row = system.semisolid, size - 2
        matrix[:, row, row] = -(pool.r1 + pool.saturation)
        matrix[:, row, -1] = -pool.saturation * pool.fraction
        _add_exchange(matrix, 2, row, pool.fraction, pool.k)
    return matrix


def _add_precession(
    matrix: Array, first: int, r1: Array, r2: Array, delta: Array, omega1: Array, fraction: Array
) -> None:
    x, y, z = first, first + 1, first + 2
    matrix[:, x, x] = -r2
    matrix[:, y, y] = -r2
    matrix[:, z, z] = -r1
    matrix[:, x, y] = -delta
    matrix[:, y, x] = delta
    matrix[:, y, z] = -omega1
    matrix[:, z, y] = omega1
    matrix[:, y, -1] = -omega1 * fraction


def _add_exchange(matrix: Array, water: int, pool: int, fraction: Array, k: Array) -> None:
    matrix[:, water, water] += -(fraction * k)
    matrix[:, pool, pool] += -k
    matrix[:, water, pool] = k
    matrix[:, pool, water] = fraction * k


def longitudinal(system: System) -> list[int]:
    """Rows of the longitudinal components and of the constant in the full state."""
    full = 3 * (len(system.solutes) + 1)
    return [*range(2, full, 3), *range(full, full + (system.semisolid is not None) + 1)]
