"""What is compared: anything that turns spectra into fs and ksw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.rivals.rival import Rival


@dataclass(frozen=True)
class Estimate:
    """What a method says of n spectra: ``fs``, ``ksw`` (s⁻¹), and the SDs of their logarithms if it has any, (n,)."""

    fs: np.ndarray
    ksw: np.ndarray
    log_sd_fs: np.ndarray | None = None
    log_sd_ksw: np.ndarray | None = None


class Method(Protocol):
    """One row of every table. A fit joins by having these two."""

    @property
    def name(self) -> str:
        """Its name in tables and legends."""
        ...

    def estimate(self, spectra: Spectra) -> Estimate:
        """Estimate fs and ksw from spectra as acquired, with R1obs and B1 where they are known."""
        ...


@dataclass(frozen=True, eq=False)
class TwoBranch:
    """Our network."""

    model: Model
    name: str = "PCrCEST two-branch"

    def estimate(self, spectra: Spectra) -> Estimate:
        """Run the network on NumPy."""
        p = predict(self.model, spectra, NumpyBackend())
        return Estimate(p.fs, p.ksw, p.log_sd_fs, p.log_sd_ksw)


@dataclass(frozen=True, eq=False)
class RivalNetwork:
    """A trained network to compare with; it has no uncertainty."""

    rival: Rival

    @property
    def name(self) -> str:
        """Name in its card."""
        return self.rival.card.name

    def estimate(self, spectra: Spectra) -> Estimate:
        """Run the network on torch."""
        fs, ksw = self.rival.predict(spectra)
        return Estimate(fs, ksw)


@dataclass(frozen=True)
class PriorMean:
    """No method at all: the middle of the reference paper's ranges, the worst that a table should show."""

    fs: float = 1.0e-3
    ksw: float = 110.0
    name: str = "guessing the middle"

    def estimate(self, spectra: Spectra) -> Estimate:
        """Answer the same for every spectrum."""
        return Estimate(np.full(len(spectra), self.fs), np.full(len(spectra), self.ksw))
