"""The Bloch-McConnell problem of a block of tissues × frames, in rad/s and 1/s.

Fields that belong to a tissue have shape (n_tissues,), those of a frame (n_frames, 1) and those of a point
(n_frames, n_tissues), or any of them is a plain number: they broadcast. Tissues come last because they are
many: then every operation runs over long contiguous rows. `System.take` picks scattered points; after it
every field has shape (n_points,) or is a plain number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from PCrCESTLib.physics.arrays import Array, Backend
from PCrCESTLib.physics.constants import GAMMA
from PCrCESTLib.physics.lineshape import line_shape
from PCrCESTLib.physics.tissue import Pool, SemisolidPool, Tissue


@dataclass(frozen=True, eq=False)
class Solute:
    """A pool with three components of magnetization; ``delta`` is its offset from the irradiation."""

    fraction: Array
    k: Array
    r1: Array
    r2: Array
    delta: Array


@dataclass(frozen=True, eq=False)
class Semisolid:
    """The pool of which only z exists; ``saturation`` is W = π ω1² g in 1/s."""

    fraction: Array
    k: Array
    r1: Array
    saturation: Array


@dataclass(frozen=True, eq=False)
class System:
    """Water, solutes and semi-solid pool seen in the frame of the irradiation.

    Attributes
    ----------
    backend : Backend
        Kind of the arrays.
    shape : tuple of int
        (n_frames, n_tissues), or (n_points,) after `take`.
    r1, r2 : array
        Relaxation rates of water in 1/s.
    delta : array
        Offset of the irradiation from water in rad/s.
    omega1 : array
        Strength of the irradiation γ·B1 in rad/s.
    solutes : tuple of Solute
        The exchanging pools.
    semisolid : Semisolid, optional
        The macromolecules.
    """

    backend: Backend
    shape: tuple[int, ...]
    r1: Array
    r2: Array
    delta: Array
    omega1: Array
    solutes: tuple[Solute, ...]
    semisolid: Semisolid | None

    @property
    def longitudinal_pools(self) -> list[tuple[Array, Array, Array]]:
        """(fraction, k, r1) of every pool that exchanges z with water, the semi-solid one last."""
        pools: tuple[Solute | Semisolid, ...] = self.solutes
        if self.semisolid is not None:
            pools = (*pools, self.semisolid)
        return [(pool.fraction, pool.k, pool.r1) for pool in pools]

    def map(self, function: Callable[[Array], Array], backend: Backend, shape: tuple[int, ...]) -> System:
        """Return the system with ``function`` applied to every field that is an array."""

        def convert(part: Solute | Semisolid) -> dict[str, Array]:
            return {f.name: function(getattr(part, f.name)) for f in fields(part)}

        return System(
            backend,
            shape,
            function(self.r1),
            function(self.r2),
            function(self.delta),
            function(self.omega1),
            tuple(Solute(**convert(solute)) for solute in self.solutes),
            None if self.semisolid is None else Semisolid(**convert(self.semisolid)),
        )

    def take(self, points: tuple[Array, ...]) -> System:
        """Pick points by their indices (frames, tissues), or by one index array after an earlier `take`."""
        return self.map(lambda field: take(field, points), self.backend, (len(points[0]),))

    @property
    def is_differentiable(self) -> bool:
        """Whether the derivatives of any field are recorded."""
        parts: tuple[Any, ...] = (self, *self.solutes, *([self.semisolid] if self.semisolid else []))
        values = (getattr(part, field.name) for part in parts for field in fields(part))
        return any(self.backend.is_differentiable(value) for value in values)

    def detached(self) -> System:
        """Return the same system without derivatives."""
        return self.map(self.backend.detach, self.backend, self.shape)

    def scaled(self, amplitude: float) -> System:
        """Return the same system with the irradiation's B1 multiplied by ``amplitude``."""
        semisolid = self.semisolid
        if semisolid is not None:
            semisolid = replace(semisolid, saturation=semisolid.saturation * amplitude**2)
        return replace(self, omega1=self.omega1 * amplitude, semisolid=semisolid)


def take(field: Array, points: tuple[Array, ...]) -> Array:
    """Values of a field of any of the shapes above at the points given by index arrays."""
    dimensions = getattr(field, "ndim", 0)
    if dimensions == 0:
        return field
    if dimensions == 1:
        return field[points[-1]] if field.shape[0] > 1 or len(points) == 1 else field[points[-1] * 0]
    rows = points[0] if field.shape[0] > 1 else points[0] * 0
    columns = points[1] if field.shape[1] > 1 else points[1] * 0
    return field[rows, columns]


def build_system(
    backend: Backend,
    tissue: Tissue,
    offsets_ppm: Array,
    b1_ut: Array,
    field_t: float,
    b0_shift_ppm: Array,
    relative_b1: Array,
    shape: tuple[int, int],
) -> System:
    """Turn a block of a tissue into rates and angular frequencies.

    Parameters
    ----------
    backend : Backend
        Kind of the arrays.
    tissue : Tissue
        Its arrays, of shape (n_tissues,), are of that kind already.
    offsets_ppm, b1_ut : array, shape (n_frames, 1)
        Irradiation of each frame; infinite offsets stand for no irradiation.
    field_t : float
        Main field in T.
    b0_shift_ppm, relative_b1 : float or array, shape (n_tissues,)
        Where water lies on the scanner's axis in ppm, and B1 relative to its nominal value.
    shape : tuple of int
        (n_frames, n_tissues).
    """
    rad_per_ppm = GAMMA * field_t
    reached = backend.isfinite(offsets_ppm)
    finite_offsets = backend.where(reached, offsets_ppm, backend.zeros(offsets_ppm.shape))
    omega1 = backend.where(reached, GAMMA * b1_ut, backend.zeros(b1_ut.shape)) * relative_b1
    delta = (finite_offsets - b0_shift_ppm) * rad_per_ppm
    semisolid = None
    if tissue.semisolid is not None:
        semisolid = _semisolid(backend, tissue.semisolid, delta, omega1, rad_per_ppm)
    return System(
        backend,
        shape,
        1.0 / tissue.water.t1_s,
        1.0 / tissue.water.t2_s,
        delta,
        omega1,
        tuple(_solute(pool, delta, rad_per_ppm) for pool in tissue.pools),
        semisolid,
    )


def _solute(pool: Pool, delta: Array, rad_per_ppm: float) -> Solute:
    return Solute(
        pool.fraction, pool.k_per_s, 1.0 / pool.t1_s, 1.0 / pool.t2_s, delta - pool.shift_ppm * rad_per_ppm
    )


def _semisolid(
    backend: Backend, pool: SemisolidPool, delta: Array, omega1: Array, rad_per_ppm: float
) -> Semisolid:
    distance = delta - pool.shift_ppm * rad_per_ppm
    absorption = line_shape(backend, pool.line_shape, distance, pool.t2_s, pool.cut_ppm * rad_per_ppm)
    return Semisolid(pool.fraction, pool.k_per_s, 1.0 / pool.t1_s, math.pi * omega1 * omega1 * absorption)
