"""The regions of a result with what their file says of them: names, colors, and coded terms of Slicer's terminology."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PCrCESTLib.dicom_export.text import fitted_names
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.muscles import Color
from PCrCESTLib.readers.labels import read_rois
from PCrCESTLib.result_folder import ROIS

Code = tuple[str, str, str]
# For a region whose file does not say what it is: that somebody selected it, which is all that is known.
UNKNOWN_CATEGORY: Code = ("309825002", "SCT", "Spatial and Relational Concept")
UNKNOWN_TYPE: Code = ("111099", "DCM", "Selected region")
SIDES = {"7771000": "L", "24028007": "R", "51440002": "B"}
CODE = re.compile(r"(?P<scheme>[^~^]{1,16})\^(?P<value>[^~^]{1,16})\^(?P<meaning>[^~^]{1,64})")


@dataclass(frozen=True)
class Region:
    """One region.

    Attributes
    ----------
    name, label : str
        Its name, and the same in the 64 characters of a DICOM label.
    mask : ndarray
        bool (z, y, x).
    color : tuple of float
        Red, green, blue, 0 to 1.
    category, kind : tuple of str
        Codes of what it is.
    side : tuple of str or None
        Code of its laterality.
    anatomy : tuple of str or None
        Code of the part of the body.
    """

    name: str
    label: str
    mask: np.ndarray
    color: Color
    category: Code
    kind: Code
    side: Code | None = None
    anatomy: Code | None = None


@dataclass(frozen=True)
class Regions:
    """All regions of a result; they may overlap."""

    regions: tuple[Region, ...]
    notes: tuple[str, ...] = ()

    @property
    def side(self) -> str:
        """``"L"``, ``"R"`` or ``"B"`` (both), by what the regions say; empty where one does not say it."""
        stated = {SIDES.get(region.side[0], "") if region.side else "" for region in self.regions}
        return "B" if stated == {"L", "R"} else stated.pop() if len(stated) == 1 else ""


def read_regions(folder: Path, geometry: Geometry) -> Regions | None:
    """Read the regions of a result folder, None where it has none.

    Raises
    ------
    ReaderError
        When the file is damaged.
    GeometryError
        When it does not lie on the grid of the maps.
    """
    path = folder / ROIS
    if not path.is_file():
        return None
    found = read_rois(path, geometry)
    labels = fitted_names(found.names)
    regions = [
        Region(region.name, label, region.mask, region.color, *_terms(region.terminology))
        for region, label in zip(found.regions, labels, strict=True)
    ]
    shortened = [f"{n!r} became {s!r}" for n, s in zip(found.names, labels, strict=True) if n != s]
    notes = (f"names that DICOM cannot hold: {', '.join(shortened)}",) if shortened else ()
    return Regions(tuple(regions), (*found.notes, *notes))


def _terms(entry: str) -> tuple[Code, Code, Code | None, Code | None]:
    """Category, type, side and part of the body.

    A terminology entry is ``context~category~type~type modifier~region context~region~region modifier``, each code
    ``scheme^value^meaning`` (documentation of Slicer's module Terminologies).
    """
    parts = (entry.strip().split("~") + [""] * 7)[:7]
    category, kind = _code(parts[1]), _code(parts[2])
    if category is None or kind is None:
        return UNKNOWN_CATEGORY, UNKNOWN_TYPE, None, None
    return category, kind, _code(parts[3]), _code(parts[5])


def _code(text: str) -> Code | None:
    match = CODE.fullmatch(text.strip())
    return (match["value"], match["scheme"], match["meaning"]) if match else None
