"""What ``pcrcest companion`` computes, one function a kind: images and settings in, a map out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.preparation.field_map import dual_echo_shift, phase_in_radians
from PCrCESTLib.preparation.flip_angle_map import relative_b1_of_angles
from PCrCESTLib.preparation.inversion_recovery import fit_inversion_recovery
from PCrCESTLib.preparation.relaxometry import RelaxationFit, fit_saturation_recovery, fit_variable_flip_angle
from PCrCESTLib.preparation.wassr import find_water_center
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T, check_field
from PCrCESTLib.protocol_json import saturation_offsets_ppm
from PCrCESTLib.readers import read_map
from PCrCESTLib.readers.image_series import ImageSeries
from PCrCESTLib.readers.map_units import relative_b1
from PCrCESTLib.readers.time_units import (
    ECHO_TIMES,
    GRADIENT_ECHO_REPETITION_TIME,
    RECOVERY_TIMES,
    REPETITION_TIME,
    Plausible,
    in_seconds,
)

DEGREES = ("deg", "degree", "degrees", "°")
NEGATIVE_SHARE = 0.01  # of all signal; rounding and interpolation of magnitudes stay below
WRAPPED_SHARE = 0.02


@dataclass(frozen=True)
class Companion:
    """A map of the voxels that were asked for.

    Parameters
    ----------
    values : ndarray
        (n_voxels,), NaN where there is none.
    sd : ndarray or None
        (n_voxels,).
    parameters : dict
        What it was computed with, for the provenance.
    notes : tuple of str
        What the user should know.
    """

    values: np.ndarray
    sd: np.ndarray | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def inversion_recovery(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """R1 from several inversion times."""
    times, notes = _times(series, args.times, ("InversionTime",), RECOVERY_TIMES)
    tr, tr_notes = _repetition_time(series, args, REPETITION_TIME)
    signals = series.data[:, voxels].T
    signed = bool(np.nansum(np.maximum(-signals, 0)) > NEGATIVE_SHARE * np.nansum(np.abs(signals)))
    fit = fit_inversion_recovery(signals, times, tr, signed=signed)
    parameters = {"InversionTime": times.tolist(), "RepetitionTime": tr, "signed": signed}
    if fit.inversion is not None and fit.valid.any():
        parameters["MedianInversion"] = round(float(np.nanmedian(fit.inversion)), 4)
    if tr is None:
        tr_notes = ("RepetitionTime is not given; full relaxation before each inversion was assumed",)
    return _relaxation(fit, parameters, (*notes, *tr_notes))


def saturation_recovery(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """R1 from several times after saturation, or repetition times."""
    keys = ("SaturationRecoveryTime", "RepetitionTime")
    times, notes = _times(series, args.times, keys, RECOVERY_TIMES)
    fit = fit_saturation_recovery(series.data[:, voxels].T, times)
    return _relaxation(fit, {"SaturationRecoveryTime": times.tolist()}, notes)


def variable_flip_angle(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """R1 from several flip angles of a spoiled gradient echo."""
    angles = _given(series, args.flip_angles, ("FlipAngle",), "--flip-angles")
    if np.all(angles < 1.6):
        raise ProtocolError(
            f"{series.name}: FlipAngle reaches only {angles.max():g}; degrees are expected: convert radians"
        )
    tr, notes = _repetition_time(series, args, GRADIENT_ECHO_REPETITION_TIME)
    if tr is None:
        raise _unknown(series, "RepetitionTime (s)", "--tr")
    relative: np.ndarray | None = None
    b1_notes: tuple[str, ...] = (
        "no B1 map was given; an error of 1 % in the flip angle is one of 2 % in R1",
    )
    if args.b1 is not None:
        read = read_map(args.b1, "b1", series.geometry)
        relative, b1_notes = read.values[voxels], read.notes
    fit = fit_variable_flip_angle(series.data[:, voxels].T, angles, tr, relative)
    parameters = {"FlipAngle": angles.tolist(), "RepetitionTime": tr}
    return _relaxation(fit, parameters, (*notes, *b1_notes))


def wassr(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """B0 from the symmetry of the water dip under weak saturation."""
    offsets = _offsets(series, args)
    if len(offsets) != len(series.data):
        raise ProtocolError(
            f"{series.name}: {len(offsets)} SaturationOffsets for {len(series.data)} images; list one an image, "
            "null for an unsaturated one"
        )
    saturated = np.isfinite(offsets) & (np.abs(offsets) < 20)
    found = find_water_center(series.data[saturated][:, voxels].T, offsets[saturated])
    parameters = {"SaturationOffsets": offsets[saturated].tolist(), "SaturationOffsetsUnits": "ppm"}
    return Companion(found.shift_ppm, found.sd_ppm, parameters)


def dual_echo(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """B0 from the phase of two echoes."""
    n = len(series.data)
    if n > 2:
        raise ReaderError(
            f"{series.name}: {n} images are given; the phase of two echoes, or one phase difference, is expected"
        )
    echoes, notes = _echo_times(series, args)
    units = series.common("Units")
    # Units are told from the whole image; a mask may hold too little phase to tell.
    phase, more = phase_in_radians(
        series.name, series.data, difference=n == 1, units=None if units is None else str(units)
    )
    if n == 2:  # images may come in any order, a difference is what its echo times say
        phase, echoes = phase[np.argsort(echoes)], np.sort(echoes)
    difference = phase[0] if n == 1 else phase[1] - phase[0]
    field_t = _field(series, args)
    sign = -1 if args.flip_phase else 1
    found = dual_echo_shift(difference[voxels], float(echoes[1] - echoes[0]), field_t, sign=sign)
    notes += (*more, f"shifts beyond ±{found.limit_ppm:.3g} ppm are wrapped to the other end, not unwrapped")
    if found.near_limit > WRAPPED_SHARE:
        notes += (
            f"{found.near_limit:.0%} of the voxels lie near the limit: noise, for want of a --mask, or wrapped phase",
        )
    parameters = {"EchoTime": echoes.tolist(), "MagneticFieldStrength": field_t, "PhaseSign": sign}
    return Companion(found.shift_ppm, None, parameters, notes)


def flip_angle(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """Relative B1 from a map that is relative, in percent, or in degrees."""
    if len(series.data) > 1:
        raise ReaderError(f"{series.name}: {len(series.data)} images are given; one B1 map is expected")
    name, values, units = series.files[0].name, series.data[0][voxels], series.common("Units")
    nominal = args.nominal
    if nominal is None and str(units).strip().lower() in DEGREES:
        stated = series.each("FlipAngle")
        if stated is None:
            raise _unknown(series, "FlipAngle (the nominal one, degrees)", "--nominal")
        nominal = float(stated[0])
    if nominal is None:
        ready = relative_b1(name, values, None if units is None else str(units))
        return Companion(ready.values, None, {}, ready.notes)
    if not 0 < nominal <= 360:
        raise ProtocolError(f"{series.name}: the nominal flip angle is {nominal:g}°; degrees are expected")
    relative, notes = relative_b1_of_angles(name, values, nominal)
    return Companion(relative, None, {"FlipAngle": nominal}, notes)


class Kind(NamedTuple):
    """A kind of companion: how it is computed, the map's quantity and BIDS unit, and the option of ``quantify`` for it.

    ``magnitude`` tells that a voxel without signal is none of tissue.
    """

    compute: Callable[[ImageSeries, np.ndarray, argparse.Namespace], Companion]
    what: str
    quantity: str
    units: str
    option: str
    magnitude: bool


KINDS = {
    "t1-ir": Kind(inversion_recovery, "R1 from an inversion recovery", "R1obs", "1/s", "--r1", True),
    "t1-sr": Kind(saturation_recovery, "R1 from a saturation recovery", "R1obs", "1/s", "--r1", True),
    "t1-vfa": Kind(variable_flip_angle, "R1 from variable flip angles", "R1obs", "1/s", "--r1", True),
    "b0-wassr": Kind(wassr, "B0 from WASSR", "frequency of water from its nominal one", "ppm", "--b0", True),
    "b0-dual-echo": Kind(
        dual_echo,
        "B0 from the phase of two echoes",
        "frequency of water from its nominal one",
        "ppm",
        "--b0",
        False,
    ),
    "b1": Kind(
        flip_angle, "B1 from a map in degrees, percent or relative", "relative B1", "ratio", "--b1", False
    ),
}


def _relaxation(fit: RelaxationFit, parameters: dict[str, Any], notes: tuple[str, ...]) -> Companion:
    if fit.valid.any() and not np.isfinite(fit.sd).any():
        notes += ("there are as many images as unknowns, so no SD can be given",)
    return Companion(fit.r1_obs, fit.sd, parameters, notes)


def _unknown(series: ImageSeries, what: str, flag: str) -> ProtocolError:
    return ProtocolError(
        f"{series.name}: {what} is not known; put it into the JSON file beside the images, or give {flag}"
    )


def _given(series: ImageSeries, option: list[float] | None, keys: tuple[str, ...], flag: str) -> np.ndarray:
    values = series.each(*keys) if option is None else np.array(option, dtype=float)
    if values is None:
        raise _unknown(series, " or ".join(keys), flag)
    wrong = values[~(np.isfinite(values) & (values > 0))]
    if len(wrong):
        raise ProtocolError(f"{series.name}: {keys[0]} holds {wrong[0]:g}; positive numbers are expected")
    if len(values) != len(series.data):
        raise ProtocolError(
            f"{series.name}: {keys[0]} has {len(values)} values for {len(series.data)} images; give one an image"
        )
    return values


def _times(
    series: ImageSeries, option: list[float] | None, keys: tuple[str, ...], plausible: Plausible
) -> tuple[np.ndarray, tuple[str, ...]]:
    return in_seconds(_given(series, option, keys, "--times"), keys[0], plausible)


def _repetition_time(
    series: ImageSeries, args: argparse.Namespace, plausible: Plausible
) -> tuple[float | None, tuple[str, ...]]:
    stated = (
        series.each("RepetitionTimeExcitation", "RepetitionTime") if args.tr is None else np.array([args.tr])
    )
    if stated is None:
        return None, ()
    if np.ptp(stated) > 0 or not stated[0] > 0:
        raise ProtocolError(
            f"{series.name}: RepetitionTime is {stated.tolist()}; one positive time is expected"
        )
    tr, notes = in_seconds(stated[:1], "RepetitionTime", plausible)
    return float(tr[0]), notes


def _echo_times(series: ImageSeries, args: argparse.Namespace) -> tuple[np.ndarray, tuple[str, ...]]:
    values: Any = args.echo_times
    if values is None and len(series.data) == 1:
        values = [series.common("EchoTime1"), series.common("EchoTime2")]
    elif values is None:
        values = series.each("EchoTime")
    if (
        values is None
        or any(not isinstance(v, int | float) or not 0 < v < np.inf for v in values)
        or len(values) != 2
    ):
        keys = "EchoTime1 and EchoTime2" if len(series.data) == 1 else "EchoTime of both images"
        raise _unknown(series, f"{keys} (s)", "--echo-times")
    return in_seconds(np.array(values, dtype=float), "EchoTime", ECHO_TIMES)


def _field(series: ImageSeries, args: argparse.Namespace) -> float:
    stated = series.common("MagneticFieldStrength") if args.field is None else args.field
    if not isinstance(stated, int | float):
        raise _unknown(series, "MagneticFieldStrength (T)", "--field")
    check_field(float(stated))
    return float(stated)


def _offsets(series: ImageSeries, args: argparse.Namespace) -> np.ndarray:
    if args.offsets is not None:
        return np.array(args.offsets, dtype=float)
    documents = series.documents
    if len(documents) > 1:
        raise ProtocolError(
            f"{series.name}: WASSR is read from one 4D file; {len(documents)} files are given"
        )
    if documents[0].get("SaturationOffsets") is None:
        raise _unknown(series, "SaturationOffsets", "--offsets (ppm)")
    in_hz = str(documents[0].get("SaturationOffsetsUnits", "")).strip().lower() == "hz"
    return np.array(saturation_offsets_ppm(documents[0], GAMMA_MHZ_PER_T * _field(series, args) if in_hz else 1.0))
