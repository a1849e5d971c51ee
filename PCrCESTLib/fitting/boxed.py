"""Quadratic problems of a few unknowns within a box, thousands at once.

Arrays have the problem last: (p, p, k) for k problems, so that one numpy operation works on all of them. At a dozen
unknowns this is faster than a LAPACK call for every problem, and tells which matrices are not positive definite.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 4
RAISE = 8.0


def minimum_in_box(
    matrix: np.ndarray,
    slope: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    side: np.ndarray,
    added: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minimize ½ xᵀ(M + D)x + sᵀx over low ≤ x ≤ high by block principal pivoting.

    Unknowns that leave the box are put at its side, those at a side that the slope pulls back inside are released, all
    at once, until none changes (Júdice and Pires 1994, Comput Oper Res 21:587). Two rounds are the rule; what still
    changes after `ROUNDS` is cut at the box. Where M + D is not positive definite, D is raised.

    Parameters
    ----------
    matrix : ndarray
        (p, p, k) symmetric M.
    slope : ndarray
        (p, k).
    low, high : ndarray
        (p, 1) or (p, k).
    side : ndarray
        (p, k) guess of where each unknown ends: −1 at ``low``, 1 at ``high``, 0 between.
    added : ndarray
        (p, k) the positive diagonal D.

    Returns
    -------
    x : ndarray
        (p, k), within the box; not finite where no D that was tried made the problem convex.
    settled : ndarray of bool
        (k,) whether x is the minimum.
    factor : ndarray
        (k,) by how much D was raised.
    """
    low, high = np.broadcast_to(low, slope.shape), np.broadcast_to(high, slope.shape)
    x, side, factor = np.empty_like(slope), side.copy(), np.ones(slope.shape[1], slope.dtype)
    todo: np.ndarray | slice = slice(None)
    left = np.arange(slope.shape[1])
    for _ in range(ROUNDS):
        at, floor, ceiling, pull = side[:, todo], low[:, todo], high[:, todo], slope[:, todo]
        among, diagonal = matrix[:, :, todo], factor[todo] * added[:, todo]
        free = at == 0
        found, positive = _solve(among, diagonal, pull, np.where(at < 0, floor, ceiling), free)
        outward = at * (np.einsum("ijk,jk->ik", among, found) + diagonal * found + pull)
        moved = np.where(outward > 0, 0, at)
        moved[free & (found < floor)] = -1
        moved[free & (found > ceiling)] = 1
        moved = np.where((ceiling > floor) & positive, moved, at)
        changed = np.any(moved != at, axis=0) | ~positive
        x[:, todo], side[:, todo] = found, moved
        factor[left[~positive]] *= RAISE
        left = left[changed]
        todo = left
        if not len(left):
            break
    settled = np.ones(len(factor), dtype=bool)
    settled[left] = False
    return np.clip(x, low, high), settled, factor


def _solve(
    matrix: np.ndarray, added: np.ndarray, slope: np.ndarray, fixed: np.ndarray, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Stationary point over the ``free`` unknowns, the others being ``fixed``; and whether it is a minimum."""
    p, k = slope.shape
    system = np.empty((p, p + 1, k), slope.dtype)
    np.multiply(matrix, free[:, None] & free, out=system[:, :p])
    np.einsum("iik->ik", system[:, :p])[:] += np.where(free, added, 1.0)
    fixed = np.where(free, 0.0, fixed)
    system[:, p] = np.where(free, -slope - np.einsum("ijk,jk->ik", matrix, fixed), fixed)
    return solve_positive(system)


def eliminate(system: np.ndarray, n: int) -> None:
    """Eliminate the first ``n`` unknowns of the symmetric (p, q ≥ p, k) in place, without pivoting.

    Rows and columns from n on are then the Schur complement. Only what is above the diagonal of the first n is read.
    """
    for j in range(n):
        system[j + 1 :, j + 1 :] -= (system[j, j + 1 : len(system)] / system[j, j])[:, None] * system[
            j, j + 1 :
        ]


def solve_positive(system: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve (p, p + 1, k), the right side in the last column; x (p, k), and where the matrix was positive definite.

    ``system`` is overwritten.
    """
    eliminate(system, len(system))
    pivots = np.einsum("iik->ik", system[:, :-1])
    x = system[:, -1].copy()
    for j in range(len(x) - 1, -1, -1):
        x[j] /= pivots[j]
        x[:j] -= system[:j, j] * x[j]
    return x, np.all(pivots > 0, axis=0)
