"""Muscle that lies outside every family of the training, whatever else a test set is called.

The *realistic* muscle is no such thing: each of its numbers lies within the ranges of the rich family with a
super-Lorentzian MT pool. Here pools stand where no training pool can, and the MT line is narrower and more shifted
than any training line. The numbers were set before any method was tried on them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import (
    POOL_SETS,
    USUAL_FS_RANGE,
    USUAL_KSW_RANGE_PER_S,
    PoolPrior,
    Range,
    family,
)
from PCrCESTLib.synthesis.spectra import CleanSpectra, fully_synthetic

_PCR, *_OTHERS = POOL_SETS["rich"]
_STRANGERS = (
    PoolPrior("imino", Range(5.4, 6.0), Range(1e-3, 3e-3), Range(500, 1500), Range(0.003, 0.008)),
    PoolPrior("NOE -2.2", Range(-2.35, -2.05), Range(2e-3, 6e-3), Range(10, 30), Range(1e-3, 3e-3)),
)
OUTSIDE = replace(
    family("rich", "super-lorentzian"),
    name="outside",
    semisolid_t2_s=Range(1.8e-5, 2.2e-5),
    semisolid_shift_ppm=Range(-3.5, -3.0),
    pools=(
        replace(_PCR, fraction=Range(*USUAL_FS_RANGE), k_per_s=Range(*USUAL_KSW_RANGE_PER_S)),
        *_OTHERS,
        *_STRANGERS,
    ),
)


def outside_set(protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    """Draw ``n`` spectra of it, fs and ksw of the usual ranges, B0 ±0.5 ppm and B1 ±25 %."""
    return fully_synthetic(OUTSIDE, protocol, n, rng, fat=False)
