"""Companion maps (R1, T1, fm, B1, B0, mask) in the library's units on the CEST grid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.dicom.file import is_dicom
from PCrCESTLib.readers.image_io import Volume, read_volume, single_frame
from PCrCESTLib.readers.image_series import read_image_series
from PCrCESTLib.readers.map_units import (
    Converted,
    b0_shift_ppm,
    pool_size_ratio,
    relative_b1,
    relaxation_rate,
)
from PCrCESTLib.readers.matlab import read_matlab_map
from PCrCESTLib.readers.matlab_arrays import is_matlab
from PCrCESTLib.readers.nifti import stem_of
from PCrCESTLib.readers.resample import placement_note, resample_labels, resample_map
from PCrCESTLib.readers.stored_bytes import sniff

# What ``pcrcest companion`` makes of a scan that holds a ready map.
COMPANION_KINDS = {"r1": "t1", "t1": "t1", "b0": "b0", "b1": "b1"}
Quantity = Literal["r1", "t1", "fm", "b1", "b0", "image"]


@dataclass(frozen=True)
class MapOnGrid:
    """A companion map on the CEST grid.

    Parameters
    ----------
    values : ndarray
        (z, y, x); float64 with NaN where there is no valid value, bool for a mask.
    notes : tuple of str
        What was done to it (conversion, resampling), each a sentence.
    source : str
        The file it came from.
    """

    values: np.ndarray
    notes: tuple[str, ...] = ()
    source: str = ""


def read_map(
    path: Path, quantity: Quantity, geometry: Geometry, *, field_t: float | None = None
) -> MapOnGrid:
    """Read a companion map; units are told from the values by the rules in ``map_units``.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD, or a MATLAB file with an array of that name on the CEST grid; for ``"image"`` also a DICOM series
        or a Bruker scan.
    quantity : str
        ``"r1"`` or ``"t1"`` (both give R1 in s⁻¹), ``"fm"`` (MT pool-size ratio), ``"b1"`` (relative,
        1 = nominal), ``"b0"`` (shift in ppm), or ``"image"`` (any picture, such as the anatomy, as it is).
    geometry : Geometry
        The CEST grid. A map on that grid keeps its values bit for bit; another is interpolated linearly.
    field_t : float, optional
        B0 in T, needed for a B0 map in Hz.

    Raises
    ------
    ReaderError
        When the file is damaged or its values make no sense for that quantity.
    GeometryError
        When it does not overlap the CEST grid.
    """
    path = Path(path)
    volume = _read_3d(path, quantity, geometry)
    placed = placement_note(path, volume.geometry, geometry)
    with np.errstate(over="ignore", invalid="ignore"):  # whatever a float can hold may be in a file
        converted = _convert(path, volume.array.astype(np.float64), quantity, field_t)
    usable = np.where(np.isfinite(converted.values), converted.values, np.nan)
    values = resample_map(usable, volume.geometry, geometry)
    if not np.any(np.isfinite(values)):
        raise GeometryError(
            f"{path}: the {quantity} map has no valid voxel on the CEST grid; check its position"
        )
    return MapOnGrid(values, (*placed, *converted.notes), str(path))


def read_mask(path: Path, geometry: Geometry) -> MapOnGrid:
    """Read a mask: bool (z, y, x) on ``geometry``, true where the image is neither 0 nor NaN, nearest voxel.

    Raises
    ------
    ReaderError
        When the file is damaged or the mask is empty.
    GeometryError
        When it does not overlap the CEST grid.
    """
    path = Path(path)
    volume = _read_3d(path, "mask", geometry)
    placed = placement_note(path, volume.geometry, geometry)
    inside = (np.nan_to_num(volume.array) != 0).astype(np.uint8)
    values = resample_labels(inside, volume.geometry, geometry).astype(bool)
    if not values.any():
        where = " on the CEST grid" if inside.any() else ""
        raise ReaderError(f"{path}: the mask is empty{where}; give a mask that covers the tissue, or none")
    return MapOnGrid(values, placed, str(path))


def _read_3d(path: Path, quantity: str, geometry: Geometry) -> Volume:
    if path.is_dir() or is_dicom(sniff(path)):
        return _of_scan(path, quantity)
    if is_matlab(sniff(path)):
        return Volume(read_matlab_map(path, quantity, geometry), geometry)
    return single_frame(read_volume(path), path, f"the {quantity} map")


def _of_scan(path: Path, quantity: str) -> Volume:
    """Read the only image of a DICOM series, a Bruker scan or a folder; maps of it need their settings read too."""
    if quantity != "image":
        kind = COMPANION_KINDS.get(quantity)
        remedy = f"make the map of it with pcrcest companion {kind}" if kind else "convert it to NIfTI"
        raise ReaderError(f"{path}: a scan; a map in a NIfTI, NRRD or MATLAB file is expected: {remedy}")
    images = read_image_series([path])
    if len(images.data) > 1:
        raise ReaderError(f"{path}: a scan of {len(images.data)} images; one image is expected: give another scan")
    return Volume(images.data[0], images.geometry)


def _convert(path: Path, raw: np.ndarray, quantity: Quantity, field_t: float | None) -> Converted:
    units = _stated_units(path)
    if quantity in ("r1", "t1"):
        return relaxation_rate(path.name, raw, quantity, units)
    if quantity == "fm":
        return pool_size_ratio(path.name, raw, units)
    if quantity == "b1":
        return relative_b1(path.name, raw, units)
    if quantity == "b0":
        return b0_shift_ppm(path.name, raw, field_t, units)
    if quantity == "image":
        return Converted(raw)
    raise ReaderError(
        f"{path}: there is no map quantity {quantity!r}; r1, t1, fm, b1, b0 or image is expected"
    )


def _stated_units(path: Path) -> str | None:
    """``Units`` of the map's own JSON file (BIDS), if it has one."""
    sidecar = path.with_name(stem_of(path) + ".json")
    try:
        document = json.loads(sidecar.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ReaderError(f"{sidecar}: not a readable JSON file; correct it or remove it") from error
    units = document.get("Units") if isinstance(document, dict) else None
    if units is not None and not isinstance(units, str):
        raise ReaderError(f'{sidecar}: Units is {units!r}; a text such as "s" or "ms" is expected')
    return units
