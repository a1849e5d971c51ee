"""Where the fit of a recovery starts: the best of a grid of R1 and of all places where the signal may change sign.

For a given R1 the recovery is linear in the other two parameters, so what they leave is known without a search
(Barral 2010, MRM 64:1057). Magnitude images do not say which of them were taken before the null; every place is tried.
"""

from __future__ import annotations

import numpy as np

GRID_PER_S = np.geomspace(0.1, 10.0, 40)
CHUNK_VOXELS = 2048


def recovery_start(
    y: np.ndarray, times_s: np.ndarray, tr_s: np.ndarray | float, most_flipped: int, *, saturated: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitude, R1 (s⁻¹) and ρ of every voxel, (n_voxels,) each; see `relaxometry` for the formula.

    Parameters
    ----------
    y : ndarray
        (n_voxels, n_times) signals.
    times_s : ndarray
        (n_times,) s, ascending if ``most_flipped`` is not 0.
    tr_s : float or ndarray
        s, one for all or (n_times,); infinite for full relaxation.
    most_flipped : int
        How many of the first images may have lost a minus sign; 0 for signed images.
    saturated : bool
        ρ is 1.
    """
    parts = [
        _start(y[i : i + CHUNK_VOXELS], times_s, tr_s, most_flipped, saturated)
        for i in range(0, len(y), CHUNK_VOXELS)
    ]
    if not parts:
        return np.empty(0), np.empty(0), np.empty(0)
    amplitude, r1, rho = (np.concatenate(p) for p in zip(*parts, strict=True))
    return amplitude, r1, rho


def _basis(times_s: np.ndarray, tr_s: np.ndarray | float, saturated: bool) -> np.ndarray:
    """Return what multiplies A and −A·ρ, (n_grid, n_times, 2), or A alone, (n_grid, n_times, 1)."""
    early = np.exp(-np.outer(GRID_PER_S, times_s))
    if saturated:
        return (1 - early)[:, :, None]
    late = np.exp(-np.outer(GRID_PER_S, np.broadcast_to(tr_s, times_s.shape)))
    return np.stack([1 - late, late - early], axis=2)


def _start(
    y: np.ndarray, times_s: np.ndarray, tr_s: np.ndarray | float, most_flipped: int, saturated: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    solver = np.linalg.pinv(_basis(times_s, tr_s, saturated))  # (grid, 1 or 2, times)
    explaining, _ = np.linalg.qr(_basis(times_s, tr_s, saturated))
    best = np.full(len(y), -np.inf)
    amplitude, r1, rho = np.ones(len(y)), np.ones(len(y)), np.full(len(y), 1.0 if saturated else 2.0)
    for flipped in range(most_flipped + 1):
        sign = np.where(np.arange(len(times_s)) < flipped, -1.0, 1.0)
        signed = y * sign
        explained = np.sum(np.einsum("vt,gtp->vgp", signed, explaining, optimize=True) ** 2, axis=2)
        weights = np.einsum("vt,gpt->vgp", signed, solver, optimize=True)
        explained[(weights <= 0).any(axis=2)] = -np.inf  # no recovery
        at = np.argmax(explained, axis=1)
        rows = np.nonzero(np.take_along_axis(explained, at[:, None], axis=1)[:, 0] > best)[0]
        chosen = weights[rows, at[rows]]
        best[rows] = explained[rows, at[rows]]
        amplitude[rows], r1[rows] = chosen[:, 0], GRID_PER_S[at[rows]]
        if not saturated:
            rho[rows] = chosen[:, 1] / chosen[:, 0]
    return amplitude, r1, rho
