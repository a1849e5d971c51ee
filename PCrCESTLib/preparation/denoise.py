"""Noise removed from the frames by keeping only the principal components that stand out of it.

Voxel x frame matrices of muscle hold few spectra plus noise. The eigenvalues of pure noise follow the
Marchenko-Pastur law; what lies above its edge is signal (Veraart et al., NeuroImage 2016;142:394; for CEST:
Breitling et al., NMR Biomed 2019;32:e4133). The decomposition takes all tissue voxels at once, since few
components must serve many voxels to be told from noise.

What the noise is afterwards: the kept components hold the same noise as before, all of it in the very shapes that
signal has; only what lies outside of them is gone. An estimator that knows the shapes of muscle spectra, as the network
does, discards much of that part by itself. So the noise level to compute with stays the one **before** denoising.
On a rat leg (noise of Z 0.01) the error of fs fell from 22 to 18 % with it, and its SDs are then somewhat too wide;
with the level that the denoised spectra seem to have it rose to 32 %, and the 90 % intervals held 76 %.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.preparation.mask import bright_voxels
from PCrCESTLib.series import CestSeries

MIN_VOXELS = 80  # as for the noise estimate: fewer voxels do not show a subspace


@dataclass(frozen=True)
class Denoised:
    """How one series was denoised.

    ``n_components`` of ``n_frames`` were kept besides the mean spectrum. ``noise_sd`` is that of one frame's
    intensities before, in image units, as the law gives it; ``n_voxels`` took part. ``done`` is False where there were
    too few.
    """

    n_components: int
    n_frames: int
    n_voxels: int
    noise_sd: float
    done: bool

    @property
    def note(self) -> str:
        """One sentence for the user."""
        if not self.done:
            return f"not denoised: {self.n_voxels} tissue voxels cannot tell signal from noise ({MIN_VOXELS} can)"
        return (
            f"denoised by principal components: the mean and {self.n_components} of {self.n_frames} components "
            f"were kept (Marchenko-Pastur, {self.n_voxels} voxels); SDs still rest on the noise before"
        )


def denoise_series(series: Sequence[CestSeries]) -> tuple[list[CestSeries], tuple[Denoised, ...]]:
    """Denoise every series by itself; voxels outside tissue stay as they are."""
    pairs = [_denoise_one(s) for s in series]
    return [s for s, _ in pairs], tuple(d for _, d in pairs)


def _denoise_one(series: CestSeries) -> tuple[CestSeries, Denoised]:
    tissue = _tissue(series)
    n_voxels = int(tissue.sum())
    if n_voxels < MIN_VOXELS:
        return series, Denoised(0, series.n_frames, n_voxels, float("nan"), done=False)
    spectra, noise, k = denoise(series.data[:, tissue].T)
    data = series.data.copy()
    data[:, tissue] = spectra.T.astype(np.float32)
    return dataclasses.replace(series, data=data), Denoised(k, series.n_frames, n_voxels, noise, done=True)


def denoise(matrix: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Keep the mean and the components above the noise.

    Parameters
    ----------
    matrix : ndarray
        (n_voxels, n_frames), finite, noise of the same SD everywhere.

    Returns
    -------
    denoised : ndarray
        float64 (n_voxels, n_frames).
    noise_sd : float
        SD of the noise that was in it.
    n_components : int
        Number of components kept besides the mean.
    """
    values = matrix.astype(np.float64)
    center = values.mean(axis=0)
    u, singular, vt = np.linalg.svd(values - center, full_matrices=False)
    k, noise = marchenko_pastur(singular, *matrix.shape)
    return center + (u[:, :k] * singular[:k]) @ vt[:k], noise, k


def marchenko_pastur(singular: np.ndarray, n: int, m: int) -> tuple[int, float]:
    """Count the singular values above the noise of an (n, m) matrix; return that and the noise SD.

    Equations 10 to 12 of Veraart et al.: the fewest components for which the mean of the remaining eigenvalues is no
    less than the noise variance that the width of their spectrum, 4 σ² √γ, implies.
    """
    long, short = max(n, m), min(n - 1, m)  # centering takes one voxel's freedom
    eigenvalues = singular[:short] ** 2 / long
    for k in range(len(eigenvalues)):
        rest = eigenvalues[k:]
        by_mean = float(rest.mean())
        by_width = float(rest[0] - rest[-1]) / (4 * np.sqrt(len(rest) / long))
        if by_width < by_mean:
            return k, float(np.sqrt(by_mean))
    return len(eigenvalues), 0.0


def _tissue(series: CestSeries) -> np.ndarray:
    finite = np.all(np.isfinite(series.data), axis=0)
    references = series.protocol.reference_frames
    if series.protocol.normalized or not references:
        return np.asarray(finite & np.any(series.data != 0, axis=0))
    return np.asarray(finite & bright_voxels(series.data[list(references)].mean(axis=0)))
