"""One shaped pulse: the product of the evolutions over its many short steps."""

from __future__ import annotations

import math

import numpy as np

from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.exponential import matrix_exponential
from PCrCESTLib.physics.generator import generator
from PCrCESTLib.physics.system import System
from PCrCESTLib.saturation import PulseTrain

# Largest error of an interpolated evolution over one step.
_INTERPOLATION_ERROR = 1e-12


def pulse_map(system: System, train: PulseTrain, columns: list[int] | None) -> Array:
    """Map of the full state over one pulse, shape (n_points, size, n_columns).

    Parameters
    ----------
    system : System
        Scattered points whose ``omega1`` is the peak of the pulse.
    train : PulseTrain
        Its pulse.
    columns : list of int, optional
        Components of the state that are not zero at the start; None for all.
    """
    step_s = train.pulse_duration_s / len(train.amplitudes)
    distinct = sorted(set(train.amplitudes))
    nodes = _nodes(system, distinct, step_s)
    evolutions = system.backend.stack(
        [matrix_exponential(system.backend, generator(system.scaled(a)) * step_s) for a in nodes]
    )
    weights = _lagrange_weights(np.array(distinct), np.array(nodes))
    count, *shape = evolutions.shape
    # One large product: a small one for each step would wake the threads of BLAS each time.
    interpolated = (system.backend.table(weights) @ evolutions.reshape(count, -1)).reshape(-1, *shape)
    place = {amplitude: index for index, amplitude in enumerate(distinct)}
    state = system.backend.eye(shape[-1])
    if columns is not None:
        state = state[:, columns]
    for amplitude in train.amplitudes:
        state = interpolated[place[amplitude]] @ state
    return state


def _nodes(system: System, amplitudes: list[float], step_s: float) -> list[float]:
    """Amplitudes whose evolutions are computed; the others are interpolated between them.

    As a function of the amplitude a, the evolution over a step grows in the complex plane no faster than
    exp(|a| τ) with τ = (ω1 + W) · step. So Chebyshev interpolation converges like τⁿ/(2ⁿ n!), which takes
    about eight nodes where a shaped pulse has over a hundred amplitudes.
    """
    backend = system.backend
    tau = float(backend.detach(backend.array(system.omega1)).max()) * step_s
    if system.semisolid is not None:
        tau += float(backend.detach(backend.array(system.semisolid.saturation)).max()) * step_s
    count = 4
    while (0.5 * tau) ** count / math.factorial(count) > _INTERPOLATION_ERROR and count < len(amplitudes):
        count += 1
    if count >= len(amplitudes):
        return amplitudes
    low, high = amplitudes[0], amplitudes[-1]
    angles = (np.arange(count) + 0.5) * (math.pi / count)
    return [float(a) for a in 0.5 * (low + high) + 0.5 * (high - low) * np.cos(angles)]


def _lagrange_weights(points: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights of the nodes in the polynomial through them, shape (n_points, n_nodes)."""
    weights = np.ones((len(points), len(nodes)))
    for place, node in enumerate(nodes):
        for other in np.delete(nodes, place):
            weights[:, place] *= (points - other) / (node - other)
    return weights
