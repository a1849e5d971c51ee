"""Tissues of the digital rat leg: what their protons do under saturation, and how bright they are.

Muscle is drawn per muscle, so that every muscle has its own PCr fraction and exchange rate; T1, T2 and the MT
pool vary a little from muscle to muscle and smoothly within. All values are for about 4.7 T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.synthesis.phantom_shapes import LEGS, MUSCLE_NAMES, MUSCLES

FAMILIES = ("realistic", "reference")
R1_SEMISOLID = 1 / 1.5  # s⁻¹, as the reference paper assumes for R1obs

# Fast muscles hold more PCr than the slow soleus.
_FS_OF_MUSCLE = {
    "tibialis anterior": 1.00e-3,
    "peroneus": 0.85e-3,
    "gastrocnemius": 0.95e-3,
    "soleus": 0.62e-3,
}
_FS_RANGE = (0.4e-3, 1.2e-3)
_KSW_RANGE = (75.0, 175.0)  # s⁻¹
_FS_SPREAD = 0.12  # between animals and legs, relative SD


@dataclass(frozen=True)
class MuscleValues:
    """Truth of each muscle, every array (n_muscles,) in the order of ``MUSCLE_NAMES``; units in the names."""

    fs: np.ndarray
    ksw_per_s: np.ndarray
    t1_water_s: np.ndarray
    t2_water_s: np.ndarray
    fm: np.ndarray


def draw_muscles(rng: np.random.Generator) -> MuscleValues:
    """Draw every muscle's values; fs and ksw independently, so neither can be guessed from the other."""
    n = len(MUSCLE_NAMES)
    base = np.array([_FS_OF_MUSCLE[muscle] for _ in LEGS for muscle in MUSCLES])
    fs = np.clip(base * np.exp(rng.normal(0, _FS_SPREAD, n)), *_FS_RANGE)
    # One muscle in each of n equal parts of the range: a single phantom covers all of it.
    low, high = _KSW_RANGE
    ksw = low + (high - low) * (rng.permutation(n) + rng.uniform(0, 1, n)) / n
    return MuscleValues(
        fs=fs,
        ksw_per_s=ksw,
        t1_water_s=1.62 * np.exp(rng.normal(0, 0.02, n)),
        t2_water_s=0.024 * np.exp(rng.normal(0, 0.05, n)),
        fm=0.10 * np.exp(rng.normal(0, 0.08, n)),
    )


def muscle_tissue(
    fs: np.ndarray,
    ksw_per_s: np.ndarray,
    t1_water_s: np.ndarray,
    t2_water_s: np.ndarray,
    fm: np.ndarray,
    *,
    family: str = "realistic",
) -> Tissue:
    """Muscle with the given PCr; one entry a voxel in every array, (n_tissues,).

    ``realistic`` has a super-Lorentzian MT pool, both PCr peaks (−NH at 1.94 ppm with half the protons and a
    rate 2.2 times lower), Cr, amide, amine, hydroxyl and NOE at −1.0, −1.6, −2.7 and −3.3 ppm, set so that Z
    of control rats at 0.25 µT is met. ``reference`` has the pools and the Lorentzian MT of the fully
    synthetic set in the reference paper (Magn Reson Med 2026, PMID 41964083), which most networks are
    trained on.

    Raises
    ------
    PhysicsError
        When the family is unknown.
    """
    if family not in FAMILIES:
        raise PhysicsError(f"no muscle family is called {family!r}; there are {', '.join(FAMILIES)}")
    t1 = t1_water_s
    pcr = Pool("PCr", PCR_PPM, fs, ksw_per_s, t1, 0.010)
    if family == "reference":
        semisolid = SemisolidPool(fm, 25.0, 1 / R1_SEMISOLID, 50e-6, 0.0, "lorentzian")
        return Tissue(Water(t1, t2_water_s), (pcr, *_reference_background(t1)), semisolid)
    second_peak = Pool("PCr NH", 1.94, fs / 2, ksw_per_s / 2.2, t1, 0.010)
    semisolid = SemisolidPool(fm, 25.0, 1 / R1_SEMISOLID, 10e-6, -1.5, "super-lorentzian")
    return Tissue(Water(t1, t2_water_s), (pcr, second_peak, *_realistic_background(t1)), semisolid)


def _reference_background(t1_s: np.ndarray) -> tuple[Pool, ...]:
    """Middle of the reference paper's ranges."""
    return (
        Pool("Cr", 2.0, 2.0e-3, 500.0, t1_s, 0.010),
        Pool("amide", 3.6, 1.0e-3, 100.0, t1_s, 0.002),
        Pool("amine", 3.0, 3.0e-3, 5000.0, t1_s, 0.015),
        Pool("NOE -3.3", -3.3, 0.015, 10.0, t1_s, 0.0005),
    )


def _realistic_background(t1_s: np.ndarray) -> tuple[Pool, ...]:
    """Set by hand to the mean Z of control rat legs at 0.25 µT: within 0.01 on average from −10 to 10 ppm.

    Untuned, it also meets the Z that the reference paper's measured components give at 0.5 and 1 µT: within 0.02
    from 2 to 5 ppm.
    """
    return (
        Pool("Cr", 2.0, 1.2e-3, 450.0, t1_s, 0.010),
        Pool("amide", 3.6, 1.4e-3, 100.0, t1_s, 0.002),
        Pool("amine", 3.0, 5.0e-3, 5000.0, t1_s, 0.015),
        Pool("hydroxyl", 1.0, 2.0e-3, 1500.0, t1_s, 0.010),
        Pool("NOE -1.0", -1.0, 0.8e-3, 20.0, t1_s, 0.003),
        Pool("NOE -1.6", -1.6, 3.0e-3, 15.0, t1_s, 0.002),
        Pool("NOE -2.7", -2.7, 4.0e-3, 12.0, t1_s, 0.001),
        Pool("NOE -3.3", -3.3, 0.027, 10.0, t1_s, 0.0003),
    )


def blood_tissue() -> Tissue:
    """Blood: long T2, an amide peak of its proteins, neither PCr nor a semi-solid pool."""
    return Tissue(Water(1.75, 0.10), (Pool("amide", 3.6, 1.0e-3, 100.0, 1.75, 0.002),), None)


def connective_tissue() -> Tissue:
    """Skin and tendon: short T2 and much collagen, no PCr."""
    return Tissue(
        Water(1.2, 0.015), (), SemisolidPool(0.20, 30.0, 1 / R1_SEMISOLID, 9e-6, 0.0, "super-lorentzian")
    )


def fat_line_tissue() -> Tissue:
    """One resonance of fat, to be placed at its own frequency: saturated directly, without exchange."""
    return Tissue(Water(0.38, 0.05), (), None)


def observed_r1(t1_water_s: np.ndarray, fm: np.ndarray) -> np.ndarray:
    """R1obs = (R1w + fm·R1m)/(1 + fm), s⁻¹, same shape as the inputs."""
    r1: np.ndarray = (1 / t1_water_s + fm * R1_SEMISOLID) / (1 + fm)
    return r1
