"""DICOM images of a CEST scan: one series with all offsets, or one series an offset, in a folder or a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PCrCESTLib.errors import GeometryError, MissingKeysError, NoReferenceError, ProtocolError, ReaderError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T, Protocol
from PCrCESTLib.protocol_json import protocol_from_dict, read_document
from PCrCESTLib.readers.dicom.descriptions import describe, read_descriptions
from PCrCESTLib.readers.dicom.folder import dicom_files
from PCrCESTLib.readers.dicom.frames import Stack, load_stack, stack_frames
from PCrCESTLib.readers.dicom.headers import FileHeader, file_header
from PCrCESTLib.readers.dicom.m0 import cest_and_m0, saturated_part, without_m0
from PCrCESTLib.readers.dicom.offsets import vendor_protocol
from PCrCESTLib.readers.m0_frames import put_before
from PCrCESTLib.readers.offsets_file import OffsetList, read_offsets
from PCrCESTLib.readers.protocol_source import ResolvedProtocol, json_beside, resolve_protocol
from PCrCESTLib.series import CestSeries

LISTED_SERIES = 12
MAX_IMAGES_AN_OFFSET = 4  # averages; a series with more holds a Z-spectrum
OFFSET_PATTERNS = ("offsets.*", "*_offsets.*", "list.txt")
OFFSET_SUFFIXES = (".txt", ".csv", ".json")


@dataclass(frozen=True)
class Scan:
    """The series chosen, sorted: its images, the files they come from and their descriptions.

    Attributes
    ----------
    stack : Stack
        The frames on one grid.
    headers : tuple of FileHeader
        Files of all of them.
    texts : tuple of str
        What describes each image.
    notes : tuple of str
        What the user should know.
    m0 : Scan, optional
        Images without saturation that are a series of their own.
    """

    stack: Stack
    headers: tuple[FileHeader, ...]
    texts: tuple[str, ...]
    notes: tuple[str, ...]
    m0: Scan | None = None

    @property
    def n_images(self) -> int:
        """Images a slice."""
        return len(self.stack.frames)


@dataclass(frozen=True)
class _Found:
    """Protocol-file keys found with the images, notes, the files used, and what to say if offsets are missing."""

    keys: dict[str, Any]
    notes: tuple[str, ...]
    files: tuple[Path, ...] = ()
    missing: str = ""


def read_dicom(path: Path, protocol: Protocol | Path | None = None) -> CestSeries:
    """Read a CEST scan from a folder of DICOM files, an enhanced file, or the series that a classic file is part of.

    The field and the repetition time come from the header, the offsets from an offsets file beside the images
    (``offsets.txt``, ``*_offsets.csv``, ``LIST.txt`` …), else from the descriptions of the series or the comments of
    the images, else from the private header of the vendor. A protocol file (as for a folder of NIfTI files) overrides
    them all.

    Raises
    ------
    ReaderError
        When a file is damaged, images are missing, or several series do not belong together.
    GeometryError
        When the images do not lie on one grid.
    ProtocolError
        When the protocol is incomplete, senseless, or of another number of images.
    MissingExtraError
        When pydicom is not installed.
    """
    scan = find_scan(path)
    folder = path if path.is_dir() else path.parent
    lists = offset_files(folder)
    sidecars = _sidecars(path, folder, lists)
    found = _Found({}, ())
    if not isinstance(protocol, Protocol):
        found = _found_keys(path, scan, None if _states_offsets(protocol, sidecars) else lists)
    apart: Protocol | None = None
    try:
        resolved = resolve_protocol(path, protocol, sidecars, found.keys)
        if scan.m0 is not None:
            apart = saturated_part(resolved.protocol, scan.n_images, scan.m0.n_images)
    except MissingKeysError as error:
        if "SaturationOffsets" not in error.keys:
            raise
        raise ProtocolError(
            f"{error}; or put a file offsets.txt beside the images, one offset for each of the"
            f" {scan.n_images} images in acquisition order{found.missing}"
        ) from error
    except NoReferenceError as error:
        if scan.m0 is None:
            raise
        apart = protocol_from_dict({**error.document, "Normalized": True})
        resolved = ResolvedProtocol(apart, error.files)
    source = (str(path), *resolved.source, *map(str, found.files))
    order = f"{scan.n_images} images ordered by {scan.stack.order}"
    data = load_stack(scan.stack, scan.headers)
    notes = (*resolved.notes, *found.notes, *scan.notes, order)
    series = CestSeries(data, scan.stack.geometry, apart or resolved.protocol, source, notes)
    if scan.m0 is None or apart is None:
        return series
    name = f"series {_title(scan.m0.headers)} of {path}"
    return put_before(series, load_stack(scan.m0.stack, scan.m0.headers), scan.m0.stack.geometry, name)


def find_scan(path: Path) -> Scan:
    """Choose the series, or the set of series, that ``path`` means, reading headers only.

    Raises
    ------
    ReaderError
        When a file is damaged, images are missing, or several series do not belong together.
    GeometryError
        When the images do not lie on one grid.
    MissingExtraError
        When pydicom is not installed.
    """
    if path.is_file():
        own = file_header(path)
        if own is None:
            raise ReaderError(f"{path}: a DICOM file without an MR image; give the images of a CEST scan")
        if own.pixels.shape[0] > 1:
            return _one_series(path, [own])
        beside, _ = _headers(path.parent)
        return _one_series(path, [h for h in beside if h.series_uid == own.series_uid])
    headers, notes = _headers(path)
    if not headers:
        raise ReaderError(f"{path}: DICOM files, but no MR image among them; give the folder of a CEST scan")
    series: dict[str, list[FileHeader]] = {}
    for header in sorted(headers, key=lambda h: (h.series_number, h.path)):
        series.setdefault(header.series_uid, []).append(header)
    pair = cest_and_m0(list(series.values()))
    if pair is not None:
        stack, m0_notes = _magnitude_stack(f"{path}, series {_title(pair[1])}", pair[1])
        m0 = Scan(stack, tuple(pair[1]), (), m0_notes)
        scan = replace(_one_series(path, pair[0]), m0=m0)
    elif len(series) == 1:
        scan = _one_series(path, headers)
    else:
        scan = _series_an_offset(path, list(series.values()))
    return replace(scan, notes=(*scan.notes, *notes))


def _headers(folder: Path) -> tuple[list[FileHeader], tuple[str, ...]]:
    """Read the headers of the MR images of a folder; a note counts the other DICOM files."""
    found = [file_header(path) for path in dicom_files(folder)]
    images = [header for header in found if header is not None]
    others = len(found) - len(images)
    return images, (f"{others} DICOM files that are no MR images were left out",) if others else ()


def _one_series(path: Path, headers: Sequence[FileHeader]) -> Scan:
    stack, notes = _magnitude_stack(str(path), headers)
    if len(stack.frames) == 1:
        raise ReaderError(
            f"{path}: a single image of {stack.geometry.describe()}; a CEST series has one for each offset: give"
            " the folder that holds them all"
        )
    return Scan(stack, tuple(headers), tuple(image[0].comment for image in stack.frames), notes)


def _magnitude_stack(name: str, headers: Sequence[FileHeader]) -> tuple[Stack, tuple[str, ...]]:
    frames = [frame for header in headers for frame in header.frames]
    kinds = sorted({frame.kind for frame in frames} - {"magnitude"})
    magnitude = [frame for frame in frames if frame.kind == "magnitude"]
    if not magnitude:
        raise ReaderError(f"{name}: {' and '.join(kinds)} images only; magnitude images are expected")
    left_out = f"{len(frames) - len(magnitude)} {' and '.join(kinds)} images were left out"
    return stack_frames(name, magnitude), (left_out,) if kinds else ()


def _series_an_offset(path: Path, series: Sequence[Sequence[FileHeader]]) -> Scan:
    """Join the series whose descriptions state an offset; each is a scan of its own."""
    named = [s for s in series if describe(s[0].description) is not None]
    offsets = read_descriptions(str(path), [s[0].description for s in named])
    if offsets is None or len(named) < 3:
        raise ReaderError(
            f"{path}: {len(series)} series that do not belong together by their descriptions: {_listing(series)}; give"
            " a file of the one to read, or the folder that holds it alone"
        )
    stacks: list[Stack] = []
    texts: list[str] = []
    for member in named:
        stack, _ = _magnitude_stack(f"{path}, series {_title(member)}", member)
        if len(stack.frames) > MAX_IMAGES_AN_OFFSET:
            raise ReaderError(
                f"{path}: the series {_title(member)} names one offset but has {len(stack.frames)} images; give a file"
                f" of the series to read, among {_listing(series)}"
            )
        if not stack.geometry.same_as((stacks or [stack])[0].geometry):
            raise GeometryError(
                f"{path}: the series {_title(member)} has {stack.geometry.describe()}, but {_title(named[0])}"
                f" {stacks[0].geometry.describe()}; all offsets must lie on one grid"
            )
        stacks.append(stack)
        texts += [member[0].description] * len(stack.frames)
    images = tuple(image for stack in stacks for image in stack.frames)
    joined = replace(stacks[0], frames=images, order="series number")
    others = [s for s in series if not any(s is member for member in named)]
    notes = (
        f"{len(named)} series of one offset each were joined ({_listing(named)}); a receiver gain that changed between"
        " them would show as a false contrast",
        *([f"left out: {_listing(others)}"] if others else []),
    )
    return Scan(joined, tuple(h for member in named for h in member), tuple(texts), notes)


def _title(series: Sequence[FileHeader]) -> str:
    return f"{series[0].series_number} {series[0].description[:60]!r}"


def _listing(series: Sequence[Sequence[FileHeader]]) -> str:
    shown = [f"{_title(s)} ({sum(len(h.frames) for h in s)} images, {s[0].path.name})" for s in series]
    more = len(shown) - LISTED_SERIES
    return ", ".join(shown[:LISTED_SERIES]) + (f" and {more} more" if more > 0 else "")


def _states_offsets(given: Path | None, sidecars: Sequence[Path]) -> bool:
    file = given if given is not None else next((s for s in sidecars if s.is_file()), None)
    return file is not None and "SaturationOffsets" in read_document(file)


def _found_keys(path: Path, scan: Scan, lists: Sequence[Path] | None) -> _Found:
    """Keys that the header and, unless ``lists`` is None, the list of offsets or the descriptions give."""
    first, n_images = scan.headers[0], scan.n_images
    vendor = vendor_protocol(first.path, n_images)
    header = {"MagneticFieldStrength": first.field_t, "RepetitionTime": first.repetition_s}
    keys = {**{k: v for k, v in header.items() if v is not None}, **vendor.keys}
    if lists:
        n_m0 = 0 if scan.m0 is None else scan.m0.n_images
        listed = _listed_offsets(path, lists, first.field_t, n_images, n_m0)
        notes = (*vendor.notes, *([listed.note] if listed.note else []))
        return _Found({**keys, **_offset_keys(listed, first)}, notes, (lists[0],))
    described = None if lists is None else read_descriptions(str(path), scan.texts)
    if described is not None:
        return _Found({**keys, **_offset_keys(described, first)}, vendor.notes)
    return _Found(keys, vendor.notes, (), f" ({vendor.offsets_note})" if vendor.offsets_note else "")


def _listed_offsets(
    path: Path, lists: Sequence[Path], field_t: float | None, n_images: int, n_m0: int
) -> OffsetList:
    if len(lists) > 1:
        names = " and ".join(p.name for p in lists)
        raise ProtocolError(
            f"{path}: {names} can both be the list of offsets; keep one of them beside the images"
        )
    listed = without_m0(read_offsets(lists[0], field_t), n_images, n_m0)
    if len(listed.values) != n_images:
        raise ProtocolError(
            f"{lists[0]}: {len(listed.values)} offsets for the {n_images} images of {path.name}; list one an image in"
            " acquisition order, references included"
        )
    return listed


def _offset_keys(listed: OffsetList, header: FileHeader) -> dict[str, Any]:
    """Protocol-file keys of a list; Hz become ppm by the scanner's own frequency where the header has it."""
    frequency = header.frequency_mhz
    nominal = GAMMA_MHZ_PER_T * (header.field_t or 0.0)
    values: list[float | None] = list(listed.values)
    units = listed.units
    if units == "Hz" and frequency and abs(frequency - nominal) < 0.05 * nominal:
        values, units = [None if v is None else v / frequency for v in values], "ppm"
    keys: dict[str, Any] = {"SaturationOffsets": values, "SaturationOffsetsUnits": units}
    if listed.b1_ut is not None:
        keys["SaturationB1"] = list(listed.b1_ut)
    return keys


def offset_files(folder: Path) -> list[Path]:
    """Files in a folder whose names say that they list offsets."""
    try:
        beside = sorted(p for p in folder.iterdir() if p.suffix.lower() in OFFSET_SUFFIXES and p.is_file())
    except OSError:
        return []
    return [p for p in beside if any(Path(p.name.lower()).match(pattern) for pattern in OFFSET_PATTERNS)]


def _sidecars(path: Path, folder: Path, lists: Sequence[Path]) -> list[Path]:
    """Protocol files looked for, as beside and inside a folder of NIfTI files."""
    others = [p for p in sorted(folder.glob("*.json")) if p not in lists]
    only = others if len(others) == 1 else []
    own = [] if path.is_dir() else [path.with_suffix(".json")]
    return [*own, folder / "protocol.json", *only, json_beside(folder)]
