"""The regions of a result with what their file says of them: names, colors, and coded terms of Slicer's terminology."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PCrCESTLib.dicom_export.text import fitted_names
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.image_io import read_layers
from PCrCESTLib.readers.labels import read_rois

FILE = "rois.seg.nrrd"
TERMINOLOGY = "TerminologyEntry:"
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
    color : tuple of float or None
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
    color: tuple[float, float, float] | None
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
    path = folder / FILE
    if not path.is_file():
        return None
    found = read_rois(path, geometry)
    described = _descriptions(read_layers(path).metadata)
    labels = fitted_names(found.names)
    regions = []
    for name, label, mask in zip(found.names, labels, found.masks, strict=True):
        tags = described.get(name, {})
        category, kind, side, anatomy = _terms(tags.get("Tags", ""))
        color = _color(tags.get("Color", ""))
        regions.append(Region(name, label, mask, color, category, kind, side, anatomy))
    shortened = [f"{n!r} became {s!r}" for n, s in zip(found.names, labels, strict=True) if n != s]
    notes = (f"names that DICOM cannot hold: {', '.join(shortened)}",) if shortened else ()
    return Regions(tuple(regions), (*found.notes, *notes))


def _descriptions(metadata: dict[str, str]) -> dict[str, dict[str, str]]:
    """Keys ``Segment0_Name``, ``Segment0_Color`` … of a ``.seg.nrrd`` by name of the segment."""
    segments: dict[str, dict[str, str]] = {}
    for key, value in metadata.items():
        number, _, what = key.partition("_")
        if number.startswith("Segment") and number[7:].isdigit():
            segments.setdefault(number, {})[what] = value
    return {tags["Name"]: tags for tags in segments.values() if "Name" in tags}


def _color(text: str) -> tuple[float, float, float] | None:
    try:
        red, green, blue = (min(max(float(v), 0.0), 1.0) for v in text.split())
    except ValueError:
        return None
    return (red, green, blue) if np.isfinite((red, green, blue)).all() else None


def _terms(tags: str) -> tuple[Code, Code, Code | None, Code | None]:
    """Category, type, side and part of the body.

    A terminology entry is ``context~category~type~type modifier~region context~region~region modifier``, each code
    ``scheme^value^meaning`` (documentation of Slicer's module Terminologies).
    """
    entry = next((t for t in tags.split("|") if t.strip().startswith(TERMINOLOGY)), "")
    parts = (entry.strip()[len(TERMINOLOGY) :].split("~") + [""] * 7)[:7]
    category, kind = _code(parts[1]), _code(parts[2])
    if category is None or kind is None:
        return UNKNOWN_CATEGORY, UNKNOWN_TYPE, None, None
    return category, kind, _code(parts[3]), _code(parts[5])


def _code(text: str) -> Code | None:
    match = CODE.fullmatch(text.strip())
    return (match["value"], match["scheme"], match["meaning"]) if match else None
