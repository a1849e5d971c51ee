"""The files that readers use of what was given: what a checksum of it stands for."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.readers.bruker.files import IMAGES, first_reconstruction, is_bruker_scan, scan_folders
from PCrCESTLib.readers.dicom.file import is_dicom
from PCrCESTLib.readers.dicom.folder import dicom_files, is_dicom_folder
from PCrCESTLib.readers.dicom.headers import file_header
from PCrCESTLib.readers.nifti import SUFFIXES
from PCrCESTLib.readers.stored_bytes import sniff

PARAMETERS = ("method", "acqp")
OF_RECONSTRUCTION = ("visu_pars", IMAGES)
LISTS = (".json", ".txt", ".csv")  # protocol and offsets beside images


def input_files(path: Path) -> list[Path]:
    """Files that a reader uses, in no particular order.

    A file stands for itself, a classic DICOM image for its series, a Bruker study for all its scans.

    Raises
    ------
    ReaderError
        When a DICOM file is damaged.
    MissingExtraError
        When pydicom is not installed.
    """
    if path.is_file():
        return _of_series(path) if is_dicom(sniff(path)) else [path]
    return _inside(path)


def _of_series(path: Path) -> list[Path]:
    own = file_header(path)
    if own is None or own.pixels.shape[0] > 1:
        return [path]
    beside = [(file, file_header(file)) for file in dicom_files(path.parent)]
    return [file for file, header in beside if header is not None and header.series_uid == own.series_uid]


def _inside(folder: Path) -> list[Path]:
    if is_bruker_scan(folder):
        return _of_scan(folder)
    scans = scan_folders(folder)
    if scans:
        return [file for scan in scans for file in _of_scan(scan)]
    try:
        inside = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
    except OSError:
        return []
    lists = [p for p in inside if p.suffix.lower() in LISTS]
    if is_dicom_folder(folder):
        images = list(dicom_files(folder))
        return [*images, *(p for p in lists if p not in images)]
    return [p for p in inside if p.name.lower().endswith(SUFFIXES)] + lists


def _of_scan(folder: Path) -> list[Path]:
    """Files of a scan's folder, or of a reconstruction's (its scan lies above, and is not part of the folder)."""
    reconstruction = folder if (folder / IMAGES).is_file() else first_reconstruction(folder)
    named = [folder / name for name in (*PARAMETERS, "protocol.json")]
    return [p for p in (*named, *(reconstruction / name for name in OF_RECONSTRUCTION)) if p.is_file()]
