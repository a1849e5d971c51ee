"""What every way of finding the PCr peak gives: Z at 2.6 ppm with it and without it, and how noise moves that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline

from PCrCESTLib.physics.concentration import PCR_PPM

LEAST_Z = 0.01  # the inverse of anything smaller is noise


@dataclass(frozen=True)
class Curves:
    """What a fit draws through n spectra at one power; NaN where it says nothing.

    ``fit`` and ``without_pcr`` are Z, ``parts`` what each pool takes from Z; each (n, n_offsets). ``fit`` is None for a
    method that draws no curve through the peak.
    """

    without_pcr: np.ndarray
    fit: np.ndarray | None = None
    parts: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Peak:
    """The PCr peak of n spectra.

    Parameters
    ----------
    with_pcr, without_pcr : ndarray
        (n,) Z at 2.6 ppm with the peak and without it.
    inverse_gain : ndarray
        (n,) SD of 1/with_pcr − 1/without_pcr for white noise of Z of SD 1.
    rms : ndarray
        (n,) root mean square of measured minus fitted Z; NaN where nothing is fitted.
    converged : ndarray of bool
        (n,).
    curves : Curves
        For plots.
    """

    with_pcr: np.ndarray
    without_pcr: np.ndarray
    inverse_gain: np.ndarray
    rms: np.ndarray
    converged: np.ndarray
    curves: Curves

    @property
    def inverse(self) -> np.ndarray:
        """1/Z with the peak minus 1/Z without it, (n,)."""
        return 1 / np.maximum(self.with_pcr, LEAST_Z) - 1 / np.maximum(self.without_pcr, LEAST_Z)


def direct_peak(
    with_pcr: np.ndarray,
    without_pcr: np.ndarray,
    gains: Sequence[tuple[np.ndarray, np.ndarray]],
    curves: Curves,
) -> Peak:
    """Return the peak of a method without iterations.

    ``gains`` are, one for every independent set of measured points, what a unit of each adds to ``with_pcr`` and to
    ``without_pcr``, (n, n_points) or (n_points,).
    """
    n = len(with_pcr)
    scale_with, scale_without = (1 / np.maximum(z, LEAST_Z)[:, None] ** 2 for z in (with_pcr, without_pcr))
    variance = sum(np.sum((scale_with * up - scale_without * down) ** 2, axis=1) for up, down in gains)
    finite = np.isfinite(with_pcr) & np.isfinite(without_pcr)
    return Peak(with_pcr, without_pcr, np.sqrt(variance), np.full(n, np.nan), finite, curves)


def point_weights(offsets_ppm: np.ndarray, place_ppm: float) -> np.ndarray:
    """Weights (n_offsets,) that give Z at one place by a cubic spline: half the peak lies between two offsets."""
    return _weights(tuple(np.asarray(offsets_ppm, dtype=float).tolist()), float(place_ppm))


@lru_cache(maxsize=32)
def _weights(offsets_ppm: tuple[float, ...], place_ppm: float) -> np.ndarray:
    return np.asarray(CubicSpline(offsets_ppm, np.eye(len(offsets_ppm)))(place_ppm))


def linear_weights(offsets_ppm: np.ndarray, places_ppm: np.ndarray) -> np.ndarray:
    """Weights (n_offsets, n_places) of linear interpolation, for curves that are only looked at; NaN outside."""
    return np.stack([np.interp(places_ppm, offsets_ppm, row, np.nan, np.nan) for row in np.eye(len(offsets_ppm))])


def at(offsets_ppm: np.ndarray, z: np.ndarray, place_ppm: float = PCR_PPM) -> np.ndarray:
    """Z (n, n_offsets) at one place, (n,)."""
    return np.asarray(z @ point_weights(offsets_ppm, place_ppm))
