"""Exponentials and powers of many small matrices at once."""

from __future__ import annotations

import math

from PCrCESTLib.physics.arrays import Array, Backend

_TAYLOR = [1.0 / math.factorial(power) for power in range(17)]


def matrix_exponential(backend: Backend, matrices: Array) -> Array:
    """Exponential of every matrix of shape (..., size, size).

    Scaling and squaring of the Taylor polynomial of degree 16, evaluated with six products (Paterson and
    Stockmeyer, SIAM J Comput 2:60, 1973). After scaling to norm 1 its remainder is 1/17! = 3e-15.
    """
    norm = float(backend.detach(abs(matrices).sum(-2).max()))
    squarings = max(0, math.ceil(math.log2(norm))) if norm > 0.0 else 0
    x = matrices * 2.0**-squarings
    identity = backend.eye(matrices.shape[-1])
    x2 = x @ x
    x3 = x2 @ x
    x4 = x2 @ x2
    result = _TAYLOR[16] * x4
    for group in (12, 8, 4, 0):
        c0, c1, c2, c3 = _TAYLOR[group : group + 4]
        result = result + c0 * identity + c1 * x + c2 * x2 + c3 * x3
        if group:
            result = result @ x4
    for _ in range(squarings):
        result = result @ result
    return result


def matrix_power(backend: Backend, matrices: Array, exponent: int) -> Array:
    """Non-negative whole power of every matrix of shape (..., size, size), by repeated squaring."""
    result = backend.broadcast_to(backend.eye(matrices.shape[-1]), matrices.shape)
    while exponent:
        if exponent % 2:
            result = result @ matrices
        exponent //= 2
        if exponent:
            matrices = matrices @ matrices
    return result
