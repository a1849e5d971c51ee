"""The protocol file: JSON with BIDS-style keys beside the images, in and out.

Keys: ``MagneticFieldStrength`` (T), ``SaturationOffsets`` with ``SaturationOffsetsUnits`` (ppm or Hz; null
for a frame without saturation), ``SaturationB1`` (number or one a frame) with ``SaturationB1Units`` (uT),
``SaturationDuration`` (s), ``SaturationType`` (continuous or pulsed, then ``SaturationPulseShape``,
``SaturationPulseDuration`` s, ``SaturationInterPulseDelay`` s, ``SaturationPulseCount``,
``SaturationPulseSamples``, ``SaturationPulsesSpoiled``), ``SaturationB1Definition`` (cwpe, rms, peak),
``SaturationReadoutDelay`` s, ``RepetitionTime`` s, ``ReferenceFrames`` (indices) and ``Normalized``. For
models of the magnetization before the saturation: ``SaturationRecovery`` s from ``SaturationInitialMz``, or
``SaturationSteadyStateInterval`` s with ``SaturationReadoutRetains`` (see ``saturation.Saturation``). BIDS's
``ImagingFrequency`` (MHz) is read too: offsets in Hz are divided by it (a "3 T" scanner may run at 2.89 T), and
without ``MagneticFieldStrength`` it gives the field. Other keys are left alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from reprlib import repr as brief
from typing import Any

from PCrCESTLib.errors import PhysicsError, ProtocolError
from PCrCESTLib.protocol import (
    GAMMA_MHZ_PER_T,
    REFERENCE_PPM,
    Protocol,
    check_field,
    default_reference_frames,
)
from PCrCESTLib.saturation import PulseTrain, Saturation

TIMING_KEYS = {
    "SaturationReadoutDelay": "readout_delay_s",
    "SaturationRecovery": "recovery_s",
    "SaturationInitialMz": "initial_mz",
    "SaturationSteadyStateInterval": "repetition_time_s",
    "SaturationReadoutRetains": "readout_retains",
}
CONTINUOUS_KEYS = ("SaturationDuration",)
PULSED_KEYS = ("SaturationPulseDuration", "SaturationPulseCount")
MAX_FILE_BYTES = 1 << 20
FIELD_TOLERANCE = 0.08  # "3 T" scanners run at 2.89 T
_PLAIN = Saturation(duration_s=1.0)


def load_protocol(path: Path) -> Protocol:
    """Read a protocol file; every problem is a ``ProtocolError`` that names the file and the field."""
    try:
        return protocol_from_dict(read_document(path))
    except ProtocolError as error:
        text = str(error)
        raise ProtocolError(text if text.startswith(f"{path}: ") else f"{path}: {text}") from error


def read_document(path: Path) -> dict[str, Any]:
    """Read a protocol file's keys as they stand, complete or not.

    Raises
    ------
    ProtocolError
        When the file cannot be read or is not a JSON object.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ProtocolError(
                f"{path}: {path.stat().st_size} bytes are no protocol file, which has a few thousand; name the right"
                " one"
            )
        # Names of patients and places come in any encoding; the keys that count are ASCII.
        document = json.loads(path.read_text(encoding="utf-8-sig", errors="replace"))
    except OSError as error:
        raise ProtocolError(f"{path}: the protocol file cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{path}: not a JSON file ({error}); see README, Protocol file") from error
    if not isinstance(document, dict):
        raise ProtocolError(f"{path}: a JSON object with MagneticFieldStrength and so on is expected")
    return document


def missing_keys(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys that a protocol cannot do without and ``document`` lacks."""
    pulsed = str(document.get("SaturationType", "")).strip().lower() == "pulsed"
    field = () if document.get("ImagingFrequency") is not None else ("MagneticFieldStrength",)
    needed = (
        *field,
        "SaturationOffsets",
        "SaturationOffsetsUnits",
        "SaturationB1",
        *(PULSED_KEYS if pulsed else CONTINUOUS_KEYS),
    )
    return tuple(key for key in needed if document.get(key) is None)


def protocol_from_dict(document: Mapping[str, Any]) -> Protocol:
    """Build a protocol from the file's keys.

    Raises
    ------
    ProtocolError
        When a key is missing or senseless; the message names it.
    """
    field_t, hz_per_ppm = _field(document)
    offsets = saturation_offsets_ppm(document, hz_per_ppm)
    return Protocol(
        field_t=field_t,
        offsets_ppm=offsets,
        b1_ut=_b1_ut(document, len(offsets)),
        saturation=_sensible_saturation(document),
        reference_frames=_reference_frames(document, offsets),
        normalized=_boolean(document, "Normalized"),
        repetition_time_s=_optional_number(document, "RepetitionTime"),
    )


def protocol_to_dict(protocol: Protocol) -> dict[str, Any]:
    """Return the file's keys; ``protocol_from_dict`` of it gives the same protocol."""
    b1 = protocol.b1_ut
    document: dict[str, Any] = {
        "MagneticFieldStrength": protocol.field_t,
        "SaturationOffsets": [o if math.isfinite(o) else None for o in protocol.offsets_ppm],
        "SaturationOffsetsUnits": "ppm",
        "SaturationB1": b1[0] if len(set(b1)) == 1 else [b if math.isfinite(b) else None for b in b1],
        "SaturationB1Units": "uT",
        **_saturation_to_dict(protocol.saturation),
        "ReferenceFrames": list(protocol.reference_frames),
        "Normalized": protocol.normalized,
    }
    if protocol.repetition_time_s is not None:
        document["RepetitionTime"] = protocol.repetition_time_s
    return document


def save_protocol(protocol: Protocol, path: Path) -> None:
    """Write the protocol file."""
    path.write_text(json.dumps(protocol_to_dict(protocol), indent=1) + "\n", encoding="utf-8")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(document: Mapping[str, Any], key: str) -> float:
    value = _optional_number(document, key)
    if value is None:
        raise ProtocolError(f"{key} is missing; add it to the protocol file")
    return value


def _optional_number(document: Mapping[str, Any], key: str) -> float | None:
    value = document.get(key)
    if value is None:
        return None
    if not _is_number(value):
        raise ProtocolError(f"{key} is {brief(value)}; a number is expected")
    return _float(value)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON allows integers of any length
        return math.inf


def _boolean(document: Mapping[str, Any], key: str, default: bool = False) -> bool:
    value = document.get(key, default)
    if not isinstance(value, bool):
        raise ProtocolError(f"{key} is {brief(value)}; true or false is expected")
    return value


def _field(document: Mapping[str, Any]) -> tuple[float, float]:
    """B0 in T, and the Hz in one ppm."""
    frequency_mhz = _optional_number(document, "ImagingFrequency")
    if frequency_mhz is None:
        field_t = _number(document, "MagneticFieldStrength")
        check_field(field_t)
        return field_t, GAMMA_MHZ_PER_T * field_t
    stated = _optional_number(document, "MagneticFieldStrength")
    field_t = frequency_mhz / GAMMA_MHZ_PER_T if stated is None else stated
    check_field(field_t)
    proton_mhz = GAMMA_MHZ_PER_T * field_t
    if not abs(frequency_mhz - proton_mhz) <= FIELD_TOLERANCE * proton_mhz:
        raise ProtocolError(
            f"ImagingFrequency is {frequency_mhz:g} MHz, but protons have {proton_mhz:g} MHz at {field_t:g} T; correct"
            " one of the two, or give the proton scan"
        )
    return field_t, frequency_mhz


def saturation_offsets_ppm(document: Mapping[str, Any], hz_per_ppm: float) -> tuple[float, ...]:
    """Offsets of the file's frames in ppm, infinite without saturation; ``hz_per_ppm`` counts where they are in Hz.

    Raises
    ------
    ProtocolError
        When they are missing or their unit is not stated or wrong.
    """
    values = document.get("SaturationOffsets")
    if not isinstance(values, list) or not values:
        raise ProtocolError("SaturationOffsets is missing; list one offset a frame (ppm or Hz)")
    wrong = [v for v in values if v is not None and not _is_number(v)]
    if wrong:
        raise ProtocolError(f"SaturationOffsets holds {brief(wrong[0])}; numbers (or null) are expected")
    offsets = tuple(math.inf if v is None else _float(v) for v in values)
    units = str(document.get("SaturationOffsetsUnits", "")).strip().lower()
    if units == "hz":
        return _offsets_from_hz(offsets, hz_per_ppm)
    if units != "ppm":
        raise ProtocolError(
            f"SaturationOffsetsUnits is {brief(document.get('SaturationOffsetsUnits'))}; 'ppm' or 'Hz' is expected"
        )
    far = [o for o in offsets if math.isfinite(o) and abs(o) >= REFERENCE_PPM]
    if "ReferenceFrames" not in document and len(far) > len(offsets) / 2:
        raise ProtocolError(
            f"{len(far)} of {len(offsets)} SaturationOffsets lie beyond {REFERENCE_PPM:g} ppm, which looks"
            " like Hz; say SaturationOffsetsUnits: Hz, or name the references in ReferenceFrames"
        )
    return offsets


def _offsets_from_hz(offsets_hz: tuple[float, ...], hz_per_ppm: float) -> tuple[float, ...]:
    finite = [abs(o) for o in offsets_hz if math.isfinite(o)]
    if len(finite) > 3 and max(finite) <= 15:
        raise ProtocolError(
            f"SaturationOffsets reach only {max(finite):g} but SaturationOffsetsUnits says Hz; they look"
            " like ppm"
        )
    return tuple(o / hz_per_ppm for o in offsets_hz)


def _b1_ut(document: Mapping[str, Any], n_frames: int) -> tuple[float, ...]:
    units = str(document.get("SaturationB1Units", "uT")).replace("µ", "u").replace("μ", "u")
    if units.lower() != "ut":
        raise ProtocolError(
            f"SaturationB1Units is {brief(units)}; only 'uT' (microtesla) is understood: convert the values"
        )
    value = document.get("SaturationB1")
    if _is_number(value):
        return (_float(value),) * n_frames  # type: ignore[arg-type]
    if not isinstance(value, list) or not all(v is None or _is_number(v) for v in value):
        raise ProtocolError("SaturationB1 is missing; give one number in uT, or a list with one a frame")
    return tuple(0.0 if v is None else _float(v) for v in value)


def _reference_frames(document: Mapping[str, Any], offsets_ppm: tuple[float, ...]) -> tuple[int, ...]:
    frames = document.get("ReferenceFrames")
    if frames is None:
        return default_reference_frames(offsets_ppm)
    if not isinstance(frames, list) or not all(
        isinstance(i, int) and not isinstance(i, bool) for i in frames
    ):
        raise ProtocolError(f"ReferenceFrames is {brief(frames)}; a list of frame indices from 0 is expected")
    return tuple(sorted(set(frames)))


def _sensible_saturation(document: Mapping[str, Any]) -> Saturation:
    try:
        return _saturation(document)
    except PhysicsError as error:
        raise ProtocolError(f"the Saturation... fields describe no possible saturation: {error}") from error


def _saturation(document: Mapping[str, Any]) -> Saturation:
    kind = str(document.get("SaturationType", "continuous")).strip().lower()
    common: dict[str, Any] = {}
    if "SaturationB1Definition" in document:
        common["b1_definition"] = str(document["SaturationB1Definition"]).lower()
    for key, name in TIMING_KEYS.items():
        value = _optional_number(document, key)
        if value is not None:
            common[name] = value
    if kind == "continuous":
        return Saturation(duration_s=_number(document, "SaturationDuration"), **common)
    if kind != "pulsed":
        raise ProtocolError(f"SaturationType is {brief(kind)}; 'continuous' or 'pulsed' is expected")
    train = _pulse_train(document)
    stated = _optional_number(document, "SaturationDuration")
    saturation = Saturation.pulsed(train, **common)
    if stated is not None and abs(stated - saturation.duration_s) > 0.05 * saturation.duration_s:
        raise ProtocolError(
            f"SaturationDuration is {stated:g} s but {train.count} pulses with their delays last "
            f"{saturation.duration_s:g} s; correct the pulse fields or leave SaturationDuration out"
        )
    return saturation


def _pulse_train(document: Mapping[str, Any]) -> PulseTrain:
    samples = document.get("SaturationPulseSamples")
    if samples is not None and not (isinstance(samples, list) and all(map(_is_number, samples))):
        raise ProtocolError("SaturationPulseSamples must be a list of numbers, the pulse's amplitudes")
    count = _number(document, "SaturationPulseCount")
    if not count.is_integer():
        raise ProtocolError(f"SaturationPulseCount is {count:g}; a whole number is expected")
    return PulseTrain(
        shape=str(document.get("SaturationPulseShape", "block")).lower(),
        pulse_duration_s=_number(document, "SaturationPulseDuration"),
        inter_pulse_delay_s=_optional_number(document, "SaturationInterPulseDelay") or 0.0,
        count=int(count),
        samples=None if samples is None else tuple(map(_float, samples)),
        spoiled=_boolean(document, "SaturationPulsesSpoiled", default=True),
    )


def _saturation_to_dict(saturation: Saturation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "SaturationDuration": saturation.duration_s,
        "SaturationType": "continuous" if saturation.train is None else "pulsed",
        "SaturationB1Definition": saturation.b1_definition,
    }
    for key, name in TIMING_KEYS.items():
        if getattr(saturation, name) != getattr(_PLAIN, name):
            document[key] = getattr(saturation, name)
    train = saturation.train
    if train is None:
        return document
    document |= {
        "SaturationPulseShape": train.shape,
        "SaturationPulseDuration": train.pulse_duration_s,
        "SaturationInterPulseDelay": train.inter_pulse_delay_s,
        "SaturationPulseCount": train.count,
        "SaturationPulsesSpoiled": train.spoiled,
    }
    if train.samples is not None:
        document["SaturationPulseSamples"] = list(train.samples)
    return document
