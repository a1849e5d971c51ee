"""Sums of Lorentzian lines as a separable least-squares problem (Golub and Pereyra 2003, Inverse Problems 19:R1).

For given positions and widths the best heights are a small linear problem, so only positions and widths are searched,
and no start has to guess heights. All that the search needs are products of the lines, their derivatives and the
spectrum with each other, summed over offsets. With u = 2(Δ − c)/w and the line L = 1/(1 + u²):

    ∂L/∂c = (4/w)·uL²,  ∂L/∂ln w = 2(L − L²),  ∂²L/∂c² = (4/w²)(6L² − 8L³),
    ∂²L/∂c∂ln w = (8/w)(uL² − 2uL³),  ∂²L/∂(ln w)² = 4L − 12L² + 8L³.
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.fitting.boxed import eliminate, minimum_in_box
from PCrCESTLib.fitting.newton import Local

CACHE = 2**19  # bytes of lines and their derivatives that stay in a processor's cache
PLACES, LEAST_GAIN = 4, 1e-6  # places tried for positions and for widths; share of the sum of squares


class LineSum:
    """Half the sum of squares of Σ A·L − y for n spectra y, with the best heights A within their limits.

    Its parameters x (2P, k) are the position of the first line, the positions of the others from there, and the
    logarithms of all widths, in ppm.

    Parameters
    ----------
    offsets_ppm : ndarray
        (m,).
    spectra : ndarray
        (n, m); all is computed in its precision.
    low, high : ndarray
        (P,) limits of the heights.
    """

    def __init__(
        self, offsets_ppm: np.ndarray, spectra: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> None:
        kind = spectra.dtype
        self._offsets = np.stack([offsets_ppm, np.ones(len(offsets_ppm))]).astype(kind)
        self._spectra, self._low, self._high = spectra, low[:, None].astype(kind), high[:, None].astype(kind)
        self._height = np.repeat((self._low + self._high) / 2, len(spectra), axis=1)  # as evaluated last
        self.rounding = 2 * np.finfo(kind).eps * np.sum(spectra**2, axis=1)
        """(n,) errors of the cost, which is a difference of sums of squares."""

    def __call__(self, x: np.ndarray, rows: np.ndarray) -> Local:
        """Return the problem near x as a function of positions and widths alone."""
        first, second = self._products(x, rows)
        n = len(self._low)
        height = self._best_heights(first[:n, :n], first[n, :n], rows)
        misfit = np.einsum("ik,ijk->jk", height, first[:n]) - first[n]  # of Σ A·L − y with every column
        cost = 0.5 * (np.sum(height * misfit[:n], axis=0) - misfit[n])
        system = _normal_matrix(x, height, first, second)
        scale = np.einsum("iik->ik", system)[n:].copy()
        scale[0] = np.sum(system[n : 2 * n, n : 2 * n], axis=(0, 1))
        gradient = _add_second_derivatives(system, x, height, misfit)
        _share_shift(system, n)
        # Heights at a limit stay there for the step.
        free = (height > self._low) & (height < self._high)
        system[:n] *= free[:, None]
        system[:n, :n] *= free
        np.einsum("iik->ik", system)[:n] += ~free
        eliminate(system, n)
        return Local(cost, gradient, system[n:, n:], scale)

    def heights(self, x: np.ndarray) -> np.ndarray:
        """Return the best heights (P, n) at x (2P, n)."""
        n, rows = len(self._low), np.arange(x.shape[1])
        first, _ = self._products(x, rows)
        return self._best_heights(first[:n, :n], first[n, :n], rows)

    def rekindle(
        self, x: np.ndarray, rows: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Move lines of no height to where they would lower the misfit most.

        Where a line has no height, nothing tells its position and width where to go, and a search is stuck there.

        Parameters
        ----------
        x : ndarray
            (2P, k) parameters of the spectra ``rows``, where they were evaluated last.
        low, high : ndarray
            (2P,) limits within which places are looked for.

        Returns
        -------
        moved : ndarray of bool
            (k,) where a line would help.
        x : ndarray
            (2P, k).
        """
        n, x, moved = len(self._low), x.copy(), np.zeros(len(rows), dtype=bool)
        dead, who = np.nonzero(self._height[1:, rows] <= self._low[1:])
        dead, height = dead + 1, self._height[:, rows[who]]
        misfit = self._spectra[rows[who]] - np.einsum(
            "ik,kim->km", height, self._lines(x[:n, who], x[n:, who])
        )
        # Places of one dead line each, beside each other.
        grid = np.linspace(low, high, PLACES)[:, [dead, n + dead]]
        place, width = np.repeat(grid[:, 0], PLACES, axis=0), np.tile(grid[:, 1], (PLACES, 1))
        unit = self._lines(np.concatenate([x[:1, who], place]), np.concatenate([width[:1], width]))[:, 1:]
        gain = (unit @ misfit[:, :, None])[:, :, 0] / np.linalg.norm(unit, axis=2)
        most = np.argmax(gain, axis=1)
        useful = np.nonzero(
            np.max(gain, axis=1, initial=0) > np.sqrt(LEAST_GAIN) * np.linalg.norm(misfit, axis=1)
        )[0]
        x[dead[useful], who[useful]] = place[most[useful], useful]
        x[n + dead[useful], who[useful]] = width[most[useful], useful]
        moved[who[useful]] = True
        return moved, x

    def _lines(self, position: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Lines of height 1, (k, q, m), the first position moving all; positions and logarithms of widths (q, k)."""
        u = self._to_offsets(position, width) @ self._offsets
        return np.asarray(1 / (1 + u * u))

    @staticmethod
    def _to_offsets(position: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Return 2/w and −2c/w, which make u of offsets and ones, (k, q, 2)."""
        center = position.T.copy()
        center[:, 1:] += center[:, :1]
        factor = 2 * np.exp(-width.T)
        return np.stack([factor, -factor * center], axis=2)

    def _best_heights(self, matrix: np.ndarray, wanted: np.ndarray, rows: np.ndarray) -> np.ndarray:
        ridge, last = 16 * np.finfo(matrix.dtype).eps * np.einsum("iik->ik", matrix), self._height[:, rows]
        side = (last >= self._high).astype(np.int8) - (last <= self._low)
        height = minimum_in_box(matrix, -wanted, self._low, self._high, side, ridge)[0]
        self._height[:, rows] = height
        return height

    def _products(self, x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum over offsets (L, y) times (L, y, uL², L², uL³, L³), and (uL², L²) times themselves.

        After y come zeros up to a multiple of four, which the multiplication likes better: (q, q + 4P, k), (2P, 2P, k).
        """
        n, k, m = len(self._low), x.shape[1], self._offsets.shape[1]
        q = 4 * (n // 4 + 1)
        to_u = self._to_offsets(x[:n], x[n:])
        first, second = np.empty((k, q, q + 4 * n), x.dtype), np.empty((k, 2 * n, 2 * n), x.dtype)
        size = max(CACHE // ((q + 4 * n) * m * x.itemsize), 1)
        space = np.zeros((min(k, size), q + 4 * n, m), x.dtype)
        for begin in range(0, k, size):
            block = slice(begin, min(begin + size, k))
            part = space[: block.stop - begin]
            lines, slopes, cubes = part[:, :n], part[:, q : q + 2 * n], part[:, q + 2 * n :]
            u = (to_u[block].reshape(-1, 2) @ self._offsets).reshape(lines.shape)
            np.multiply(u, u, out=lines)
            lines += 1
            np.reciprocal(lines, out=lines)
            part[:, n] = self._spectra[rows[block]]
            np.multiply(lines, lines, out=slopes[:, n:])
            np.multiply(u, slopes[:, n:], out=slopes[:, :n])
            pair = (len(part), 2, n, m)
            np.multiply(slopes.reshape(pair), lines[:, None], out=cubes.reshape(pair))
            np.matmul(part[:, :q], part.transpose(0, 2, 1), out=first[block])
            np.matmul(slopes, slopes.transpose(0, 2, 1), out=second[block])
        return np.ascontiguousarray(first.transpose(1, 2, 0)), np.ascontiguousarray(second.transpose(1, 2, 0))


def _normal_matrix(x: np.ndarray, height: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """JᵀJ of heights, positions and log widths, (3P, 3P, k), above its diagonal; every position by itself."""
    n, q = len(height), len(first)
    along, across = 4 * height * np.exp(-x[n:]), 2 * height
    lines, slopes, squares = first[:n, :n], first[:n, q : q + n], first[:n, q + n : q + 2 * n]
    system = np.empty((3 * n, 3 * n, height.shape[1]), height.dtype)
    system[:n, :n] = lines
    np.multiply(slopes, along, out=system[:n, n : 2 * n])
    np.multiply(lines - squares, across, out=system[:n, 2 * n :])
    np.multiply(second[:n, :n], along[:, None] * along, out=system[n : 2 * n, n : 2 * n])
    mixed = slopes.transpose(1, 0, 2) - second[:n, n:]
    np.multiply(mixed, along[:, None] * across, out=system[n : 2 * n, 2 * n :])
    wide = lines - squares - squares.transpose(1, 0, 2) + second[n:, n:]
    np.multiply(wide, across[:, None] * across, out=system[2 * n :, 2 * n :])
    return system


def _add_second_derivatives(
    system: np.ndarray, x: np.ndarray, height: np.ndarray, misfit: np.ndarray
) -> np.ndarray:
    """Add the products of the misfit with the second derivatives of the sum; return its gradient, (2P, k)."""
    n, narrow = len(height), np.exp(-x[len(height) :])
    line, (slope, square, slope_cube, cube) = misfit[:n], np.split(misfit[-4 * n :], 4)
    by_position, by_width, i = 4 * narrow * slope, 2 * (line - square), np.arange(n)
    system[i, n + i] += by_position
    system[i, 2 * n + i] += by_width
    system[n + i, n + i] += height * narrow**2 * (24 * square - 32 * cube)
    system[n + i, 2 * n + i] += height * narrow * (8 * slope - 16 * slope_cube)
    system[2 * n + i, 2 * n + i] += height * (4 * line - 12 * square + 8 * cube)
    gradient = np.concatenate([height * by_position, height * by_width])
    gradient[0] = np.sum(gradient[:n], axis=0)
    return gradient


def _share_shift(system: np.ndarray, n: int) -> None:
    """Let the first position move all lines, and fill in positions and widths below the diagonal."""
    system[:n, n] = np.sum(system[:n, n : 2 * n], axis=1)
    system[n, n + 1 :] = np.sum(system[n : 2 * n, n + 1 :], axis=0)
    system[n, n] += np.sum(system[n, n + 1 : 2 * n], axis=0) + np.sum(system[n + 1 : 2 * n, n], axis=0)
    system[n + 1 : 2 * n, n] = system[n, n + 1 : 2 * n]
    system[2 * n :, n : 2 * n] = system[n : 2 * n, 2 * n :].transpose(1, 0, 2)
