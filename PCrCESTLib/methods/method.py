"""What a method is: it turns spectra of voxels, or the mean spectrum of a region, into fs and ksw with their SDs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np

from PCrCESTLib.models.inference import Spectra

Progress = Callable[[float], None]
FIT, WITHOUT_PCR = "fit", "without PCr"


@dataclass(frozen=True)
class Estimates:
    """What a method says of n spectra; NaN where it has no answer.

    Parameters
    ----------
    fs, fs_sd : ndarray
        (n,) PCr proton fraction and its SD.
    ksw, ksw_sd : ndarray
        (n,) exchange rate and its SD, s⁻¹.
    flags : ndarray
        (n,) uint8, the method's own bits of `Quality`.
    further : dict
        Further maps of the method, (n,) each; `map_files.MAP_UNITS` describes them.
    log_correlation : ndarray or None
        (n,) correlation of the errors of log fs and log ksw; None where a method does not tell it.
    """

    fs: np.ndarray
    fs_sd: np.ndarray
    ksw: np.ndarray
    ksw_sd: np.ndarray
    flags: np.ndarray
    further: dict[str, np.ndarray] = field(default_factory=dict)
    log_correlation: np.ndarray | None = None

    @staticmethod
    def joined(parts: Sequence[Estimates]) -> Estimates:
        """Concatenate estimates of consecutive spectra."""
        told = parts[0].log_correlation is not None
        plain = [
            f.name for f in fields(Estimates) if f.name != "further" and (told or f.name != "log_correlation")
        ]
        values = {name: np.concatenate([getattr(p, name) for p in parts]) for name in plain}
        further = {name: np.concatenate([p.further[name] for p in parts]) for name in parts[0].further}
        return Estimates(**values, further=further)


@dataclass(frozen=True)
class Curve:
    """One curve of a fit of one spectrum.

    ``name`` is `FIT`, `WITHOUT_PCR` (both Z), or a pool, whose ``z`` (n_offsets,) is what it takes from Z; NaN where
    the method says nothing.
    """

    b1_ut: float
    name: str
    z: np.ndarray


class Method(Protocol):
    """A method made ready for one scan."""

    @property
    def title(self) -> str:
        """What it is called in pictures."""
        ...

    @property
    def grid_ppm(self) -> np.ndarray:
        """Offsets of its mean spectra, (n_grid,), from water."""
        ...

    def estimate(self, spectra: Spectra, progress: Progress | None = None) -> Estimates:
        """Estimate every spectrum as acquired; what ``progress`` (of the fraction done) raises stops the work."""
        ...

    def region(self, voxels: Spectra) -> tuple[Spectra, Estimates]:
        """Average the voxels of a region, each moved to its own water, and estimate that one spectrum on `grid_ppm`."""
        ...

    def curves(self, mean: Spectra, estimates: Estimates) -> list[Curve]:
        """Draw one aligned spectrum (on ``mean.offsets_ppm``) as the method sees it."""
        ...

    def notes(self, spectra: Spectra) -> list[str]:
        """Say what the user should know of the answers to these spectra, one sentence each."""
        ...

    def record(self) -> dict[str, Any]:
        """For the provenance: entries of ``quantify.json``."""
        ...
