"""What of the files that were uploaded together is to be opened."""

from __future__ import annotations

from pathlib import Path

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.companions import ROLE_NAMES, find_companions
from PCrCESTLib.readers.folder import natural_key
from PCrCESTLib.readers.nifti import SUFFIXES, stem_of

SERIES_SUFFIXES = (*SUFFIXES, ".mat", ".nrrd")


def scans_in(folder: Path) -> list[Path]:
    """Return what to open of an upload: its series, the maps beside them left out, or the folder as a whole.

    Files that are no NIfTI, NRRD or MATLAB are a study (DICOM, Bruker), which is opened as one.

    Raises
    ------
    ReaderError
        When nothing was uploaded.
    """
    top = folder
    while len(inside := sorted(p for p in top.iterdir() if not p.name.startswith("."))) == 1 and inside[0].is_dir():
        top = inside[0]
    files = [p for p in inside if p.is_file()]
    if not inside:
        raise ReaderError("the upload is empty; choose the series and the files beside it")
    series = [p for p in files if p.name.lower().endswith(SERIES_SUFFIXES) and not p.name.lower().endswith(".seg.nrrd")]
    maps = {found for path in series for role, found in find_companions(path).items() if role in ROLE_NAMES}
    chosen = [p for p in series if p.resolve() not in {m.resolve() for m in maps}]
    if not chosen:
        return [files[0] if len(files) == 1 and len(inside) == 1 else top]
    with_protocol = [p for p in chosen if p.with_name(f"{stem_of(p)}.json").is_file()]
    return sorted(with_protocol or chosen[:1], key=lambda p: natural_key(p.name))
