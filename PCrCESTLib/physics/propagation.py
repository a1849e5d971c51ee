"""Evolution of the full magnetization by matrix exponentials: exact for any saturation, but slow.

States are deviations from equilibrium in the order of `generator`.
"""

from __future__ import annotations

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.exponential import matrix_exponential, matrix_power
from PCrCESTLib.physics.free import Boundary, affine, equilibrium, relaxation_map
from PCrCESTLib.physics.generator import generator, longitudinal
from PCrCESTLib.physics.pulse import pulse_map
from PCrCESTLib.physics.system import System
from PCrCESTLib.saturation import PulseTrain, Saturation


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
    backend, pause_s = system.backend, train.inter_pulse_delay_s
    if train.spoiled:
        pulse = pulse_map(system, train, longitudinal(system))[:, longitudinal(system), :]
        pause = affine(backend, relaxation_map(system, pause_s)) if pause_s > 0.0 else None
    else:
        pulse = pulse_map(system, train, None)
        free = generator(system.scaled(0.0)) * pause_s
        pause = matrix_exponential(backend, free) if pause_s > 0.0 else None
    period = pulse if pause is None else pause @ pulse
    whole = pulse @ matrix_power(backend, period, train.count - 1)
    return whole if train.spoiled else _longitudinal_part(system, whole)


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
