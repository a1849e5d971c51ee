"""Result folders as ``pcrcest quantify`` leaves them, on any grid and with any maps, and exports of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from PCrCESTLib.dicom_export import ExportOptions, export_dicom
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.readers.image_io import read_volume

MUSCLE = (
    "Segmentation.Status:inprogress|TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^127954009^Skeletal muscle~SCT^7771000^Left~Anatomic codes - DICOM master"
    " list~SCT^102292000^Skeletal muscle structure of lower limb~^^|"
)


def rotation(seed: int, right_handed: bool = True) -> np.ndarray:
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix[:, 2] *= np.sign(np.linalg.det(matrix)) * (1 if right_handed else -1)
    return matrix


def oblique(size: tuple[int, int, int] = (6, 5, 3), *, right_handed: bool = True) -> Geometry:
    return Geometry(
        size, (0.7, 0.9, 2.5), (-31.3, 12.7, 88.1), tuple(rotation(3, right_handed).ravel().tolist())
    )


def values_on(grid: Geometry, seed: int = 0, scale: float = 1e-3) -> np.ndarray:
    """Positive numbers with NaN as outside tissue."""
    rng = np.random.default_rng(seed)
    values = (scale * rng.gamma(4.0, 0.3, grid.shape)).astype(np.float32)
    values[rng.random(grid.shape) < 0.3] = np.nan
    return values


def write_regions(path: Path, grid: Geometry, masks: dict[str, np.ndarray], tags: str = MUSCLE) -> None:
    layers = [grid.to_image(mask.astype(np.uint8)) for mask in masks.values()]
    image = sitk.Compose(layers) if len(layers) > 1 else layers[0]
    for n, name in enumerate(masks):
        fields = {"ID": f"S{n}", "Name": name, "LabelValue": "1", "Layer": str(n), "Tags": tags}
        for key, value in {**fields, "Color": "1 0 0"}.items():
            image.SetMetaData(f"Segment{n}_{key}", value)
    sitk.WriteImage(image, str(path), useCompression=True)


class ResultFolder:
    """A result folder under construction, and what it is exported to."""

    def __init__(self, folder: Path, grid: Geometry) -> None:
        self.folder, self.grid = folder, grid
        self.out = folder.parent / "dicom"
        folder.mkdir(parents=True)
        self.record = {
            "software": "PCrCEST 0.1.0",
            "finished": "2026-03-04T05:06:07+00:00",
            "inputs": [],
            "method": "two-branch",
            "model": {"name": "rat-4.7T-dual", "sha256": "a" * 64},
            "protocol": {"MagneticFieldStrength": 4.7, "SaturationB1": [0.5, 1.0]},
        }
        self.save_record()
        self.maps: dict[str, np.ndarray] = {}
        self.add_map("fs", values_on(grid))

    @property
    def stored_grid(self) -> Geometry:
        """The grid as the NIfTI files keep it: to about 1e-6 of a voxel."""
        return read_volume(self.folder / "fs.nii.gz").geometry

    def save_record(self) -> None:
        (self.folder / "quantify.json").write_text(json.dumps(self.record), encoding="utf-8")

    def set_source(self, *paths: Path) -> None:
        self.record["inputs"] = [{"role": "series", "path": str(p), "sha256": None} for p in paths]
        self.save_record()

    def add_map(self, name: str, values: np.ndarray) -> None:
        self.maps[name] = values
        write_image(values, self.grid, self.folder / f"{name}.nii.gz")

    def add_regions(self, masks: dict[str, np.ndarray], **options) -> None:
        write_regions(self.folder / "rois.seg.nrrd", self.grid, masks, **options)

    def export(self, out: Path | None = None, **options):
        self.exported = export_dicom(self.folder, out or self.out, ExportOptions(**options))
        return self.exported

    def dataset(self, name: str = "fs"):
        return dcmread(self.out / f"{name}.dcm")


@pytest.fixture
def make_result(tmp_path):
    return lambda grid=None, name="result": ResultFolder(tmp_path / name, grid or oblique())


@pytest.fixture
def result(make_result):
    return make_result()
