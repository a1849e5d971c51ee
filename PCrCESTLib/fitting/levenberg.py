"""Bounded Levenberg–Marquardt for thousands of small least-squares problems at once.

Every problem has its own damping and its own end. Bounds are kept by projection: a parameter that stands at a bound and
would leave it is held there for that step, and steps are cut at the box. The damping follows Nielsen 1999
(IMM-REP-1999-05). scipy.optimize.least_squares solves such problems one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Model = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(x (k, p), rows (k,)) → residuals (k, m) and their derivatives (k, m, p) of the problems ``rows``."""

MAX_ITERATIONS = 200
FIRST_DAMPING, STALLED_DAMPING = 1e-3, 1e12
_TINY = 1e-300


@dataclass(frozen=True)
class Solution:
    """Where n problems ended.

    Parameters
    ----------
    x : ndarray
        (n, p) parameters, within their bounds.
    cost : ndarray
        (n,) half the sum of squares.
    converged : ndarray of bool
        (n,) False where the iterations ran out or the residuals were not finite. A problem that no step can improve
        any more, however damped, has converged.
    iterations : ndarray
        (n,) steps tried.
    """

    x: np.ndarray
    cost: np.ndarray
    converged: np.ndarray
    iterations: np.ndarray


def solve(
    model: Model,
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    tolerance: float = 1e-9,
    max_iterations: int = MAX_ITERATIONS,
) -> Solution:
    """Minimize ½ Σ r² of every problem within its box.

    Parameters
    ----------
    model : callable
        See `Model`.
    start, low, high : ndarray
        (n, p), or (p,) for all problems alike; ``low`` ≤ ``high``, equal limits hold a parameter fixed.
    tolerance : float
        A problem has converged when no free parameter can lower its cost by more than this share (first order,
        over the box), or when an accepted step lowers it by less than that times ten.
    max_iterations : int
        Most steps of a problem.
    """
    n = len(start)
    low, high = (np.broadcast_to(np.asarray(b, dtype=float), start.shape) for b in (low, high))
    x = np.clip(np.array(start, dtype=float), low, high)
    damping, growth = np.full(n, FIRST_DAMPING), np.full(n, 2.0)
    iterations = np.zeros(n, dtype=int)
    residual, slope = model(x, np.arange(n))
    cost = 0.5 * np.sum(residual**2, axis=1)
    gradient, curvature = _normal(residual, slope)
    finite = np.isfinite(cost) & np.isfinite(gradient).all(axis=1)
    done = ~finite
    for _ in range(max_iterations):
        rows = np.nonzero(~done)[0]
        if not len(rows):
            break
        free = _free(x[rows], gradient[rows], low[rows], high[rows])
        flat = _potential(x[rows], gradient[rows], low[rows], high[rows]) <= tolerance * cost[rows] + _TINY
        done[rows[flat]] = True
        rows, free = rows[~flat], free[~flat]
        if not len(rows):
            continue
        iterations[rows] += 1
        step = _step(gradient[rows], curvature[rows], damping[rows], free)
        trial = np.clip(x[rows] + step, low[rows], high[rows])
        step = trial - x[rows]
        residual, slope = model(trial, rows)
        trial_cost = 0.5 * np.sum(residual**2, axis=1)
        promised = -np.einsum("kp,kp->k", gradient[rows], step) - 0.5 * np.einsum(
            "kp,kpq,kq->k", step, curvature[rows], step
        )
        gained = cost[rows] - trial_cost
        better = np.isfinite(trial_cost) & (gained > 0)
        small = better & (gained <= 10 * tolerance * cost[rows])
        ratio = gained / np.maximum(promised, _TINY)
        accepted = rows[better]
        x[accepted], cost[accepted] = trial[better], trial_cost[better]
        gradient[accepted], curvature[accepted] = _normal(residual[better], slope[better])
        calmer = np.clip(1 - (2 * np.clip(ratio[better], -1e3, 1e3) - 1) ** 3, 1 / 3, 10)
        damping[accepted] *= calmer
        growth[accepted] = 2.0
        rejected = rows[~better]
        damping[rejected] *= growth[rejected]
        growth[rejected] *= 2
        done[rows[small]] = True
        done[rejected[damping[rejected] > STALLED_DAMPING]] = True
    return Solution(x, cost, done & finite, iterations)


def _normal(residual: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient Jᵀr (k, p) and curvature JᵀJ (k, p, p)."""
    transposed = np.swapaxes(slope, 1, 2)
    return (transposed @ residual[:, :, None])[:, :, 0], transposed @ slope


def _free(x: np.ndarray, gradient: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Parameters that may move: not fixed, and not pushed out of the box where they stand at its side."""
    return np.asarray(~((x <= low) & (gradient >= 0)) & ~((x >= high) & (gradient <= 0)) & (high > low))


def _potential(x: np.ndarray, gradient: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Largest first-order gain of cost by moving one parameter a thousandth of its box, (k,)."""
    room = np.where(gradient > 0, x - low, high - x)
    reach = np.minimum(room, 1e-3 * (high - low))
    return np.asarray(np.max(np.abs(gradient) * reach, axis=1))


def _step(gradient: np.ndarray, curvature: np.ndarray, damping: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Solve (JᵀJ + λ·diag JᵀJ) δ = −Jᵀr over the free parameters; the others stay."""
    p = gradient.shape[1]
    both = free[:, :, None] & free[:, None, :]
    matrix = np.where(both, curvature, 0.0)
    diagonal = np.einsum("kpp->kp", curvature)
    largest = np.max(diagonal, axis=1, keepdims=True)
    added = damping[:, None] * np.maximum(diagonal, 1e-12 * largest) + 1e-14 * largest + _TINY
    index = np.arange(p)
    matrix[:, index, index] = np.where(free, diagonal + added, 1.0)
    return np.asarray(np.linalg.solve(matrix, np.where(free, -gradient, 0.0)[:, :, None])[:, :, 0])
