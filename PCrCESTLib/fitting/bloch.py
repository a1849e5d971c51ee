"""Bloch–McConnell fit: fs, ksw and everything else that may vary, from all powers at once, by the exact engine.

Least squares with what is known beforehand as further residuals, so that the answer is the mode of the posterior, and
its covariance (JᵀJ/σ² + 1/p²)⁻¹ the one whose lower limit is the bound of `physics.bound`. The gold standard where the
tissue is what the fit takes it for, and slow: every iteration simulates one spectrum for each parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from PCrCESTLib.fitting.levenberg import solve
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.physics.bound import Frames
from PCrCESTLib.physics.prior import SCANNER_PATHS, Prior, get_value, with_values
from PCrCESTLib.physics.tissue import Tissue

STEP = 1e-4  # of forward differences in ln(parameter) or ppm; the engine is exact to 1e-12
REACH = 4.0  # prior SDs to either side within which the mode is searched
TOLERANCE = 1e-4  # of χ², about the number of frames: a step that gains a tenth of one is nothing
MAX_ITERATIONS = 60


@dataclass(frozen=True)
class BlochFit:
    """Posterior modes of n spectra.

    Parameters
    ----------
    prior : tuple of Prior
        The free parameters in order.
    x : ndarray
        (n, n_parameters) ln(value/start), or the difference in ppm for B0.
    covariance : ndarray
        (n, n_parameters, n_parameters) of ``x``.
    misfit : ndarray
        (n,) RMS of measured minus fitted Z over its noise SD.
    converged : ndarray of bool
        (n,).
    """

    prior: tuple[Prior, ...]
    x: np.ndarray
    covariance: np.ndarray
    misfit: np.ndarray
    converged: np.ndarray

    def factor(self, path: str) -> np.ndarray:
        """Fitted over starting value of a relative parameter, (n,)."""
        return np.exp(self.x[:, self._index(path)])

    def sd(self, path: str) -> np.ndarray:
        """SD of ln(value), or of the value in ppm for B0, (n,)."""
        i = self._index(path)
        return np.sqrt(self.covariance[:, i, i])

    def correlation(self, one: str, other: str) -> np.ndarray:
        """Correlation of two parameters, (n,)."""
        return np.asarray(
            self.covariance[:, self._index(one), self._index(other)] / (self.sd(one) * self.sd(other))
        )

    def _index(self, path: str) -> int:
        return [p.path for p in self.prior].index(path)


@dataclass(frozen=True, eq=False)
class Start:
    """Where the fit of n spectra begins: usual ``tissue`` and each spectrum's own numbers.

    ``values`` holds (n,) arrays by path (``water.t1_s``, ``b0_shift_ppm``, ``relative_b1``, …); all else is the
    tissue's. ``prior_sd`` holds (n,) SDs of parameters that are known better of some spectra than their `Prior` says.
    """

    tissue: Tissue
    values: dict[str, np.ndarray]
    prior_sd: dict[str, np.ndarray] = field(default_factory=dict)

    def value(self, path: str, rows: np.ndarray) -> np.ndarray:
        """Return the starting values of some spectra."""
        if path in self.values:
            return self.values[path][rows]
        usual = {"b0_shift_ppm": 0.0, "relative_b1": 1.0}
        number = usual[path] if path in usual else float(get_value(self.tissue, path))
        return np.full(len(rows), number)


def fit_tissue(
    frames: Frames, z: np.ndarray, sigma: np.ndarray, start: Start, prior: Sequence[Prior]
) -> BlochFit:
    """Fit n spectra.

    Parameters
    ----------
    frames : Frames
        Saturated frames.
    z : ndarray
        (n, n_frames).
    sigma : ndarray
        (n,) noise SD of Z.
    start : Start
        Where to begin, and the middle of the prior.
    prior : sequence of Prior
        What is free, and how well it is known.
    """
    n, p = len(z), len(prior)
    sd = np.stack([start.prior_sd.get(q.path, np.full(n, q.sd)) for q in prior], axis=1)
    model = _misfit(frames, z, sigma, start, prior, sd)
    found = solve(
        model, np.zeros((n, p)), -REACH * sd, REACH * sd, tolerance=TOLERANCE, max_iterations=MAX_ITERATIONS
    )
    residual, slope = model(found.x, np.arange(n))
    information = np.swapaxes(slope, 1, 2) @ slope
    finite = np.isfinite(information).all(axis=(1, 2))
    covariance = np.full((n, p, p), np.nan)
    covariance[finite] = np.linalg.inv(information[finite])
    misfit = np.sqrt(np.mean(residual[:, : z.shape[1]] ** 2, axis=1))
    return BlochFit(tuple(prior), found.x, covariance, misfit, found.converged & finite)


def fitted_spectra(frames: Frames, fit: BlochFit, start: Start, without: str | None = None) -> np.ndarray:
    """Z of the fitted tissues, (n, n_frames); ``without`` names a pool that is taken out."""
    changed = {fit.prior[i].path: fit.x[:, i] for i in range(len(fit.prior))}
    rows = np.arange(len(fit.x))
    return _simulate(
        frames, start, fit.prior, rows, np.stack([changed[q.path] for q in fit.prior], axis=1), without
    )


def _misfit(
    frames: Frames, z: np.ndarray, sigma: np.ndarray, start: Start, prior: Sequence[Prior], sd: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    p = len(prior)
    steps = np.concatenate([np.zeros((1, p)), STEP * np.eye(p)])

    def model(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        k = len(x)
        tried = (x + steps[:, None, :]).reshape(-1, p)
        spectra = _simulate(frames, start, prior, np.tile(rows, p + 1), tried).reshape(p + 1, k, -1)
        noise = sigma[rows][:, None]
        slope = np.moveaxis((spectra[1:] - spectra[0]) / STEP, 0, 2) / noise[:, :, None]
        known = np.eye(p) / sd[rows][:, :, None]
        residual = np.concatenate([(spectra[0] - z[rows]) / noise, x / sd[rows]], axis=1)
        return residual, np.concatenate([slope, known], axis=1)

    return model


def _simulate(
    frames: Frames,
    start: Start,
    prior: Sequence[Prior],
    rows: np.ndarray,
    x: np.ndarray,
    without: str | None = None,
) -> np.ndarray:
    """Z (n, n_frames) of the spectra ``rows`` (n,) with parameters ``x`` (n, n_parameters)."""
    values = {path: start.value(path, rows) for path in start.values}
    for q, column in zip(prior, x.T, strict=True):
        for path in (q.path, *q.tied):
            value = start.value(path, rows)
            values[path] = value * np.exp(column) if q.relative else value + column
    shift, b1 = (values.pop(path) if path in values else start.value(path, rows) for path in SCANNER_PATHS)
    tissue = with_values(start.tissue, values)
    if without is not None:
        tissue = tissue.without(without)
    z = z_spectra(
        tissue,
        frames.saturation,
        frames.offsets_ppm,
        frames.b1_ut,
        frames.field_t,
        b0_shift_ppm=shift,
        relative_b1=b1,
    )
    return np.asarray(z)
