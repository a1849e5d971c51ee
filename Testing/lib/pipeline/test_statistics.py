"""Numbers per region: which voxels count, and the table again with other regions or rules."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.cli import main
from PCrCESTLib.quality import Quality
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.selection import Selection, edge_share, selection_notes

from .conftest import powers

SQUARE = np.zeros((2, 9, 9), bool)
SQUARE[:, 1:8, 1:8] = True
NO_FLAGS = np.zeros(SQUARE.shape, np.uint8)


def table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    header = [line for line in lines if line.startswith("#")]
    return header, list(csv.DictReader(lines[len(header) :]))


def test_erosion_takes_layers_off_in_the_plane_of_the_slices():
    """A square of 7 x 7 in both slices: 5 x 5, then 3 x 3 are left in each, and all of the slices."""
    for layers, side in ((0, 7), (1, 5), (2, 3), (3, 1), (4, 0)):
        left = Selection(erode=layers).of(SQUARE, NO_FLAGS)
        assert left.sum(axis=(1, 2)).tolist() == [side**2] * 2


def test_flags_on_identifiability_alone_leave_no_voxel_out():
    quality = NO_FLAGS.copy()
    quality[0, 4, 4], quality[0, 5, 5] = Quality.HIGH_RESIDUAL, Quality.KSW_NOT_IDENTIFIABLE
    left = Selection(exclude_flagged=True).of(SQUARE, quality)
    assert left.sum() == SQUARE.sum() - 1
    assert not left[0, 4, 4]


def test_the_share_at_the_edge_is_that_of_what_was_drawn():
    """24 of 49 voxels of the square lie at its edge; none of those that are left when a layer is off."""
    assert edge_share(SQUARE) == pytest.approx(24 / 49)
    assert edge_share(SQUARE, Selection(erode=1).of(SQUARE, NO_FLAGS)) == 0


def test_thin_and_small_regions_are_told_of_and_what_rules_leave():
    thin = np.zeros_like(SQUARE)
    thin[0, 4, :] = True
    rules = Selection(erode=1)
    plain = [("square", SQUARE, SQUARE), ("thin", thin, thin)]
    (doubt,) = selection_notes(plain, Selection())
    assert "thin (9 voxels, 100% at its edge)" in doubt
    assert "square" not in doubt
    (left,) = selection_notes([(n, m, rules.of(m, NO_FLAGS)) for n, m, _ in plain], rules)
    assert left == "regions eroded by 1 layer: square 50 of 98 voxels, thin 0 of 9 voxels"


@pytest.fixture(scope="module")
def eroded(a_simulated_scan, tmp_path_factory) -> Path:
    """A result with rules of its own."""
    out = tmp_path_factory.mktemp("eroded") / "out"
    arguments = [
        "quantify",
        *powers(a_simulated_scan),
        "--out",
        str(out),
        "--progress",
        "none",
        "--erode",
        "1",
    ]
    assert main([*arguments, "--rois", str(a_simulated_scan / "sub-sim_labels.nii.gz")]) == 0
    return out


def test_the_table_of_a_result_comes_out_again(eroded, tmp_path):
    """The same rules give the same numbers, from the folder and the scan behind it, estimates included."""
    out = tmp_path / "table.csv"
    assert main(["stats", str(eroded), "--erode", "1", "--out", str(out), "--progress", "none"]) == 0
    header, again = table(out)
    _, first = table(eroded / "roi_statistics.csv")
    assert any("model" in line and "sha256" in line for line in header)
    found = {(r["roi"], r["quantity"], r["estimator"]): r for r in again}
    for row in first:
        other = found[row["roi"], row["quantity"], row["estimator"]]
        assert {row["unit"], row["n_voxels"], row["n_total"]} == {
            other["unit"], other["n_voxels"], other["n_total"]
        }  # fmt: skip
        for number in ("value", "sd", "median", "p95"):
            assert (row[number] == "") == (other[number] == "")
            assert row[number] == "" or float(other[number]) == pytest.approx(float(row[number]), rel=1e-4)
    document = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert len(document["rows"]) == len(again)
    assert document["selection"] == {"erode": 1, "exclude_flagged": False}
    assert {"b0", "fs_sd"} <= {r["quantity"] for r in again}


def test_without_the_scan_there_are_statistics_of_voxels_and_the_reason(eroded, tmp_path, capsys):
    moved = tmp_path / "moved"
    shutil.copytree(eroded, moved)
    record = json.loads((moved / "quantify.json").read_text(encoding="utf-8"))
    record["inputs"][0]["sha256"] = "0" * 64
    (moved / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
    mine = sitk.ReadImage(str(moved / "fs.nii.gz")) > 0
    sitk.WriteImage(mine, str(tmp_path / "mine.nii.gz"))
    arguments = [
        "stats",
        str(moved),
        "--rois",
        str(tmp_path / "mine.nii.gz"),
        "--out",
        str(tmp_path / "t.csv"),
    ]
    assert main([*arguments, "--progress", "none"]) == 0
    _, rows = table(tmp_path / "t.csv")
    assert {r["estimator"] for r in rows} == {"mean of voxels"}
    fs = read_volume(moved / "fs.nii.gz").array
    (row,) = (r for r in rows if r["quantity"] == "fs")
    assert float(row["median"]) == pytest.approx(np.nanmedian(fs))
    assert float(row["sd"]) == pytest.approx(np.nanstd(fs, ddof=1), rel=1e-5)
    assert int(row["n_voxels"]) == np.isfinite(fs).sum()
    notes = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["notes"]
    assert any("cest-0.5uT.nii.gz has changed since" in note for note in notes)
    capsys.readouterr()
    assert main([*arguments, "--progress", "none"]) == 2
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--out", "t.txt"], "the table is a CSV file"),
        (["--out", "RESULT/t.csv"], "the folder of the result, which stays as it is"),
        (["--out", "t.csv", "--rois", "RESULT/fs.nii.gz"], "regions need a label map"),
        (["--out", "t.csv", "--erode", "20"], "no region has a voxel with a value"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(eroded, tmp_path, monkeypatch, capsys, given, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["stats", str(eroded), *(text.replace("RESULT", str(eroded)) for text in given)]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_result_is_said(tmp_path, capsys):
    assert main(["stats", str(tmp_path), "--out", str(tmp_path.parent / "t.csv")]) == 2
    assert (
        "quantify.json: this file is missing; give a folder that pcrcest quantify wrote"
        in capsys.readouterr().err
    )
