"""A small oblique CEST series, written the way each test wants it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.geometry import Geometry

N_FRAMES = 6
OFFSETS = [100.0, 1.0, 1.75, 2.6, 3.25, 4.0]
TILT = np.deg2rad(20.0)


@pytest.fixture
def grid() -> Geometry:
    """4 x 5 x 2 voxels, anisotropic, away from the origin and tilted about x by 20 degrees."""
    c, s = float(np.cos(TILT)), float(np.sin(TILT))
    return Geometry((4, 5, 2), (1.0, 1.25, 3.0), (-12.5, 30.0, 7.0), (1, 0, 0, 0, c, -s, 0, s, c))


@pytest.fixture
def frames(grid: Geometry) -> np.ndarray:
    """Intensities (n_frames, z, y, x), all different so that any mix-up of axes shows."""
    return np.arange(1, N_FRAMES * 40 + 1, dtype=np.float32).reshape(N_FRAMES, *grid.shape)


@pytest.fixture
def protocol_document() -> dict[str, Any]:
    return {
        "MagneticFieldStrength": 3.0,
        "SaturationOffsets": list(OFFSETS),
        "SaturationOffsetsUnits": "ppm",
        "SaturationB1": 0.6,
        "SaturationDuration": 2.0,
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an array on a grid (or a JSON document) to a file in the test's folder."""

    def writer(name: str, content: Any, geometry: Geometry | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if geometry is None:
            path.write_text(json.dumps(content), encoding="utf-8")
        else:
            sitk.WriteImage(geometry.to_image(content), str(path))
        return path

    return writer


@pytest.fixture
def nifti_series(
    write: Callable[..., Path], frames: np.ndarray, grid: Geometry, protocol_document: dict[str, Any]
) -> Path:
    """``leg_cest.nii.gz`` with its protocol file beside it."""
    write("leg_cest.json", protocol_document)
    return write("leg_cest.nii.gz", frames, grid)
