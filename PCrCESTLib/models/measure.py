"""How well a model does on spectra it never saw: errors, interval coverage, and what counts as unusual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Posterior, Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.stream import PERFECT_SHARE, Source
from PCrCESTLib.synthesis.families import REFERENCE
from PCrCESTLib.synthesis.reference import NOISE_LEVELS, R1_KNOWN_TO, reference_bound
from PCrCESTLib.synthesis.spectra import CleanSpectra, fully_synthetic

# Share of unseen muscle below each threshold, of the worst family at the worst noise level. What no muscle looks like
# lies far beyond the first two; the guard's mistakes are nearer, and so it gets the larger part of the false alarms.
THRESHOLD_QUANTILES = {"residual": 0.999, "distance": 0.999, "suspicion": 0.983}
MEASURED_SPECTRA, THRESHOLD_SPECTRA = 6_000, 100_000
Z90 = 1.6449  # half width of the 90 % interval of a normal distribution, in SDs


def scan_at(
    source: Source,
    clean: CleanSpectra,
    sigma: float,
    rng: np.random.Generator,
    *,
    perfect_share: float = PERFECT_SHARE,
) -> Spectra:
    """Scan clean spectra at one noise level (SD of Z), R1obs known to 3 %, relative B1 unknown.

    In a ``perfect_share`` of them the scanner adds noise only (`Source.scan`).
    """
    levels = np.full(len(clean), sigma, dtype=np.float32)
    spectra = source.scan(clean, levels, rng, perfect_share=perfect_share)
    r1 = clean.r1_obs * (1 + R1_KNOWN_TO * rng.standard_normal(len(clean)))
    return replace(spectra, r1_obs=r1, relative_b1=np.full(len(clean), np.nan))


def measured(
    model: Model, source: Source, clean: CleanSpectra, n_muscle: int, rng: np.random.Generator
) -> Model:
    """Return the model with its card's errors, measured on ``clean`` spectra it never saw, and its thresholds.

    ``n_muscle`` further spectra set the thresholds.
    """
    card = replace(
        model.card,
        measured_errors=measure_errors(model, source, clean, rng),
        over_bound=errors_over_bound(model, source, MEASURED_SPECTRA, rng),
        thresholds=spectral_thresholds(model, source, n_muscle, rng),
    )
    return replace(model, card=card)


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
        covered = np.abs(np.log(truth) - log) < Z90 * sd
        summary[f"{name}_coverage90"] = round(float(np.mean(covered)), 4)
    return summary


def errors_over_bound(model: Model, source: Source, n: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """RMSE of fs and ksw on the reference muscle in a perfect scanner, and over the bound; one row a noise level."""
    clean = fully_synthetic(REFERENCE, source.protocol, n, rng, fat=False)
    rows = []
    for best in reference_bound(source.protocol):
        posterior = predict(model, scan_at(source, clean, best.noise_sd, rng, perfect_share=1.0), NumpyBackend())
        row = {"noise_sd": best.noise_sd}
        for name, truth, bound in (("fs", clean.fs, best.fs), ("ksw", clean.ksw, best.ksw)):
            rmse = float(np.sqrt(np.mean((getattr(posterior, name) - truth) ** 2)) / np.mean(truth))
            row |= {f"{name}_rmse": round(rmse, 4), f"{name}_over_bound": round(rmse / bound, 3)}
        rows.append(row)
    return rows


def spectral_thresholds(
    model: Model, source: Source, n: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return the value of each measure of unusualness that nearly all muscle of every family stays below.

    ``n`` unseen spectra in all. The worst family at the worst noise decides: a patient with rare muscle, or a region
    with little noise, must not be flagged more often.
    """
    families = (REFERENCE, *source.families)
    chosen = {k: q for k, q in THRESHOLD_QUANTILES.items() if k != "suspicion" or "guard.0.weight" in model.params}
    worst = dict.fromkeys(chosen, -np.inf)
    each = max(n // (len(families) * len(NOISE_LEVELS)), 1)
    for family in families:
        clean = source.of_family(family, each, rng)
        for noise in NOISE_LEVELS:
            spectra = source.scan(clean, np.full(each, noise, dtype=np.float32), rng)
            posterior = predict(model, spectra, NumpyBackend())
            for name, q in chosen.items():
                worst[name] = max(worst[name], float(np.quantile(getattr(posterior, name), q)))
    return {name: round(value, 4) for name, value in worst.items()}
