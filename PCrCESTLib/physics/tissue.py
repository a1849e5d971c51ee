"""What is in a voxel: water, the solutes that exchange with it, and semi-solid macromolecules.

Every number may be a plain number or an array of shape ``(n_tissues,)``, NumPy or torch; they broadcast, so
one `Tissue` describes one tissue or a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.arrays import Array
from PCrCESTLib.physics.lineshape import LINE_SHAPES


@dataclass(frozen=True, eq=False)
class Water:
    """Free water, whose magnetization is 1 in equilibrium.

    Attributes
    ----------
    t1_s, t2_s : float or array, shape (n_tissues,)
        Relaxation times in s, without exchange.
    """

    t1_s: Array
    t2_s: Array

    def __post_init__(self) -> None:
        _check(self, "water", above_zero=("t1_s", "t2_s"))


@dataclass(frozen=True, eq=False)
class Pool:
    """One exchanging group of solute protons.

    Attributes
    ----------
    name : str
        What it is called in `Tissue.without`.
    shift_ppm : float or array, shape (n_tissues,)
        Chemical shift from water in ppm, positive downfield.
    fraction : float or array, shape (n_tissues,)
        Proton fraction: equilibrium magnetization relative to water's.
    k_per_s : float or array, shape (n_tissues,)
        Exchange rate from solute to water in 1/s.
    t1_s, t2_s : float or array, shape (n_tissues,)
        Relaxation times in s, without exchange.
    """

    name: str
    shift_ppm: Array
    fraction: Array
    k_per_s: Array
    t1_s: Array
    t2_s: Array

    def __post_init__(self) -> None:
        _check(self, f"pool {self.name!r}", above_zero=("t1_s", "t2_s"), from_zero=("fraction", "k_per_s"))


@dataclass(frozen=True, eq=False)
class SemisolidPool:
    """Macromolecular protons, of which only the longitudinal magnetization is kept.

    Attributes
    ----------
    fraction, k_per_s, t1_s, shift_ppm : float or array, shape (n_tissues,)
        As for `Pool`; ``shift_ppm`` is the middle of the line.
    t2_s : float or array, shape (n_tissues,)
        T2 in s that sets the width of the line, about 1e-5.
    line_shape : str
        ``"super-lorentzian"``, ``"lorentzian"`` or ``"gaussian"``.
    cut_ppm : float
        The super-Lorentzian diverges at its middle. Within this distance of it, in ppm, a parabola takes its
        place that joins it with the same value and slope; 0 for no such cut.
    """

    fraction: Array
    k_per_s: Array
    t1_s: Array
    t2_s: Array
    shift_ppm: Array = 0.0
    line_shape: str = "super-lorentzian"
    cut_ppm: float = 1.0

    def __post_init__(self) -> None:
        names = ("fraction", "k_per_s", "cut_ppm")
        _check(self, "semi-solid pool", above_zero=("t1_s", "t2_s"), from_zero=names)
        if self.line_shape not in LINE_SHAPES:
            raise PhysicsError(
                f"line shape {self.line_shape!r} is unknown; give one of {', '.join(LINE_SHAPES)}"
            )


@dataclass(frozen=True, eq=False)
class Tissue:
    """Water, solutes and semi-solid pool of one or many voxels.

    Attributes
    ----------
    water : Water
        Free water.
    pools : tuple of Pool
        Any number of solutes with different names.
    semisolid : SemisolidPool, optional
        Macromolecules, None where there are none.

    Raises
    ------
    PhysicsError
        If two pools have one name, or the arrays do not broadcast to one length.
    """

    water: Water
    pools: tuple[Pool, ...] = ()
    semisolid: SemisolidPool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pools", tuple(self.pools))
        names = [pool.name for pool in self.pools]
        if len(set(names)) < len(names):
            raise PhysicsError(f"pools are named {', '.join(names)}; give every pool a name of its own")
        common_length(self.numbers(), "tissue")

    @property
    def n_tissues(self) -> int:
        """Number of tissues that the arrays describe."""
        return common_length(self.numbers(), "tissue")

    def numbers(self) -> Iterator[Array]:
        """Every number of the tissue, in a fixed order."""
        for part in (self.water, *self.pools, self.semisolid):
            if part is not None:
                for field in fields(part):
                    if not isinstance(getattr(part, field.name), str):
                        yield getattr(part, field.name)

    def map(self, function: Callable[[Array], Array]) -> Tissue:
        """Return the tissue with ``function`` applied to every number."""

        def convert(part: Any) -> Any:
            values = {field.name: getattr(part, field.name) for field in fields(part)}
            return replace(part, **{k: function(v) for k, v in values.items() if not isinstance(v, str)})

        semisolid = None if self.semisolid is None else convert(self.semisolid)
        return Tissue(convert(self.water), tuple(convert(pool) for pool in self.pools), semisolid)

    def pool(self, name: str) -> Pool:
        """Return the pool of that name; `PhysicsError` if there is none."""
        for pool in self.pools:
            if pool.name == name:
                return pool
        raise PhysicsError(
            f"the tissue has no pool {name!r}; it has {', '.join(pool.name for pool in self.pools) or 'none'}"
        )

    def without(self, *names: str) -> Tissue:
        """Return the same tissue without the named pools; `PhysicsError` if one does not exist."""
        dropped = {self.pool(name).name for name in names}
        return replace(self, pools=tuple(pool for pool in self.pools if pool.name not in dropped))

    def with_pool(self, pool: Pool) -> Tissue:
        """Return the same tissue with ``pool`` in the place of the one of that name, or added as the last."""
        if all(other.name != pool.name for other in self.pools):
            return replace(self, pools=(*self.pools, pool))
        return replace(self, pools=tuple(pool if o.name == pool.name else o for o in self.pools))


def common_length(values: Iterator[Array] | list[Array], owner: str) -> int:
    """Length of the one axis to which ``values`` broadcast; `PhysicsError` if there is none."""
    lengths: set[int] = set()
    for value in values:
        if isinstance(value, (list, tuple)):
            raise PhysicsError(f"a {owner} parameter is a {type(value).__name__}; give a number or an array")
        shape = tuple(getattr(value, "shape", ()))
        if len(shape) > 1:
            raise PhysicsError(f"a {owner} parameter has shape {shape}; give a number or shape (n_tissues,)")
        lengths.update(shape)
    lengths.discard(1)
    if len(lengths) > 1:
        raise PhysicsError(
            f"{owner} parameters have lengths {sorted(lengths)}; give plain numbers or arrays of one length"
        )
    return lengths.pop() if lengths else 1


def _check(
    part: object, owner: str, above_zero: tuple[str, ...] = (), from_zero: tuple[str, ...] = ()
) -> None:
    for name in above_zero:
        value = getattr(part, name)
        if not _everywhere(value > 0):
            raise PhysicsError(f"{owner} has {name} = {_worst(value)}; give values above 0")
    for name in from_zero:
        value = getattr(part, name)
        if not _everywhere(value >= 0):
            raise PhysicsError(f"{owner} has {name} = {_worst(value)}; give values of 0 or more")


def _everywhere(condition: Array) -> bool:
    return condition if isinstance(condition, bool) else bool(condition.all())


def _worst(value: Array) -> float:
    """Give the value that breaks the rule: the smallest, or NaN."""
    return float(value) if isinstance(value, (int, float)) else float(value.min())
