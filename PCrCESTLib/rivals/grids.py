"""The parameter grids of the reference paper's training sets, and how to draw from them.

Values: Magn Reson Med 2026 (PMID 41964083) and its public scripts. A full grid holds millions of combinations; instead
of a file of that size, random indices into the grid are drawn, so that an endless stream has the same distribution.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

Values = dict[str, np.ndarray]

_RELATIVE_B1 = (0.8, 0.9, 1.0, 1.1, 1.2)
_B0_PPM = (-0.5, -0.25, 0.0, 0.25, 0.5)
_SOLUTE_T2_S = (0.008, 0.010, 0.012)


@dataclass(frozen=True)
class Grid:
    """Values of what both training sets vary, every combination once.

    Fractions are relative to water, rates in s⁻¹, times in s, ``b0_ppm`` in ppm, ``relative_b1`` dimensionless.
    """

    t1w_s: tuple[float, ...] = (1.1, 1.4, 1.7)
    t2w_s: tuple[float, ...] = (0.020, 0.040, 0.060)
    pcr_t2_s: tuple[float, ...] = _SOLUTE_T2_S
    cr_t2_s: tuple[float, ...] = _SOLUTE_T2_S
    amide_fraction: tuple[float, ...] = (0.8e-3, 1.0e-3, 1.2e-3)
    pcr_fraction: tuple[float, ...] = (0.6e-3, 0.8e-3, 1.0e-3, 1.2e-3, 1.4e-3)
    pcr_k_per_s: tuple[float, ...] = (60.0, 80.0, 100.0, 120.0, 140.0, 160.0)
    cr_fraction: tuple[float, ...] = (1.6e-3, 2.0e-3, 2.4e-3)
    cr_k_per_s: tuple[float, ...] = (300.0, 500.0, 700.0)
    relative_b1: tuple[float, ...] = _RELATIVE_B1
    b0_ppm: tuple[float, ...] = _B0_PPM

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(f.name for f in fields(self))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values on each axis."""
        return tuple(len(getattr(self, name)) for name in self.names)

    @property
    def size(self) -> int:
        """Number of combinations."""
        return int(np.prod(self.shape))

    def at(self, index: np.ndarray) -> Values:
        """Return the combinations of flat indices (n,), each axis as an array (n,)."""
        places = np.unravel_index(index, self.shape)
        return {name: np.array(getattr(self, name))[i] for name, i in zip(self.names, places, strict=True)}

    def draw(self, n: int, rng: np.random.Generator) -> Values:
        """Draw ``n`` combinations of the grid."""
        return self.at(rng.integers(self.size, size=n))

    def between(self, n: int, rng: np.random.Generator) -> Values:
        """Draw ``n`` combinations off the grid, uniform between its ends.

        For validation: random nodes of the same grid, as in the paper, are not independent of the training.
        """
        return {
            name: rng.uniform(min(getattr(self, name)), max(getattr(self, name)), n) for name in self.names
        }


@dataclass(frozen=True)
class PartialGrid(Grid):
    """Partially synthetic set: besides, factors of the measured amine and MT components."""

    amine_factor: tuple[float, ...] = (0.75, 1.0, 1.25)
    mt_factor: tuple[float, ...] = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class FullGrid(Grid):
    """Fully synthetic set: besides, a simulated amine and semi-solid pool."""

    amine_fraction: tuple[float, ...] = (1.8e-3, 3.0e-3, 4.2e-3)
    amine_k_per_s: tuple[float, ...] = (3000.0, 5000.0, 7000.0)
    fm: tuple[float, ...] = (0.075, 0.150, 0.225)
