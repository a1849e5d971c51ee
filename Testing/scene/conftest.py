"""A real MRML scene, empty for every test, and results as the quantification leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.series import CestSeries

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)


@pytest.fixture
def scene():
    """The scene of the session, emptied."""
    import slicer

    from PCrCESTLib.scene.headless import start

    start()
    slicer.mrmlScene.Clear(False)
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def oblique() -> Geometry:
    """A grid that is turned about z by 30° and lies off the origin."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    return Geometry((12, 10, 3), (0.5, 0.6, 2.0), (-3.0, 7.0, 11.0), (c, -s, 0, s, c, 0, 0, 0, 1))


@pytest.fixture
def series(oblique) -> CestSeries:
    """Two references, the second in the middle, a repeated offset and offsets out of order."""
    offsets = (300.0, 2.6, -2.6, 2.6, 300.0, 0.0)
    rng = np.random.default_rng(3)
    data = rng.uniform(50, 100, (len(offsets), *oblique.shape)).astype(np.float32)
    protocol = Protocol(4.7, offsets, (0.5,) * 6, Saturation(duration_s=4.0), reference_frames=(0, 4))
    return CestSeries(data, oblique, protocol, ("leg.nii.gz",), ("a note",))


@pytest.fixture
def results(tmp_path: Path, oblique: Geometry) -> Path:
    """A folder like ``pcrcest quantify --rois`` leaves."""
    folder = tmp_path / "results"
    folder.mkdir()
    inside = np.zeros(oblique.shape, dtype=bool)
    inside[:, 2:8, 3:10] = True
    rng = np.random.default_rng(4)
    for kind, low, high in (
        ("fs", 6e-4, 1.2e-3), ("ksw", 80, 160), ("fs_sd", 1e-4, 2e-4), ("ksw_sd", 20, 60), ("b0", -0.1, 0.1),
    ):  # fmt: skip
        values = np.where(inside, rng.uniform(low, high, oblique.shape), np.nan).astype(np.float32)
        write_image(values, oblique, folder / f"{kind}.nii.gz")
    write_image(np.where(inside, 0, 64).astype(np.uint8), oblique, folder / "quality.nii.gz")
    (folder / "roi_statistics.csv").write_text(
        "roi,quantity,unit,estimator,value,sd,sd_meaning,identifiable,n_voxels,n_total,volume_mm3,flagged_share,"
        "median,q25,q75,p5,p95,reason\n"
        "soleus left,fs,1,ROI spectrum,0.000912345678901,0.000101,of estimate,True,40,44,24.0,0.05,,,,,,\n"
        "soleus left,ksw,1/s,ROI spectrum,112.5,30.25,of estimate,False,40,44,24.0,0.05,,,,,,\n",
        encoding="utf-8",
    )
    record = {"software": "PCrCEST", "pcr_protons": 2.0, "warnings": ["Überraschung"], "method": "two-branch"}
    (folder / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
    return folder
