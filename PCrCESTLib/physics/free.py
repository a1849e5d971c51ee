"""Free evolution of the longitudinal magnetization: relaxation and exchange without irradiation.

States are deviations from equilibrium, in the order water, solutes, semi-solid pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PCrCESTLib.physics.arrays import Array, Backend
from PCrCESTLib.physics.exponential import matrix_exponential
from PCrCESTLib.physics.system import System, take
from PCrCESTLib.saturation import Saturation


@dataclass(frozen=True, eq=False)
class Boundary:
    """What precedes and follows the saturation.

    Attributes
    ----------
    deviations : list of array, optional
        Longitudinal magnetization of every pool at the start of the saturation minus its equilibrium; None
        for a start from equilibrium.
    weights : list of array, optional
        The readout sees 1 + Σ weight · deviation at the end of the saturation; None for water alone.
    """

    deviations: list[Array] | None
    weights: list[Array] | None

    def take(self, points: tuple[Array, ...]) -> Boundary:
        """Pick the same points as `System.take`."""
        return self.map(lambda field: take(field, points))

    def map(self, function: Callable[[Array], Array]) -> Boundary:
        """Apply ``function`` to every array."""
        return Boundary(
            None if self.deviations is None else [function(field) for field in self.deviations],
            None if self.weights is None else [function(field) for field in self.weights],
        )


def relaxation_map(system: System, time_s: float) -> Array:
    """Map of the deviations over ``time_s`` without irradiation, shape (n, n_pools + 1, n_pools + 1).

    n is the length of the system's last axis, or 1 where no rate depends on the tissue.
    """
    wide, pools = system.backend.double(), system.longitudinal_pools
    loss_water = system.r1
    for fraction, k, _ in pools:
        loss_water = loss_water + fraction * k
    rates = [loss_water, *(value for pool in pools for value in pool)]
    length = max([value.shape[0] for value in rates if getattr(value, "ndim", 0)], default=1)
    size = len(pools) + 1
    generator = wide.zeros((length, size, size))
    generator[:, 0, 0] = -loss_water
    for index, (fraction, k, r1) in enumerate(pools, start=1):
        generator[:, index, index] = -(r1 + k)
        generator[:, 0, index] = k
        generator[:, index, 0] = fraction * k
    # Squaring some 12 times would cost float32 four digits.
    return system.backend.array(matrix_exponential(wide, generator * time_s))


def boundary_of(system: System, saturation: Saturation) -> Boundary:
    """Start and readout of a single saturation, per tissue."""
    return Boundary(_starting_deviations(system, saturation), _readout_weights(system, saturation))


def _starting_deviations(system: System, saturation: Saturation) -> list[Array] | None:
    shortfall = saturation.starting_mz - 1.0
    if shortfall == 0.0:
        return None
    fractions = [1.0, *(fraction for fraction, _, _ in system.longitudinal_pools)]
    if saturation.free_recovery_s == 0.0:
        return [shortfall * fraction for fraction in fractions]
    evolution = relaxation_map(system, saturation.free_recovery_s)
    return [
        sum((evolution[:, row, column] * (shortfall * f) for column, f in enumerate(fractions)), 0.0)
        for row in range(len(fractions))
    ]


def _readout_weights(system: System, saturation: Saturation) -> list[Array] | None:
    if saturation.readout_delay_s == 0.0:
        return None
    evolution = relaxation_map(system, saturation.readout_delay_s)
    return [evolution[:, 0, column] for column in range(evolution.shape[-1])]


def equilibrium(system: System) -> list[Array]:
    """Equilibrium magnetization of water and every exchanging pool."""
    return [1.0, *(fraction for fraction, _, _ in system.longitudinal_pools)]


def affine(backend: Backend, linear: Array, constant: Array | None = None) -> Array:
    """Join a map of deviations, (n, size, size), and a constant, (n, size), to (n, size + 1, size + 1)."""
    length, size = linear.shape[0], linear.shape[-1]
    result = backend.zeros((length, size + 1, size + 1))
    result[:, :size, :size] = linear
    result[:, size, size] = 1.0
    if constant is not None:
        result[:, :size, size] = constant
    return result
