"""Absorption line shapes g(Δ) of the semi-solid pool, in s, each with unit area over Δ in rad/s.

The saturation rate is W = π ω1² g(Δ) (Henkelman et al., Magn Reson Med 29:759, 1993; super-Lorentzian:
Morrison and Henkelman, Magn Reson Med 33:475, 1995).
"""

from __future__ import annotations

import functools
import math

import numpy as np

from PCrCESTLib.physics.arrays import Array, Backend

LINE_SHAPES = ("super-lorentzian", "lorentzian", "gaussian")

# The super-Lorentzian depends on |Δ|·T2 alone. ln g/T2 against ln(|Δ|·T2) is so smooth that a cubic through
# 2048 nodes reproduces the quadrature to 1e-9; below the first node (0.2 Hz for T2 = 10 µs) g stays constant.
_NODES = 2048
_LOG_X_FIRST, _LOG_X_LAST = math.log(1e-7), math.log(12.0)
_STEP = (_LOG_X_LAST - _LOG_X_FIRST) / (_NODES - 1)


def line_shape(backend: Backend, kind: str, delta_rad_s: Array, t2_s: Array, cut_rad_s: float = 0.0) -> Array:
    """Absorption g(Δ) of a semi-solid pool.

    Parameters
    ----------
    backend : Backend
        Kind of the arrays.
    kind : str
        One of `LINE_SHAPES`.
    delta_rad_s : array
        Distance Δ of the irradiation from the middle of the line, rad/s.
    t2_s : float or array
        T2 of the pool in s; broadcasts against ``delta_rad_s``.
    cut_rad_s : float
        For the super-Lorentzian: half-width of the parabola around its middle, rad/s; 0 for none.

    Returns
    -------
    array
        g in s, in the common shape of ``delta_rad_s`` and ``t2_s``.
    """
    x = delta_rad_s * t2_s
    if kind == "lorentzian":
        return t2_s / (math.pi * (1.0 + x * x))
    if kind == "gaussian":
        return backend.exp(-0.5 * x * x) * (t2_s / math.sqrt(2.0 * math.pi))
    outside = backend.exp(_log_super_lorentzian(backend, abs(x))[0])
    if cut_rad_s <= 0.0:
        return outside * t2_s
    edge_log, edge_slope = _log_super_lorentzian(backend, backend.array(cut_rad_s * t2_s))
    relative = delta_rad_s / cut_rad_s
    # d ln g / d ln Δ = edge_slope at the edge, so this parabola joins with equal value and slope.
    inside = backend.exp(edge_log) * (1.0 + 0.5 * edge_slope * (relative * relative - 1.0))
    return backend.where(abs(relative) < 1.0, inside, outside) * t2_s


def _log_super_lorentzian(backend: Backend, x: Array) -> tuple[Array, Array]:
    """Give ln(g/T2) and its derivative by ln x for x = |Δ|·T2 from the table."""
    log_x = backend.log(backend.clip(x, math.exp(_LOG_X_FIRST), math.exp(_LOG_X_LAST)))
    position = backend.clip((log_x - _LOG_X_FIRST) * (1.0 / _STEP), 0.0, _NODES - 1.001)
    index = backend.as_index(position)
    u = position - backend.floor(position)
    c0, c1, c2, c3 = (backend.table(column)[index] for column in _cubic_coefficients())
    value = c0 + u * (c1 + u * (c2 + u * c3))
    slope = (c1 + u * (2.0 * c2 + u * (3.0 * c3))) * (1.0 / _STEP)
    return value, slope


@functools.lru_cache(maxsize=1)
def _cubic_coefficients() -> tuple[np.ndarray, ...]:
    """Coefficients of the cubic in each interval of the table, lowest power first."""
    from scipy.interpolate import CubicSpline

    log_x = np.linspace(_LOG_X_FIRST, _LOG_X_LAST, _NODES)
    spline = CubicSpline(log_x, np.log(super_lorentzian_quadrature(np.exp(log_x))))
    return tuple(np.ascontiguousarray(spline.c[3 - power] * _STEP**power) for power in range(4))


def super_lorentzian_quadrature(x: np.ndarray) -> np.ndarray:
    """Super-Lorentzian g/T2 at x = |Δ|·T2, shape (n,), from its defining integral.

    g/T2 = √(2/π) ∫₀¹ du exp(−2x²/a²)/a with a = |3u² − 1|. The two sides of the magic angle are integrated
    over a, below it with a = exp(−v²) and above it with a = exp(v): both integrands are then smooth.
    """
    below_v, below_w = _gauss_legendre(0.0, 4.8, 25)
    below = np.exp(-2.0 * (x[:, None] * np.exp(below_v**2)) ** 2) * 2.0 * below_v
    below_sum = (below / np.sqrt(-np.expm1(-(below_v**2)))) @ below_w
    above_v, above_w = _gauss_legendre(-23.0, math.log(2.0), 25)
    above = np.exp(-2.0 * (x[:, None] * np.exp(-above_v)) ** 2) / np.sqrt(1.0 + np.exp(above_v))
    return math.sqrt(2.0 / math.pi) / (2.0 * math.sqrt(3.0)) * (below_sum + above @ above_w)


def _gauss_legendre(low: float, high: float, panels: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the rule with 16 nodes on each of equal panels."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(low, high, panels + 1)[:-1, None]
    half = 0.5 * (high - low) / panels
    return (edges + half * (nodes + 1.0)).ravel(), np.tile(half * weights, panels)
