"""Does fitting the exact engine to a region's spectrum improve on the network's estimate?

Run: ``python Testing/benchmarks/polish.py [N]`` (about two seconds a spectrum and muscle). The fit is the most probable
tissue of ten pools, a semi-solid pool of each of three line shapes weighed by their evidence, B0 and B1, with priors as
wide as the training's (Levenberg–Marquardt, forward differences). It is exact where its tissue is the true one; the
question is what it does where it is not. Both get the same spectra at the noise of a region, SD of Z 0.0005.

Result that decided against such a polish in the product: on muscle with pools or scanner errors that the fit does not
know, its error of fs is several times the network's, and its intervals miss.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.evaluation.testsets import family_set, realistic_set, reference_set, scanned, source_of
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import aligned, predict
from PCrCESTLib.models.measure import Z90
from PCrCESTLib.models.registry import find_model
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.physics.prior import get_value, with_values
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import BROAD, SEMISOLID_R1_PER_S, SOLUTE_T1_S

NOISE_SD, R1_SD, NEAREST_PPM = 0.0005, 0.03, 0.3
STEP, ROUNDS = 1e-3, 12
# Name: shift, fraction, rate, T2; then the SDs of the same (relative, ppm for the shift; 0 is fixed).
POOLS = {
    "PCr": ((2.6, 0.95e-3, 105.0, 0.010), (0.025, 0.40, 0.42, 0.17)),
    "PCr2": ((1.94, 0.40e-3, 50.0, 0.010), (0.0, 0.8, 0.5, 0.0)),
    "Cr": ((1.99, 1.4e-3, 470.0, 0.010), (0.03, 0.6, 0.35, 0.17)),
    "amide": ((3.55, 1.7e-3, 80.0, 0.003), (0.06, 0.6, 0.7, 0.6)),
    "amine": ((3.0, 2.6e-3, 4000.0, 0.012), (0.1, 0.6, 0.35, 0.35)),
    "hydroxyl": ((1.03, 2.0e-3, 1100.0, 0.010), (0.12, 0.9, 0.45, 0.0)),
    "NOE1": ((-1.0, 1.0e-3, 17.0, 0.0025), (0.1, 1.0, 0.5, 0.5)),
    "NOE16": ((-1.6, 1.8e-3, 17.0, 0.0025), (0.1, 1.0, 0.5, 0.5)),
    "NOE27": ((-2.7, 2.5e-3, 14.0, 0.0012), (0.1, 1.0, 0.5, 0.5)),
    "NOE33": ((-3.35, 14e-3, 12.0, 0.0006), (0.12, 0.7, 0.5, 0.55)),
}
SEMISOLID = {  # T2, shift, SD of the shift
    "lorentzian": (4.5e-5, 0.0, 0.3),
    "super-lorentzian": (1.0e-5, -1.2, 0.7),
    "gaussian": (1.5e-5, -0.5, 0.6),
}


@dataclass(frozen=True)
class Free:
    """One free number: its place, its middle, its SD, and whether that is relative."""

    path: str
    middle: float
    sd: float
    relative: bool = True


def model_tissue(shape: str) -> tuple[Tissue, list[Free]]:
    """Tissue at the middle of the priors, and what is free."""
    t2, shift, shift_sd = SEMISOLID[shape]
    pools = tuple(Pool(name, s, f, k, SOLUTE_T1_S, t) for name, ((s, f, k, t), _) in POOLS.items())
    tissue = Tissue(Water(1.55, 0.034), pools, SemisolidPool(0.1, 26.0, 1 / SEMISOLID_R1_PER_S, t2, shift, shape))
    spreads = {"PCr.fraction": 0.0, "PCr.k_per_s": 0.0}  # first, in this order
    for name, (_, sds) in POOLS.items():
        spreads |= {f"{name}.{q}": sd for q, sd in zip(("shift_ppm", "fraction", "k_per_s", "t2_s"), sds, strict=True)}
    spreads |= {"semisolid.fraction": 0.6, "semisolid.k_per_s": 0.4, "semisolid.t2_s": 0.3}
    spreads |= {"semisolid.shift_ppm": shift_sd, "water.t1_s": 0.25, "water.t2_s": 0.37}
    free = [
        Free(path, float(np.asarray(get_value(tissue, path))), sd, not path.endswith("shift_ppm"))
        for path, sd in spreads.items()
        if sd > 0
    ]
    return tissue, [*free, Free("b0_ppm", 0.0, 0.05, False), Free("relative_b1", 1.0, 0.13)]


class Problem:
    """Residuals of n spectra (n, n_frames) over their noise, R1obs among them, as a function of standardized x."""

    def __init__(self, shape: str, z: np.ndarray, r1_obs: np.ndarray, protocol: Protocol, grid: np.ndarray) -> None:
        """Keep what is fitted."""
        self.tissue, self.free = model_tissue(shape)
        self.z, self.r1_obs, self.protocol = z, r1_obs, protocol
        self.offsets = np.tile(grid, len(protocol.powers_ut))
        self.b1_ut = np.repeat(protocol.powers_ut, len(grid))

    def residuals(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Residuals of spectra ``rows`` at ``x`` (n, n_free)."""
        values = {
            f.path: f.middle * np.exp(f.sd * x[:, j]) if f.relative else f.middle + f.sd * x[:, j]
            for j, f in enumerate(self.free)
        }
        b0, b1 = values.pop("b0_ppm"), values.pop("relative_b1")
        tissue = with_values(self.tissue, values)
        z = z_spectra(
            tissue,
            self.protocol.saturation,
            self.offsets,
            self.b1_ut,
            self.protocol.field_t,
            b0_shift_ppm=b0,
            relative_b1=b1,
        )
        fm = values["semisolid.fraction"]
        r1 = (1 / values["water.t1_s"] + fm * SEMISOLID_R1_PER_S) / (1 + fm)
        known = (r1 / self.r1_obs[rows] - 1) / R1_SD
        return np.concatenate([(np.asarray(z) - self.z[rows]) / NOISE_SD, known[:, None]], axis=1)


def most_probable(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maximum x (n, n_free), its covariance, and the log evidence (Laplace's approximation)."""
    n, p = len(problem.z), len(problem.free)
    rows = np.arange(n)
    x, damping = np.zeros((n, p)), np.full(n, 1e-2)
    r = problem.residuals(x, rows)
    hessian = np.tile(np.eye(p), (n, 1, 1))
    for _ in range(ROUNDS):
        stepped = np.repeat(x, p, axis=0)
        stepped[np.arange(n * p), np.tile(np.arange(p), n)] += STEP
        jacobian = (problem.residuals(stepped, np.repeat(rows, p)).reshape(n, p, -1) - r[:, None]) / STEP
        hessian = np.einsum("npf,nqf->npq", jacobian, jacobian) + np.eye(p)
        gradient = np.einsum("npf,nf->np", jacobian, r) + x
        diagonal = np.einsum("npp->np", hessian)[:, :, None] * np.eye(p)
        for _ in range(4):
            step = np.linalg.solve(hessian + damping[:, None, None] * diagonal, gradient[..., None])[..., 0]
            trial = x - np.clip(step, -2, 2)
            r_trial = problem.residuals(trial, rows)
            better = cost(r_trial, trial) < cost(r, x)
            x, r = np.where(better[:, None], trial, x), np.where(better[:, None], r_trial, r)
            damping = np.where(better, damping / 5, damping * 8)
            if better.all():
                break
    return x, np.linalg.inv(hessian), -cost(r, x) - 0.5 * np.linalg.slogdet(hessian)[1]


def cost(residuals: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Minus the log posterior, up to a constant."""
    return 0.5 * np.sum(residuals**2, axis=1) + 0.5 * np.sum(x**2, axis=1)


def polished(z: np.ndarray, r1_obs: np.ndarray, protocol: Protocol, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD of log fs and log ksw, each (n, 2), over the three line shapes weighed by evidence."""
    means, variances, evidences = [], [], []
    for shape in SEMISOLID:
        problem = Problem(shape, z, r1_obs, protocol, grid)
        x, covariance, evidence = most_probable(problem)
        pcr = problem.free[:2]
        means.append(np.stack([np.log(f.middle) + f.sd * x[:, i] for i, f in enumerate(pcr)], axis=1))
        variances.append(np.stack([f.sd**2 * covariance[:, i, i] for i, f in enumerate(pcr)], axis=1))
        evidences.append(evidence)
    weight = np.exp(np.array(evidences) - np.max(evidences, axis=0))[..., None]
    weight /= weight.sum(axis=0)
    mean = np.sum(weight * means, axis=0)
    return mean, np.sqrt(np.sum(weight * (np.array(variances) + (np.array(means) - mean) ** 2), axis=0))


def show(label: str, log_mean: np.ndarray, log_sd: np.ndarray, truth: np.ndarray) -> None:
    """Print RMS relative error and coverage of fs and ksw."""
    rmse = np.sqrt(np.mean((np.exp(log_mean) / truth - 1) ** 2, axis=0))
    inside = np.mean(np.abs(log_mean - np.log(truth)) < Z90 * log_sd, axis=0)
    print(f"{label:<44} fs {rmse[0]:6.1%} ({inside[0]:4.0%})   ksw {rmse[1]:6.1%} ({inside[1]:4.0%})", flush=True)


def main() -> None:
    """Print the table."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    model = find_model("rat-4.7T-dual")
    protocol, source = model.card.protocol, source_of(model.card.protocol)
    kept = np.abs(model.grid_ppm) > NEAREST_PPM
    print("RMS relative error, in brackets how often the 90 % interval holds")
    for label, draw, perfect in (
        ("reference muscle", reference_set, True),
        ("realistic muscle", realistic_set, True),
        ("realistic muscle, real scanner", realistic_set, False),
        ("broad family", lambda *a: family_set(BROAD, *a), True),
        ("broad family, real scanner", lambda *a: family_set(BROAD, *a), False),
    ):
        rng = np.random.default_rng(7)
        clean = draw(protocol, n, rng)
        spectra = scanned(source, clean, NOISE_SD, rng, perfect=perfect)
        truth = np.stack([clean.fs, clean.ksw], axis=1)
        p = predict(model, spectra, NumpyBackend())
        log_sd = np.stack([p.log_sd_fs, p.log_sd_ksw], axis=1)
        show(f"{label}: network", np.stack([p.log_fs, p.log_ksw], axis=1), log_sd, truth)
        started = time.perf_counter()
        z = aligned(spectra, model.grid_ppm).reshape(n, model.n_powers, -1)[..., kept].reshape(n, -1)
        mean, sd = polished(z, spectra.r1_obs, protocol, model.grid_ppm[kept])
        show(f"{label}: fit, {(time.perf_counter() - started) / n:.1f} s a spectrum", mean, sd, truth)


if __name__ == "__main__":
    main()
