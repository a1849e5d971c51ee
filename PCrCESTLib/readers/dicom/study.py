"""The series of a folder of DICOM files, and what each of them is.

What a series is, is decided in this order:

=======  ==========================================================================================================
kind     when
=======  ==========================================================================================================
CEST     its image comments or its vendor header state three or more offsets within 10 ppm (all within 1.5 ppm:
         B0, WASSR); several series of one offset each, by their descriptions, are one such scan
B0, B1,  a name says so (``scan_facts``): field map, WASSR; B1 map, AFI, Bloch-Siegert, double angle; T1 map,
T1, T2   Look-Locker; T2 map
B0       phase images of several echo times
T1       several inversion times, flip angles or repetition times
T2       several echo times of spin echoes; of gradient echoes it is "other" (T2*)
CEST     a list of offsets beside it has one for each image; or a name says CEST, where no offsets are found
M0       a name says unsaturated (M0, S0, unsat, ref), on the slices of a CEST series that has no such image
anatomy  one image a slice
other    anything else, such as the images in several directions of a localizer
=======  ==========================================================================================================

Names are the description of the series and that of its pulse sequence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PCrCESTLib.errors import MissingExtraError, PCrCESTError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T, REFERENCE_PPM
from PCrCESTLib.readers.dicom.descriptions import describe
from PCrCESTLib.readers.dicom.folder import dicom_files
from PCrCESTLib.readers.dicom.frames import one_image_geometry
from PCrCESTLib.readers.dicom.headers import FileHeader, Frame, file_header
from PCrCESTLib.readers.dicom.m0 import is_unsaturated
from PCrCESTLib.readers.dicom.offsets import vendor_protocol
from PCrCESTLib.readers.dicom.series import MAX_IMAGES_AN_OFFSET, offset_files
from PCrCESTLib.readers.offsets_file import read_offsets
from PCrCESTLib.readers.scan_facts import (
    MIN_OFFSETS,
    Report,
    ScanFacts,
    kind_of_frames,
    kind_of_names,
    kind_of_offsets,
    tell_nobody,
)

CEST_NAME = re.compile(r"cest|z[ _-]?spec", re.IGNORECASE)
TELL_EVERY = 20  # files; telling of each would take longer than reading it
MAX_NAME = 1000  # letters; patterns are slow on a text made to be slow
SEVERAL_TIMES = (
    ("inversion_ms", "inversion times"),
    ("flip_deg", "flip angles"),
    ("repetition_ms", "repetition times"),
)


@dataclass(frozen=True)
class _Series:
    """One series, or several of one offset each: its files, its frames of one kind, and where they lie."""

    headers: tuple[FileHeader, ...]
    frames: tuple[Frame, ...]
    geometry: Geometry | None
    n_frames: int | None
    offsets: tuple[float | None, ...] | None = None  # one a member, where several series were joined

    @property
    def first(self) -> FileHeader:
        return self.headers[0]

    @property
    def names(self) -> tuple[str, str]:
        return self.first.description, self.first.sequence


def list_scans(study: Path, report: Report = tell_nobody) -> list[ScanFacts]:
    """Say what the series of a folder, and of the folders inside, are, by number; damaged files are listed too.

    Raises
    ------
    ReaderError
        When there are too many files to be one study.
    MissingExtraError
        When pydicom is not installed.
    """
    headers, damaged = _headers(study, report)
    by_uid: dict[str, list[FileHeader]] = {}
    for header in sorted(headers, key=lambda h: (h.series_number, h.path)):
        by_uid.setdefault(header.series_uid, []).append(header)
    every = [_series(members) for members in by_uid.values()]
    found = [(series, *_kind(series)) for series in _joined(every)]
    images = [header.path for header in headers]
    scans = [_facts(study, s, kind, reason, images) for s, kind, reason, _ in found]
    lacking = [
        s for s, (*_, ppm) in zip(scans, found, strict=True) if s.kind == "CEST" and not _has_reference(ppm)
    ]
    scans = [_as_m0(scan, lacking) for scan in scans]
    if damaged:
        files = tuple(path for path, _ in damaged)
        more = f" (and {len(damaged) - 1} more files)" if len(damaged) > 1 else ""
        scans.append(ScanFacts(study, "", "", "unreadable", damaged[0][1] + more, path=files[0], files=files))
    return scans


def _headers(study: Path, report: Report) -> tuple[list[FileHeader], list[tuple[Path, str]]]:
    """Headers of the MR images, and the damaged files with what is wrong with them."""
    headers, damaged = [], []
    files = []
    for path in dicom_files(study):
        files.append(path)
        if len(files) % TELL_EVERY == 1:
            report(0.0, f"{len(files)} files found")
    for i, path in enumerate(files):
        if i % TELL_EVERY == 0:
            report(i / len(files), f"header {i + 1} of {len(files)}")
        try:
            header = file_header(path)
        except MissingExtraError:
            raise
        except PCrCESTError as error:
            damaged.append((path, str(error)))
            continue
        if header is not None:
            headers.append(header)
    return headers, damaged


def _series(headers: Sequence[FileHeader]) -> _Series:
    frames = [frame for header in headers for frame in header.frames]
    shown = [f for f in frames if f.kind == "magnitude"] or frames
    try:
        geometry = one_image_geometry(str(headers[0].path), shown)
    except PCrCESTError:
        return _Series(tuple(headers), tuple(frames), None, None)
    return _Series(tuple(headers), tuple(frames), geometry, -(-len(shown) // geometry.size[2]))


def _joined(every: list[_Series]) -> list[_Series]:
    """Make one of the series that state one offset each in their descriptions, where there are three or more."""
    stated = [(s, describe(s.first.description)) for s in every]
    named = [
        (s, d) for s, d in stated
        if d is not None and s.geometry is not None and (s.n_frames or 0) <= MAX_IMAGES_AN_OFFSET
    ]  # fmt: skip
    groups: list[list[tuple[_Series, float | None]]] = []
    for series, described in named:
        ppm = described.offset
        if ppm is not None and described.units == "Hz":
            ppm /= _mhz(series.first)
        group = next((g for g in groups if _same_grid(g[0][0], series)), None)
        if group is None:
            groups.append(group := [])
        group.append((series, ppm))
    joined, gone = [], set()
    for group in groups:
        if len({ppm for _, ppm in group} - {None}) < MIN_OFFSETS:
            continue
        members = [s for s, _ in group]
        gone |= {id(s) for s in members}
        whole = _Series(
            tuple(h for s in members for h in s.headers), tuple(f for s in members for f in s.frames),
            members[0].geometry, sum(s.n_frames or 0 for s in members), tuple(ppm for _, ppm in group),
        )  # fmt: skip
        joined.append(whole)
    kept = [s for s in every if id(s) not in gone]
    return sorted([*kept, *joined], key=lambda s: (s.first.series_number, s.first.path))


def _same_grid(one: _Series, other: _Series) -> bool:
    return one.geometry is not None and other.geometry is not None and one.geometry.same_as(other.geometry)


def _mhz(header: FileHeader) -> float:
    return header.frequency_mhz or GAMMA_MHZ_PER_T * (header.field_t or 3.0)


def _kind(series: _Series) -> tuple[str, str, tuple[float | None, ...] | None]:
    """Decide what a series is, as the table above says; with the reason and, where known, its offsets in ppm."""
    if series.offsets is not None:
        told = kind_of_offsets(series.offsets, f"{len(series.offsets)} series of one offset each")
        if told:
            return *told, series.offsets
    own = _own_offsets(series)
    if own is not None and (
        told := kind_of_offsets(own[0], f"{series.n_frames} saturation offsets ({own[1]})")
    ):
        return *told, own[0]
    told = kind_of_names(series.names) or _timed(series)
    if told:
        return *told, None
    listed = _listed_offsets(series)
    if listed is not None:
        told = kind_of_offsets(listed[0], f"{len(listed[0])} saturation offsets ({listed[1]})")
        if told:
            return *told, listed[0]
    n_frames = series.n_frames or 0
    if n_frames > MAX_IMAGES_AN_OFFSET and any(CEST_NAME.search(name[:MAX_NAME]) for name in series.names):
        return "CEST", f"named CEST, {n_frames} images; no offsets found: put offsets.txt beside them", None
    if series.geometry is None:
        return "other", "images of several sizes or directions, such as a localizer", None
    if {f.kind for f in series.frames} == {"phase"}:
        return "other", "phase images", None
    return *kind_of_frames(n_frames), None


def _own_offsets(series: _Series) -> tuple[tuple[float | None, ...], str] | None:
    """Offsets in ppm that the images themselves state, and where."""
    comments = {f.comment for f in series.frames}
    described = [describe(comment) for comment in comments] if "" not in comments else [None]
    if None not in described:
        in_hz = _mhz(series.first)
        told = [d for d in described if d is not None]
        values = (d.offset if d.offset is None or d.units == "ppm" else d.offset / in_hz for d in told)
        return tuple(values), "comments of the images"
    try:
        keys = vendor_protocol(series.first.path, series.n_frames or 0).keys
    except MissingExtraError:
        raise
    except PCrCESTError:
        return None
    offsets = keys.get("SaturationOffsets")
    return None if offsets is None else (tuple(offsets), "vendor header")


def _listed_offsets(series: _Series) -> tuple[tuple[float | None, ...], str] | None:
    """Offsets in ppm of a list beside the images that has one for each of them, and its name."""
    for path in offset_files(series.first.path.parent):
        try:
            listed = read_offsets(path, series.first.field_t)
        except PCrCESTError:
            continue
        if len(listed.values) == series.n_frames:
            in_hz = _mhz(series.first) if listed.units == "Hz" else 1.0
            return tuple(None if v is None else v / in_hz for v in listed.values), path.name
    return None


def _timed(series: _Series) -> tuple[str, str] | None:
    echoes = {round(f.echo_ms, 3) for f in series.frames}
    if len(echoes) > 1:
        if any(f.kind == "phase" for f in series.frames):
            return "B0", f"phase images of {len(echoes)} echo times"
        spin = series.first.is_spin_echo
        return (
            ("T2", f"{len(echoes)} spin echoes") if spin else ("other", f"{len(echoes)} gradient echoes, T2*")
        )
    for name, what in SEVERAL_TIMES:
        values = {getattr(f, name) for f in series.frames} - {0.0}
        if len(values) > 1:
            return "T1", f"{len(values)} {what}"
    return None


def _facts(study: Path, series: _Series, kind: str, reason: str, images: Sequence[Path]) -> ScanFacts:
    files = tuple(dict.fromkeys(header.path for header in series.headers))
    folder = files[0].parent
    own = set(files)
    is_alone = all(path in own for path in images if path.is_relative_to(folder))
    path = folder if is_alone else files[0]
    if series.offsets is not None:
        path = study  # the reader joins the series of one offset each, and leaves the others out
    return ScanFacts(
        folder, series.first.description, series.first.sequence, kind, reason,
        None if series.geometry is None else series.geometry.size, series.n_frames,
        series.first.series_number, path, series.geometry, files,
    )  # fmt: skip


def _has_reference(offsets_ppm: Sequence[float | None] | None) -> bool:
    return offsets_ppm is not None and any(ppm is None or abs(ppm) >= REFERENCE_PPM for ppm in offsets_ppm)


def _as_m0(scan: ScanFacts, lacking: Sequence[ScanFacts]) -> ScanFacts:
    """Call the image without saturation of a CEST series that lacks one what it is."""
    is_few = scan.kind in ("anatomy", "other") and (scan.n_frames or 0) <= MAX_IMAGES_AN_OFFSET
    if not is_few or scan.geometry is None or not is_unsaturated(scan.name):
        return scan
    whose = [s for s in lacking if s.geometry and s.geometry.same_as(scan.geometry)]
    numbers = " and ".join(str(s.number) for s in whose)
    reason = f"named unsaturated, on the slices of {numbers}: give it as --m0"
    return replace(scan, kind="M0", reason=reason) if whose else scan
