"""Muscle scanned otherwise than its protocol says: what a guard must learn to tell from muscle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import MuscleFamily
from PCrCESTLib.synthesis.spectra import CleanSpectra, at_power, frames_of, fully_synthetic

# True over nominal power, and field with the offsets in ppm, log-uniform. ±25 % of power is an ordinary B1 error.
LOWER, HIGHER = (0.3, 0.7), (1.4, 3.0)
_FACTORS = 4  # of each range, family and mistake


def wrong_protocol(
    families: tuple[MuscleFamily, ...], protocol: Protocol, n: int, rng: np.random.Generator
) -> CleanSpectra:
    """Draw about ``n`` spectra, equal numbers of each mistake and family; truths are of no use."""
    mistakes = (_power, _field, _mirrored, *((_swapped,) if len(protocol.powers_ut) > 1 else ()))
    each = -(-n // (len(mistakes) * len(families)))
    parts = [mistake(family, protocol, each, rng) for family in families for mistake in mistakes]
    joined = CleanSpectra.concatenate(parts)
    return joined.take(rng.permutation(len(joined)))


Mistake = Callable[[MuscleFamily, Protocol, int, np.random.Generator], CleanSpectra]


def _power(family: MuscleFamily, protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    return _scaled(
        family, n, rng, lambda factor: replace(protocol, b1_ut=tuple(factor * b1 for b1 in protocol.b1_ut))
    )


def _field(family: MuscleFamily, protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    return _scaled(family, n, rng, lambda factor: replace(protocol, field_t=factor * protocol.field_t))


def _scaled(
    family: MuscleFamily, n: int, rng: np.random.Generator, scanned: Callable[[float], Protocol]
) -> CleanSpectra:
    factors = [float(np.exp(rng.uniform(*np.log(r)))) for r in (LOWER, HIGHER) for _ in range(_FACTORS)]
    each = -(-n // len(factors))
    return CleanSpectra.concatenate([fully_synthetic(family, scanned(f), each, rng) for f in factors])


def _mirrored(family: MuscleFamily, protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    turned = replace(protocol, offsets_ppm=tuple(-o for o in protocol.offsets_ppm))
    return fully_synthetic(family, turned, n, rng)


def _swapped(family: MuscleFamily, protocol: Protocol, n: int, rng: np.random.Generator) -> CleanSpectra:
    clean = fully_synthetic(family, protocol, n, rng)
    _, b1_ut = frames_of(protocol)
    first, last = (at_power(b1_ut, p) for p in (min(b1_ut), max(b1_ut)))
    z = clean.z.copy()
    z[:, first], z[:, last] = clean.z[:, last], clean.z[:, first]
    return replace(clean, z=z)
