"""PCr solutions in a weak gel: a truth that comes from chemistry, in a background that is no muscle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from PCrCESTLib.evaluation.testsets import spectra_of
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water
from PCrCESTLib.physics.library import pcr_phantom
from PCrCESTLib.physics.rates import exchange_law
from PCrCESTLib.physics.sourced import sourced
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import FS_RANGE, KSW_RANGE_PER_S, POOL_SETS, TRAINING_FAMILIES
from PCrCESTLib.synthesis.phantom_tissue import observed_r1
from PCrCESTLib.synthesis.reference import R1_KNOWN_TO
from PCrCESTLib.synthesis.spectra import CleanSpectra

CONCENTRATIONS_MM = (10.0, 20.0, 30.0, 40.0, 50.0)
PH_VALUES = (6.5, 6.8, 7.1, 7.4)
TEMPERATURES_C = (37.0, 22.0)
REPEATS = 4  # scans of every solution
VOXEL_NOISE_SD, N_VOXELS = 0.01, 200
# The gel, all assumed: gelatine of about a tenth by weight.
GEL_T1_S, GEL_T2_S = 1.8, 0.080
GEL_FM, GEL_EXCHANGE_PER_S, GEL_SEMISOLID_T2_S = 0.02, 30.0, 10e-6
GEL_AMIDE, GEL_NOE = 0.5e-3, 3e-3
B0_SPREAD_PPM, B1_SPREAD = 0.1, 0.05


@dataclass(frozen=True, eq=False)
class Solutions:
    """Clean spectra of all solutions with what they are, each array (n,)."""

    clean: CleanSpectra
    ph: np.ndarray
    temperature_c: np.ndarray

    @property
    def usual(self) -> np.ndarray:
        """True where fs and ksw lie within what our networks were trained for."""
        fs, ksw = self.clean.fs, self.clean.ksw
        return np.asarray(
            (fs >= FS_RANGE[0])
            & (fs <= FS_RANGE[1])
            & (ksw >= KSW_RANGE_PER_S[0])
            & (ksw <= KSW_RANGE_PER_S[1])
        )


def simulate_solutions(protocol: Protocol, rng: np.random.Generator) -> Solutions:
    """Exact spectra of every concentration at every pH and temperature, with some B0 and B1 error."""
    parts, ph, temperature = [], [], []
    for t in TEMPERATURES_C:
        for p in PH_VALUES:
            concentration = np.repeat(CONCENTRATIONS_MM, REPEATS)
            tissue = gel_solution(concentration, p, t)
            n = len(concentration)
            fs, ksw = (
                np.broadcast_to(v, n).astype(float)
                for v in (tissue.pools[0].fraction, tissue.pools[0].k_per_s)
            )
            fm = np.full(n, GEL_FM)
            r1 = observed_r1(np.full(n, GEL_T1_S), fm)
            spread: dict[str, Any] = {"b0_spread_ppm": B0_SPREAD_PPM, "b1_spread": B1_SPREAD}
            parts.append(spectra_of(tissue, protocol, fs, ksw, r1, fm, rng, **spread))
            ph += [p] * n
            temperature += [t] * n
    return Solutions(CleanSpectra.concatenate(parts), np.array(ph), np.array(temperature))


def gel_solution(concentration_mm: np.ndarray, ph: float, temperature_c: float) -> Tissue:
    """PCr of ``concentration_mm`` (n,) mmol/l in gel, with both of its peaks and rates that follow pH and °C."""
    solution = pcr_phantom(concentration_mm, ph, temperature_c)
    amide_k = float(exchange_law("amide").rate_per_s(ph, temperature_c))
    protein = (
        Pool("amide", 3.6, GEL_AMIDE, amide_k, GEL_T1_S, 0.004),
        Pool("NOE -3.3", -3.3, GEL_NOE, 10.0, GEL_T1_S, 0.0005),
    )
    semisolid = SemisolidPool(GEL_FM, GEL_EXCHANGE_PER_S, 1.5, GEL_SEMISOLID_T2_S, 0.0, "super-lorentzian")
    return replace(
        solution, water=Water(GEL_T1_S, GEL_T2_S), pools=(*solution.pools, *protein), semisolid=semisolid
    )


def describe_solutions(solutions: Solutions) -> str:
    """Say in words what the solutions and their scans are, and where that is outside the networks' training."""
    ksw = [solutions.clean.ksw[solutions.temperature_c == t] for t in TEMPERATURES_C]
    rates = " and ".join(
        f"{k.min():.0f} to {k.max():.0f} s⁻¹ at {t:g} °C" for k, t in zip(ksw, TEMPERATURES_C, strict=True)
    )
    return (
        f"PCr at {CONCENTRATIONS_MM[0]:g} to {CONCENTRATIONS_MM[-1]:g} mM (fs {solutions.clean.fs.min() * 1e3:.2f} to "
        f"{solutions.clean.fs.max() * 1e3:.2f}·10⁻³ with two protons a molecule, and the peak at 1.94 ppm), pH "
        f"{', '.join(f'{p:g}' for p in PH_VALUES)}. By the exchange law of the library (one published rate at pH 7 and "
        f"37 °C, activation energy of creatine: assumed) ksw is {rates}; {int(solutions.usual.sum())} of "
        f"{len(solutions.usual)} scans lie within the networks' training range (fs {FS_RANGE[0] * 1e3:g} to "
        f"{FS_RANGE[1] * 1e3:g}·10⁻³, ksw {KSW_RANGE_PER_S[0]:g} to {KSW_RANGE_PER_S[1]:g} s⁻¹). The gel is assumed, "
        f"not measured: T1 {GEL_T1_S:g} s, T2 {GEL_T2_S * 1e3:g} ms at both temperatures, a semi-solid pool of "
        f"{GEL_FM:.0%}, protein amide {GEL_AMIDE * 1e3:g}·10⁻³ at 3.6 ppm whose rate follows pH too, NOE "
        f"{GEL_NOE * 1e3:g}·10⁻³ at −3.3 ppm, neither creatine nor amine. Every method gets the mean spectrum of "
        f"{N_VOXELS} voxels (SD of Z {VOXEL_NOISE_SD:g} in each, B0 ±{B0_SPREAD_PPM:g} ppm, B1 ±{B1_SPREAD:.0%}, R1obs "
        f"known to {R1_KNOWN_TO:.0%}), {REPEATS} scans a solution. {_outside_training()}\n"
    )


def _outside_training() -> str:
    """Say which relaxation times of the gel no training tissue has."""
    pcr = POOL_SETS["paper-like"][0].t2_s
    water = TRAINING_FAMILIES[0].water_t2_s
    outside = []
    for name, value, known in (
        ("the T2 of PCr", sourced("phantom", "solute_t2_s").value, pcr),
        ("the T2 of water", GEL_T2_S, water),
    ):
        if not known.low <= value <= known.high:
            outside.append(
                f"{name} ({value * 1e3:g} ms, training {known.low * 1e3:g} to {known.high * 1e3:g} ms)"
            )
    return f"Outside the training of our network lies {' and '.join(outside)}." if outside else ""
