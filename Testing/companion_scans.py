"""A leg with known R1, B0 and B1, as Bruker scans, DICOM series and NIfTI files measure it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from bruker_scans import numbers, write_scan

from PCrCESTLib.cli import main
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers.image_io import read_volume

GRID = Geometry((8, 6, 2), (2.0, 2.0, 3.0), (-4.0, -5.0, 1.5))
R1 = np.random.default_rng(0).uniform(0.4, 1.2, GRID.shape)
B0_PPM = np.random.default_rng(1).uniform(-0.3, 0.3, GRID.shape)
TIMES_S = (0.05, 0.12, 0.3, 0.6, 1.2, 2.4, 5.0, 10.0)
ANGLES_DEG = (2.0, 4.0, 8.0, 12.0, 20.0)
FLASH_TR_S = 0.015
AMPLITUDE = 20000.0
SETTINGS_OFF = {
    "PVM_SatTransOnOff": "Off", "PVM_MagTransOnOff": "Off", "PVM_ppgFreqList1": None, "PVM_FrqWork": None,
}  # fmt: skip


def inversion(times_s: Sequence[float] = TIMES_S, tr_s: Any = np.inf) -> np.ndarray:
    """Magnitudes (n, z, y, x) after an inversion that is nearly perfect."""
    t = np.reshape(times_s, (-1, 1, 1, 1))
    tr = np.broadcast_to(tr_s, len(times_s)).reshape(-1, 1, 1, 1)
    return np.abs(AMPLITUDE * (1 - 1.95 * np.exp(-t * R1) + 0.95 * np.exp(-tr * R1)))


def recovery(times_s: Sequence[float] = TIMES_S) -> np.ndarray:
    return np.asarray(AMPLITUDE * (1 - np.exp(-np.reshape(times_s, (-1, 1, 1, 1)) * R1)))


def flash(angles_deg: Sequence[float] = ANGLES_DEG) -> np.ndarray:
    a, e = np.radians(np.reshape(angles_deg, (-1, 1, 1, 1))), np.exp(-FLASH_TR_S * R1)
    return np.asarray(10 * AMPLITUDE * np.sin(a) * (1 - e) / (1 - e * np.cos(a)))


def dips(offsets_ppm: Sequence[float]) -> np.ndarray:
    distance = np.reshape(offsets_ppm, (-1, 1, 1, 1)) - B0_PPM
    return np.asarray(AMPLITUDE * (1 - 0.9 / (1 + (distance / 0.2) ** 2)))


def phases(echoes_s: Sequence[float], field_t: float) -> np.ndarray:
    """Radians within ±π, after an arbitrary phase at the start."""
    phase = 0.7 + 2 * np.pi * 42.5764 * field_t * B0_PPM * np.reshape(echoes_s, (-1, 1, 1, 1))
    return np.asarray(np.angle(np.exp(1j * phase)))


def bruker(
    folder: Path,
    images: np.ndarray,
    groups: Sequence[tuple[int, str]] | None = None,
    *,
    scale: float = 1.0,
    visu: dict[str, Any] | None = None,
    method: dict[str, Any] | None = None,
    acqp: dict[str, Any] | None = None,
) -> Path:
    """A scan of ``images`` (n, z, y, x), stored in whole numbers of ``scale``, slices fastest."""
    n, n_slices = len(images) * GRID.size[2], GRID.size[2]
    stored = np.round(images.reshape(n, *GRID.shape[1:]) / scale)
    placed = [[-4.0, -5.0, 1.5 + 3.0 * k] for k in range(n_slices)]
    return write_scan(
        folder, "PV6", stored, [(n_slices, "FG_SLICE"), *(groups or [(len(images), "FG_MOVIE")])],
        positions=placed, extent=(16.0, 12.0), method=SETTINGS_OFF | (method or {}), acqp=acqp,
        visu={
            "VisuCoreDataSlope": numbers(np.full(n, scale)), "VisuCoreDataOffs": numbers(np.zeros(n)),
            "VisuAcqRepetitionTime": numbers([15000.0]), **(visu or {}),
        },
    )  # fmt: skip


def dependent(name: str, values: Sequence[float], length: int, group: str = "FG_MOVIE") -> dict[str, Any]:
    """``visu_pars`` that make a parameter depend on the frame group after the slices."""
    return {
        "VisuFGOrderDesc": f"( 2 )\n(2, <FG_SLICE>, <>, 0, 2) ({length}, <{group}>, <>, 2, 1)",
        "VisuGroupDepVals": f"( 3 )\n(<VisuCoreOrientation>, 0) (<VisuCorePosition>, 0) (<{name}>, 0)",
        name: numbers(values),
    }


def nifti(path: Path, images: np.ndarray, **settings: Any) -> Path:
    sitk.WriteImage(GRID.to_image(np.asarray(images, np.float32)), str(path))
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(settings))
    return path


def companion(kind: str, scans: Path | Sequence[Path], out: Path, *words: str) -> np.ndarray:
    """The map that ``pcrcest companion`` makes, (z, y, x)."""
    given = [scans] if isinstance(scans, Path) else scans
    assert main(["companion", kind, *map(str, given), *words, "--out", str(out)]) == 0
    volume = read_volume(out)
    assert volume.geometry.same_as(GRID)
    return volume.array.astype(float)


def refusal(capsys: Any, tmp_path: Path, kind: str, scans: Path | Sequence[Path], *words: str) -> str:
    """The one sentence with which a scan is refused; nothing is written."""
    given = [scans] if isinstance(scans, Path) else scans
    assert (
        main(["companion", kind, *map(str, given), *words, "--out", str(tmp_path / "none" / "map.nii.gz")])
        == 2
    )
    error = str(capsys.readouterr().err)
    assert error.count("\n") == 1
    assert not (tmp_path / "none").exists()
    return error
