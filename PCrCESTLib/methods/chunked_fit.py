"""What all fits share as methods: spectra in chunks, regions by their mean spectrum, the grid of the lowest power."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from PCrCESTLib.methods.method import Estimates, Progress
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.models.region import mean_spectrum
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.reference import R1_KNOWN_TO

R1_MAP_SD, TYPICAL_R1_SD = R1_KNOWN_TO, 0.13  # relative; human calf at 3 T has T1 1.27 ± 0.16 s


@dataclass(frozen=True, eq=False)
class ChunkedFit(ABC):
    """A fit made ready for scans of one protocol."""

    protocol: Protocol

    chunk: ClassVar[int]
    """Spectra fitted between two reports of progress."""

    @abstractmethod
    def fit_chunk(self, spectra: Spectra) -> Estimates:
        """Fit all of these spectra at once."""

    @property
    def grid_ppm(self) -> np.ndarray:
        """Offsets of the lowest power."""
        return offsets_at(self.protocol, 0)

    def estimate(self, spectra: Spectra, progress: Progress | None = None) -> Estimates:
        """Fit in chunks."""
        parts = []
        for i in range(0, len(spectra), self.chunk):
            parts.append(self.fit_chunk(spectra.rows(slice(i, i + self.chunk))))
            if progress is not None:
                progress(min(i + self.chunk, len(spectra)) / len(spectra))
        return Estimates.joined(parts)

    def region(self, voxels: Spectra) -> tuple[Spectra, Estimates]:
        """Fit the mean of the B0-aligned spectra."""
        mean = mean_spectrum(voxels, self.grid_ppm)
        return mean, self.fit_chunk(mean)


def offsets_at(protocol: Protocol, power: int) -> np.ndarray:
    """Saturated offsets of the power with this number, ascending and without repeats, (n_offsets,)."""
    frames = protocol.frames_at(protocol.powers_ut[power])
    return np.unique(np.round([protocol.offsets_ppm[i] for i in frames], 6))
