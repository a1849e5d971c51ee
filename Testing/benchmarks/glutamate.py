"""Fit measured glutamate Z-spectra with two pools over all powers at once, by the exact engine.

Data: 100 mM glutamate, pH 7.01, in water, HEPES and phosphate buffer at 22 and 37 °C, 11.7 T, 1 to 10 µT
(CEST_modeling_toolbox, MIT). Usage: python Testing/benchmarks/glutamate.py [FOLDER]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from scipy.optimize import least_squares

from PCrCESTLib.physics import Pool, Tissue, Water, z_spectra
from PCrCESTLib.physics.concentration import fraction_from_concentration
from PCrCESTLib.physics.sourced import sourced
from PCrCESTLib.saturation import Saturation

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "glutamate_11p7T"
BUFFERS = ("H2O", "HEPES", "PBS")
TEMPERATURES_C = (22, 37)
FIELD_T, CONCENTRATION_MM = 11.7, 100.0
POWERS_UT = np.arange(1.0, 11.0)
FARTHEST_FITTED_PPM = 5.0
# TR 5 s with 1 s of saturation and 25 ms of echo; the adiabatic readout leaves no longitudinal magnetization, so
# what recovers in the rest is the start of the saturation. The dummy scan, which starts from equilibrium, confirms
# it: its excess over the steady state means a period of 4.9 to 5.0 s in all six conditions.
SATURATION = Saturation(duration_s=1.0, recovery_s=3.975, initial_mz=0.0)
DUMMY, OPENING_M0, CLOSING_M0 = 0, [1, 2], -1
# Two series lose a fifth of their signal in one step in the middle; a closing M0 this far off betrays them.
LARGEST_M0_DRIFT = 0.05
LARGEST_TOLD_SD = 0.1  # of k
SOLUTE_T1_S, SOLUTE_T2_S = 1.5, 0.010  # with k above 1000 1/s neither shows in Z

LITERATURE = {
    "Cai 2012 (Nat Med 18:302), pH 7, 37 °C": "about 2000",
    "Khlebnikov 2019 (Sci Rep 9:1089), pH 7, 37 °C": "about 7500",
}


@dataclass(frozen=True)
class Measured:
    """Z (n_powers, n_offsets) of one buffer at one temperature, with what is known of its water."""

    name: str
    offsets_ppm: np.ndarray
    powers_ut: np.ndarray
    z: np.ndarray
    t1_s: float
    excluded_powers_ut: tuple[float, ...]


@dataclass(frozen=True)
class Fitted:
    """Result of one fit; ``residual`` is the RMS difference of Z."""

    k_per_s: float
    k_sd_per_s: float
    shift_ppm: float
    relative_b1: float
    fraction: float
    residual: float


def load(folder: Path, buffer: str, temperature_c: int) -> Measured:
    """Read one condition; series whose closing M0 has drifted are left out."""
    name = f"{buffer}_{temperature_c}C"
    n = range(1, len(POWERS_UT) + 1)
    signal = np.array([_matlab(folder / name / f"Zspectrum_{i}.mat", "Zspectrum") for i in n])
    offsets = np.array([_matlab(folder / name / f"freq_ppm_{i}.mat", "freq_ppm") for i in n])
    if not np.all(offsets == offsets[0]):
        raise ValueError(f"{folder / name}: the powers have different offsets")
    m0 = signal[:, OPENING_M0].mean(axis=1)
    steady = np.abs(signal[:, CLOSING_M0] / m0 - 1) < LARGEST_M0_DRIFT
    fitted = np.abs(offsets[0]) <= FARTHEST_FITTED_PPM
    row = [f"{b}_{t}C" for b in BUFFERS for t in TEMPERATURES_C].index(name)
    return Measured(
        name=name,
        offsets_ppm=offsets[0][fitted],
        powers_ut=POWERS_UT[steady],
        z=(signal / m0[:, None])[steady][:, fitted],
        t1_s=float(_matlab(folder / "T1_study.mat", "Inferred_T1_H2O")[row]) / 1000,
        excluded_powers_ut=tuple(POWERS_UT[~steady].tolist()),
    )


def fit(data: Measured, *, free_fraction: bool = False) -> Fitted:
    """Fit rate, shift, water T2, B1 scale and B0 (and the fraction) to all powers at once."""
    known = float(
        fraction_from_concentration(CONCENTRATION_MM, sourced("protons_per_molecule", "glutamate").value)
    )
    # ln k, shift ppm, ln T2w, relative B1, B0 ppm, ln of fraction over the known one
    low = [np.log(100), 2.5, np.log(0.05), 0.7, -0.2, -2.5]
    high = [np.log(2e5), 4.0, np.log(4.0), 1.3, 0.2, 2.5]
    n = 6 if free_fraction else 5

    def residuals(x: np.ndarray) -> np.ndarray:
        full = np.append(x, 0.0)[:6]
        return (model(data, full, known) - data.z).ravel()

    start = np.array([np.log(6000.0), 3.1, np.log(1.0), 1.0, 0.0, 0.0][:n])
    best = least_squares(residuals, start, bounds=(low[:n], high[:n]), x_scale=0.1, ftol=1e-12, xtol=1e-12)
    variance = 2 * best.cost / (data.z.size - n)
    k_relative_sd = np.sqrt(variance * np.linalg.pinv(best.jac.T @ best.jac)[0, 0])
    k = float(np.exp(best.x[0]))
    return Fitted(
        k_per_s=k,
        k_sd_per_s=float(k * k_relative_sd),
        shift_ppm=float(best.x[1]),
        relative_b1=float(best.x[3]),
        fraction=known * float(np.exp(best.x[5])) if free_fraction else known,
        residual=float(np.sqrt(2 * best.cost / data.z.size)),
    )


def model(data: Measured, x: np.ndarray, known_fraction: float) -> np.ndarray:
    """Z (n_powers, n_offsets) over that at −20 ppm, which the experiment used as M0."""
    ln_k, shift, ln_t2w, relative_b1, b0, ln_fraction = x
    pool = Pool(
        "glutamate", shift, known_fraction * np.exp(ln_fraction), np.exp(ln_k), SOLUTE_T1_S, SOLUTE_T2_S
    )
    tissue = Tissue(Water(data.t1_s, np.exp(ln_t2w)), (pool,))
    offsets = np.append(data.offsets_ppm, -20.0)
    z = z_spectra(
        tissue,
        SATURATION,
        np.tile(offsets, len(data.powers_ut)),
        np.repeat(data.powers_ut, len(offsets)),
        FIELD_T,
        b0_shift_ppm=b0,
        relative_b1=relative_b1,
    )
    spectra = np.asarray(z).reshape(len(data.powers_ut), len(offsets))
    return spectra[:, :-1] / spectra[:, -1:]


def main(folder: Path) -> int:
    """Print one row a condition, literature below."""
    if not folder.is_dir():
        print(f"{folder}: no data there; give the folder of the glutamate phantom as argument")
        return 2
    print("condition        k, 1/s   k, f free shift ppm  rel. B1  RMS of Z")
    for buffer in BUFFERS:
        for temperature in TEMPERATURES_C:
            data = load(folder, buffer, temperature)
            fixed, free = fit(data), fit(data, free_fraction=True)
            remarks = [f"{p:g} µT left out" for p in data.excluded_powers_ut]
            if fixed.k_sd_per_s > LARGEST_TOLD_SD * fixed.k_per_s:
                remarks.append("too fast to be told")
            print(
                f"{data.name:<10} {fixed.k_per_s:>7.0f} ± {fixed.k_sd_per_s:<4.0f} {free.k_per_s:>10.0f}"
                f" {fixed.shift_ppm:>9.2f} {fixed.relative_b1:>8.2f} {fixed.residual:>9.4f}  {', '.join(remarks)}"
            )
    for source, rate in LITERATURE.items():
        print(f"literature: {rate} 1/s, {source}")
    return 0


def _matlab(path: Path, key: str) -> np.ndarray:
    return np.asarray(scipy.io.loadmat(path)[key], dtype=float).ravel()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
