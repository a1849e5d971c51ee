"""How the result of a least-squares fit answers to its data: what turns noise of Z into the SD of a peak."""

from __future__ import annotations

import numpy as np


def gain(slope: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return d(parameter)/d(datum) of n unweighted fits at their optimum, (n, n_parameters, n_data).

    Gauss–Newton: (JᵀJ)⁻¹Jᵀ over the free parameters; those that a bound holds do not answer.

    Parameters
    ----------
    slope : ndarray
        (n, n_data, n_parameters) derivatives of the fitted curve.
    free : ndarray of bool
        (n, n_parameters).
    """
    n_parameters = slope.shape[2]
    held = np.where(free[:, None, :], slope, 0.0)
    scale = np.sqrt(np.einsum("nmp,nmp->np", held, held))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = held / scale[:, None, :]
    matrix = np.swapaxes(scaled, 1, 2) @ scaled
    index = np.arange(n_parameters)
    # A unit on the diagonal of what is held keeps the matrix regular; the trace of ridge, of what cannot be told apart.
    matrix[:, index, index] += np.where(free, 1e-10, 1.0)
    return np.asarray(np.linalg.solve(matrix, np.swapaxes(scaled, 1, 2)) / scale[:, :, None])


def free_parameters(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Tell which parameters (n, n_parameters) lie inside their bounds, and so answer to the data."""
    edge = 1e-6 * (high - low)
    return np.asarray((x > low + edge) & (x < high - edge))
