"""How well R1 and B0 come out of the scans that measure them, against the bound and against scipy one voxel at a time.

Run: ``python Testing/benchmarks/companions.py`` (half a minute). Rician noise; SNR is that of the fully relaxed signal,
for flip angles that of the brightest image. T1 uniform in 0.8–2.5 s, B0 in ±0.5 ppm. The bound is Cramér–Rao for one
voxel by itself (Gaussian noise), RMS over the same T1. "Region" is the largest error of the mean of 50 neighbors in
T1. Scipy fits every voxel from one start, a Lorentzian in WASSR. Speeds are of a core and depend on what else it does.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.preparation.inversion_recovery import fit_inversion_recovery
from PCrCESTLib.preparation.relaxometry import RelaxationFit, fit_saturation_recovery, fit_variable_flip_angle
from PCrCESTLib.preparation.wassr import find_water_center
from PCrCESTLib.saturation import Saturation

N, N_SCIPY, SNR = 4000, 400, 100.0
T1_S = np.linspace(0.8, 2.5, N)
R1 = 1 / T1_S
WIDE = np.array([2.0, 4, 6, 8, 10, 15, 20, 25])
Curve = Callable[..., np.ndarray]


def log_times(n: int) -> np.ndarray:
    """Times from 0.05 to 10 s, s."""
    return np.geomspace(0.05, 10, n)


def inversion(times: np.ndarray) -> Curve:
    """Signed signal of (amplitude, R1, ρ)."""
    return lambda a, r, rho: a * (1 - rho * np.exp(-times * r))


def saturation(times: np.ndarray) -> Curve:
    """Signal of (amplitude, R1)."""
    return lambda a, r: a * (1 - np.exp(-times * r))


def flash(angles_deg: np.ndarray, tr_s: float) -> Curve:
    """Signal of (amplitude, R1)."""
    a0 = np.radians(angles_deg)
    return lambda a, r: a * np.sin(a0) * (1 - np.exp(-tr_s * r)) / (1 - np.exp(-tr_s * r) * np.cos(a0))


def magnitude(signal: np.ndarray, sd: float) -> np.ndarray:
    """Rician images."""
    rng = np.random.default_rng(0)
    return np.hypot(signal + rng.normal(0, sd, signal.shape), rng.normal(0, sd, signal.shape))


def bound(curve: Curve, x: np.ndarray, sd: float, free: int) -> float:
    """RMS relative Cramér–Rao bound of the second of the ``free`` first parameters of x (n, p)."""
    variances = []
    for each in x[:: N // 50]:
        steps = 1e-5 * np.eye(len(each))[:free]
        slope = np.stack([(curve(*(each + h)) - curve(*(each - h))) / 2e-5 for h in steps], axis=1)
        variances.append(sd**2 * np.linalg.inv(slope.T @ slope)[1, 1] / each[1] ** 2)
    return float(np.sqrt(np.mean(variances)))


def by_scipy(curve: Curve, images: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, float]:
    """R1 of the voxels of ``images`` (k, m) and voxels a second."""
    began = time.perf_counter()
    found = []
    for signal in images:
        try:
            found.append(curve_fit(lambda _, *x: curve(*x), np.arange(len(signal)), signal, start)[0][1])
        except RuntimeError:
            found.append(np.nan)
    return np.array(found), len(images) / (time.perf_counter() - began)


def row(
    label: str,
    curve: Curve,
    x: np.ndarray,
    sd: float,
    fit: Callable[[np.ndarray], RelaxationFit],
    magnitudes: bool,
    free: int,
) -> None:
    """Print accuracy and speed of one kind of scan."""
    images = magnitude(np.stack([curve(*each) for each in x]), sd)
    began = time.perf_counter()
    found = fit(images)
    speed = N / (time.perf_counter() - began)
    error = found.r1_obs / R1 - 1
    region = np.abs(np.nanmean(error.reshape(-1, 50), axis=1)).max()
    some = slice(None, None, N // N_SCIPY)
    peer = (lambda *p: np.abs(curve(*p))) if magnitudes else curve
    theirs, their_speed = by_scipy(peer, images[some], np.array([1.0, 0.7, 1.9])[: x.shape[1]])
    their_error = theirs / R1[some] - 1
    print(
        f"{label:<44}{np.sqrt(np.nanmean(error**2)):8.2%}{bound(curve, x, sd, free):8.2%}{np.nanmean(error):+8.2%}"
        f"{region:8.2%}{found.valid.mean():7.1%}{np.sqrt(np.nanmean(their_error**2)):10.2%}{speed:10.0f}{their_speed:8.0f}"
    )


def relaxation_rows() -> None:
    """Print the rows of R1."""
    names = ("RMSE", "bound", "bias", "region", "valid", "scipy RMSE", "voxels/s", "scipy")
    print(
        f"{'R1 at SNR 100':<44}"
        + "".join(f"{n:>{w}}" for n, w in zip(names, (8, 8, 8, 8, 7, 11, 10, 7), strict=True))
    )
    for n in (8, 12, 16):
        times = log_times(n)
        x = np.column_stack([np.ones(N), R1, np.full(N, 1.95)])
        curve = inversion(times)
        row(
            f"inversion, {n} TIs, shared inversion",
            curve,
            x,
            1 / SNR,
            lambda s, t=times: fit_inversion_recovery(s, t),
            True,
            2,
        )
        row(
            f"inversion, {n} TIs, every voxel for itself", curve, x, 1 / SNR,
            lambda s, t=times: fit_inversion_recovery(s, t, share_inversion=False), True, 3,
        )  # fmt: skip
    spread = np.column_stack([np.ones(N), R1, np.random.default_rng(1).uniform(1.75, 2.0, N)])
    row("inversion, 8 TIs, ρ from 1.75 to 2", inversion(log_times(8)), spread, 1 / SNR,
        lambda s: fit_inversion_recovery(s, log_times(8)), True, 3)  # fmt: skip
    x = np.column_stack([np.ones(N), R1])
    for n in (8, 16):
        times = log_times(n)
        row(
            f"saturation, {n} times",
            saturation(times),
            x,
            1 / SNR,
            lambda s, t=times: fit_saturation_recovery(s, t),
            False,
            2,
        )
    for angles, tr in (
        (WIDE, 0.015),
        (np.array([3.0, 18.0]), 0.015),
        (np.array([2.0, 3, 5, 10, 15, 20]), 0.02),
    ):
        curve = flash(angles, tr)
        brightest = np.mean([curve(1.0, r).max() for r in R1[::100]])
        row(f"{len(angles)} flip angles {angles[0]:g}–{angles[-1]:g}°, TR {1e3 * tr:g} ms", curve, x, brightest / SNR,
            lambda s, a=angles, t=tr: fit_variable_flip_angle(s, a, t), False, 2)  # fmt: skip


def wassr_rows() -> None:
    """Print the rows of B0."""
    tissue = Tissue(
        Water(1.6, 0.03),
        (Pool("PCr", 2.6, 7e-4, 110.0, 1.5, 0.01), Pool("Cr", 2.0, 1.5e-3, 500.0, 1.5, 0.01)),
        SemisolidPool(0.1, 25.0, 1.5, 1e-5),
    )
    b0 = np.random.default_rng(2).uniform(-0.5, 0.5, N)
    names = ("SNR", "RMSE", "largest", "found", "scipy RMSE", "voxels/s", "scipy")
    widths = (6, 9, 9, 8, 12, 10, 8)
    print(f"\n{'B0 from WASSR (ppm)':<44}" + "".join(f"{n:>{w}}" for n, w in zip(names, widths, strict=True)))
    for field_t, b1_ut, step in ((3.0, 0.1, 0.1), (4.7, 0.1, 0.1), (4.7, 0.1, 0.05), (9.4, 0.2, 0.1)):
        offsets = np.arange(-1, 1.01, step)
        z = np.asarray(z_spectra(tissue, Saturation(0.5), offsets, b1_ut, field_t, b0_shift_ppm=b0))
        for snr in (100, 30):
            images = magnitude(z, 1 / snr)
            began = time.perf_counter()
            found = find_water_center(images, offsets)
            speed = N / (time.perf_counter() - began)
            error = found.shift_ppm - b0
            began, theirs = time.perf_counter(), []
            for s in images[:N_SCIPY]:
                start = [1.0, offsets[np.argmin(s)], 0.9, 0.2]
                lorentzian = lambda x, top, c, depth, w: top - depth / (1 + ((x - c) / w) ** 2)  # noqa: E731
                theirs.append(curve_fit(lorentzian, offsets, s, start)[0][1])
            their_speed = N_SCIPY / (time.perf_counter() - began)
            print(
                f"{field_t:g} T, {b1_ut:g} µT, ±1 ppm in steps of {step:g} ppm".ljust(44)
                + f"{snr:>6}{np.sqrt(np.nanmean(error**2)):9.4f}{np.nanmax(np.abs(error)):9.4f}"
                f"{found.found.mean():8.1%}{np.sqrt(np.mean((theirs - b0[:N_SCIPY]) ** 2)):12.4f}"
                f"{speed:10.0f}{their_speed:8.0f}"
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore", OptimizeWarning)
    relaxation_rows()
    wassr_rows()
