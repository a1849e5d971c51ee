"""Which estimate of a region is best: the mean of its voxels, or the network on some mean of its spectra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from PCrCESTLib.evaluation.animals import (
    MUSCLES,
    N_VOXELS,
    VOXEL_NOISE_SD,
    Muscle,
    draw_animals,
    voxel_spectra,
)
from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.evaluation.testsets import source_of
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Posterior, Spectra, predict
from PCrCESTLib.models.measure import Z90
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.region import at_likely_noise, mean_spectrum
from PCrCESTLib.preparation.b0 import samples_water_dip, shift_from_dip
from PCrCESTLib.protocol import Protocol

SPREADS = ((0.02, 0.02), (0.06, 0.05), (0.12, 0.10))  # SD of B0 (ppm) and of relative B1 within a region
STRATA = 4


@dataclass(frozen=True)
class Region:
    """Log estimate of (fs, ksw) with its covariance, (2,) and (2, 2); the SD is that of the estimate."""

    mean: np.ndarray
    covariance: np.ndarray


Estimator = Callable[[Model, Spectra, np.ndarray], Region]


def regions_section(model: Model, protocol: Protocol, effort: Effort) -> Section:
    """Compare six estimates of a region on two muscles and three spreads of B0 and B1 within it."""
    n_regions = max(8, min(60, effort.n_spectra // 60))
    header = ["estimate", *(f"B0 ±{b0:g} ppm, B1 ±{b1:.0%}" for b0, b1 in SPREADS)]
    parts = [
        f"{n_regions} regions of {N_VOXELS} voxels, SD of Z {VOXEL_NOISE_SD:g}, for each column; relative RMSE of fs / "
        "ksw, in brackets the share of regions whose truth lies in the 90 % interval. B0 and B1 vary within a region "
        "by the SDs above the columns; R1obs is known to 3 %, B1 unknown but for the last estimate, which is told the "
        "B1 map.\n"
    ]
    scores: dict[str, dict[str, list[float]]] = {}
    for muscle in MUSCLES:
        table = {name: _errors(muscle, model, protocol, estimator, n_regions, effort) for name, estimator in ESTIMATORS}
        scores[muscle.family] = {name: [e for cell in cells for e in cell[:2]] for name, cells in table.items()}
        rows = [[name, *(_cell(*cell) for cell in cells)] for name, cells in table.items()]
        parts += [f"### {muscle.family} muscle\n", markdown_table(header, rows)]
    parts.append(_verdict(scores))
    return Section("Regions: which estimate to report", "\n".join(parts), scores=scores)


def _errors(
    muscle: Muscle, model: Model, protocol: Protocol, estimator: Estimator, n_regions: int, effort: Effort
) -> list[tuple[float, float, float, float]]:
    """RMSE and coverage of fs and ksw, one row a spread; every estimator sees the same regions."""
    source = source_of(protocol)
    rows = []
    for b0, b1 in SPREADS:
        rng = np.random.default_rng(effort.seed)
        animals = draw_animals(muscle, n_regions, rng)
        voxels, true_b1 = voxel_spectra(animals, protocol, source, rng, b0_sd_within_ppm=b0, b1_sd_within=b1)
        found = []
        for i in range(n_regions):
            own = slice(i * N_VOXELS, (i + 1) * N_VOXELS)
            found.append(estimator(model, voxels.rows(own), true_b1[own]))
        truth = np.stack([animals.fs, animals.ksw], axis=1)
        mean = np.array([r.mean for r in found])
        sd = np.sqrt(np.array([np.diag(r.covariance) for r in found]))
        rmse = np.sqrt(np.mean((np.exp(mean) / truth - 1) ** 2, axis=0))
        inside = np.mean(np.abs(mean - np.log(truth)) < Z90 * sd, axis=0)
        rows.append((float(rmse[0]), float(rmse[1]), float(inside[0]), float(inside[1])))
    return rows


def _cell(fs: float, ksw: float, fs_inside: float, ksw_inside: float) -> str:
    return f"{fs:.1%} ({fs_inside:.0%}) / {ksw:.1%} ({ksw_inside:.0%})"


def _verdict(scores: dict[str, dict[str, list[float]]]) -> str:
    """Name the estimate with the smallest worst-case error of fs among those that need no B1 map."""
    names = [name for name, _ in ESTIMATORS[:-1]]
    worst = {name: max(max(table[name][::2]) for table in scores.values()) for name in names}
    best = min(worst, key=lambda name: worst[name])
    others = ", ".join(f"{name} {error:.0%}" for name, error in worst.items() if name != best)
    return f"The smallest error of fs in the worst case has: **{best}**, {worst[best]:.0%} ({others}).\n"


def _voxel_mean(model: Model, voxels: Spectra, _: np.ndarray) -> Region:
    p = predict(model, voxels, NumpyBackend())
    values = np.stack([p.fs, p.ksw])
    sd = values.std(axis=1) / values.mean(axis=1) / np.sqrt(len(voxels))
    return Region(np.log(values.mean(axis=1)), np.diag(sd**2))


def _fused(model: Model, voxels: Spectra, _: np.ndarray) -> Region:
    """Voxel posteriors multiplied as if independent, the prior counted once."""
    return _product(_regions(predict(model, voxels, NumpyBackend())), model)


def _plain_mean(model: Model, voxels: Spectra, _: np.ndarray) -> Region:
    """Average the voxels as they are and align the mean, what one would do without a thought."""
    z = [block.mean(axis=0, keepdims=True) for block in voxels.z]
    shift = np.zeros(1)
    if samples_water_dip(voxels.offsets_ppm[0]):
        shift, _found = shift_from_dip(z[0], voxels.offsets_ppm[0])
    sigma = mean_spectrum(voxels, model.grid_ppm).sigma
    return _estimate(model, replace(voxels.rows(slice(0, 1)), z=z, b0_ppm=shift, sigma=sigma))


def _aligned_mean(model: Model, voxels: Spectra, _: np.ndarray) -> Region:
    return _estimate(model, mean_spectrum(voxels, model.grid_ppm))


def _aligned_mean_likely_noise(model: Model, voxels: Spectra, _: np.ndarray) -> Region:
    return _estimate(model, at_likely_noise(model, mean_spectrum(voxels, model.grid_ppm)))


def _stratified(model: Model, voxels: Spectra, relative_b1: np.ndarray) -> Region:
    """B0-aligned means of strata of equal B1, each told its B1, their posteriors multiplied."""
    parts = []
    for rows in np.array_split(np.argsort(relative_b1), STRATA):
        stratum = mean_spectrum(voxels.rows(rows), model.grid_ppm)
        parts.append(_estimate(model, replace(stratum, relative_b1=np.array([relative_b1[rows].mean()]))))
    return _product(parts, model)


ESTIMATORS: tuple[tuple[str, Estimator], ...] = (
    ("mean of voxels", _voxel_mean),
    ("product of voxel posteriors", _fused),
    ("mean spectrum as it is", _plain_mean),
    ("B0-aligned mean spectrum", _aligned_mean),
    ("B0-aligned mean spectrum at its likely noise", _aligned_mean_likely_noise),
    ("B1-stratified aligned mean spectra", _stratified),
)


def _estimate(model: Model, mean: Spectra) -> Region:
    return _regions(predict(model, mean, NumpyBackend()))[0]


def _regions(p: Posterior) -> list[Region]:
    means = np.stack([p.log_fs, p.log_ksw], axis=1)
    cross = p.log_correlation * p.log_sd_fs * p.log_sd_ksw
    covariances = np.stack([[p.log_sd_fs**2, cross], [cross, p.log_sd_ksw**2]]).transpose(2, 0, 1)
    return [Region(m, c) for m, c in zip(means, covariances, strict=True)]


def _product(parts: list[Region], model: Model) -> Region:
    """Multiply the likelihoods behind the posteriors, each posterior over the prior, and the prior once.

    A posterior wider than the prior has no likelihood in that direction and adds nothing there.
    """
    prior = np.diag(1 / model.log_sd.astype(np.float64) ** 2)
    center = model.log_mean.astype(np.float64)
    total, weighted = prior.copy(), prior @ center
    for part in parts:
        precision = np.linalg.inv(part.covariance)
        values, vectors = np.linalg.eigh(precision - prior)
        informative = vectors[:, values > 0]
        total += (informative * values[values > 0]) @ informative.T
        weighted += informative @ (informative.T @ (precision @ part.mean - prior @ center))
    covariance = np.linalg.inv(total)
    return Region(covariance @ weighted, covariance)
