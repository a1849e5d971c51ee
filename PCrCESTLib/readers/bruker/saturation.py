"""How a Bruker scan was saturated, from its ``method`` and ``acqp``, as keys of a protocol file.

ParaVision has no one name for the list of offsets. Its own modules are *saturation transfer* (ParaVision 360) and
*magnetization transfer* (5.1 to 7); many sites keep a list of their own in their method. ``OFFSETS`` names those
met in published CEST code. What the parameters of the first module mean, the reference scan among them, is said in
the method programming manual of ParaVision 360 (STB_UpdateSatTransModule).

Lists in Hz are added to the transmitter frequency (SFO1 = BF1 + O1: Bruker, Acquisition commands and parameters), so
positive is a higher frequency, which is downfield. A measured mouse (ParaVision 6.0.1) agrees: the voxels of its fat,
3.4 ppm upfield of water, dip at −3 ppm of that axis and nowhere else. Lengths are in ms, amplitudes those of the
pulse's peak in µT, which the flip angle in the same file confirms (3.5 µT there).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from PCrCESTLib.protocol import GAMMA_MHZ_PER_T
from PCrCESTLib.readers.bruker.files import ScanFiles
from PCrCESTLib.readers.bruker.parameters import Parameters
from PCrCESTLib.readers.scan_facts import MIN_OFFSETS, Z_SPECTRUM_PPM
from PCrCESTLib.saturation import PULSE_SHAPES

CONTINUOUS_DUTY = 0.99  # block pulses with shorter pauses than that leaves are one long pulse
AMPLITUDE_TOLERANCE = 0.05
PULSE_FIELDS = 12  # of ParaVision 6 and later; 5.1 has another order after the flip angle
LENGTH, FLIP, INTEGRAL = 0, 2, 6
MAX_NUMBER = 1e12  # no length, angle or integral of a pulse comes near


class Module(NamedTuple):
    """Parameters of one of ParaVision's saturation modules."""

    switch: str
    pulses: tuple[str, ...]
    pulse_name: str
    amplitude_ut: str
    delay_ms: str
    n_pulses: str


MODULES = (
    Module(
        "PVM_SatTransOnOff", ("PVM_SatTransPulse",), "PVM_SatTransPulseEnum", "PVM_SatTransPulseAmpl_uT",
        "PVM_SatTransInterPulseDelay", "PVM_SatTransNPulses",
    ),
    Module(
        "PVM_MagTransOnOff", ("PVM_MagTransPulse1", "PVM_MagTransPulse"), "PVM_MagTransPulse1Enum",
        "PVM_MagTransPower", "PVM_MagTransInterDelay", "PVM_MagTransPulsNumb",
    ),
)  # fmt: skip

# Lists of offsets in the order in which they are believed: what is played before what was asked for.
OFFSETS = (
    ("PVM_SatTransFreqValues", None),  # in PVM_SatTransFreqUnit
    ("PVM_SatTransFL", "Hz"),
    ("PVM_ppgFreqList1", "Hz"),
    ("MT_Offsets_NoM0", "Hz"),
    ("Cest_Offsets", "Hz"),
    ("SatFreqList", "Hz"),
    ("Fp_SatOffset", "ppm"),
    ("PVM_MagTransFL", "Hz"),
)
BLOCK, GAUSSIAN = re.compile(r"(bp|block|rect)\d*(\.exc)?", re.I), re.compile(r"gauss\d*(\.exc)?", re.I)


class Offsets(NamedTuple):
    """Saturation offsets of one repetition, ppm; ``None`` without saturation, and the parameter they are from."""

    ppm: tuple[float | None, ...]
    name: str


def active_module(method: Parameters) -> Module | None:
    """Return the saturation module that is switched on."""
    return next((m for m in MODULES if method.text(m.switch) == "On"), None)


def saturation_offsets(scan: ScanFiles) -> Offsets | None:
    """Find the list of offsets of a saturated scan; ``None`` when there is no list of a Z-spectrum."""
    method, mhz = scan.method, scan.frequency_mhz
    is_off = active_module(method) is None and any(m.switch in method for m in MODULES)
    if mhz is None or is_off:
        return None
    for name, unit in OFFSETS:
        values = method.numbers(name)
        known = unit or _unit(method)
        if values is None or known is None:
            continue
        ppm = values if known == "ppm" else values / mhz
        if np.all(np.isfinite(ppm)) and len(np.unique(ppm[np.abs(ppm) <= Z_SPECTRUM_PPM])) >= MIN_OFFSETS:
            return Offsets(_with_reference(method, name, ppm.tolist()), name)
    return None


def _with_reference(method: Parameters, name: str, ppm: list[float]) -> tuple[float | None, ...]:
    """Put the image without saturation first, where ParaVision 360 takes one (PVM_SatTransRefScan).

    The list that is played (PVM_SatTransFL) has an entry for it, the list that was asked for has not.
    """
    if not name.startswith("PVM_SatTrans") or method.text("PVM_SatTransRefScan") not in ("On", "Yes"):
        return tuple(ppm)
    return (None, *(ppm[1:] if name == "PVM_SatTransFL" else ppm))


def protocol_keys(scan: ScanFiles, n_frames: int) -> tuple[dict[str, Any], list[str], list[str]]:
    """Protocol-file keys that the scan gives for its frames, what to tell the user, and why a key is missing."""
    keys: dict[str, Any] = {}
    notes: list[str] = []
    gaps: list[str] = []
    mhz = scan.frequency_mhz
    if mhz is not None:
        keys["MagneticFieldStrength"] = mhz / GAMMA_MHZ_PER_T
    _add_offsets(scan, n_frames, keys, notes, gaps)
    module = active_module(scan.method)
    if module is None:
        gaps.append("no saturation module of ParaVision is switched on in its method file")
    else:
        _add_pulses(scan.method, module, keys, notes, gaps)
    repetition_s = (scan.method.number("PVM_RepetitionTime") or 0.0) / 1e3
    # Prepared readouts of many lines keep the time between two lines there.
    if keys.get("SaturationDuration", np.inf) < repetition_s:
        keys["RepetitionTime"] = repetition_s
    return keys, notes, gaps


def _unit(method: Parameters) -> str | None:
    unit = method.text("PVM_SatTransFreqUnit").lower()
    return "ppm" if "ppm" in unit else "Hz" if unit.startswith(("unit_h", "h")) else None


def _add_offsets(
    scan: ScanFiles, n_frames: int, keys: dict[str, Any], notes: list[str], gaps: list[str]
) -> None:
    offsets = saturation_offsets(scan)
    if offsets is None:
        known = ", ".join(name for name, _ in OFFSETS)
        gaps.append(
            f"its method file has no list of {MIN_OFFSETS} or more saturation offsets within {Z_SPECTRUM_PPM:g} ppm"
            f" ({known})"
        )
        return
    repeats, rest = divmod(n_frames, len(offsets.ppm))
    if rest or not repeats:
        gaps.append(
            f"{offsets.name} lists {len(offsets.ppm)} offsets for {n_frames} frames, which do not divide"
        )
        return
    if repeats > 1 and None in offsets.ppm:
        gaps.append(f"how the reference of PVM_SatTransRefScan repeats {repeats} times is not known")
        return
    keys |= {"SaturationOffsets": [*offsets.ppm] * repeats, "SaturationOffsetsUnits": "ppm"}
    if repeats > 1:
        notes.append(f"the {len(offsets.ppm)} offsets of {offsets.name} are repeated {repeats} times")


def _add_pulses(
    method: Parameters, module: Module, keys: dict[str, Any], notes: list[str], gaps: list[str]
) -> None:
    pulse = next((s[0] for name in module.pulses if (s := method.structures(name))), [])
    amplitude, needed = method.number(module.amplitude_ut), _peak_amplitude_ut(pulse)
    if amplitude is None and needed is None:
        gaps.append(f"its method file has no {module.amplitude_ut}")
    else:
        keys["SaturationB1"] = needed if amplitude is None else amplitude
    if amplitude and needed and abs(needed / amplitude - 1) > AMPLITUDE_TOLERANCE:
        notes.append(
            f"{module.amplitude_ut} is {amplitude:g} µT, which was used, but the flip angle of the pulse needs"
            f" {needed:.3g} µT"
        )
    length_ms = _number_at(pulse, LENGTH)
    if length_ms is None:
        gaps.append(f"its method file has no {' or '.join(module.pulses)}")
        return
    count = method.count(module.n_pulses) or 1
    delay_s = (method.number(module.delay_ms) or 0.0) / 1e3 if count > 1 else 0.0
    shape = _shape(method.text(module.pulse_name), pulse)
    if shape not in PULSE_SHAPES:
        gaps.append(
            "its pulse has no shape known here; give the nearest as SaturationPulseShape in the protocol file"
        )
    keys |= _timing(length_ms / 1e3, delay_s, count, shape)


def _timing(pulse_s: float, delay_s: float, count: int, shape: str) -> dict[str, Any]:
    is_long = shape == "block" and pulse_s >= CONTINUOUS_DUTY * (pulse_s + delay_s)
    if is_long:
        return {"SaturationType": "continuous", "SaturationDuration": count * pulse_s + (count - 1) * delay_s}
    return {
        "SaturationType": "pulsed",
        "SaturationPulseShape": shape,
        "SaturationPulseDuration": pulse_s,
        "SaturationInterPulseDelay": delay_s,
        "SaturationPulseCount": count,
        # Both modules play their spoiler once, after the last pulse.
        "SaturationPulsesSpoiled": False,
        "SaturationB1Definition": "peak",
    }


def _shape(name: str, pulse: list[Any]) -> str:
    """Return our name of the pulse shape; Bruker's own where we have none, which the protocol then refuses by name."""
    files = [str(v) for v in pulse if isinstance(v, str) and "." in v]
    for bruker in (name, *files):
        if BLOCK.fullmatch(bruker):
            return "block"
        if GAUSSIAN.fullmatch(bruker):
            return "gaussian"
    return next(iter(files), name) or "unknown"


def _peak_amplitude_ut(pulse: list[Any]) -> float | None:
    """Peak B1 for which a pulse has its flip angle, µT: flip = 360° γ B1 · length · integral of the shape."""
    length_ms, degrees, integral = (_number_at(pulse, i) for i in (LENGTH, FLIP, INTEGRAL))
    if len(pulse) != PULSE_FIELDS or not length_ms or not degrees or not integral:
        return None
    amplitude_ut = (degrees / 360.0) / (GAMMA_MHZ_PER_T * length_ms / 1e3 * integral)
    return amplitude_ut if 0 < amplitude_ut < np.inf else None


def _number_at(pulse: list[Any], index: int) -> float | None:
    value = pulse[index] if index < len(pulse) else None
    return float(value) if isinstance(value, int | float) and abs(value) < MAX_NUMBER else None
