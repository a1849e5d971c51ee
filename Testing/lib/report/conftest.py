"""One small result folder whose names are identifying and hostile, and its report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from PCrCESTLib.cli import main

HOSTILE = "<script>alert('soleus')</script>"
NAMED_AFTER = "Schmidtbauer soleus"


@pytest.fixture(scope="session")
def a_result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Quantify two regions of a digital leg of subject RAT0815, session 20240131, in a folder named after its owner."""
    scan = tmp_path_factory.mktemp("data") / "Schmidtbauer_Lab" / "sub-RAT0815" / "ses-20240131"
    assert main(["simulate", "--out", str(scan), "--noise", "0.005", "--size", "32", "--seed", "2"]) == 0
    for file in list(scan.glob("sub-sim_*")):
        file.rename(file.with_name(file.name.replace("sub-sim", "sub-RAT0815_ses-20240131")))
    stem = "sub-RAT0815_ses-20240131"
    table = scan / f"{stem}_labels.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines]
    cells[1][1], cells[2][1] = HOSTILE, NAMED_AFTER
    table.write_text("\n".join("\t".join(row) for row in cells) + "\n", encoding="utf-8")
    _keep_labels(scan / f"{stem}_labels.nii.gz", 2)
    out = scan.parent / "result"
    series = [str(scan / f"{stem}_cest-{power}uT.nii.gz") for power in ("0.5", "1")]
    options = ["--r1", str(scan / f"{stem}_R1obs.nii.gz"), "--rois", str(scan / f"{stem}_labels.nii.gz")]
    assert main(["quantify", *series, *options, "--out", str(out), "--progress", "none"]) == 0
    return out


@pytest.fixture
def a_copy(a_result: Path, tmp_path: Path) -> Path:
    """A result that a test may damage."""
    return Path(shutil.copytree(a_result, tmp_path / "copy"))


@pytest.fixture(scope="session")
def ranges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ranges") / "ranges.csv"
    path.write_text("roi,quantity,low,high\n*,fs,0.00001,0.00002\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def a_report(a_result: Path, ranges: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page and its PDF with reference ranges that every muscle lies far above."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("weasyprint")
    out = tmp_path_factory.mktemp("report") / "report.html"
    arguments = ["--out", str(out), "--pdf", "--reference-ranges", str(ranges), "--progress", "none"]
    assert main(["report", str(a_result), *arguments]) == 0
    return out


def _keep_labels(path: Path, most: int) -> None:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    sitk.WriteImage(image * sitk.Cast(image <= most, image.GetPixelID()), str(path))
