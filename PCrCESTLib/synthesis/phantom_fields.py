"""Smooth random fields of the digital phantom: B0, relative B1, coil sensitivity, tissue variation."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.synthesis.phantom_shapes import GridCoordinates


def smooth_field(points: GridCoordinates, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random third-order polynomial, zero mean and largest magnitude one ``inside``; (z, y, x).

    Third order is what remains after a scanner's first- and second-order shims and what a transmit coil shows
    over a few centimeters; a polynomial is smooth on every grid, so refining the grid keeps the field.
    """
    x, y, z = points.x, points.y, points.z
    terms = np.stack([x, y, z, x * y, x**2 - y**2, x**2 + y**2, x * z, y * z, x**3, y**3, x**2 * y, x * y**2])
    field = np.tensordot(rng.normal(size=len(terms)), terms, axes=1)
    if not np.any(inside):
        return np.zeros_like(field)
    field = field - field[inside].mean()
    largest = np.abs(field[inside]).max()
    # Beyond the body the polynomial grows without bound; no voxel there has signal, so it is clipped.
    return np.clip(field / largest, -1, 1) if largest > 0 else field


def coil_sensitivity(points: GridCoordinates, rng: np.random.Generator) -> np.ndarray:
    """Receive sensitivity of a surface-like coil, about 0.8 to 1.2 over the legs; (z, y, x)."""
    x0, y0 = rng.uniform(-0.3, 0.3), rng.uniform(-1.2, -0.8)
    distance_squared = (points.x - x0) ** 2 + (points.y - y0) ** 2
    sensitivity: np.ndarray = 0.7 + 0.6 * np.exp(-distance_squared / 1.8)
    return sensitivity
