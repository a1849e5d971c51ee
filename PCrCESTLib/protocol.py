"""What was acquired: field, offsets, powers, saturation and reference frames of one CEST series.

Offsets are ppm from water, positive downfield (PCr at +2.6 ppm); an infinite offset is an image without
saturation. Nothing is sorted here: frame i of the images is entry i of every list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import NoReferenceError, ProtocolError
from PCrCESTLib.saturation import Saturation

GAMMA_MHZ_PER_T = 42.5764  # proton, 267.5154 rad/s/µT over 2π
REFERENCE_PPM = 20.0  # frames at or beyond this offset count as unsaturated unless the file says otherwise
POWER_TOLERANCE_UT = 5e-3  # frames whose B1 differs less belong to one power


@dataclass(frozen=True)
class Protocol:
    """The acquisition of one series, one entry a frame.

    Parameters
    ----------
    field_t : float
        Static field B0, T.
    offsets_ppm : tuple of float
        Saturation offset of each frame, ppm, positive downfield; ``inf`` without saturation.
    b1_ut : tuple of float
        Saturation amplitude of each frame, µT (meaning as in ``saturation.b1_definition``).
    saturation : Saturation
        Duration and kind of the saturation.
    reference_frames : tuple of int
        Indices of the unsaturated frames (M0).
    normalized : bool
        True when the frames are already Z = M/M0.
    repetition_time_s : float, optional
        TR, s.

    Raises
    ------
    ProtocolError
        When a value is missing, inconsistent, or in the wrong unit; the sentence says how to mend it.
    """

    field_t: float
    offsets_ppm: tuple[float, ...]
    b1_ut: tuple[float, ...]
    saturation: Saturation
    reference_frames: tuple[int, ...] = ()
    normalized: bool = False
    repetition_time_s: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference_frames", tuple(sorted(set(self.reference_frames))))
        check_field(self.field_t)
        _check_frames(self)
        _check_offsets(self)
        _check_b1(self)
        _check_times(self)

    @property
    def n_frames(self) -> int:
        """Number of frames, references included."""
        return len(self.offsets_ppm)

    @property
    def hz_per_ppm(self) -> float:
        """Hz in one ppm at this field."""
        return GAMMA_MHZ_PER_T * self.field_t

    @property
    def saturated_frames(self) -> tuple[int, ...]:
        """Indices of the frames that are not references."""
        references = set(self.reference_frames)
        return tuple(i for i in range(self.n_frames) if i not in references)

    @property
    def powers_ut(self) -> tuple[float, ...]:
        """The distinct saturation amplitudes of the saturated frames, µT, ascending."""
        powers: list[float] = []
        for b1 in sorted(self.b1_ut[i] for i in self.saturated_frames):
            if not powers or b1 - powers[-1] > POWER_TOLERANCE_UT:
                powers.append(b1)
        return tuple(powers)

    def frames_at(self, power_ut: float) -> tuple[int, ...]:
        """Return the saturated frames of one of ``powers_ut``, which is the lowest B1 among them."""
        return tuple(i for i in self.saturated_frames if 0 <= self.b1_ut[i] - power_ut <= POWER_TOLERANCE_UT)

    def describe(self) -> str:
        """One readable line."""
        saturated = [self.offsets_ppm[i] for i in self.saturated_frames]
        powers = " + ".join(f"{p:g}" for p in self.powers_ut)
        reference = f"{len(self.reference_frames)} reference" if self.reference_frames else "no reference"
        return (
            f"{self.field_t:g} T, {powers} µT, {self.saturation.describe()}, {len(saturated)} offsets "
            f"{min(saturated):g} to {max(saturated):g} ppm, {reference} frames"
            + (", already normalized" if self.normalized else "")
        )


def ppm_from_hz(offset_hz: float, field_t: float) -> float:
    """Convert an offset from Hz to ppm at ``field_t`` tesla."""
    return offset_hz / (GAMMA_MHZ_PER_T * field_t)


def default_reference_frames(offsets_ppm: tuple[float, ...]) -> tuple[int, ...]:
    """Return the indices of the frames at least 20 ppm from water, which count as unsaturated."""
    return tuple(i for i, offset in enumerate(offsets_ppm) if abs(offset) >= REFERENCE_PPM)


def check_field(field_t: float) -> None:
    """Refuse a field strength that is no field in tesla.

    Raises
    ------
    ProtocolError
        When it is not positive and finite, or looks like MHz.
    """
    if not math.isfinite(field_t) or field_t <= 0:
        raise ProtocolError(f"MagneticFieldStrength is {field_t:g}; a positive field in tesla is expected")
    if field_t > 30:
        raise ProtocolError(
            f"MagneticFieldStrength is {field_t:g}, which looks like MHz; give tesla "
            f"({field_t / GAMMA_MHZ_PER_T:.3g} T if it is a proton frequency)"
        )


def _check_frames(p: Protocol) -> None:
    if not p.offsets_ppm:
        raise ProtocolError("SaturationOffsets is empty; list one offset a frame")
    if len(p.b1_ut) != p.n_frames:
        raise ProtocolError(
            f"SaturationB1 has {len(p.b1_ut)} values for {p.n_frames} frames; give one number, or one a frame"
        )
    outside = [i for i in p.reference_frames if not 0 <= i < p.n_frames]
    if outside:
        raise ProtocolError(
            f"ReferenceFrames names frame {outside[0]}, but the frames are numbered 0 to {p.n_frames - 1}"
        )
    if not p.saturated_frames:
        raise ProtocolError(
            f"all {p.n_frames} frames count as references (|offset| >= {REFERENCE_PPM:g} ppm); "
            "if the offsets are in Hz say SaturationOffsetsUnits: Hz"
        )
    if not p.reference_frames and not p.normalized:
        raise NoReferenceError(
            f"no reference frame (none at |offset| >= {REFERENCE_PPM:g} ppm) and the series is not marked as"
            " normalized; name the unsaturated frames in ReferenceFrames, give a scan of M0 with --m0, or set"
            " Normalized: true if the frames are already divided by M0"
        )


def _check_offsets(p: Protocol) -> None:
    saturated = np.array([p.offsets_ppm[i] for i in p.saturated_frames])
    if not np.all(np.isfinite(saturated)):
        raise ProtocolError(
            "SaturationOffsets has an entry that is not a number and is not listed in ReferenceFrames; give"
            " its offset, or name that frame as a reference"
        )
    if np.max(np.abs(saturated)) > 250:
        raise ProtocolError(
            f"SaturationOffsets reach {np.max(np.abs(saturated)):g} ppm, which looks like Hz; "
            "say SaturationOffsetsUnits: Hz"
        )
    if len(saturated) >= 5 and np.max(np.abs(saturated)) < 0.05:
        raise ProtocolError(
            f"SaturationOffsets stay within {np.max(np.abs(saturated)):g} ppm of water; they look like kHz or"
            " a fraction: give ppm or Hz"
        )


def _check_b1(p: Protocol) -> None:
    b1 = np.array([p.b1_ut[i] for i in p.saturated_frames], dtype=float)
    if not np.all(np.isfinite(b1)) or np.any(b1 <= 0):
        wrong = b1[~(np.isfinite(b1) & (b1 > 0))][0]
        raise ProtocolError(
            f"SaturationB1 is {wrong:g} uT for a saturated frame; a positive number is expected"
        )
    if np.min(b1) < 1e-3:
        raise ProtocolError(
            f"SaturationB1 is {np.min(b1):g} uT, which looks like tesla; give microtesla"
            f" ({np.min(b1) * 1e6:g}?)"
        )
    if np.max(b1) > 50:
        raise ProtocolError(
            f"SaturationB1 is {np.max(b1):g} uT, which looks like nT, Hz or degrees; give microtesla "
            f"({np.max(b1) / 1000:g} if it is nT, {np.max(b1) / GAMMA_MHZ_PER_T:.3g} if it is Hz)"
        )


def _check_times(p: Protocol) -> None:
    if p.saturation.duration_s > 60:
        raise ProtocolError(
            f"SaturationDuration is {p.saturation.duration_s:g} s, which looks like milliseconds; give"
            " seconds"
        )
    if p.repetition_time_s is not None and not 0 < p.repetition_time_s <= 120:
        raise ProtocolError(
            f"RepetitionTime is {p.repetition_time_s:g} s; give seconds (milliseconds divided by 1000)"
        )
