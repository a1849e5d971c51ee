"""The batched solver finds what scipy finds, one problem at a time, and stays within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from PCrCESTLib.fitting.levenberg import solve

TIMES = np.linspace(0, 4, 40)


def decays(n: int, rng: np.random.Generator, noise: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Sums of two exponentials with noise, and their parameters (amplitude, rate, amplitude, rate)."""
    truth = np.stack(
        [rng.uniform(0.5, 1.5, n), rng.uniform(0.3, 0.8, n), rng.uniform(0.5, 1.5, n), rng.uniform(2, 6, n)], axis=1
    )
    return curve(truth) + noise * rng.standard_normal((n, len(TIMES))), truth


def curve(x: np.ndarray) -> np.ndarray:
    first, second = (x[:, i, None] * np.exp(-x[:, i + 1, None] * TIMES) for i in (0, 2))
    return first + second


def model_of(data: np.ndarray):
    def model(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = []
        for i in (0, 2):
            e = np.exp(-x[:, i + 1, None] * TIMES)
            parts += [e, -x[:, i, None] * TIMES * e]
        return curve(x) - data[rows], np.stack(parts, axis=2)

    return model


LOW, HIGH, START = np.array([0, 0.01, 0, 1.0]), np.array([3, 2, 3, 20.0]), np.array([1, 0.5, 1, 3.0])


def scipy_cost(data: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    costs = []
    for row in range(len(data)):
        model = model_of(data)

        def fun(x, row=row, model=model):
            return model(x[None], np.array([row]))[0][0]

        def jac(x, row=row, model=model):
            return model(x[None], np.array([row]))[1][0]

        found = least_squares(
            fun, np.clip(START, low + 1e-9, high - 1e-9), jac, bounds=(low, high), xtol=1e-14, ftol=1e-14, gtol=1e-14
        )
        costs.append(found.cost)
    return np.array(costs)


def test_it_finds_what_scipy_finds():
    data, _ = decays(60, np.random.default_rng(1))
    found = solve(model_of(data), np.tile(START, (60, 1)), LOW, HIGH)
    assert found.converged.all()
    assert np.all(found.cost <= scipy_cost(data, LOW, HIGH) * (1 + 1e-6))


def test_noise_free_data_give_the_truth():
    data, truth = decays(200, np.random.default_rng(2), noise=0.0)
    found = solve(model_of(data), np.tile(START, (200, 1)), LOW, HIGH, tolerance=1e-14)
    assert np.abs(found.x / truth - 1).max() < 1e-4


def test_bounds_hold_and_the_bounded_optimum_is_found():
    data, _ = decays(60, np.random.default_rng(3))
    high = np.array([3, 0.5, 0.9, 20.0])  # cuts off many truths
    found = solve(model_of(data), np.tile(START, (60, 1)), LOW, high)
    assert np.all((found.x >= LOW) & (found.x <= high))
    assert np.mean(found.x[:, 1] == 0.5) > 0.3
    assert np.all(found.cost <= scipy_cost(data, LOW, high) * (1 + 1e-5))


def test_a_fixed_parameter_stays():
    data, _ = decays(5, np.random.default_rng(4))
    low, high = LOW.copy(), HIGH.copy()
    low[3] = high[3] = 3.0
    found = solve(model_of(data), np.tile(START, (5, 1)), low, high)
    assert np.all(found.x[:, 3] == 3.0)
    assert found.converged.all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_problem_without_numbers_is_marked_and_harms_no_other(bad):
    data, _ = decays(3, np.random.default_rng(5))
    alone = solve(model_of(data[[0, 2]]), np.tile(START, (2, 1)), LOW, HIGH)
    data[1, 7] = bad
    found = solve(model_of(data), np.tile(START, (3, 1)), LOW, HIGH)
    assert found.converged.tolist() == [True, False, True]
    assert np.allclose(found.x[[0, 2]], alone.x)


def test_running_out_of_iterations_is_said():
    data, _ = decays(10, np.random.default_rng(6))
    found = solve(model_of(data), np.tile(START, (10, 1)), LOW, HIGH, max_iterations=1)
    assert not found.converged.any()
    assert np.all(found.iterations == 1)
