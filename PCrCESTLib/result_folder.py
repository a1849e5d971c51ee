"""A folder that ``pcrcest quantify`` left, read again with nothing resampled or rounded."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.map_files import MAP_UNITS
from PCrCESTLib.readers import RoiSet, read_rois
from PCrCESTLib.readers.image_io import read_volume, single_frame

RECORD, ANATOMY, ROIS, TABLE = "quantify.json", "anatomy.nii.gz", "rois.seg.nrrd", "roi_statistics.csv"
CORRELATION = "roi_log_correlation"  # in the record, by region: of the errors of log fs and log ksw


@dataclass(frozen=True)
class ResultFolder:
    """What one folder holds.

    Parameters
    ----------
    folder : Path
        Where it lies.
    geometry : Geometry
        The grid of all maps.
    maps : dict
        (z, y, x) as stored, by name (`MAP_UNITS`), without ``quality``.
    quality : ndarray
        uint8 (z, y, x), the bits of `Quality`.
    record : dict
        The provenance file.
    """

    folder: Path
    geometry: Geometry
    maps: dict[str, np.ndarray]
    quality: np.ndarray
    record: dict[str, Any]

    def inputs(self, role: str) -> list[dict[str, Any]]:
        """Entries of the record's inputs with a role, in order."""
        return inputs_of(self.record, role)

    def rois(self) -> RoiSet | None:
        """Regions of the run; None where it had none."""
        path = self.folder / ROIS
        return read_rois(path, self.geometry) if path.is_file() else None

    def anatomy(self) -> np.ndarray | None:
        """Image under the maps, (z, y, x); None in folders of versions that did not keep it."""
        path = self.folder / ANATOMY
        return single_frame(read_volume(path), path, "an image").array if path.is_file() else None

    def rows(self) -> list[dict[str, str]]:
        """Rows of the table per region; none where there were no regions."""
        path = self.folder / TABLE
        if not path.is_file():
            return []
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))


def read_result_folder(folder: Path) -> ResultFolder:
    """Read a result folder.

    Raises
    ------
    ReaderError
        When it is none, or a file in it is missing or damaged.
    GeometryError
        When its maps do not lie on one grid.
    """
    record = read_record(folder)
    maps, grid = read_maps(folder)
    missing = [f"{name}.nii.gz" for name in ("fs", "fs_sd", "quality") if name not in maps]
    if grid is None or missing:
        raise ReaderError(f"{folder}: {missing[0]} is missing; give a folder that pcrcest quantify wrote")
    quality = maps.pop("quality").astype(np.uint8)
    return ResultFolder(folder, grid, maps, quality, record)


def read_maps(folder: Path) -> tuple[dict[str, np.ndarray], Geometry | None]:
    """Read the maps that a folder holds, (z, y, x) as stored, by name (`MAP_UNITS`), and their grid.

    Raises
    ------
    ReaderError
        When a file is damaged.
    GeometryError
        When they do not lie on one grid.
    """
    maps: dict[str, np.ndarray] = {}
    grid: Geometry | None = None
    for name in MAP_UNITS:
        file = folder / f"{name}.nii.gz"
        if not file.is_file():
            continue
        volume = single_frame(read_volume(file), file, "a map")
        if grid is not None and not volume.geometry.same_as(grid):
            raise GeometryError(
                f"{file}: {volume.geometry.describe()}, but the other maps have {grid.describe()}; all maps of a"
                " result lie on one grid: run pcrcest quantify again"
            )
        grid = grid or volume.geometry
        maps[name] = np.ascontiguousarray(volume.array)
    return maps, grid


def inputs_of(record: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """Entries of a record's inputs with a role, in order."""
    listed = record.get("inputs")
    entries = listed if isinstance(listed, list) else []
    return [e for e in entries if isinstance(e, dict) and e.get("role") == role]


def read_record(folder: Path) -> dict[str, Any]:
    """Read the provenance file of a result folder.

    Raises
    ------
    ReaderError
        When it is missing or is none.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        found = "cannot be read" if path.is_file() else "is missing"
        inside = next((p.parent for p in sorted(folder.glob("sub-*/**/" + RECORD))), None)
        such = "" if inside is None else f", such as {inside}"
        raise ReaderError(f"{path}: this file {found}; give a folder that pcrcest quantify wrote{such}") from error
    if not isinstance(record, dict):
        raise ReaderError(f"{path}: not a record of pcrcest quantify; give a folder that it wrote")
    return record
