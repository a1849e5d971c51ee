"""Muscle that lies outside every family of the training, whatever else a test set is called.

The *realistic* muscle is no such thing: each of its numbers lies within the ranges of the rich family with a
super-Lorentzian MT pool. Here pools stand where no training pool can, and the MT effect is the sum of two lines, one
of them narrower and more shifted than any training line. The numbers were set before any method was tried on them.
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
    PoolPrior("imidazole", Range(6.6, 7.4), Range(1e-3, 3e-3), Range(500, 1500), Range(0.003, 0.008)),
    PoolPrior("NOE -4.6", Range(-4.8, -4.4), Range(3e-3, 8e-3), Range(10, 30), Range(1e-3, 3e-3)),
    # A second semi-solid pool: a Lorentzian of 10 kHz under the super-Lorentzian one.
    PoolPrior("second MT", Range(-0.5, 0.5), Range(0.02, 0.05), Range(15, 30), Range(2.5e-5, 4e-5)),
)
OUTSIDE = replace(
    family("rich", "super-lorentzian"),
    name="outside",
    semisolid_t2_s=Range(2.6e-5, 3.0e-5),
    semisolid_shift_ppm=Range(-4.5, -4.0),
    pools=(
        replace(_PCR, fraction=Range(*USUAL_FS_RANGE), k_per_s=Range(*USUAL_KSW_RANGE_PER_S)),
        *_OTHERS,
        *_STRANGERS,
    ),
)


def outside_set(protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    """Draw ``n`` spectra of it, fs and ksw of the usual ranges, B0 ±0.5 ppm and B1 ±25 %."""
    return fully_synthetic(OUTSIDE, protocol, n, rng, fat=False)
