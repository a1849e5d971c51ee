"""A CEST scan of a Bruker scanner, as ParaVision 5.1, 6, 7 or 360 stores it, with its own protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PCrCESTLib.errors import NoReferenceError, ProtocolError, ReaderError
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.readers.bruker.files import IMAGES, is_bruker_scan, read_scan_files, scan_folders
from PCrCESTLib.readers.bruker.geometry import read_geometry
from PCrCESTLib.readers.bruker.layout import read_frames, read_layout, refuse_foreign_frames
from PCrCESTLib.readers.bruker.saturation import protocol_keys
from PCrCESTLib.readers.bruker.study import list_scans
from PCrCESTLib.readers.protocol_source import resolve_protocol
from PCrCESTLib.series import CestSeries


def is_bruker(path: Path) -> bool:
    """Tell a scan or study of ParaVision by the files in it."""
    return is_bruker_scan(path) or bool(scan_folders(path))


def read_bruker(path: Path, protocol: Protocol | Path | None = None) -> CestSeries:
    """Read a scan given by its folder, the folder of a reconstruction (``pdata/1``), or its ``2dseq`` file.

    The frames stay in the order they were acquired in, repetitions one after another. A protocol file, unless
    given, is ``protocol.json`` in the scan's folder, or beside that under its name; it is laid over what the scan
    says and needs to hold only what the scan does not.

    Raises
    ------
    ReaderError
        When the path is a study, a file is missing or damaged, or the images are no magnitude images of protons.
    GeometryError
        When the slices do not lie on one regular grid.
    ProtocolError
        When neither the scan nor a protocol file says how it was saturated.
    MissingExtraError
        When brukerapi is not installed.
    """
    if not is_bruker_scan(path):
        raise ReaderError(_choose_a_scan(path))
    scan = read_scan_files(path)
    if scan.visu.records is None:
        raise scan.visu.absent()
    if scan.nucleus not in ("", "1H"):
        raise ReaderError(
            f"{path}: this is a scan of {scan.nucleus}; CEST is measured on 1H: give another scan"
        )
    layout = read_layout(scan.visu)
    refuse_foreign_frames(scan.visu, layout)
    geometry = read_geometry(scan.visu, layout)
    keys, notes, gaps = protocol_keys(scan, layout.n_frames)
    beside = [scan.folder / "protocol.json", scan.folder.parent / f"{scan.folder.name}.json"]
    with _told_why(gaps):
        resolved = resolve_protocol(path, protocol, beside, keys)
    data = read_frames(scan.reconstruction / IMAGES, layout)
    own = [] if isinstance(protocol, Protocol) else notes
    return CestSeries(
        data, geometry, resolved.protocol, (str(path), *resolved.source), (*own, *resolved.notes)
    )


@contextmanager
def _told_why(gaps: list[str]) -> Iterator[None]:
    try:
        yield
    except ProtocolError as error:
        if not gaps or isinstance(error, NoReferenceError):
            raise
        raise ProtocolError(f"{error} ({'; '.join(gaps)})") from error


def _choose_a_scan(study: Path) -> str:
    scans = list_scans(study)
    series = [scan for scan in scans if scan.kind == "CEST"]
    if not series:
        return (
            f"{study}: none of the {len(scans)} scans of this study is a CEST scan; see them with pcrcest info, and"
            " give the folder of one"
        )
    named = ", ".join(f"{scan.folder.name} ({scan.name})" for scan in series)
    return (
        f"{study}: this is a study of {len(scans)} scans; give the folder of one of its CEST scans: {named}"
    )
