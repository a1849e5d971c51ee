"""B0 map from the phase of two gradient echoes: Δf = Δφ/(2π·ΔTE).

What is positive
    A positive result is water at a higher frequency than the scanner's, as everywhere in this library, if the phase
    grows with time where the frequency is too high. Scanners and converters differ in that sign; it has to be given,
    and is checked once against the water dip of a CEST scan.
Range
    The phase difference is known modulo 2π, so only |Δf| < 1/(2·ΔTE) is told: ±0.39 ppm at 3 T with 10 ms between the
    echoes, ±1.57 ppm with 2.5 ms. It is not unwrapped; what comes near the limit is counted, since beyond it the map
    jumps to the other end.
Units of phase
    Radians (values within ±2π), or the integers of a scanner: −4096…4095 for ±π, or 0…4095 for one turn, where a
    difference image starts at −π and a phase image anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T

SCANNER_HALF_TURN = 4096.0
RADIAN_UNITS = ("rad", "radian", "radians")
DEGREE_UNITS = ("deg", "degree", "degrees")
NEAR_LIMIT = 0.9


@dataclass(frozen=True)
class FieldMap:
    """B0 of n voxels.

    Parameters
    ----------
    shift_ppm : ndarray
        (n_voxels,) ppm; NaN where the phase is not finite.
    limit_ppm : float
        Largest shift that the echo times can tell.
    near_limit : float
        Share of the voxels beyond 90 % of it.
    """

    shift_ppm: np.ndarray
    limit_ppm: float
    near_limit: float


def dual_echo_shift(
    phase_difference_rad: np.ndarray, echo_spacing_s: float, field_t: float, *, sign: int = 1
) -> FieldMap:
    """B0 shift from the phase of the second echo minus that of the first.

    Parameters
    ----------
    phase_difference_rad : ndarray
        (n_voxels,) radians, modulo 2π.
    echo_spacing_s : float
        Second minus first echo time, s.
    field_t : float
        B0, T.
    sign : int
        −1 where phase falls with time at a higher frequency.

    Raises
    ------
    ProtocolError
        When the echo spacing is not positive.
    """
    if not 0 < echo_spacing_s < np.inf:
        raise ProtocolError(
            f"the second echo comes {echo_spacing_s:g} s after the first; a positive time is expected"
        )
    wrapped = np.angle(np.exp(1j * np.asarray(phase_difference_rad, dtype=float)))
    to_ppm = 1 / (2 * np.pi * echo_spacing_s * GAMMA_MHZ_PER_T * field_t)
    finite = np.isfinite(wrapped)
    near = np.abs(wrapped[finite]) > NEAR_LIMIT * np.pi
    return FieldMap(sign * wrapped * to_ppm, float(np.pi * to_ppm), float(near.mean()) if near.size else 0.0)


def phase_in_radians(
    name: str, values: np.ndarray, *, difference: bool = False, units: str | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Phase images in radians, and a sentence where scanner units were converted.

    Parameters
    ----------
    name : str
        File name, for messages.
    values : ndarray
        Any shape.
    difference : bool
        The image is a difference already; then 0 of an image from 0 to 4095 is −π, as Siemens writes it.
    units : str, optional
        What the file says of itself: rad and deg are believed, anything else goes by the values.

    Raises
    ------
    ReaderError
        When the values look like no phase.
    """
    values = np.where(np.isfinite(values), values, np.nan).astype(float)
    if not np.any(np.isfinite(values)) or np.nanmax(values) == np.nanmin(values):
        raise ReaderError(f"{name}: the phase image is the same everywhere; give the phase of the two echoes")
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    stated = (units or "").strip().lower()
    if stated in DEGREE_UNITS:
        return np.radians(values), ()
    if stated in RADIAN_UNITS or max(-low, high) <= 2 * np.pi + 1e-3:
        return values, ()
    found = f"{name}: phase from {low:g} to {high:g}"
    whole = bool(np.all(np.mod(values[np.isfinite(values)], 1) == 0))
    if not whole or high > SCANNER_HALF_TURN or low < -SCANNER_HALF_TURN or high < SCANNER_HALF_TURN / 4:
        raise ReaderError(
            f"{found}; radians, or whole numbers from -4096 to 4095 or from 0 to 4095, are expected: convert it, or "
            'write "Units": "rad" or "deg" into its JSON file'
        )
    if low < 0:
        return values * (np.pi / SCANNER_HALF_TURN), (f"{found}, taken as scanner units of π/4096",)
    turned = values * (2 * np.pi / SCANNER_HALF_TURN) - (np.pi if difference else 0.0)
    return turned, (f"{found}, taken as scanner units of 2π/4096" + (" from -π" if difference else ""),)
