"""What it costs to interpolate a scan's offsets to those of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.models.network import LOCAL_WINDOW_PPM
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.preparation.b0 import align, samples_water_dip
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

SAME_OFFSET_PPM = 0.01
# In the PCr window; fs of 1e-3 lowers Z there by 0.02 to 0.03 at 0.5 µT, so that this is about a tenth of PCr.
LARGEST_ERROR = 0.003
_NEAR_WATER_PPM = 0.8  # the dip is steep, and its place is fitted rather than interpolated
_SHIFTS_PPM = (-0.1, -0.05, 0.0, 0.05, 0.1)


@dataclass(frozen=True)
class InterpolationError:
    """Largest error of Z in the PCr window and elsewhere (0.8 ppm and more from water), for typical muscle."""

    n_scan: int
    n_model: int
    window: float
    elsewhere: float

    @property
    def acceptable(self) -> bool:
        """Whether the error in the PCr window is small enough."""
        return self.window <= LARGEST_ERROR

    def sentence(self) -> str:
        """Say it to a user."""
        return (
            f"the scan's {self.n_scan} offsets are not the model's {self.n_model}; interpolated, Z of typical muscle "
            f"errs by up to {self.window:.1g} in the PCr window and {self.elsewhere:.1g} elsewhere"
        )


def interpolation_error(ours: Protocol, scan: Protocol) -> InterpolationError | None:
    """Simulate typical muscle at both sets of offsets and compare; None when they are the same.

    Water lies at 0 and up to 0.1 ppm beside it, because aligning to water interpolates too: what counts is the error
    against the exact spectrum at the model's own offsets from water.

    Parameters
    ----------
    ours, scan : Protocol
        The model's and the scan's, of the same powers and saturation.
    """
    grid = _offsets(ours, ours.powers_ut[0])
    per_power = [_offsets(scan, power) for power in scan.powers_ut]
    if all(len(o) == len(grid) and np.allclose(o, grid, atol=SAME_OFFSET_PPM) for o in per_power):
        return None
    shifts = np.array(_SHIFTS_PPM if samples_water_dip(per_power[0]) else (0.0,))
    worst = {"window": 0.0, "elsewhere": 0.0}
    inside = (grid >= LOCAL_WINDOW_PPM[0] - 1e-6) & (grid <= LOCAL_WINDOW_PPM[1] + 1e-6)
    parts = {"window": inside, "elsewhere": ~inside & (np.abs(grid) >= _NEAR_WATER_PPM)}
    for offsets, power in zip(per_power, ours.powers_ut, strict=True):
        seen = align(_muscle_z(ours, offsets, power, shifts), offsets, shifts, grid)
        exact = _muscle_z(ours, grid, power, np.zeros(len(shifts)))
        for name, part in parts.items():
            if part.any():
                worst[name] = max(worst[name], float(np.max(np.abs(seen - exact)[:, part])))
    return InterpolationError(len(per_power[0]), len(grid), worst["window"], worst["elsewhere"])


def _offsets(protocol: Protocol, power_ut: float) -> np.ndarray:
    """Ascending offsets of one power."""
    frames = [i for i in protocol.saturated_frames if abs(protocol.b1_ut[i] - power_ut) < 0.01]
    return np.unique(np.round([protocol.offsets_ppm[i] for i in frames], 4))


def _muscle_z(protocol: Protocol, offsets: np.ndarray, power_ut: float, shifts: np.ndarray) -> np.ndarray:
    """Z of typical muscle, (n_shifts, n_offsets)."""
    values = (np.full(len(shifts), v) for v in (1.0e-3, 110.0, 1.62, 0.03, 0.10))
    tissue = muscle_tissue(*values)
    b1 = np.full(len(offsets), power_ut)
    return np.asarray(
        z_spectra(tissue, protocol.saturation, offsets, b1, protocol.field_t, b0_shift_ppm=shifts)
    )
