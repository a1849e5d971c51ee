"""Settings of ``pcrcest companion``: from its options, else from what is stored with the images."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T, check_field
from PCrCESTLib.protocol_json import saturation_offsets_ppm
from PCrCESTLib.readers.image_series import ImageSeries
from PCrCESTLib.readers.time_units import ECHO_TIMES, Plausible, in_seconds

LEAST_LONGEST_S = 0.1  # tissue has not recovered by then; such times are ms read as µs, or s read as ms


def unknown(series: ImageSeries, what: str, flag: str, *keys: str) -> ProtocolError:
    """Ask for a setting; say why it is not known where ``keys`` were looked for in vain."""
    gap = series.gap(*keys)
    if gap is not None:
        return ProtocolError(gap)
    from_file = all(source.origin.suffix == ".json" for source in series.sources)
    remedy = (
        "put it into the JSON file beside the images, or give"
        if from_file
        else "the scan does not say it: give"
    )
    return ProtocolError(f"{series.name}: {what} is not known; {remedy} {flag}")


def given(series: ImageSeries, option: list[float] | None, keys: tuple[str, ...], flag: str) -> np.ndarray:
    """Positive numbers, (n_images,), of an option or the first of ``keys`` that is there.

    Raises
    ------
    ProtocolError
        When they are not known, not positive, or not one an image.
    """
    values = series.each(*keys) if option is None else np.array(option, dtype=float)
    if values is None:
        raise unknown(series, " or ".join(keys), flag, *keys)
    wrong = values[~(np.isfinite(values) & (values > 0))]
    if len(wrong):
        raise ProtocolError(f"{series.name}: {keys[0]} holds {wrong[0]:g}; positive numbers are expected")
    if len(values) != len(series.data):
        raise ProtocolError(
            f"{series.name}: {keys[0]} has {len(values)} values for {len(series.data)} images; give one an image"
        )
    return values


def times(
    series: ImageSeries, option: list[float] | None, keys: tuple[str, ...], plausible: Plausible
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the times of the images, s, (n_images,), with a sentence where they were converted from ms.

    Raises
    ------
    ProtocolError
        When they are not known, or no times of a recovery.
    """
    found, notes = in_seconds(given(series, option, keys, "--times"), keys[0], plausible)
    if found.max() < LEAST_LONGEST_S:
        raise ProtocolError(
            f"{series.name}: {keys[0]} reaches only {1e3 * found.max():g} ms, which is no recovery of tissue; were s "
            "written where ms belong? Give the times in s with --times"
        )
    return found, notes


def repetition_time(
    series: ImageSeries, args: argparse.Namespace, plausible: Plausible
) -> tuple[float | None, tuple[str, ...]]:
    """One repetition time of all images, s.

    Raises
    ------
    ProtocolError
        When images differ in it, or it is none.
    """
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


def repetition_times(
    series: ImageSeries, args: argparse.Namespace, plausible: Plausible
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Repetition time of every image, s, (n_images,); None where not known.

    Raises
    ------
    ProtocolError
        When one is not positive, or no repetition time.
    """
    if args.tr is None and series.each("RepetitionTimeExcitation", "RepetitionTime") is None:
        return None, ()
    option = None if args.tr is None else [args.tr] * len(series.data)
    keys = ("RepetitionTimeExcitation", "RepetitionTime")
    return in_seconds(given(series, option, keys, "--tr"), "RepetitionTime", plausible)


def echo_times(series: ImageSeries, args: argparse.Namespace) -> tuple[np.ndarray, tuple[str, ...]]:
    """Both echo times, s.

    Raises
    ------
    ProtocolError
        When they are not known, or no echo times.
    """
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
        raise unknown(series, f"{keys} (s)", "--echo-times", "EchoTime")
    return in_seconds(np.array(values, dtype=float), "EchoTime", ECHO_TIMES)


def field(series: ImageSeries, args: argparse.Namespace) -> float:
    """B0, T.

    Raises
    ------
    ProtocolError
        When it is not known, or no field of a scanner.
    """
    stated = series.common("MagneticFieldStrength") if args.field is None else args.field
    if not isinstance(stated, int | float):
        raise unknown(series, "MagneticFieldStrength (T)", "--field")
    check_field(float(stated))
    return float(stated)


def offsets(series: ImageSeries, args: argparse.Namespace) -> np.ndarray:
    """Saturation offsets, ppm; not finite without saturation.

    Raises
    ------
    ProtocolError
        When they are not known, or there are several files.
    """
    if args.offsets is not None:
        return np.array(args.offsets, dtype=float)
    documents = series.documents
    if len(documents) > 1:
        raise ProtocolError(
            f"{series.name}: WASSR is read from one 4D file or one scan; {len(documents)} are given"
        )
    if documents[0].get("SaturationOffsets") is None:
        raise unknown(series, "SaturationOffsets", "--offsets (ppm)", "SaturationOffsets")
    in_hz = str(documents[0].get("SaturationOffsetsUnits", "")).strip().lower() == "hz"
    return np.array(
        saturation_offsets_ppm(documents[0], GAMMA_MHZ_PER_T * field(series, args) if in_hz else 1.0)
    )
