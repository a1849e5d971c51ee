"""What every rival learns from: Z/R1obs at all powers, with fs and ksw; and where it can come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol as TypingProtocol

import numpy as np

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.models.inference import aligned
from PCrCESTLib.models.stream import Source
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import MuscleFamily
from PCrCESTLib.synthesis.spectra import CleanSpectra, frames_of, fully_synthetic, partially_synthetic

GLOBAL_LIMIT_PPM = 7.5
LOCAL_WINDOW_PPM = (1.5, 3.5)
FS_UNIT, KSW_UNIT = 1e-4, 10.0  # the networks' targets are fs/1e-4 and ksw/(10 s⁻¹), both near 10
_ALMOST_NO_NOISE = 1e-5
_TOLERANCE_PPM = 1e-6


@dataclass(frozen=True)
class Samples:
    """Noise-free inputs and targets.

    ``ratio`` float32 (n, n_powers, n_grid) is Z/R1obs in s; ``targets`` float32 (n, 2) holds fs/1e-4 and
    ksw/(10 s⁻¹); ``r1_obs`` (n,) is in s⁻¹.
    """

    ratio: np.ndarray
    targets: np.ndarray
    r1_obs: np.ndarray

    @classmethod
    def of(cls, z: np.ndarray, r1_obs: np.ndarray, fs: np.ndarray, ksw: np.ndarray) -> Samples:
        """Divide Z (n, n_powers, n_grid) by R1obs (n,) and scale the targets (n,)."""
        targets = np.stack([fs / FS_UNIT, ksw / KSW_UNIT], axis=1)
        ratio = z / np.asarray(r1_obs)[:, None, None]
        return cls(ratio.astype(np.float32), targets.astype(np.float32), np.asarray(r1_obs))

    @classmethod
    def concatenate(cls, parts: list[Samples]) -> Samples:
        """Join several sets."""
        return cls(*(np.concatenate([getattr(p, f) for p in parts]) for f in cls.__dataclass_fields__))

    def take(self, rows: np.ndarray) -> Samples:
        """Return some of the samples."""
        return Samples(self.ratio[rows], self.targets[rows], self.r1_obs[rows])

    def __len__(self) -> int:
        return len(self.ratio)


class SampleSource(TypingProtocol):
    """Training data of one kind."""

    @property
    def name(self) -> str:
        """What the command line calls it."""
        ...

    @property
    def reuse(self) -> int:
        """How often a spectrum is seen on average: more than once where the engine is slower than the training."""
        ...

    @property
    def protocol(self) -> Protocol:
        """What the scan is."""
        ...

    @property
    def description(self) -> str:
        """One line for the card."""
        ...

    def draw(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` training spectra."""
        ...

    def validation(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` spectra that are independent of the training."""
        ...


def rival_grid_ppm(protocol: Protocol) -> np.ndarray:
    """Return the protocol's offsets within ±7.5 ppm, ascending: 85 in the reference protocol.

    Raises
    ------
    PCrCESTError
        When no offset lies there.
    """
    offsets = np.unique(np.round(frames_of(protocol)[0], 4))
    inside = offsets[np.abs(offsets) <= GLOBAL_LIMIT_PPM + _TOLERANCE_PPM]
    if not len(inside):
        raise PCrCESTError(f"the protocol has no offset within ±{GLOBAL_LIMIT_PPM} ppm; give another")
    return inside


def window(grid_ppm: np.ndarray, low_ppm: float, high_ppm: float) -> slice:
    """Return the part of an ascending grid between two offsets, both included.

    Raises
    ------
    PCrCESTError
        When it holds fewer than three points.
    """
    first = int(np.searchsorted(grid_ppm, low_ppm - _TOLERANCE_PPM))
    stop = int(np.searchsorted(grid_ppm, high_ppm + _TOLERANCE_PPM))
    if stop - first < 3:
        raise PCrCESTError(
            f"only {max(stop - first, 0)} offsets lie between {low_ppm:g} and {high_ppm:g} ppm; at least 3 are needed"
        )
    return slice(first, stop)


Draw = Callable[[MuscleFamily, int, np.random.Generator], CleanSpectra]


@dataclass(frozen=True, eq=False)
class ExactSamples:
    """Our own training data as the rivals take them: scanned without noise, aligned to water, divided by R1obs.

    ``kind`` is ``"partial"`` (exact increments on backgrounds), ``"full"`` (exact engine) or ``"mixed"`` (half and
    half, what our network learns from).

    Raises
    ------
    PCrCESTError
        When ``kind`` is another word.
    """

    source: Source
    kind: str = "mixed"

    reuse = 8

    def __post_init__(self) -> None:
        if self.kind not in ("partial", "full", "mixed"):
            raise PCrCESTError(f"exact data are 'partial', 'full' or 'mixed', not {self.kind!r}")

    @property
    def name(self) -> str:
        """What the command line calls it."""
        return f"exact-{self.kind}"

    @property
    def protocol(self) -> Protocol:
        """What the scan is."""
        return self.source.protocol

    @property
    def description(self) -> str:
        """One line for the card."""
        families = ", ".join(f.name for f in self.source.families)
        return f"exact {self.kind} spectra of {families}; backgrounds: {self.source.backgrounds.source}"

    def draw(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` training spectra."""
        clean = self._clean(n, rng)
        spectra = self.source.scan(clean, np.full(n, _ALMOST_NO_NOISE, dtype=np.float32), rng)
        grid = rival_grid_ppm(self.protocol)
        z = aligned(spectra, grid).reshape(n, -1, len(grid))
        return Samples.of(z, clean.r1_obs, clean.fs, clean.ksw)

    def validation(self, n: int, rng: np.random.Generator) -> Samples:
        """Draw ``n`` spectra; parameters are continuous, so any other seed is independent."""
        return self.draw(n, rng)

    def _clean(self, n: int, rng: np.random.Generator) -> CleanSpectra:
        s = self.source
        if self.kind == "mixed":
            return s.clean(n, rng)
        each = -(-n // len(s.families))
        draw: Draw = self._partial if self.kind == "partial" else self._full
        parts = [draw(family, each, rng) for family in s.families]
        return CleanSpectra.concatenate(parts).take(rng.permutation(each * len(parts))[:n])

    def _partial(self, family: MuscleFamily, n: int, rng: np.random.Generator) -> CleanSpectra:
        return partially_synthetic(family, self.source.backgrounds, self.protocol, n, rng)

    def _full(self, family: MuscleFamily, n: int, rng: np.random.Generator) -> CleanSpectra:
        return fully_synthetic(family, self.protocol, n, rng)
