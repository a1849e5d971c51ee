"""A result folder of ``pcrcest quantify`` as read again, with nothing resampled or rounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.quantities import MAPS, MapQuantity
from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.models.card import sha256
from PCrCESTLib.models.registry import bundled_names
from PCrCESTLib.result_folder import RECORD, inputs_of, read_maps, read_record


@dataclass(frozen=True)
class Result:
    """What one folder holds.

    Attributes
    ----------
    folder : Path
        Where it lies.
    geometry : Geometry
        The grid of all maps.
    maps : dict
        float32 (z, y, x) as stored, by description; those with at least one value.
    record : dict
        The provenance file.
    checksum : str
        SHA-256 of the provenance file.
    notes : tuple of str
        What is not exported and why, each a sentence.
    """

    folder: Path
    geometry: Geometry
    maps: dict[MapQuantity, np.ndarray]
    record: dict[str, Any]
    checksum: str
    notes: tuple[str, ...] = ()

    @property
    def finished(self) -> datetime:
        """When the maps were computed, UTC."""
        return _time(self.folder / RECORD, self.record)

    def texts(self, *names: str) -> str:
        """Text at a place in the record, empty where there is none."""
        value: Any = self.record
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return "" if value is None else str(value)

    def without_own_model(self) -> Result:
        """Return the result without the name of a model that is not bundled: it is often called after the site."""
        if self.texts("model", "name") in bundled_names():
            return self
        model = self.record.get("model")
        nameless = {key: value for key, value in model.items() if key != "name"} if isinstance(model, dict) else {}
        return replace(self, record=self.record | {"model": nameless})

    def inputs(self, role: str) -> list[dict[str, Any]]:
        """Entries of the record's inputs with a role."""
        return inputs_of(self.record, role)


def read_result(folder: Path) -> Result:
    """Read a result folder.

    Raises
    ------
    ReaderError
        When it is none, or a file in it is missing or damaged.
    GeometryError
        When its maps do not lie on one grid.
    """
    path = folder / RECORD
    record = read_record(folder)
    _time(path, record)
    stored, geometry = read_maps(folder)
    maps: dict[MapQuantity, np.ndarray] = {}
    notes: list[str] = []
    for quantity in (q for q in MAPS if q.name in stored):
        file, values = folder / f"{quantity.name}.nii.gz", stored[quantity.name]
        if values.dtype != np.float32:
            raise ReaderError(f"{file}: {values.dtype} values; float32 as pcrcest quantify writes is expected")
        if np.isfinite(values).any():
            maps[quantity] = values
        else:
            notes.append(f"{file.name} has no value anywhere and is left out")
    if geometry is None or not maps:
        raise ReaderError(f"{folder}: no map with a value in it; give a folder that pcrcest quantify wrote")
    return Result(folder, geometry, maps, record, sha256(path), tuple(notes))


def _time(path: Path, record: dict[str, Any]) -> datetime:
    try:
        time = datetime.fromisoformat(str(record.get("finished")))
    except ValueError as error:
        raise ReaderError(
            f"{path}: 'finished' is {str(record.get('finished'))[:40]!r}; the time at which pcrcest quantify ended is"
            " expected: run it again"
        ) from error
    return time.replace(tzinfo=time.tzinfo or timezone.utc).astimezone(timezone.utc)
