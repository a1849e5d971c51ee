"""What is to be opened of a folder, or of the files that were uploaded together."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.readers.companions import find_companions
from PCrCESTLib.readers.folder import natural_key
from PCrCESTLib.readers.nifti import SUFFIXES, stem_of

OTHER_SUFFIXES = (".mat", ".seq.nrrd")


def scans_in(folder: Path) -> list[Path]:
    """Return what to open of a folder: the series in it, without the maps beside them, or the folder as a whole.

    As a whole are opened a study or scan of DICOM or Bruker and one 3D file a frame. Of several series those count that
    have a protocol file; without any, the first, which asks for its protocol.

    Raises
    ------
    ReaderError
        When there is nothing in it.
    """
    inside = _visible(folder)
    if not inside:
        raise ReaderError(f"{folder.name}: nothing is in it; choose the series and the files beside it")
    if len(inside) == 1:
        return inside
    series = [path for path in inside if path.is_file() and _is_series(path)]
    beside = {found.resolve() for path in series for found in find_companions(path).values()}
    found = [path for path in series if path.resolve() not in beside]
    if not found:
        return [folder]
    described = [path for path in found if path.with_name(f"{stem_of(path)}.json").is_file()]
    return sorted(described or found[:1], key=lambda path: natural_key(path.name))


def unwrapped(folder: Path) -> Path:
    """Return the folder that a folder holds where it holds nothing else, as an upload of a folder does."""
    while len(inside := _visible(folder)) == 1 and inside[0].is_dir():
        folder = inside[0]
    return folder


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_series(path: Path) -> bool:
    """Whether a file has several frames, as far as its name and header tell."""
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        return name.endswith(OTHER_SUFFIXES)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return True  # the reader of the series says what is wrong with it
    return bool(reader.GetDimension() == 4)
