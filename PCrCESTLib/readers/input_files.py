"""The files of a folder that readers use: what a checksum of that folder stands for."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.readers.bruker.files import IMAGES, first_reconstruction, is_bruker_scan, scan_folders
from PCrCESTLib.readers.dicom.folder import dicom_files, is_dicom_folder
from PCrCESTLib.readers.nifti import SUFFIXES

PARAMETERS = ("method", "acqp")
OF_RECONSTRUCTION = ("visu_pars", IMAGES)
LISTS = (".json", ".txt", ".csv")  # protocol and offsets beside images


def input_files(folder: Path) -> list[Path]:
    """Files inside ``folder`` that a reader uses, in no particular order; those of every scan, for a Bruker study."""
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
