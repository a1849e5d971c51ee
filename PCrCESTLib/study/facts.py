"""What was measured beside fs in every scan, and could differ between groups: relaxation, MT, B1, noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import PCrCESTError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_map, read_rois

# Role in quantify.json -> name on the page.
MAPS = {
    "r1": "R1 of muscle (1/s)",
    "t1": "R1 of muscle (1/s)",
    "fm": "fm of muscle",
    "b1": "relative B1 of muscle",
}
NOISE = "noise of Z"
# What a user may name as a covariate -> name on the page.
MEASURED = {role: name for role, name in MAPS.items() if role != "t1"} | {"noise": NOISE}


def scan_facts(folder: Path, record: Mapping[str, Any]) -> tuple[dict[str, float], list[str]]:
    """Return the median of each companion map over the regions of a scan, its noise, and what could not be read.

    Parameters
    ----------
    folder : Path
        The result, whose grid is taken.
    record : mapping
        Its provenance, which names the files; they may be gone by now.
    """
    facts: dict[str, float] = {}
    noise = [float(v) for v in record.get("noise_sd", {}).values()]
    if noise:
        facts[NOISE] = float(np.mean(noise))
    files = {i["role"]: Path(i["path"]) for i in record.get("inputs", ()) if {"role", "path"} <= set(i)}
    wanted = {role: name for role, name in MAPS.items() if role in files}
    if not wanted:
        return facts, []
    try:
        grid = _grid(folder)
        inside = read_rois(files["rois"], grid).union if "rois" in files else np.ones(grid.shape, bool)
        field = record.get("protocol", {}).get("MagneticFieldStrength")
        for role, name in wanted.items():
            values = read_map(files[role], role, grid, field_t=field).values[inside]  # type: ignore[arg-type]
            if np.isfinite(values).any():
                facts[name] = float(np.nanmedian(values))
    except PCrCESTError as error:
        return facts, [str(error)]
    return facts, []


def _grid(folder: Path) -> Geometry:
    import SimpleITK as sitk

    try:
        return Geometry.of_image(sitk.ReadImage(str(folder / "fs.nii.gz")))
    except RuntimeError as error:
        raise PCrCESTError(
            f"{folder / 'fs.nii.gz'}: the map cannot be read; quantify the scan again"
        ) from error
