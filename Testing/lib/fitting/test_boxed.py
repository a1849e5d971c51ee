"""Small quadratic problems within boxes have the solutions that scipy finds one by one."""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear

from PCrCESTLib.fitting.boxed import minimum_in_box


def problems(k, rng, p=6):
    root = rng.standard_normal((k, 2 * p, p))
    return np.einsum("kia,kib->abk", root, root), 3 * rng.standard_normal((p, k))


def test_the_minimum_in_a_box_is_that_of_scipy():
    matrix, slope = problems(200, np.random.default_rng(1))
    low, high = np.full((6, 1), -0.2), np.full((6, 1), 0.1)
    x, settled, factor = minimum_in_box(
        matrix, slope, low, high, np.zeros((6, 200), np.int8), np.zeros((6, 200))
    )
    assert settled.mean() > 0.9
    assert np.all(factor == 1)
    assert np.all((x >= low) & (x <= high))
    for i in np.nonzero(settled)[0]:
        root = np.linalg.cholesky(matrix[:, :, i]).T
        theirs = lsq_linear(root, -np.linalg.solve(root.T, slope[:, i]), (low[:, 0], high[:, 0]), tol=1e-12)
        assert np.allclose(x[:, i], theirs.x, atol=1e-6)


def test_a_wrong_guess_of_the_sides_changes_nothing():
    matrix, slope = problems(50, np.random.default_rng(2))
    low, high, nothing = np.full((6, 1), -5.0), np.full((6, 1), 5.0), np.zeros((6, 50))
    free, _, _ = minimum_in_box(matrix, slope, low, high, np.zeros((6, 50), np.int8), nothing)
    guessed, settled, _ = minimum_in_box(matrix, slope, low, high, np.ones((6, 50), np.int8), nothing)
    assert np.allclose(guessed[:, settled], free[:, settled])
    assert settled.mean() > 0.9


def test_a_fixed_unknown_stays():
    matrix, slope = problems(20, np.random.default_rng(3))
    low, high = np.full((6, 1), -1.0), np.full((6, 1), 1.0)
    low[2] = high[2] = 0.3
    side = np.zeros((6, 20), np.int8)
    side[2] = -1
    x, settled, _ = minimum_in_box(matrix, slope, low, high, side, np.zeros((6, 20)))
    assert np.all(x[2] == 0.3)
    assert settled.mean() > 0.9


def test_a_saddle_gets_a_larger_diagonal_until_there_is_a_minimum():
    matrix, slope = problems(10, np.random.default_rng(4))
    matrix[0, 0] -= 100
    low, high = np.full((6, 1), -1e9), np.full((6, 1), 1e9)
    x, settled, factor = minimum_in_box(
        matrix, slope, low, high, np.zeros((6, 10), np.int8), np.full((6, 10), 10.0)
    )
    assert np.all(factor > 1)
    for i in np.nonzero(settled)[0]:
        raised = matrix[:, :, i] + 10 * factor[i] * np.eye(6)
        assert np.all(np.linalg.eigvalsh(raised) > 0)
        assert np.allclose(raised @ x[:, i], -slope[:, i])
    assert settled.any()
