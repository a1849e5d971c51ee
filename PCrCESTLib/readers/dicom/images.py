"""DICOM images that differ in one setting: inversion or repetition time, flip angle, echo, offset.

They may be one series or one series a value, classic or enhanced. Images of one series and one set of settings are
stacked by position first, so that a slice can only be joined with slices of the same settings; what is left over, lies
elsewhere or differs in more than one setting is refused.

Elements (PS3.6): InversionTime (0018,0082) or InversionTimes (0018,9079), RepetitionTime (0018,0080), EchoTime
(0018,0081) or EffectiveEchoTime (0018,9082), all in ms; FlipAngle (0018,1314), degrees. Siemens stores phase from −π
to π as −4096 to 4094 (slope 2, intercept −4096), Philips as −3142 to 3142 mrad (rescale type mrad): dcm2niix, issues
406, 463 and 975. Siemens' phase difference states one echo time; both stand in its protocol text (``alTE``, µs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.readers.dicom.descriptions import read_descriptions
from PCrCESTLib.readers.dicom.file import is_dicom
from PCrCESTLib.readers.dicom.folder import dicom_files, is_dicom_folder
from PCrCESTLib.readers.dicom.frames import Stack, load_stack, stack_frames
from PCrCESTLib.readers.dicom.headers import FileHeader, Frame, file_header
from PCrCESTLib.readers.dicom.offsets import siemens_fields, vendor_protocol
from PCrCESTLib.readers.dicom.series import offset_files
from PCrCESTLib.readers.offsets_file import read_offsets
from PCrCESTLib.readers.source_images import Component, Settings, SourceImages, one_or_list
from PCrCESTLib.readers.stored_bytes import sniff

LISTED = 8
# What one unit of a displayed phase is in radians: by its stated unit, or by its intercept, which is −π.
RADIANS = {"rad": 1.0, "mrad": 1e-3, "deg": np.pi / 180}
RADIANS_BY_INTERCEPT = {-4096: np.pi / 4096, -3142: 1e-3}
KNOWN_UNITS = {"hz": "Hz", "rad/s": "rad/s", "ppm": "ppm", "deg": "deg", "ms": "ms", "s": "s",
               "%": "%", "percent": "%"}  # fmt: skip


class Key(NamedTuple):
    """What a group of images shares, ms and degrees; 0 where not stated."""

    series: int
    echo: float
    inversion: float
    repetition: float
    flip: float
    kind: str
    uid: str

    def describe(self) -> str:
        """For messages."""
        return (
            f"series {self.series}: TE {self.echo:g}, TI {self.inversion:g}, TR {self.repetition:g} ms, flip angle"
            f" {self.flip:g}°"
        )


@dataclass(frozen=True)
class Sorted:
    """Images of a source: stacks of the same settings with those, the files of all, and what was left out."""

    groups: tuple[tuple[Key, Stack], ...]
    headers: tuple[FileHeader, ...]
    notes: tuple[str, ...]

    @property
    def keys(self) -> list[Key]:
        """Settings of every image."""
        return [key for key, stack in self.groups for _ in stack.frames]


def is_dicom_source(path: Path) -> bool:
    """Tell a DICOM file, or a folder of such, by content."""
    return is_dicom_folder(path) if path.is_dir() else path.is_file() and is_dicom(sniff(path))


def read_dicom_images(path: Path, component: Component) -> SourceImages:
    """Read the images of a folder, an enhanced file, or the series that a classic file is part of.

    Raises
    ------
    ReaderError
        When a file is damaged, images are missing, or do not belong together.
    GeometryError
        When they do not lie on one grid.
    MissingExtraError
        When pydicom is not installed.
    """
    found = sort_images(path, component)
    document, gaps = settings_of(path, found, component)
    stacks = [_displayed(stack, component) for _, stack in found.groups]
    data = np.concatenate([load_stack(stack, found.headers) for stack in stacks])
    return SourceImages(data, stacks[0].geometry, path, document, path, None, found.notes, gaps)


def read_dicom_settings(path: Path, component: Component, files: Sequence[Path] = ()) -> Settings:
    """Read what `read_dicom_images` would, without the images; raises the same.

    ``files`` are those of the series at ``path``, where they are known; no other is looked at then.
    """
    found = sort_images(path, component, files)
    document, gaps = settings_of(path, found, component)
    return Settings(document, gaps, found.groups[0][1].geometry, len(found.keys))


def sort_images(path: Path, component: Component, files: Sequence[Path] = ()) -> Sorted:
    """Sort the images of a source by what is set, and check that they belong together.

    Raises
    ------
    ReaderError, GeometryError
        As `read_dicom_images`.
    """
    headers, notes = _headers(path, files)
    kept, left_out = _of_component(path, headers, component)
    by_key: dict[Key, list[Frame]] = {}
    for header in headers:
        for frame in header.frames:
            if frame.kind in kept:
                by_key.setdefault(_key(header, frame), []).append(frame)
    groups = [(key, stack_frames(f"{path}, {key.describe()}", by_key[key])) for key in sorted(by_key)]
    _check_together(path, groups)
    several = len({key.uid for key, _ in groups})
    if several > 1:
        notes += (
            f"{several} series were joined; a receiver gain that changed between them would show as a false contrast",
        )
    return Sorted(tuple(groups), tuple(headers), (*notes, *left_out))


def settings_of(path: Path, found: Sorted, component: Component) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings by their BIDS keys, s and degrees, and why keys are missing.

    What some image does not state is left out.
    """
    keys = found.keys
    columns = {
        "InversionTime": [k.inversion / 1e3 for k in keys],
        "RepetitionTime": [k.repetition / 1e3 for k in keys],
        "EchoTime": [k.echo / 1e3 for k in keys],
        "FlipAngle": [k.flip for k in keys],
    }
    document: dict[str, Any] = {
        name: one_or_list(np.round(values, 9)) for name, values in columns.items() if min(values) > 0
    }
    first = found.headers[0]
    if first.field_t is not None:
        document["MagneticFieldStrength"] = first.field_t
    shown = found.groups[0][1].frames[0][0]
    if component == "map" and shown.units.lower() in KNOWN_UNITS:
        document["Units"] = KNOWN_UNITS[shown.units.lower()]
    if component == "phase" and _radians(shown) is not None:
        document["Units"] = "rad"
    if component == "phase" and len(keys) == 1:
        document |= _two_echoes(found)
    gaps: dict[str, str] = {}
    if component == "magnitude":
        try:
            document |= _offsets(path, found, first.field_t)
        except ProtocolError as error:  # a list may be that of another scan; only WASSR needs one
            gaps["SaturationOffsets"] = str(error)
    return document, gaps


def _headers(path: Path, files: Sequence[Path]) -> tuple[list[FileHeader], tuple[str, ...]]:
    if files:
        return [header for file in files if (header := file_header(file)) is not None], ()
    folder = path if path.is_dir() else path.parent
    own = file_header(path) if path.is_file() else None
    if path.is_file() and own is None:
        raise ReaderError(f"{path}: a DICOM file without an MR image; give the images of the scan")
    if own is not None and own.pixels.shape[0] > 1:
        return [own], ()
    found = [file_header(file) for file in dicom_files(folder)]
    images = [h for h in found if h is not None and (own is None or h.series_uid == own.series_uid)]
    if not images:
        raise ReaderError(f"{path}: DICOM files, but no MR image among them; give the folder of the scan")
    others = 0 if own is not None else found.count(None)
    return images, (f"{others} DICOM files that are no MR images were left out",) if others else ()


def _of_component(
    path: Path, headers: Sequence[FileHeader], component: Component
) -> tuple[set[str], tuple[str, ...]]:
    """Kinds of images that are taken, and a note on the others."""
    counts: dict[str, int] = {}
    for frame in (f for h in headers for f in h.frames):
        counts[frame.kind] = counts.get(frame.kind, 0) + 1
    # Real images serve an inversion recovery as well; next to magnitudes they are the same data again.
    wanted = {"magnitude": ("magnitude", "real"), "phase": ("phase",), "map": ("magnitude", "phase", "real")}
    kept = next((kind for kind in wanted[component] if kind in counts), None)
    if kept is None:
        raise ReaderError(
            f"{path}: {' and '.join(sorted(counts))} images only; {' or '.join(wanted[component])} images are expected"
        )
    others = {kind: n for kind, n in counts.items() if kind != kept}
    named = f"{sum(others.values())} {' and '.join(sorted(others))} images were left out"
    return {kept}, (named,) if others else ()


def _key(header: FileHeader, frame: Frame) -> Key:
    times = (round(frame.echo_ms, 3), round(frame.inversion_ms, 3), round(frame.repetition_ms, 3))
    return Key(header.series_number, *times, round(frame.flip_deg, 3), frame.kind, header.series_uid)


def _check_together(path: Path, groups: Sequence[tuple[Key, Stack]]) -> None:
    first_key, first = groups[0]
    for key, stack in groups[1:]:
        if not stack.geometry.same_as(first.geometry):
            raise GeometryError(
                f"{path}: {key.describe()} has {stack.geometry.describe()}, but {first_key.describe()}"
                f" {first.geometry.describe()}; images are missing or do not belong together: give the folder that"
                " holds one scan, or its series one by one"
            )
    counts = {len(stack.frames) for _, stack in groups}
    varied = [
        name for name in ("echo", "inversion", "flip") if len({getattr(k, name) for k, _ in groups}) > 1
    ]
    if len(varied) > 1 or len(counts) > 1:
        listed = "; ".join(key.describe() for key, _ in groups[:LISTED])
        more = f" and {len(groups) - LISTED} more" if len(groups) > LISTED else ""
        raise ReaderError(
            f"{path}: images that do not belong together ({listed}{more}); images that differ in one setting are"
            " expected: give their files or folders alone"
        )


def _displayed(stack: Stack, component: Component) -> Stack:
    """Phases and maps as the scanner displays them; only magnitudes are scaled to the signal."""
    if component == "magnitude":
        return stack

    def displayed(frame: Frame) -> Frame:
        factor = (_radians(frame) if component == "phase" else None) or 1.0
        return replace(frame, slope=frame.shown[0] * factor, intercept=frame.shown[1] * factor)

    return replace(stack, frames=tuple(tuple(map(displayed, image)) for image in stack.frames))


def _radians(frame: Frame) -> float | None:
    """Radians of one unit of a displayed phase; None where the header does not say."""
    return RADIANS.get(frame.units.lower(), RADIANS_BY_INTERCEPT.get(round(frame.shown[1])))


def _two_echoes(found: Sorted) -> dict[str, float]:
    """Echo times of a phase difference: those of the magnitudes with it, or of Siemens' protocol text."""
    magnitudes = {round(f.echo_ms, 3) for h in found.headers for f in h.frames if f.kind == "magnitude"}
    times = sorted(ms / 1e3 for ms in magnitudes if ms > 0)
    if len(times) != 2:
        fields = siemens_fields(found.groups[0][1].frames[0][0].path)
        micro = [fields.get(f"alte[{i}]", "") for i in range(2)]
        times = sorted(int(t) / 1e6 for t in micro if t.isdigit() and len(t) < 9)
    return {"EchoTime1": times[0], "EchoTime2": times[1]} if len(times) == 2 else {}


def _offsets(path: Path, found: Sorted, field_t: float | None) -> dict[str, Any]:
    """Offsets of a list beside the images, of their comments, or of the vendor's header.

    Raises
    ------
    ProtocolError
        When they cannot be told or do not fit.
    """
    images = [image for _, stack in found.groups for image in stack.frames]
    lists = offset_files(path if path.is_dir() else path.parent)
    if len(lists) > 1:
        names = " and ".join(p.name for p in lists)
        raise ProtocolError(
            f"{path}: {names} can both be the list of offsets; keep one of them beside the images"
        )
    if lists:
        listed = read_offsets(lists[0], field_t)
        if len(listed.values) != len(images):
            raise ProtocolError(
                f"{lists[0]}: {len(listed.values)} offsets for the {len(images)} images of {path.name}; list one an"
                " image in acquisition order, references included, or give them with --offsets"
            )
        return {"SaturationOffsets": list(listed.values), "SaturationOffsetsUnits": listed.units}
    described = read_descriptions(str(path), [image[0].comment for image in images])
    if described is not None:
        return {"SaturationOffsets": list(described.values), "SaturationOffsetsUnits": described.units}
    vendor = vendor_protocol(images[0][0].path, len(images)).keys
    return {key: vendor[key] for key in ("SaturationOffsets", "SaturationOffsetsUnits") if key in vendor}
