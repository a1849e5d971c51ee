"""How well a model does on spectra it never saw: errors, interval coverage, and what counts as unusual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Posterior, Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.stream import Source
from PCrCESTLib.synthesis.augment import draw_noise_levels
from PCrCESTLib.synthesis.spectra import CleanSpectra

NOISE_LEVELS = (0.01, 0.005, 0.002, 0.0005)
THRESHOLD_QUANTILE = 0.995
_Z90 = 1.6449


def scan_at(source: Source, clean: CleanSpectra, sigma: float, rng: np.random.Generator) -> Spectra:
    """Scan clean spectra at one noise level, R1 known to 3 %, relative B1 unknown."""
    spectra = source.scan(clean, np.full(len(clean), sigma, dtype=np.float32), rng)
    r1 = clean.r1_obs * (1 + 0.03 * rng.standard_normal(len(clean)))
    return replace(spectra, r1_obs=r1, relative_b1=np.full(len(clean), np.nan))


def measure_errors(
    model: Model, source: Source, clean: CleanSpectra, rng: np.random.Generator
) -> list[dict[str, float]]:
    """Relative RMSE and bias of fs and ksw and the coverage of their 90 % intervals, one row a noise level."""
    rows = []
    for sigma in NOISE_LEVELS:
        posterior = predict(model, scan_at(source, clean, sigma, rng), NumpyBackend())
        rows.append({"noise_sd": sigma, **error_summary(posterior, clean.fs, clean.ksw)})
    return rows


def error_summary(posterior: Posterior, fs: np.ndarray, ksw: np.ndarray) -> dict[str, float]:
    """Relative RMSE, relative bias and 90 % coverage against the truth (n,)."""
    summary = {}
    for name, mean, truth, log, sd in (
        ("fs", posterior.fs, fs, posterior.log_fs, posterior.log_sd_fs),
        ("ksw", posterior.ksw, ksw, posterior.log_ksw, posterior.log_sd_ksw),
    ):
        relative = mean / truth - 1
        summary[f"{name}_rmse"] = round(float(np.sqrt(np.mean(relative**2))), 4)
        summary[f"{name}_bias"] = round(float(np.mean(relative)), 4)
        covered = np.abs(np.log(truth) - log) < _Z90 * sd
        summary[f"{name}_coverage90"] = round(float(np.mean(covered)), 4)
    return summary


def spectral_thresholds(
    model: Model, source: Source, clean: CleanSpectra, rng: np.random.Generator
) -> dict[str, float]:
    """Return the values of residual and distance that all but 0.5 % of unseen training-like spectra stay below."""
    spectra = source.scan(clean, draw_noise_levels(len(clean), rng), rng)
    posterior = predict(model, spectra, NumpyBackend())
    return {
        "residual": round(float(np.quantile(posterior.residual, THRESHOLD_QUANTILE)), 4),
        "distance": round(float(np.quantile(posterior.distance, THRESHOLD_QUANTILE)), 4),
    }
