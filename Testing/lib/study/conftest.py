"""Result folders as ``pcrcest quantify`` leaves them, made without a scan."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.cli import main

HEADER = (
    "roi,quantity,unit,estimator,value,sd,sd_meaning,identifiable,n_voxels,n_total,volume_mm3,flagged_share,"
    "reason"
)
ERODED = "erosion by 3 layers leaves none of its voxels (120)"
MUSCLES = ("soleus", "tibialis anterior")


def write_result(
    folder: Path, fs: float, *, method="two-branch", ksw_known=True, noise=0.005, sides=(1.0, 1.02), gone=()
) -> Path:
    folder.mkdir(parents=True)
    rows = [HEADER]
    for m, muscle in enumerate(MUSCLES):
        for side, factor in zip(("left", "right"), sides, strict=True):
            value = fs * (1 + 0.2 * m) * factor
            for quantity, unit, number, known in (
                ("fs", "1", value, True),
                ("PCr", "mM", value * 55500, True),
                ("ksw", "1/s", 1e5 * value, ksw_known),
            ):
                name = f"{side} {muscle}"
                row = f"{name},{quantity},{unit},ROI spectrum"
                if muscle in gone:
                    rows.append(f"{row},,,of estimate,,0,120,0.0,,{ERODED}")
                else:
                    rows.append(f"{row},{number},1e-4,of estimate,{known},100,120,50.0,0.02,")
    (folder / "roi_statistics.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    record = {"method": method, "inputs": [], "noise_sd": {"0.5 uT": noise}}
    (folder / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture
def a_study(tmp_path: Path) -> Path:
    return write_study(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that ``pcrcest study`` left."""
    pytest.importorskip("statsmodels")
    folder = tmp_path_factory.mktemp("finished")
    assert main(["study", str(write_study(folder)), "--out", str(folder / "out"), "--progress", "none"]) == 0
    return folder / "out"


def write_study(folder: Path) -> Path:
    """Write a list: six controls, six with 20 % less fs, one who failed, one whom the user excluded."""
    rng = np.random.default_rng(0)
    lines = ["subject,group,result,age,exclude"]
    for group, factor in (("ALS", 0.8), ("control", 1.0)):
        for i in range(6):
            name = f"{group}{i}"
            write_result(folder / name, 1e-3 * factor * (1 + 0.05 * rng.standard_normal()))
            lines.append(f"{name},{group},{name},{10 + i},")
    lines.append("lost,ALS,nowhere,12,")
    lines.append("ill,control,control0,12,died early <b>")
    path = folder / "study.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
