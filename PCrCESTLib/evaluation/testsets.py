"""Spectra with known truth that no training has seen, and the bound that no method can beat on them.

The *reference* set is the reference paper's muscle over its own ranges from the exact engine, in a perfect scanner; its
bound takes the same ranges as known beforehand (design: RMSE ÷ bound, 1 is perfect). The *realistic* set is another
muscle altogether, set by hand to measured rats (`phantom_tissue`); its numbers lie within the ranges of one training
family, so that it is a muscle the training may meet but seldom does.
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.models.measure import scan_at
from PCrCESTLib.models.stream import Source
from PCrCESTLib.physics import Tissue, z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds
from PCrCESTLib.synthesis.families import (
    REFERENCE,
    USUAL_FS_RANGE,
    USUAL_KSW_RANGE_PER_S,
    MuscleDraw,
    MuscleFamily,
)
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue, observed_r1
from PCrCESTLib.synthesis.reference import NOISE_LEVELS, BoundRow, reference_bound
from PCrCESTLib.synthesis.spectra import CleanSpectra, frames_of, fully_synthetic

__all__ = [
    "NOISE_LEVELS",
    "BoundRow",
    "family_set",
    "realistic_draw",
    "realistic_set",
    "reference_bound",
    "reference_set",
    "scanned",
    "source_of",
    "spectra_of",
]


def source_of(protocol: Protocol) -> Source:
    """Return a source whose ``scan`` prepares spectra of this protocol; its backgrounds are not used."""
    return Source(protocol, simulate_backgrounds(protocol, 1, np.random.default_rng(0), (REFERENCE,)))


def reference_set(protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    """Draw the reference muscle, B0 ±0.5 ppm and B1 ±25 %."""
    return fully_synthetic(REFERENCE, protocol, n, rng, fat=False)


def family_set(family: MuscleFamily, protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    """Draw muscle of one training family, half of it with fat."""
    return fully_synthetic(family, protocol, n, rng)


def realistic_draw(n: int, rng: np.random.Generator) -> MuscleDraw:
    """Draw muscle set by hand to measured rats, fs and ksw of the usual ranges."""
    fs, ksw = rng.uniform(*USUAL_FS_RANGE, n), rng.uniform(*USUAL_KSW_RANGE_PER_S, n)
    t1 = 1.62 * np.exp(rng.normal(0, 0.04, n))
    t2 = 0.024 * np.exp(rng.normal(0, 0.1, n))
    fm = 0.10 * np.exp(rng.normal(0, 0.15, n))
    return MuscleDraw(muscle_tissue(fs, ksw, t1, t2, fm), fs, ksw, observed_r1(t1, fm), fm)


def realistic_set(protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    """Scan `realistic_draw`, B0 ±0.15 ppm and B1 ±12 %."""
    draw = realistic_draw(n, rng)
    return spectra_of(draw.tissue, protocol, draw.fs, draw.ksw, draw.r1_obs, draw.fm, rng)


def spectra_of(
    tissue: Tissue,
    protocol: Protocol,
    fs: np.ndarray,
    ksw: np.ndarray,
    r1_obs: np.ndarray,
    fm: np.ndarray,
    rng: np.random.Generator,
    *,
    b0_spread_ppm: float = 0.15,
    b1_spread: float = 0.12,
) -> CleanSpectra:
    """Exact spectra of given tissues with their truth, B0 and B1 uniform within the spreads; every array (n,)."""
    n = len(fs)
    offsets, b1_ut = frames_of(protocol)
    b0 = rng.uniform(-b0_spread_ppm, b0_spread_ppm, n)
    b1 = rng.uniform(1 - b1_spread, 1 + b1_spread, n)
    z = z_spectra(tissue, protocol.saturation, offsets, b1_ut, protocol.field_t, b0_shift_ppm=b0, relative_b1=b1)
    return CleanSpectra(np.asarray(z, dtype=np.float32), fs, ksw, r1_obs, fm, b1, b0)


def scanned(
    source: Source, clean: CleanSpectra, noise_sd: float, rng: np.random.Generator, *, perfect: bool = True
) -> Spectra:
    """Scan clean spectra at one noise level; R1obs is known to 3 %, B1 unknown, B0 found in the spectra.

    A scanner that is not ``perfect`` adds what real ones do (`augment.disturb`) besides noise.
    """
    return scan_at(source, clean, noise_sd, rng, perfect_share=1.0 if perfect else 0.0)
