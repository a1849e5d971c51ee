"""What a frame should look like at the reference position, told by the other frames.

Saturation changes the contrast from frame to frame, and near water muscle is black: no single image fits all frames.
But all frames are mixtures of a few images (muscle, fat, the fields' patterns), which the principal components of the
aligned frames span. A frame is left out of the components that predict it, so that noise does not predict itself;
every tenth frame is left out together, since decompositions take the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

_FOLDS = 10
_MOSTLY = 0.5  # of the energy of an image inside the mask


@dataclass(frozen=True)
class Prediction:
    """One frame as the others tell it.

    ``image`` is shaped like a frame; ``sd_voxels`` says how well the frame can tell its own position: the SD, in
    voxels along the worst axis, that its noise leaves (Cramér–Rao bound); ``similarity`` is the correlation of
    the aligned frame with the image inside the mask.
    """

    image: np.ndarray
    sd_voxels: float
    similarity: float


class LowRankModel:
    """Few images that all aligned frames are made of.

    Parameters
    ----------
    aligned : ndarray
        (n_frames, ...) frames at the reference position, finite.
    mask : ndarray of bool
        Voxels that count.
    n_components : int
        How many images.
    affine : bool
        Whether frames may be stretched as well as moved.
    """

    def __init__(self, aligned: np.ndarray, mask: np.ndarray, n_components: int, *, affine: bool) -> None:
        """Keep the products of all pairs of frames, from which leaving some out is cheap."""
        self._aligned, self.mask, self._affine = aligned, mask, affine
        self._inside = aligned[:, mask].astype(np.float64)
        self._products = self._inside @ self._inside.T
        self._n_components = n_components
        self._folds: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def predict(self, frame: int) -> Prediction:
        """Predict one frame from the others."""
        fold = frame % _FOLDS
        if fold not in self._folds:
            self._folds[fold] = self._components(np.arange(len(self._aligned)) % _FOLDS != fold)
        images, basis = self._folds[fold]
        amounts = np.linalg.lstsq(basis, self._inside[frame], rcond=1e-9)[0]
        return self._judged(np.tensordot(amounts, images, axes=1), self._inside[frame])

    def _components(self, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images (n_components, ...) and their values inside the mask (n_inside, n_components).

        A mixture of components after the first that is mostly the moved mean image is dropped: it would let the
        prediction follow the motion instead of showing it. What overlaps a little is contrast (fat that is thicker on
        one side) and stays, or that contrast would show as motion: 0.2 voxels near water on a rat leg.
        """
        products = self._products[np.ix_(used, used)]
        n = len(products)
        values, vectors = linalg.eigh(products, subset_by_index=(max(n - self._n_components, 0), n - 1))
        weights = vectors[:, ::-1][:, values[::-1] >= 1e-9 * values[-1]]
        images = np.tensordot(weights, self._aligned[used], axes=(0, 0)).astype(np.float64)
        if len(images) == 1:
            return images, images[:, self.mask].T
        moves = displacements(images[0], affine=self._affine)
        directions, _ = np.linalg.qr(moves[:, self.mask].T)
        inside, triangle = np.linalg.qr(images[1:, self.mask].T)
        _, overlap, mixtures = np.linalg.svd(directions.T @ inside, full_matrices=True)
        looks_moved = np.zeros(len(mixtures), dtype=bool)
        looks_moved[: len(overlap)] = overlap**2 > _MOSTLY
        weights = np.linalg.solve(triangle, mixtures[~looks_moved].T)
        images = np.concatenate([images[:1], np.tensordot(weights.T, images[1:], axes=1)])
        return images, images[:, self.mask].T

    def _judged(self, image: np.ndarray, measured: np.ndarray) -> Prediction:
        inside = image[self.mask]
        noise = 1.4826 * float(np.median(np.abs(measured - inside)))
        slopes = [float(np.sum(g[self.mask] ** 2)) for g in _gradients(image)]
        weakest = min(slopes)
        sd = noise / np.sqrt(weakest) if weakest > 0 else np.inf
        return Prediction(image.astype(np.float32), sd, correlation(measured, inside))


def displacements(image: np.ndarray, *, affine: bool) -> np.ndarray:
    """Return how an image changes by small moves (first order), (n_moves, ...), each of unit norm.

    Shifts along every axis, then rotations in every plane, or all linear maps if ``affine``.
    """
    slopes = _gradients(image)
    grid = np.meshgrid(*[np.linspace(-0.5, 0.5, n) * n for n in image.shape], indexing="ij")
    axes = range(len(slopes))
    pairs = [(i, j) for i in axes for j in axes if affine or i < j]
    moves = list(slopes)
    for i, j in pairs:
        moves.append(grid[i] * slopes[j] - (0.0 if affine else 1.0) * grid[j] * slopes[i])
    return np.stack([m / max(float(np.linalg.norm(m)), 1e-12) for m in moves])


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 where one is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.dot(a, b)) / norm if norm > 0 else 0.0


def _gradients(image: np.ndarray) -> list[np.ndarray]:
    """Slope per voxel along every axis that has at least two voxels."""
    return [np.gradient(image, axis=i) for i in range(image.ndim) if image.shape[i] > 1]
