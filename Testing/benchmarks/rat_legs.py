"""The main job on six measured rat legs: fs and ksw a leg, and whether left and right agree within their SD.

Run: ``python Testing/benchmarks/rat_legs.py FOLDER OUT [MODEL]`` with the folder of ``sub-*/sub-*_cest.nii.gz`` (4.7 T,
0.25 µT, public data of the Vanderbilt CEST group). Every number is from the command line job a user runs.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import numpy as np

from PCrCESTLib.cli import main as pcrcest

ROI, VOXELS = "ROI spectrum", "mean of voxels"


def quantify(rat: Path, out: Path, model: str) -> tuple[dict[tuple[str, str, str], tuple[float, float]], float]:
    """Run the job; return (value, SD) by (leg, quantity, estimator) and the seconds it took."""
    stem = rat / rat.name
    arguments = ["quantify", f"{stem}_cest.nii.gz", "--r1", f"{stem}_R1obs.nii.gz", "--rois", f"{stem}_legs.nii.gz"]
    arguments += ["--anatomy", f"{stem}_anat.nii.gz", "--out", str(out / rat.name), "--overwrite"]
    started = time.perf_counter()
    if pcrcest([*arguments, "--model", model, "--progress", "none"]) != 0:
        raise SystemExit(2)
    seconds = time.perf_counter() - started
    with (out / rat.name / "roi_statistics.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    table = {(r["roi"], r["quantity"], r["estimator"]): (float(r["value"]), float(r["sd"])) for r in rows}
    return table, seconds


def main() -> None:
    """Print the table and its summary."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    model = sys.argv[3] if len(sys.argv) > 3 else "auto"
    print("rat            leg      fs e-3 (SD)    PCr mM   ksw 1/s (SD)   voxel mean fs, ksw    L-R fs/SD  s")
    values, differences = [], []
    for rat in sorted(p for p in folder.iterdir() if p.is_dir()):
        table, seconds = quantify(rat, out, model)
        legs = sorted({leg for leg, _, _ in table})
        pair = [table[leg, "fs", ROI] for leg in legs]
        z = (pair[0][0] - pair[1][0]) / np.hypot(pair[0][1], pair[1][1])
        differences.append((pair[0][0] / pair[1][0] - 1, z))
        for leg in legs:
            fs, mm, ksw = (table[leg, q, ROI] for q in ("fs", "PCr", "ksw"))
            means = [table[leg, q, VOXELS][0] for q in ("fs", "ksw")]
            values.append((fs[0], mm[0], ksw[0]))
            print(
                f"{rat.name:<14} {leg:<8} {fs[0] * 1e3:.3f} ({fs[1] * 1e3:.3f})  {mm[0]:5.1f}    {ksw[0]:5.0f} "
                f"({ksw[1]:3.0f})      {means[0] * 1e3:.3f}, {means[1]:4.0f}        {z:6.2f}   {seconds:.1f}"
            )
    fs, mm, ksw = np.mean(values, axis=0)
    spread = np.std(values, axis=0, ddof=1) / np.mean(values, axis=0)
    relative, z = np.transpose(differences)
    print(f"mean fs {fs * 1e3:.3f}e-3 ({mm:.1f} mM), ksw {ksw:.0f} 1/s; CoV over legs {spread[0]:.1%}, {spread[2]:.1%}")
    rms, rms_z = np.sqrt(np.mean(relative**2)), np.sqrt(np.mean(z**2))
    print(f"left-right: RMS difference {rms:.1%}, RMS of difference/predicted SD {rms_z:.2f}")


if __name__ == "__main__":
    main()
