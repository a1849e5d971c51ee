"""What the header of one DICOM file says: its frames, where and when each was taken, and its series.

Classic files hold one image (or one Siemens mosaic of slices), enhanced ones many, whose place, time and scaling
stand in functional groups (PS3.3 section C.7.6.16). Both become the same list of frames here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.dicom.file import Pixels, read_header
from PCrCESTLib.readers.dicom.mosaic import is_mosaic, tiles

MAX_REPETITION_MS = 120_000
PHILIPS = "Philips MR Imaging DD 001"
# As the standard and, for classic images, Siemens and Philips write them into the image type.
KINDS = {
    "phase": {"P", "PHASE", "PHASE MAP"},
    "real": {"R", "REAL"},
    "imaginary": {"I", "IMAGINARY"},
}


@dataclass(frozen=True)
class Frame:
    """One slice of one image.

    Attributes
    ----------
    path : Path
        Its file.
    index : int
        Which stored frame of that file, from 0.
    tile : tuple of int, optional
        First row and column inside a mosaic.
    size : tuple of int
        (rows, columns) of this slice.
    position_mm : tuple of float
        Center of its first pixel, LPS.
    axes : tuple of float
        Directions of increasing column, then row (ImageOrientationPatient).
    spacing_mm : tuple of float
        Between rows, between columns.
    slice_mm : float
        Distance of slices as the header states it, for a single slice.
    temporal, acquisition, time_s : float, optional
        Temporal position, acquisition number and time of acquisition, where stated.
    instance : tuple of int
        Instance number, then index: the order of last resort.
    kind : str
        ``"magnitude"``, ``"phase"``, ``"real"`` or ``"imaginary"``.
    echo_ms : float
        Echo time, 0 where not stated.
    slope, intercept : float
        Signal = stored value * slope + intercept.
    comment : str
        ImageComments.
    inversion_ms, repetition_ms, flip_deg : float
        Inversion and repetition time and flip angle, 0 where not stated.
    shown : tuple of float
        Slope and intercept of the displayed values, in ``units``; they differ from those of the signal on Philips.
    units : str
        Of the displayed values, as the header has it (RescaleType, or the real-world value map); may be empty.
    """

    path: Path
    index: int
    tile: tuple[int, int] | None
    size: tuple[int, int]
    position_mm: tuple[float, ...]
    axes: tuple[float, ...]
    spacing_mm: tuple[float, float]
    slice_mm: float
    temporal: float | None
    acquisition: float | None
    time_s: float | None
    instance: tuple[int, int]
    kind: str
    echo_ms: float
    slope: float
    intercept: float
    comment: str
    inversion_ms: float = 0.0
    repetition_ms: float = 0.0
    flip_deg: float = 0.0
    shown: tuple[float, float] = (1.0, 0.0)
    units: str = ""


@dataclass(frozen=True)
class FileHeader:
    """One file of a series: how its pixels are stored and its frames.

    ``sequence`` is the name of the pulse sequence, ``is_spin_echo`` whether it refocuses its echoes.
    """

    path: Path
    series_uid: str
    series_number: int
    description: str
    field_t: float | None
    frequency_mhz: float | None
    repetition_s: float | None
    pixels: Pixels
    frames: tuple[Frame, ...]
    sequence: str = ""
    is_spin_echo: bool = False


def file_header(path: Path) -> FileHeader | None:
    """Read the header of a file; None when it is no MR image (a directory, a report, a screenshot).

    Raises
    ------
    ReaderError
        When the file is damaged, or an image without a place in the patient.
    MissingExtraError
        When pydicom is not installed.
    """
    return read_header(path, lambda dataset, pixels: _header(path, dataset, pixels))


def _header(path: Path, dataset: Any, pixels: Pixels | None) -> FileHeader | None:
    if pixels is None:
        return None
    groups = list(_functional_groups(path, dataset, pixels.shape[0]))
    field, frequency, repetition = (
        _number(groups[0], name) for name in ("MagneticFieldStrength", "ImagingFrequency", "RepetitionTime")
    )
    description = dataset.get("SeriesDescription") or dataset.get("ProtocolName") or ""
    plain = [_frame(path, i, group, pixels.shape[1:]) for i, group in enumerate(groups)]
    return FileHeader(
        path=path,
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        series_number=int(dataset.get("SeriesNumber") or 0),
        description=" ".join(str(description).split()),
        field_t=field,
        frequency_mhz=frequency or _number(groups[0], "TransmitterFrequency"),
        repetition_s=repetition / 1000 if repetition and 0 < repetition <= MAX_REPETITION_MS else None,
        pixels=pixels,
        frames=tiles(path, dataset, plain[0]) if len(plain) == 1 and is_mosaic(dataset) else tuple(plain),
        sequence=str(dataset.get("SequenceName") or dataset.get("PulseSequenceName") or ""),
        is_spin_echo=bool({"SE", "SPIN", "BOTH"} & _words(groups[0], "EchoPulseSequence", "ScanningSequence")),
    )


def _functional_groups(path: Path, dataset: Any, n_frames: int) -> Iterator[list[Any]]:
    """Yield the data sets that describe each frame, the most specific first."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is None and n_frames == 1:
        yield [dataset]
        return
    if per_frame is None or len(per_frame) != n_frames:
        found = "no functional groups" if per_frame is None else f"functional groups for {len(per_frame)}"
        raise ReaderError(
            f"{path}: {n_frames} frames but {found}, so that their places are not known; export it as enhanced or"
            " classic MR images"
        )
    shared = [inner for item in dataset.get("SharedFunctionalGroupsSequence") or [] for inner in _items(item)]
    for item in per_frame:
        # Philips repeats public elements, such as the position, with other meanings in its private sequence.
        yield [*_items(item), *shared, dataset, *_items(item, private=True)]


def _items(group: Any, private: bool = False) -> list[Any]:
    """Items of the sequences in a functional group."""
    sequences = (e for e in group if e.VR == "SQ" and e.tag.is_private == private)
    return [item for sequence in sequences for item in sequence.value]


def _frame(path: Path, index: int, group: list[Any], size: tuple[int, ...]) -> Frame:
    position = _numbers(group, "ImagePositionPatient", 3)
    axes = _numbers(group, "ImageOrientationPatient", 6)
    spacing = _numbers(group, "PixelSpacing", 2)
    if position is None or axes is None or spacing is None:
        raise ReaderError(
            f"{path}: the image does not say where it lies (ImagePositionPatient, ImageOrientationPatient,"
            " PixelSpacing); export it as MR images"
        )
    slope, intercept = shown = _rescale(group)
    scale = _philips_scale(group)
    if slope == 0 or scale == 0:
        raise ReaderError(f"{path}: the slope of its pixel values is 0; export the image again")
    if scale is not None:
        slope, intercept = 1 / scale, intercept / (slope * scale)
    return Frame(
        path=path,
        index=index,
        tile=None,
        size=(size[0], size[1]),
        position_mm=position,
        axes=axes,
        spacing_mm=(spacing[0], spacing[1]),
        slice_mm=_number(group, "SpacingBetweenSlices") or _number(group, "SliceThickness") or 1.0,
        temporal=_number(group, "TemporalPositionIndex", "TemporalPositionIdentifier"),
        acquisition=_number(group, "FrameAcquisitionNumber", "AcquisitionNumber"),
        time_s=_time_s(group),
        instance=(int(_number(group, "InstanceNumber") or 0), index),
        kind=_kind(group),
        echo_ms=_number(group, "EffectiveEchoTime", "EchoTime") or 0.0,
        slope=slope,
        intercept=intercept,
        comment=" ".join(str(_first(group, "ImageComments", "FrameComments") or "").split()),
        inversion_ms=_number(group, "InversionTimes", "InversionTime") or 0.0,
        repetition_ms=_number(group, "RepetitionTime") or 0.0,
        flip_deg=_number(group, "FlipAngle") or 0.0,
        shown=shown,
        units=_units(group),
    )


def _words(group: list[Any], *names: str) -> set[str]:
    value = _first(group, *names)
    return set() if value is None else {str(v).upper() for v in ([value] if isinstance(value, str) else value)}


def _first(group: list[Any], *names: str) -> Any:
    """Return the first value that is not empty, None without one."""
    values = (item[name].value for item in group for name in names if name in item)
    return next((v for v in values if v is not None and v != ""), None)


def _number(group: list[Any], *names: str) -> float | None:
    value = _first(group, *names)
    if isinstance(value, Iterable) and not isinstance(
        value, str | bytes
    ):  # several inversions: the first is nominal
        value = next(iter(value), None)
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def _numbers(group: list[Any], name: str, count: int) -> tuple[float, ...] | None:
    value = _first(group, name)
    numbers = () if value is None else tuple(float(v) for v in value)
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _time_s(group: list[Any]) -> float | None:
    """Seconds since a fixed day, or since midnight where the header has no date."""
    stamp = str(_first(group, "FrameAcquisitionDateTime", "AcquisitionDateTime") or "")
    if not stamp:
        time = str(_first(group, "AcquisitionTime") or "")
        if not time:
            return None
        stamp = str(_first(group, "AcquisitionDate") or "20000101") + time
    seconds, _, fraction = stamp.partition(".")
    if len(seconds) != 14:
        return None
    since = datetime.strptime(seconds, "%Y%m%d%H%M%S") - datetime(2000, 1, 1)
    return since.total_seconds() + float(f"0.{fraction[:6]}" if fraction[:6].isdigit() else 0)


def _kind(group: list[Any]) -> str:
    component = _first(group, "ComplexImageComponent")
    stated = [component] if component else _first(group, "FrameType", "ImageType") or []
    words = {str(w).upper() for w in stated}
    return next((kind for kind, marks in KINDS.items() if words & marks), "magnitude")


def _rescale(group: list[Any]) -> tuple[float, float]:
    """Slope and intercept of the displayed values.

    A real-world value map (PS3.3 section C.7.6.16.2.11) counts where there is no rescale. Philips displays rescaled
    values and keeps the factor to the signal, which may differ from series to series, in a private element:
    signal = displayed / (rescale slope * scale slope) (Chenevert et al., Transl Oncol 2014; 7:65-71).
    """
    slope, intercept = _number(group, "RescaleSlope"), _number(group, "RescaleIntercept")
    if slope is None:
        inside = _real_world(group) or group
        slope = _number(inside, "RealWorldValueSlope")
        intercept = _number(inside, "RealWorldValueIntercept")
    return 1.0 if slope is None else slope, intercept or 0.0


def _real_world(group: list[Any]) -> list[Any]:
    world = next((m for item in group for m in item.get("RealWorldValueMappingSequence") or []), None)
    return [] if world is None else [world]


def _units(group: list[Any]) -> str:
    """Return the unit of the displayed values: RescaleType, else the code of the real-world value map (UCUM)."""
    stated = str(_first(group, "RescaleType") or "").strip()
    codes = [c for item in _real_world(group) for c in item.get("MeasurementUnitsCodeSequence") or []]
    return stated or str(_first(codes[:1], "CodeValue") or "").strip()


def _philips_scale(group: list[Any]) -> float | None:
    for item in group:
        try:
            return float(item.private_block(0x2005, PHILIPS)[0x0E].value)
        except KeyError:
            continue
    return None
