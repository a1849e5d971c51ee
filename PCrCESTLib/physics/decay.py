"""Proven bounds on how fast the modes of the Bloch-McConnell matrix decay.

Scaled by the square root of the equilibrium magnetization, A = H + K with H symmetric (relaxation and
exchange) and K antisymmetric (precession, nutation). H does not mix transverse and longitudinal components.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from PCrCESTLib.physics.arrays import Array, Backend
from PCrCESTLib.physics.system import System


@dataclass(frozen=True, eq=False)
class DecayBounds:
    """Lower bounds on decay rates in 1/s, of the tissues' shape.

    Attributes
    ----------
    slowest_pair : array
        Of the sum of the decay rates of any two modes. (The sum of the two largest real parts of eigenvalues
        of A is at most the sum of the two largest eigenvalues of H: Fan, Proc Natl Acad Sci 35:652, 1949.)
    oscillating : array
        Of every mode that oscillates. (JA is symmetric for the J of `elimination`, so the eigenvector v of
        a complex eigenvalue has v*Jv = 0: half of its squared length is y, and Re λ = v*Hv.)
    """

    slowest_pair: Array
    oscillating: Array


def decay_bounds(system: System) -> DecayBounds:
    """Bound the decay rates of all modes for any offset and any B1."""
    backend = system.backend
    transverse = _slowest(backend, system.r2, [(s.fraction, s.k, s.r2) for s in system.solutes])
    longitudinal = _slowest(backend, system.r1, system.longitudinal_pools)
    # By interlacing, the second longitudinal eigenvalue of H lies above the smallest r1 + k.
    second = reduce(
        lambda low, pool: _smaller(backend, low, pool[1] + pool[2]), system.longitudinal_pools, transverse
    )
    first = _smaller(backend, longitudinal, transverse)
    return DecayBounds(first + second, 0.5 * (transverse + first))


def _slowest(backend: Backend, r_water: Array, pools: list[tuple[Array, Array, Array]]) -> Array:
    """Lower bound of the smallest eigenvalue of the relaxation-exchange matrix of one component.

    It is the root of φ(λ) = R_w − λ + Σ k f (R_i − λ)/(R_i + k_i − λ), which is concave and decreasing below
    the smallest R_i + k_i; so where the chord between two points crosses zero lies below the root.
    """
    low, high = 0.99 * r_water, r_water
    for _, k, r in pools:
        low = _smaller(backend, low, 0.99 * r)
        high = _smaller(backend, high, 0.999 * (r + k))
    for _ in range(2):
        at_low, at_high = (_secular(level, r_water, pools) for level in (low, high))
        drop = at_low - at_high
        falls = drop > 0.0
        chord = low + at_low * (high - low) / backend.where(falls, drop, backend.array(1.0))
        low = backend.where(at_high >= 0.0, high, backend.where(falls, chord, low))
    return low


def _secular(level: Array, r_water: Array, pools: list[tuple[Array, Array, Array]]) -> Array:
    loss = (f * k * (r - level) / (r + k - level) for f, k, r in pools)
    return sum(loss, r_water - level)


def _smaller(backend: Backend, a: Array, b: Array) -> Array:
    a, b = backend.array(a), backend.array(b)
    return backend.where(a < b, a, b)
