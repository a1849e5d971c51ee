"""What a scan may differ in from the protocol of a model, and how that is said.

A model fits when field (2 %), every power (3 %) and saturation (duration and the times of a pulse train 5 %) agree, the
scan's offsets cover the model's (the nearest within 0.15 ppm inside ±5 ppm and 1.3 ppm beyond), and interpolating them,
where they differ, makes errors of Z of at most 0.003 in the PCr window and 0.01 elsewhere. What precedes and follows
the saturation may change Z by 0.01.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from PCrCESTLib.models.interpolation import (
    LARGEST_ERROR,
    LARGEST_ERROR_ELSEWHERE,
    grid_of,
    interpolation_error,
)
from PCrCESTLib.models.typical import typical_z
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import TIMING_KEYS
from PCrCESTLib.saturation import PulseTrain, Saturation

FIELD_TOLERANCE = 0.02
POWER_TOLERANCE = 0.03
DURATION_TOLERANCE = 0.05
TIMING_TOLERANCE = LARGEST_ERROR_ELSEWHERE  # of Z: as smooth as the errors far from PCr
COVERAGE_PPM, OUTER_COVERAGE_PPM = 0.15, 1.3  # how far the nearest acquired offset may lie from a grid point
INNER_PPM = 5.0


def differences(ours: Protocol, protocol: Protocol) -> list[str]:
    """List in words every way a scan's protocol differs from a model's (``ours``); empty when it fits."""
    found = []
    if not _agree(protocol.field_t, ours.field_t, FIELD_TOLERANCE):
        found.append(f"field {protocol.field_t:g} T, model {ours.field_t:g} T ({_within(FIELD_TOLERANCE)})")
    if not same_powers(protocol.powers_ut, ours.powers_ut):
        powers = f"powers {listed(protocol.powers_ut)} µT, model {listed(ours.powers_ut)} µT"
        found.append(f"{powers} ({_within(POWER_TOLERANCE)})")
    found += _saturation_differences(protocol.saturation, ours.saturation) + _coverage_gaps(protocol, ours)
    # These two simulate, and mean something only where everything else agrees.
    return found or _timing_differences(protocol.saturation, ours) + _too_coarse(protocol, ours)


def same_powers(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Tell whether the powers ``a`` (µT) are those of a model, ``b``, each within 3 %."""
    return len(a) == len(b) and all(_agree(p, q, POWER_TOLERANCE) for p, q in zip(a, b, strict=True))


def common_powers(
    powers_ut: Iterable[float], others_ut: Iterable[float], tolerance: float = POWER_TOLERANCE
) -> tuple[float, ...]:
    """Those of ``powers_ut`` that agree with one of ``others_ut`` within a relative tolerance, µT."""
    others = tuple(others_ut)
    return tuple(p for p in powers_ut if any(_agree(p, q, tolerance) for q in others))


def listed(powers_ut: tuple[float, ...]) -> str:
    """Powers as in "0.5 + 1"."""
    return " + ".join(f"{p:g}" for p in powers_ut)


def _agree(scan: float, model: float, tolerance: float) -> bool:
    """Tell whether two numbers agree within a relative tolerance, its very end included."""
    return abs(scan - model) <= tolerance * abs(model) + 1e-9


def _within(tolerance: float) -> str:
    return f"within {tolerance:.0%} fits"


def _saturation_differences(a: Saturation, b: Saturation) -> list[str]:
    if a.train is None and b.train is None:
        if _agree(a.duration_s, b.duration_s, DURATION_TOLERANCE):
            return []
        return [f"saturation {a.duration_s:g} s, model {b.duration_s:g} s ({_within(DURATION_TOLERANCE)})"]
    if a.train is None or b.train is None:
        return [f"saturation {a.describe()}, model {b.describe()}"]
    found = []
    if not _same_train(a.train, b.train):
        found.append(
            f"pulse train {a.describe()}, model {b.describe()} (the same shape fits, with times "
            f"within {DURATION_TOLERANCE:.0%})"
        )
    if a.b1_definition != b.b1_definition:
        found.append(f"SaturationB1Definition {a.b1_definition}, model {b.b1_definition}")
    return found


def _same_train(a: PulseTrain, b: PulseTrain) -> bool:
    times = (
        (a.pulse_duration_s, b.pulse_duration_s),
        (a.inter_pulse_delay_s, b.inter_pulse_delay_s),
        (a.duration_s, b.duration_s),
    )
    close = all(_agree(x, y, DURATION_TOLERANCE) for x, y in times)
    return close and (a.shape, a.samples, a.spoiled) == (b.shape, b.samples, b.spoiled)


def _coverage_gaps(protocol: Protocol, ours: Protocol) -> list[str]:
    grid = grid_of(ours)
    allowed = np.where(np.abs(grid) <= INNER_PPM, COVERAGE_PPM, OUTER_COVERAGE_PPM) + 1e-9
    gaps = []
    for power in protocol.powers_ut:
        offsets = np.array([protocol.offsets_ppm[i] for i in protocol.frames_at(power)])
        distance = np.min(np.abs(grid[:, None] - offsets[None, :]), axis=1)
        missing = np.nonzero(distance > allowed)[0]
        if len(missing):
            first = missing[0]
            gaps.append(
                f"at {power:g} µT no offset near {grid[first]:g} ppm (within {allowed[first]:.3g} ppm fits; "
                f"{len(missing)} of {len(grid)} needed offsets between {grid[0]:g} and {grid[-1]:g} ppm are missing)"
            )
    return gaps


def _timing_differences(scan: Saturation, ours: Protocol) -> list[str]:
    """Refuse another start or end of the saturation (recovery, readout delay, steady state) that changes Z."""
    model = ours.saturation
    other = [(key, name) for key, name in TIMING_KEYS.items() if getattr(scan, name) != getattr(model, name)]
    if not other:
        return []
    spectra = (_spectra_at_all_powers(ours, saturation) for saturation in (scan, model))
    change = float(np.max(np.abs(np.subtract(*spectra))))
    if change <= TIMING_TOLERANCE:
        return []
    words = ", ".join(
        f"{key} {_value(getattr(scan, n))}, model {_value(getattr(model, n))}" for key, n in other
    )
    return [f"{words}: Z of typical muscle differs by up to {change:.1g} ({TIMING_TOLERANCE:g} fits)"]


def _spectra_at_all_powers(ours: Protocol, saturation: Saturation) -> np.ndarray:
    """Z of typical muscle on the model's offsets, (n_powers, n_grid)."""
    grid = grid_of(ours)
    return np.concatenate([typical_z(ours.field_t, saturation, grid, p, np.zeros(1)) for p in ours.powers_ut])


def _value(number: float | None) -> str:
    return "none" if number is None else f"{number:g}"


def _too_coarse(protocol: Protocol, ours: Protocol) -> list[str]:
    """Refuse offsets that cover the model's but are too far apart."""
    error = interpolation_error(ours, protocol)
    if error is None or error.acceptable:
        return []
    limits = f"up to {LARGEST_ERROR:g} in the PCr window and {LARGEST_ERROR_ELSEWHERE:g} elsewhere fits"
    return [f"{error.sentence()} ({limits})"]
