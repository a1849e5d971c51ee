"""Compare the engine with full matrix exponentials on random tissues, and count who solved what.

Run ``python Testing/lib/physics/check_exactness.py --tissues 10000`` for the full comparison (a quarter of an
hour on one core); the unit tests run a small share of it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
from bloch_reference import as_kind, random_case, reference_z

from PCrCESTLib.physics import levels, z_spectra
from PCrCESTLib.saturation import Saturation

TISSUES_PER_CASE = 4


@dataclass
class Comparison:
    """Largest errors of Z, and the number of points that each level solved in float64."""

    error_float64: float = 0.0
    error_float32: float = 0.0
    points: int = 0
    laplace: int = 0
    propagation: int = 0

    def __str__(self):
        slow = self.points - self.laplace - self.propagation
        return (
            f"{self.points} points: {slow} by the slow mode, {self.laplace} by Laplace inversion, "
            f"{self.propagation} by propagation; max |dZ| {self.error_float64:.1e} (float64), "
            f"{self.error_float32:.1e} (float32)"
        )


def compare(n_tissues, seed):
    """Compare ``n_tissues`` random tissues × 89 offsets, a part of them with recovery and readout delay."""
    rng = np.random.default_rng(seed)
    result = Comparison()
    for _ in range(-(-n_tissues // TISSUES_PER_CASE)):
        tissue, offsets, relative_b1, field_t, duration_s = random_case(rng, TISSUES_PER_CASE)
        saturation = Saturation(
            duration_s,
            readout_delay_s=float(rng.choice([0.0, 0.0065])),
            recovery_s=None if rng.random() < 0.7 else 1.0,
        )
        expected = reference_z(tissue, saturation, offsets, 1.0, field_t, relative_b1=relative_b1)
        z = _counted(result, tissue, saturation, offsets, 1.0, field_t, relative_b1=relative_b1)
        single = as_kind(tissue, np.float32)
        z32 = z_spectra(single, saturation, offsets, 1.0, field_t, relative_b1=np.float32(relative_b1))
        result.points += z.size
        result.error_float64 = max(result.error_float64, float(np.abs(z - expected).max()))
        result.error_float32 = max(result.error_float32, float(np.abs(z32 - expected).max()))
    return result


def _counted(result, *args, **kwargs):
    solve, propagate = levels.solve_laplace, levels._propagate

    def count_laplace(system, boundary, duration_s):
        result.laplace += system.shape[0]
        return solve(system, boundary, duration_s)

    def count_propagation(system, saturation, points):
        result.propagation += len(points[0])
        return propagate(system, saturation, points)

    with (
        patch.object(levels, "solve_laplace", count_laplace),
        patch.object(levels, "_propagate", count_propagation),
    ):
        return z_spectra(*args, **kwargs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tissues", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()
    print(compare(arguments.tissues, arguments.seed))


if __name__ == "__main__":
    main()
