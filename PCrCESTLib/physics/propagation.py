"""Evolution of the full magnetization by matrix exponentials: exact for any saturation, but slow.

States are deviations from equilibrium in the order water x, y, z, solute x, y, z, ..., semi-solid z, and a
final 1 that carries the constant term: the irradiation acts on the equilibrium magnetization itself.
"""

from __future__ import annotations

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.exponential import matrix_exponential, matrix_power
from PCrCESTLib.physics.free import Boundary, affine, equilibrium, relaxation_map
from PCrCESTLib.physics.system import System
from PCrCESTLib.saturation import PulseTrain, Saturation


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


def saturation_map(system: System, saturation: Saturation) -> Array:
    """Map of the longitudinal deviations over the saturation, shape (n_points, n_pools + 2, n_pools + 2).

    The transverse magnetization is zero before and spoiled after it.
    """
    if saturation.train is not None:
        peak = saturation.train.peak_per_b1(saturation.b1_definition)
        return _train_map(system.scaled(peak), saturation.train)
    evolution = matrix_exponential(system.backend, generator(system) * saturation.duration_s)
    return _longitudinal_part(system, evolution)


def _longitudinal_part(system: System, matrix: Array) -> Array:
    rows = longitudinal(system)
    return matrix[:, rows, :][:, :, rows]


def _train_map(system: System, train: PulseTrain) -> Array:
    pulse = _pulse_map(system, train)
    if train.spoiled:
        pulse = _longitudinal_part(system, pulse)
    if train.count == 1:
        return pulse if train.spoiled else _longitudinal_part(system, pulse)
    period = pulse
    if train.inter_pulse_delay_s > 0.0 and train.spoiled:
        period = affine(system.backend, relaxation_map(system, train.inter_pulse_delay_s)) @ pulse
    elif train.inter_pulse_delay_s > 0.0:
        free = generator(system.scaled(0.0)) * train.inter_pulse_delay_s
        period = matrix_exponential(system.backend, free) @ pulse
    whole = pulse @ matrix_power(system.backend, period, train.count - 1)
    return whole if train.spoiled else _longitudinal_part(system, whole)


def _pulse_map(system: System, train: PulseTrain) -> Array:
    """Product of the exponentials of the pulse's steps; equal amplitudes share one exponential."""
    step_s = train.pulse_duration_s / len(train.amplitudes)
    distinct: dict[float, Array] = {}
    product = None
    for amplitude in train.amplitudes:
        if amplitude not in distinct:
            matrix = generator(system.scaled(amplitude)) * step_s
            distinct[amplitude] = matrix_exponential(system.backend, matrix)
        product = distinct[amplitude] if product is None else distinct[amplitude] @ product
    return product


def read_single(system: System, saturation_affine: Array, boundary: Boundary) -> Array:
    """Z at the readout after a single saturation, shape (n_points,)."""
    size = saturation_affine.shape[-1] - 1
    weights = boundary.weights or [1.0] + [0.0] * (size - 1)
    z: Array = 1.0
    for row, weight in enumerate(weights):
        deviation = saturation_affine[:, row, size]
        for column, start in enumerate(boundary.deviations or []):
            deviation = deviation + saturation_affine[:, row, column] * start
        z = z + weight * deviation
    return z


def read_steady_state(system: System, saturation_affine: Array, saturation: Saturation) -> Array:
    """Z at the readout when saturation, delay, readout and recovery repeat forever, shape (n_points,)."""
    backend = system.backend
    delay = affine(backend, relaxation_map(system, saturation.readout_delay_s))
    seen = delay @ saturation_affine
    retained = saturation.readout_retains
    after = seen * retained
    for row, fraction in enumerate(equilibrium(system)):
        after[:, row, -1] = after[:, row, -1] + (retained - 1.0) * fraction
    size = after.shape[-1] - 1
    cycle = relaxation_map(system, saturation.free_recovery_s) @ after[:, :size, :]
    start = backend.solve(backend.eye(size) - cycle[:, :, :size], cycle[:, :, size:])
    return 1.0 + (seen[:, 0, :size] * start[:, :, 0]).sum(-1) + seen[:, 0, size]
