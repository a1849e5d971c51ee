"""The proven bounds that decide which level solves a point hold for the true eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from bloch_reference import bloch_matrix, random_case

from PCrCESTLib.physics import GAMMA
from PCrCESTLib.physics.arrays import NumpyBackend
from PCrCESTLib.physics.decay import decay_bounds
from PCrCESTLib.physics.laplace import OSCILLATIONS_DEAD_AT, POLES_AND_RESIDUES
from PCrCESTLib.physics.system import build_system


@pytest.mark.parametrize("seed", range(6))
def test_no_pair_of_modes_and_no_oscillation_decays_more_slowly_than_the_bounds(seed):
    tissue, offsets, relative_b1, field_t, _ = random_case(np.random.default_rng(seed), 8)
    system = build_system(
        NumpyBackend(float), tissue, offsets[:, None], np.ones((89, 1)), field_t, 0.0, relative_b1, (89, 8)
    )
    bounds = decay_bounds(system)
    for index in range(8):
        rad_per_ppm = GAMMA * field_t
        matrices, _ = bloch_matrix(
            tissue, index, offsets * rad_per_ppm, GAMMA * relative_b1[index], rad_per_ppm
        )
        eigenvalues = np.linalg.eigvals(matrices[:, :-1, :-1])
        rates = np.sort(-eigenvalues.real, axis=-1)
        assert np.all(rates[:, 0] + rates[:, 1] >= bounds.slowest_pair[index] * (1 - 1e-9))
        oscillating = np.where(np.abs(eigenvalues.imag) > 1e-6, -eigenvalues.real, np.inf)
        assert np.all(oscillating.min(-1) >= bounds.oscillating[index] * (1 - 1e-9))


def rational(x):
    return 2 * sum((residue / (x - pole)).real for pole, residue in POLES_AND_RESIDUES)


def test_rational_approximation_of_the_exponential_on_the_negative_axis():
    x = -np.concatenate([[0.0], np.logspace(-8, 8, 5000)])
    assert np.abs(rational(x) - np.exp(x)).max() < 3e-10


def test_rational_approximation_forgets_dead_oscillations():
    decay = -OSCILLATIONS_DEAD_AT * np.concatenate([np.linspace(1, 3, 80), np.logspace(0.5, 5, 80)])
    frequency = np.concatenate([np.linspace(0, 60, 1500), np.logspace(1.8, 7, 300)])
    x = decay[:, None] + 1j * frequency
    both_halves = sum(r / (x - p) + r.conjugate() / (x - p.conjugate()) for p, r in POLES_AND_RESIDUES)
    assert np.abs(both_halves).max() < 7e-7
