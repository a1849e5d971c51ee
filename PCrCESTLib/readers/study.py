"""A folder that holds several scans: a Bruker study, or DICOM series."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.readers.bruker.files import scan_folders
from PCrCESTLib.readers.bruker.study import list_scans as list_bruker_scans
from PCrCESTLib.readers.dicom.folder import is_dicom_folder
from PCrCESTLib.readers.dicom.study import list_scans as list_dicom_series
from PCrCESTLib.readers.scan_facts import Report, ScanFacts, tell_nobody

__all__ = ["ScanFacts", "list_study"]

# What is read together with a scan, or not at all, makes no study of it.
NO_SCAN = ("M0", "unreadable")


def list_study(path: Path, report: Report = tell_nobody) -> list[ScanFacts]:
    """Say what the scans of a folder are; empty where it holds one scan, which can be read, or none.

    ``report`` gets the share that is done and what is under way; what it raises stops the work.

    Raises
    ------
    ReaderError
        When there are too many files to be one study.
    MissingExtraError
        When brukerapi or pydicom is not installed.
    """
    if scan_folders(path):
        return list_bruker_scans(path, report)
    if not path.is_dir() or not is_dicom_folder(path):
        return []
    scans = list_dicom_series(path, report)
    return scans if sum(scan.kind not in NO_SCAN for scan in scans) > 1 else []
