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
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.quality import Quality
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.result_folder import ResultFolder
from PCrCESTLib.selection import ALL, Selection, edge_share, selection_notes
from PCrCESTLib.statistics import region_statistics

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
    left, gone = selection_notes([(n, m, rules.of(m, NO_FLAGS)) for n, m, _ in plain], rules)
    assert left == "regions eroded by 1 layer: square 50 of 98 voxels, thin 0 of 9 voxels"
    assert gone == "the rules leave no voxel of thin: the table says so in place of numbers"
    few = Selection(erode=3)
    notes = selection_notes([("square", SQUARE, few.of(SQUARE, NO_FLAGS))], few)
    assert notes[1] == "fewer than 8 voxels count in square (2): take their numbers with care"


def test_two_rules_are_told_apart():
    """Of 98 voxels, 48 lie at the edge of the square; one inner voxel of the 50 others has a flag."""
    quality = NO_FLAGS.copy()
    quality[0, 4, 4] = quality[0, 1, 1] = Quality.LOW_SNR
    both = Selection(erode=1, exclude_flagged=True)
    note = selection_notes([("square", SQUARE, both.of(SQUARE, quality))], both)[0]
    assert note.endswith("square 49 of 98 voxels (48 eroded, 1 flagged)")


def test_erosion_is_that_of_a_cross_in_the_plane():
    """A voxel stays when it and its four neighbors in the slice were drawn; beyond the image nothing was."""
    drawn = np.random.default_rng(5).random((3, 12, 11)) < 0.8
    framed = np.pad(drawn, ((0, 0), (1, 1), (1, 1)))
    stays = framed[:, 1:-1, 1:-1].copy()
    for shift, axis in ((1, 1), (-1, 1), (1, 2), (-1, 2)):
        stays &= np.roll(framed, shift, axis)[:, 1:-1, 1:-1]
    assert 0 < stays.sum() < drawn.sum()
    np.testing.assert_array_equal(Selection(erode=1).of(drawn, np.zeros(drawn.shape, np.uint8)), stays)


class TestNumbersOfAFolder:
    """Statistics of maps that were written by hand, 1 x 4 x 5 voxels of 2 mm3."""

    FS = np.arange(1.0, 21.0).reshape(1, 4, 5) * 1e-4

    @pytest.fixture
    def result(self, tmp_path) -> ResultFolder:
        fs, sd, quality = self.FS.copy(), np.full((1, 4, 5), 3e-4), np.zeros((1, 4, 5), np.uint8)
        fs[0, 0, 0], quality[0, 0, 0] = np.nan, Quality.NO_VALUE
        fs[0, 0, 1] = np.nan  # a method has no answer here, the spectrum is usable
        sd[0, 1, 0] = 4e-4
        quality[0, 1, 0], quality[0, 1, 1] = Quality.HIGH_RESIDUAL, Quality.FS_NOT_IDENTIFIABLE
        maps = {"fs": fs, "ksw": np.full((1, 4, 5), np.nan), "fs_sd": sd}
        return ResultFolder(tmp_path, Geometry((5, 4, 1), (1.0, 1.0, 2.0)), maps, quality, {})

    @staticmethod
    def rows(result, masks, selection=ALL):
        found = region_statistics(result, list(masks.items()), selection, 2.0)
        return found, {(row.roi, row.quantity): row for row in found.rows}

    def test_they_are_those_of_numpy_over_the_voxels_with_a_value(self, result):
        top = np.zeros((1, 4, 5), bool)
        top[0, :2] = True
        found, rows = self.rows(result, {"top": top})
        values = self.FS[0, :2].ravel()[2:]
        row = rows["top", "fs"]
        assert (row.n_voxels, row.n_total, row.volume_mm3) == (8, 10, 16.0)
        assert (row.value, row.sd) == pytest.approx((values.mean(), values.std(ddof=1)))
        assert (row.median, row.q25, row.q75, row.p5, row.p95) == pytest.approx(
            tuple(np.percentile(values, (50, 25, 75, 5, 95)))
        )
        assert row.flagged_share == pytest.approx(1 / 9)
        assert rows["top", "PCr"].value == pytest.approx(values.mean() * 111_000 / 2)
        assert ("top", "ksw") not in rows
        shares = found.flag_shares["top"]
        assert (shares["NO_VALUE"], shares["HIGH_RESIDUAL"]) == pytest.approx((0.1, 0.1))

    def test_an_sd_is_summed_up_by_its_root_mean_square(self, result):
        row = np.zeros((1, 4, 5), bool)
        row[0, 1] = True
        _, rows = self.rows(result, {"row": row})
        assert rows["row", "fs_sd"].estimator == "RMS of voxels"
        assert rows["row", "fs_sd"].value == pytest.approx(np.sqrt((4 * 3e-4**2 + 4e-4**2) / 5))

    def test_regions_may_overlap_and_one_without_a_value_is_told(self, result):
        masks = {name: np.zeros((1, 4, 5), bool) for name in ("left", "right", "void")}
        masks["left"][0, 2:, :3] = masks["right"][0, 2:, 2:] = masks["void"][0, 0, 0] = True
        found, rows = self.rows(result, masks)
        assert rows["left", "fs"].value == pytest.approx(self.FS[0, 2:, :3].mean())
        assert rows["right", "fs"].value == pytest.approx(self.FS[0, 2:, 2:].mean())
        void = rows["void", "fs"]
        assert (void.n_voxels, void.n_total, void.volume_mm3) == (0, 1, 0.0)
        assert np.isnan([void.value, void.sd, void.flagged_share]).all()
        assert void.reason == "each of its voxels (1) lacks a usable spectrum"
        assert "region void has no voxel with a value: the table says so in place of numbers" in found.notes

    def test_a_vanished_region_has_a_row_of_every_quantity_of_the_others(self, result):
        masks = {name: np.zeros((1, 4, 5), bool) for name in ("large", "thin", "flagged")}
        masks["large"][:] = True
        masks["thin"][0, 2] = masks["flagged"][0, 1, 0] = True
        _, eroded = self.rows(result, masks, Selection(erode=1))
        assert {q for roi, q in eroded if roi == "thin"} == {q for roi, q in eroded if roi == "large"}
        assert eroded["thin", "PCr"].reason == "erosion by 1 layer leaves none of its voxels (5)"
        assert eroded["thin", "fs_sd"].estimator == eroded["large", "fs_sd"].estimator
        assert eroded["large", "fs"].reason == ""
        _, unflagged = self.rows(result, masks, Selection(exclude_flagged=True))
        assert unflagged["flagged", "fs"].reason == "each of its voxels (1) has a quality flag and is left out"

    def test_a_quantity_that_a_region_lacks_is_told_where_others_have_it(self, result):
        masks = {name: np.zeros((1, 4, 5), bool) for name in ("gap", "rest")}
        masks["gap"][0, 0, 1] = masks["rest"][0, 2] = True
        _, rows = self.rows(result, masks)
        assert rows["gap", "fs"].reason == "none of its voxels (1) has a value of fs"
        assert rows["gap", "fs_sd"].value == pytest.approx(3e-4)

    def test_a_share_of_flags_tells_what_was_left_out_for_them(self, result):
        row = np.zeros((1, 4, 5), bool)
        row[0, 1] = True
        found, rows = self.rows(result, {"row": row}, Selection(exclude_flagged=True))
        assert rows["row", "fs"].n_voxels == 4
        assert rows["row", "fs"].flagged_share == 0
        assert found.flag_shares["row"]["HIGH_RESIDUAL"] == pytest.approx(0.2)

    def test_one_voxel_has_no_sd(self, result):
        one = np.zeros((1, 4, 5), bool)
        one[0, 3, 3] = True
        _, rows = self.rows(result, {"one": one})
        assert np.isnan(rows["one", "fs"].sd)
        assert rows["one", "fs"].median == rows["one", "fs"].value == pytest.approx(self.FS[0, 3, 3])


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


def test_rules_that_leave_no_voxel_of_any_region_leave_maps_and_a_table_of_reasons(a_simulated_scan, tmp_path):
    out = tmp_path / "out"
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(out), "--erode", "20", "--progress", "none"]
    assert main([*arguments, "--rois", str(a_simulated_scan / "sub-sim_labels.nii.gz")]) == 0
    _, rows = table(out / "roi_statistics.csv")
    assert {r["quantity"] for r in rows} == {"fs", "PCr", "ksw"}
    assert all(r["reason"].startswith("erosion by 20 layers leaves none of its voxels") for r in rows)
    assert {"fs.nii.gz", "rois.seg.nrrd"} <= {p.name for p in out.iterdir()}


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
    assert {r["estimator"] for r in rows} == {"mean of voxels", "RMS of voxels"}
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


def test_regions_that_were_drawn_again_do_not_cost_the_estimates(eroded, a_simulated_scan, tmp_path):
    """The spectra do not rest on the file of the regions: it may have changed since, or be gone."""
    moved = tmp_path / "moved"
    shutil.copytree(eroded, moved)
    record = json.loads((moved / "quantify.json").read_text(encoding="utf-8"))
    (rois,) = (entry for entry in record["inputs"] if entry["role"] == "rois")
    rois["path"] = str(tmp_path / "gone.nii.gz")
    (moved / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
    out = tmp_path / "t.csv"
    assert main(["stats", str(moved), "--out", str(out), "--progress", "none"]) == 0
    _, rows = table(out)
    assert {r["estimator"] for r in rows} == {"mean of voxels", "RMS of voxels", "ROI spectrum"}
    assert all(0 <= float(r["share_high_residual"]) <= 1 for r in rows)


@pytest.mark.parametrize(
    ("damage", "exit_code", "sentence"),
    [
        ({"pcr_protons": "two"}, 2, "pcr_protons is 'two', a number is expected"),
        ({"inputs": ["series"]}, 0, "the record of the run is damaged"),
        ({"inputs": None, "model": "none"}, 0, "the run was made by another version"),
        ({"options": {"motion": "wild"}}, 0, "the record of the run is damaged"),
        ({"options": {"pools": "six"}}, 0, "the record of the run is damaged"),
    ],
)
def test_a_damaged_record_is_told_in_a_sentence(eroded, tmp_path, capsys, damage, exit_code, sentence):
    moved = tmp_path / "moved"
    shutil.copytree(eroded, moved)
    record = json.loads((moved / "quantify.json").read_text(encoding="utf-8"))
    options = record["options"] | damage.pop("options", {})
    (moved / "quantify.json").write_text(json.dumps(record | {"options": options} | damage), encoding="utf-8")
    assert main(["stats", str(moved), "--out", str(tmp_path / "t.csv")]) == exit_code
    said = capsys.readouterr()
    assert sentence in said.err + said.out


def test_a_folder_that_is_no_result_is_said(tmp_path, capsys):
    assert main(["stats", str(tmp_path), "--out", str(tmp_path.parent / "t.csv")]) == 2
    assert (
        "quantify.json: this file is missing; give a folder that pcrcest quantify wrote"
        in capsys.readouterr().err
    )
