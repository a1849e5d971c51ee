"""Errors of the main job on digital rat legs whose fs and ksw are known, voxel by voxel and region by region.

Run: ``python Testing/benchmarks/phantom.py FOLDER`` (about a minute); scans and results stay in FOLDER. The phantom's
``realistic`` muscle was set to measured rats by hand; its numbers lie within the ranges of one training family, and the
training was designed while looking at animals of it (seeds 1 to 5). Fat has the same lines in both. ``reference`` is
the reference paper's simulated muscle. Both keep T2 of PCr at 10 ms, the middle of the training range: see
``sensitivity.py``. Every number comes from the command line job a user runs.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PCrCESTLib.cli import main as pcrcest

QUANTITIES = ("fs", "ksw")
ESTIMATORS = ("mean of voxels", "ROI spectrum")
SEEDS = (11, 12, 13)  # animals that nobody looked at while the training was designed


def read(path: Path) -> np.ndarray:
    """Voxels (z, y, x)."""
    return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


def rms(values: list[float] | np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def run(folder: Path, family: str, noise: float, seed: int) -> Path:
    """Simulate and quantify one scan; return the folder of both."""
    case = folder / f"{family}-{noise:g}-{seed}"
    scan = case / "scan"
    if not scan.is_dir():
        simulated = ["simulate", "--out", str(scan), "--noise", str(noise), "--seed", str(seed), "--family", family]
        assert pcrcest(simulated) == 0
    series = [str(scan / f"sub-sim_cest-{power}uT.nii.gz") for power in ("0.5", "1")]
    maps = ["--r1", str(scan / "sub-sim_R1obs.nii.gz"), "--rois", str(scan / "sub-sim_labels.nii.gz")]
    out = ["--out", str(case / "result"), "--overwrite", "--progress", "none"]
    assert pcrcest(["quantify", *series, *maps, *out]) == 0
    return case


def errors(case: Path) -> dict[tuple[str, str], list[float]]:
    """Relative errors of fs and ksw by (quantity, voxels or estimator)."""
    labels = read(case / "scan" / "sub-sim_labels.nii.gz")
    names = (case / "scan" / "sub-sim_labels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    index = {line.split("\t")[1]: int(line.split("\t")[0]) for line in names}
    with (case / "result" / "roi_statistics.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found: dict[tuple[str, str], list[float]] = {}
    for quantity in QUANTITIES:
        truth = read(case / "scan" / "truth" / f"{quantity}.nii.gz")
        muscle = labels > 0
        ours = read(case / "result" / f"{quantity}.nii.gz")
        found[quantity, "voxels"] = list(ours[muscle] / truth[muscle] - 1)
        for estimator in ESTIMATORS:
            chosen = [r for r in rows if r["quantity"] == quantity and r["estimator"] == estimator]
            found[quantity, estimator] = [
                float(r["value"]) / float(truth[labels == index[r["roi"]]].mean()) - 1 for r in chosen
            ]
    return found


def main() -> None:
    """Print RMS relative errors over three animals a row."""
    folder = Path(sys.argv[1])
    lines = []
    for family in ("realistic", "reference"):
        for noise in (0.01, 0.005, 0.002):
            cases = [errors(run(folder, family, noise, seed)) for seed in SEEDS]
            cells = [
                f"{rms(np.concatenate([c[quantity, kind] for c in cases])):7.1%}"
                for kind in ("voxels", *ESTIMATORS)
                for quantity in QUANTITIES
            ]
            lines.append(f"{family:<10} {noise:6.3f}  " + "  ".join(cells))
    print("family      noise  voxel fs     ksw  mean of voxels fs, ksw  ROI spectrum fs, ksw")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
