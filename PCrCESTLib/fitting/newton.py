"""Bounded, damped Newton steps for thousands of small problems at once.

With exact second derivatives the last steps converge quadratically, where Gauss–Newton crawls along the valleys of
overlapping lines in noise: half as many steps. Every problem has its own damping (Nielsen 1999, IMM-REP-1999-05) and
its own end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from PCrCESTLib.fitting.boxed import minimum_in_box

LARGEST_DAMPING, STALLED_DAMPING = 1.0, 1e10  # of steps that tell whether all has converged; of useless ones


@dataclass
class Local:
    """A function near x: cost (k,), gradient (p, k), second derivatives (p, p, k), and a positive (p, k) diagonal.

    ``scale`` is the diagonal of the Gauss–Newton matrix, by which steps are damped.
    """

    cost: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray
    scale: np.ndarray


Model = Callable[[np.ndarray, np.ndarray], Local]
"""(x (p, k), rows (k,)) → the problems ``rows`` near x."""
Restart = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(x (p, k), rows (k,)) where problems ended → which of them go on (k,), and from where (p, k)."""


@dataclass(frozen=True)
class Minimum:
    """Best end of n problems: x (p, n), cost (n,), and whether the steps had converged there, (n,)."""

    x: np.ndarray
    cost: np.ndarray
    converged: np.ndarray


@dataclass
class _UnderWay:
    """k problems: which, where, and how to go on; ``cost`` is infinite before the first evaluation."""

    rows: np.ndarray
    x: np.ndarray
    near: Local
    trial: np.ndarray
    promised: np.ndarray
    damping: np.ndarray
    growth: np.ndarray
    steps: np.ndarray

    def start(self, slots: np.ndarray, x: np.ndarray, damping: float) -> None:
        """Begin again at x (p, len(slots))."""
        self.trial[:, slots], self.near.cost[slots] = x, np.inf
        self.damping[slots], self.growth[slots], self.steps[slots] = damping, 2.0, 0

    def keep(self, slots: np.ndarray) -> None:
        """Forget the problems that are not in ``slots``."""
        for part in (self, self.near):
            for field in fields(part):
                value = getattr(part, field.name)
                if isinstance(value, np.ndarray):
                    setattr(part, field.name, value[..., slots])


def minimize(
    model: Model,
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    restart: Restart | None = None,
    tolerance: float = 1e-8,
    negligible: np.ndarray | float = 0.0,
    max_steps: int = 100,
    damping: float = 1.0,
) -> Minimum:
    """Minimize n problems within one box.

    Parameters
    ----------
    model : callable
        See `Model`.
    start : ndarray
        (p, n); its precision is kept.
    low, high : ndarray
        (p,); equal limits hold a parameter fixed.
    restart : callable, optional
        See `Restart`; asked whenever problems have come to an end.
    tolerance : float
        A problem has converged when its next step, found without being cut short, promises to lower its cost by less
        than this share, or by less than ``negligible`` ((n,), the rounding error of the cost).
    max_steps : int
        Most steps from one start; a problem that needs more has not converged.
    damping : float
        Of the first step, as a share of `Local.scale`; small where the start is near the end.
    """
    (p, n), kind = start.shape, start.dtype
    low, high = low[:, None].astype(kind), high[:, None].astype(kind)
    x = np.clip(start, low, high)
    best = Minimum(x.copy(), np.full(n, np.inf, kind), np.zeros(n, dtype=bool))
    negligible = np.broadcast_to(negligible, n)
    unknown = Local(*(np.zeros(shape, kind) for shape in (n, (p, n), (p, p, n), (p, n))))
    zero = np.zeros(n, kind)
    now = _UnderWay(np.arange(n), x, unknown, x.copy(), zero, zero.copy(), zero.copy(), np.zeros(n, int))
    now.start(np.arange(n), x, damping)
    while len(now.rows):
        _evaluate(model, now)
        sure = _next_step(now, low, high)
        flat = sure & (np.abs(now.promised) <= tolerance * now.near.cost + negligible[now.rows])
        flat |= now.damping > STALLED_DAMPING
        over = flat | (now.steps >= max_steps)
        ended = np.nonzero(over)[0]
        if len(ended):
            _record(best, now, ended, flat[ended])
            if restart is not None:
                again, x = restart(now.x[:, ended], now.rows[ended])
                now.start(ended[again], np.clip(x[:, again], low, high), LARGEST_DAMPING)
                over[ended[again]] = False
            now.keep(np.nonzero(~over)[0])
    return best


def _evaluate(model: Model, now: _UnderWay) -> None:
    """Go to the trials that are better; the damping follows what they gained of what was promised."""
    found, old = model(now.trial, now.rows), now.near
    fresh = np.isinf(old.cost)
    gained = old.cost - found.cost
    better = gained > 0
    stay = np.nonzero(~better)[0]
    for field in fields(Local):
        getattr(found, field.name)[..., stay] = getattr(old, field.name)[..., stay]
    now.trial[:, stay] = now.x[:, stay]
    now.x, now.near = now.trial, found
    share = np.where(fresh, 0.5, gained / np.where(fresh, 1.0, now.promised))
    calmer = np.clip(1 - (2 * np.clip(share, -9, 9) - 1) ** 3, 0.1, 10)
    now.damping *= np.where(better, calmer, now.growth)
    now.growth = np.where(better, 2.0, 2 * now.growth)
    now.steps += 1


def _next_step(now: _UnderWay, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Set the next trial and what it promises; whether that is the minimum of the quadratic within the box."""
    near = now.near
    side = np.where(now.x <= low, -1, np.where(now.x >= high, 1, 0)).astype(np.int8)
    side[(side * near.gradient > 0) & (high > low)] = 0
    # Without the part from the box, a line of no height would not be damped at all.
    added = now.damping * (near.scale + near.cost / np.maximum(high - low, 1e-9) ** 2)
    step, settled, raised = minimum_in_box(
        near.curvature, near.gradient, low - now.x, high - now.x, side, added
    )
    now.damping *= raised
    now.promised = -np.sum(
        step * (near.gradient + 0.5 * np.einsum("ijk,jk->ik", near.curvature, step)), axis=0
    )
    now.trial = np.clip(now.x + step, low, high)
    return settled & (now.damping <= LARGEST_DAMPING)


def _record(best: Minimum, now: _UnderWay, ended: np.ndarray, flat: np.ndarray) -> None:
    rows = now.rows[ended]
    better = now.near.cost[ended] < best.cost[rows]
    rows, ended = rows[better], ended[better]
    best.x[:, rows], best.cost[rows], best.converged[rows] = (
        now.x[:, ended],
        now.near.cost[ended],
        flat[better],
    )
