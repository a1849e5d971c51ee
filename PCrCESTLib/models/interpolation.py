"""What it costs to interpolate a scan's offsets to those of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from PCrCESTLib.models.network import LOCAL_WINDOW_PPM
from PCrCESTLib.models.typical import typical_z
from PCrCESTLib.preparation.b0 import align
from PCrCESTLib.preparation.zseries import SAME_OFFSET_PPM as REPEATED_OFFSET_PPM
from PCrCESTLib.protocol import Protocol

SAME_OFFSET_PPM = 0.01
# fs of 1e-3 lowers Z in the PCr window by 0.02 to 0.03 at 0.5 µT, so that this is about a tenth of PCr. Measured with
# the bundled rat networks, two powers (0.25 µT alone), RMS change of fs against the model's own offsets: steps of
# 0.2 ppm (Z errs by 0.0027) 1 % (2 %) at a voxel's noise of 0.002 to 0.01 and 4 % (9 %) at a region's of 0.0005; steps
# of 0.25 ppm (0.005) 3 % (6 %) and 6 % (16 %).
LARGEST_ERROR = 0.003
# Smooth errors far from PCr matter less: without the offsets at ±10 ppm Z errs by 0.03 there and fs by 4 to 6 %.
LARGEST_ERROR_ELSEWHERE = 0.01
_B0_SHIFT_PPM = 0.1


@dataclass(frozen=True)
class InterpolationError:
    """Errors of Z of typical muscle on the model's grid, over all powers and a few B0 shifts, without noise.

    Parameters
    ----------
    n_scan, n_model : int
        Offsets of a power; the most where the scan's powers differ.
    window, window_rms : float
        Largest and RMS error in the PCr window.
    elsewhere, elsewhere_rms : float
        The same outside it.
    """

    n_scan: int
    n_model: int
    window: float
    window_rms: float
    elsewhere: float
    elsewhere_rms: float

    @property
    def acceptable(self) -> bool:
        """Whether the errors are small enough."""
        return self.window <= LARGEST_ERROR and self.elsewhere <= LARGEST_ERROR_ELSEWHERE

    def sentence(self, noise_sd: float | None = None) -> str:
        """Say it to a user, beside the noise SD of Z in a voxel where that is known."""
        share = "" if not noise_sd else f", {self.window / noise_sd:.1g} of a voxel's noise,"
        return (
            f"the scan's {self.n_scan} offsets are not the model's {self.n_model}; interpolated, Z of typical muscle "
            f"errs by up to {self.window:.1g} (RMS {self.window_rms:.1g}) in the PCr window{share} and "
            f"{self.elsewhere:.1g} elsewhere"
        )


def grid_of(protocol: Protocol) -> np.ndarray:
    """Offsets on which a model of this protocol takes every power, ppm, ascending (n_grid,)."""
    return np.unique(np.round([protocol.offsets_ppm[i] for i in protocol.saturated_frames], 4))


def same_offsets(a: np.ndarray, b: np.ndarray) -> bool:
    """Tell whether two ascending lists of offsets (ppm) agree within 0.01 ppm."""
    return len(a) == len(b) and bool(np.allclose(a, b, rtol=0, atol=SAME_OFFSET_PPM))


@lru_cache(maxsize=32)
def interpolation_error(ours: Protocol, scan: Protocol) -> InterpolationError | None:
    """Simulate typical muscle at both sets of offsets and compare; None when they are the same.

    The scan's spectra are brought to the model's grid as ``quantify`` does it. Water lies at 0, ±0.1 ppm and ± half
    the scan's step, because aligning to water interpolates too: what counts is the error against the exact spectrum
    at the model's own offsets from water. Grid points that a shift moves beyond the model's own offsets are left
    out: its training had to extrapolate there as well.

    Parameters
    ----------
    ours, scan : Protocol
        The model's and the scan's, of the same powers and saturation.
    """
    grid = grid_of(ours)
    per_power = [_offsets(scan, power) for power in scan.powers_ut]
    if all(same_offsets(offsets, grid) for offsets in per_power):
        return None
    in_window = (grid >= LOCAL_WINDOW_PPM[0] - 1e-6) & (grid <= LOCAL_WINDOW_PPM[1] + 1e-6)
    window, elsewhere = [], []
    for offsets, power in zip(per_power, ours.powers_ut, strict=True):
        for error, reached in _errors(ours, power, offsets, grid):
            window.append(error[in_window & reached])
            elsewhere.append(error[~in_window & reached])
    n_scan = max(len(offsets) for offsets in per_power)
    return InterpolationError(n_scan, len(grid), *_largest_and_rms(window), *_largest_and_rms(elsewhere))


def _errors(
    ours: Protocol, power_ut: float, offsets: np.ndarray, grid: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for every B0 shift, the error of Z (n_grid,) and which grid points the model's offsets reach."""
    low, high = LOCAL_WINDOW_PPM
    steps = np.diff(offsets[(offsets >= low) & (offsets <= high)])
    half = float(np.median(steps)) / 2 if len(steps) else _B0_SHIFT_PPM
    shifts = np.array([0.0, -_B0_SHIFT_PPM, _B0_SHIFT_PPM, -half, half])
    acquired = typical_z(ours.field_t, ours.saturation, offsets, power_ut, shifts)
    exact = typical_z(ours.field_t, ours.saturation, grid, power_ut, np.zeros(1))[0]
    for shift, z in zip(shifts, align(acquired, offsets, shifts, grid), strict=True):
        place = grid + shift
        yield z - exact, (place >= grid[0]) & (place <= grid[-1])


def _offsets(protocol: Protocol, power_ut: float) -> np.ndarray:
    """Offsets of one power, ppm, ascending; repeats, which are averaged, count once."""
    offsets = np.unique([protocol.offsets_ppm[i] for i in protocol.frames_at(power_ut)])
    return offsets[np.concatenate([[True], np.diff(offsets) > REPEATED_OFFSET_PPM])]


def _largest_and_rms(parts: list[np.ndarray]) -> tuple[float, float]:
    error = np.concatenate(parts)
    if not len(error):
        return 0.0, 0.0
    return float(np.max(np.abs(error))), float(np.sqrt(np.mean(error**2)))
