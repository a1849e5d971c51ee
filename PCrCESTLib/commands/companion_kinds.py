"""What ``pcrcest companion`` computes, one function a kind: images and settings in, a map out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from PCrCESTLib.commands import companion_settings as settings
from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.preparation.field_map import dual_echo_shift, phase_in_radians
from PCrCESTLib.preparation.flip_angle_map import relative_b1_of_angles
from PCrCESTLib.preparation.inversion_recovery import fit_inversion_recovery
from PCrCESTLib.preparation.relaxometry import RelaxationFit, fit_saturation_recovery, fit_variable_flip_angle
from PCrCESTLib.preparation.wassr import find_water_center
from PCrCESTLib.readers import read_map
from PCrCESTLib.readers.image_series import ImageSeries
from PCrCESTLib.readers.map_units import b0_shift_ppm, relative_b1, relaxation_rate
from PCrCESTLib.readers.source_images import Component, one_or_list
from PCrCESTLib.readers.time_units import (
    GRADIENT_ECHO_REPETITION_TIME,
    RECOVERY_TIMES,
    REPETITION_TIME,
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
    times, notes = settings.times(series, args.times, ("InversionTime",), RECOVERY_TIMES)
    tr, tr_notes = settings.repetition_times(series, args, REPETITION_TIME)
    if tr is not None and np.any(tr < times):
        raise ProtocolError(
            f"{series.name}: RepetitionTime is {tr[tr < times][0]:g} s, shorter than the longest inversion time of "
            f"{times.max():g} s; give the time from one inversion to the next with --tr"
        )
    signals = series.data[:, voxels].T
    signed = bool(np.nansum(np.maximum(-signals, 0)) > NEGATIVE_SHARE * np.nansum(np.abs(signals)))
    fit = fit_inversion_recovery(signals, times, tr, signed=signed)
    parameters = {"InversionTime": times.tolist(), "RepetitionTime": _short(tr), "signed": signed}
    if fit.inversion is not None and fit.valid.any():
        parameters["MedianInversion"] = round(float(np.nanmedian(fit.inversion)), 4)
    gap = series.gap("InversionTime")
    if gap is not None:  # the times were given in spite of it
        notes += (gap,)
    if tr is None:
        tr_notes = ("RepetitionTime is not given; full relaxation before each inversion was assumed",)
    return _relaxation(fit, parameters, (*notes, *tr_notes))


def saturation_recovery(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """R1 from several times after saturation, or repetition times."""
    keys = ("SaturationRecoveryTime", "RepetitionTime")
    inversions = series.each("InversionTime") if args.times is None else None
    if inversions is not None and np.ptp(inversions) > 0:
        raise ProtocolError(
            f"{series.name}: the images have {len(np.unique(inversions))} inversion times; this is an inversion "
            "recovery: use the kind t1-ir, or give the times after saturation with --times"
        )
    times, notes = settings.times(series, args.times, keys, RECOVERY_TIMES)
    fit = fit_saturation_recovery(series.data[:, voxels].T, times)
    return _relaxation(fit, {"SaturationRecoveryTime": times.tolist()}, notes)


def variable_flip_angle(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """R1 from several flip angles of a spoiled gradient echo."""
    angles = settings.given(series, args.flip_angles, ("FlipAngle",), "--flip-angles")
    if np.all(angles < 1.6):
        raise ProtocolError(
            f"{series.name}: FlipAngle reaches only {angles.max():g}; degrees are expected: convert radians"
        )
    tr, notes = settings.repetition_time(series, args, GRADIENT_ECHO_REPETITION_TIME)
    if tr is None:
        raise settings.unknown(series, "RepetitionTime (s)", "--tr", "RepetitionTime")
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
    offsets = settings.offsets(series, args)
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
    echoes, notes = settings.echo_times(series, args)
    units = series.common("Units")
    # Units are told from the whole image; a mask may hold too little phase to tell.
    phase, more = phase_in_radians(
        series.name, series.data, difference=n == 1, units=None if units is None else str(units)
    )
    if n == 2:  # images may come in any order, a difference is what its echo times say
        phase, echoes = phase[np.argsort(echoes)], np.sort(echoes)
    difference = phase[0] if n == 1 else phase[1] - phase[0]
    field_t = settings.field(series, args)
    sign = -1 if args.flip_phase else 1
    found = dual_echo_shift(difference[voxels], float(echoes[1] - echoes[0]), field_t, sign=sign)
    notes += (*more, f"shifts beyond ±{found.limit_ppm:.3g} ppm are wrapped to the other end, not unwrapped")
    if found.near_limit > WRAPPED_SHARE:
        notes += (
            f"{found.near_limit:.0%} of the voxels lie near the limit: noise, for want of a --mask, or wrapped phase",
        )
    parameters = {"EchoTime": echoes.tolist(), "MagneticFieldStrength": field_t, "PhaseSign": sign}
    return Companion(found.shift_ppm, None, parameters, notes)


def ready_b0(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """B0 in ppm from a map in Hz, rad/s or ppm."""
    name, values, units = _one_map(series, voxels)
    field_t = (
        None
        if args.field is None and series.common("MagneticFieldStrength") is None
        else settings.field(series, args)
    )
    ready = b0_shift_ppm(name, values, field_t, units)
    sign = -1 if args.flip_phase else 1
    parameters = {"MagneticFieldStrength": field_t, "PhaseSign": sign}
    return Companion(sign * ready.values, None, parameters, ready.notes)


def ready_t1(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """R1 from a map of T1 or R1."""
    name, values, units = _one_map(series, voxels)
    ready = relaxation_rate(name, values, "t1", units)
    return Companion(ready.values, None, {}, ready.notes)


def _one_map(series: ImageSeries, voxels: np.ndarray) -> tuple[str, np.ndarray, str | None]:
    """Name, values (n_voxels,) and unit of the one image of a ready map."""
    if len(series.data) > 1:
        raise ReaderError(f"{series.name}: {len(series.data)} images are given; one map is expected")
    units, path = series.common("Units"), series.files[0]
    name = str(path) if path.is_dir() else path.name  # that of a scan is a mere number
    return name, series.data[0][voxels], None if units is None else str(units)


def flip_angle(series: ImageSeries, voxels: np.ndarray, args: argparse.Namespace) -> Companion:
    """Relative B1 from a map that is relative, in percent, or in degrees."""
    name, values, units = _one_map(series, voxels)
    nominal = args.nominal
    if nominal is None and str(units).strip().lower() in DEGREES:
        stated = series.each("FlipAngle")
        if stated is None:
            raise settings.unknown(series, "FlipAngle (the nominal one, degrees)", "--nominal")
        nominal = float(stated[0])
    if nominal is None:
        ready = relative_b1(name, values, units)
        return Companion(ready.values, None, {}, ready.notes)
    if not 0 < nominal <= 360:
        raise ProtocolError(f"{series.name}: the nominal flip angle is {nominal:g}°; degrees are expected")
    relative, notes = relative_b1_of_angles(name, values, nominal)
    return Companion(relative, None, {"FlipAngle": nominal}, notes)


class Kind(NamedTuple):
    """A kind of companion: how it is computed, the map's quantity and BIDS unit, and the option of ``quantify`` for it.

    ``component`` is what is wanted of a scan; a voxel without signal in magnitudes is none of tissue.
    """

    compute: Callable[[ImageSeries, np.ndarray, argparse.Namespace], Companion]
    what: str
    quantity: str
    units: str
    option: str
    component: Component


R1 = ("R1obs", "1/s", "--r1")
B0 = ("frequency of water from its nominal one", "ppm", "--b0")
B1 = ("relative B1", "ratio", "--b1")
KINDS = {
    "t1-ir": Kind(inversion_recovery, "R1 from an inversion recovery", *R1, "magnitude"),
    "t1-sr": Kind(saturation_recovery, "R1 from a saturation recovery", *R1, "magnitude"),
    "t1-vfa": Kind(variable_flip_angle, "R1 from variable flip angles", *R1, "magnitude"),
    "t1": Kind(ready_t1, "R1 from a ready map of T1 or R1", *R1, "map"),
    "b0-wassr": Kind(wassr, "B0 from WASSR", *B0, "magnitude"),
    "b0-dual-echo": Kind(dual_echo, "B0 from the phase of two echoes", *B0, "phase"),
    "b0": Kind(ready_b0, "B0 from a ready map in Hz or ppm", *B0, "map"),
    "b1": Kind(flip_angle, "B1 from a map in degrees, percent or relative", *B1, "map"),
}


def _short(values: np.ndarray | None) -> float | list[float] | None:
    return None if values is None else one_or_list(values)


def _relaxation(fit: RelaxationFit, parameters: dict[str, Any], notes: tuple[str, ...]) -> Companion:
    if fit.valid.any() and not np.isfinite(fit.sd).any():
        notes += ("there are as many images as unknowns, so no SD can be given",)
    return Companion(fit.r1_obs, fit.sd, parameters, notes)
