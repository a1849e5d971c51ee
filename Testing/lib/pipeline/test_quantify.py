"""The main job as a user runs it: files in, maps, table, picture and provenance out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.cli import main
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_rois
from PCrCESTLib.roi import PERCENTILES

from .conftest import powers


def read(path: Path) -> np.ndarray:
    return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


@pytest.fixture(scope="module")
def a_result(a_simulated_scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("result") / "out"
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(out), "--progress", "none"]
    arguments += ["--r1", str(a_simulated_scan / "sub-sim_R1obs.nii.gz")]
    arguments += ["--rois", str(a_simulated_scan / "sub-sim_labels.nii.gz")]
    assert main(arguments) == 0
    return out


def test_every_promised_file_is_there(a_result):
    names = {p.name for p in a_result.iterdir()}
    maps = {"fs.nii.gz", "ksw.nii.gz", "fs_sd.nii.gz", "ksw_sd.nii.gz", "b0.nii.gz", "quality.nii.gz"}
    drawn = {"anatomy.nii.gz", "rois.seg.nrrd", "overview.png"}
    assert names == maps | drawn | {"roi_statistics.csv", "roi_spectra.csv", "quantify.json"}


def test_fs_of_the_phantom_is_found_within_fifteen_percent(a_result, a_simulated_scan):
    """RMSE over the muscle voxels at σ = 0.002, dual power, on a tissue model of its own."""
    labels = read(a_simulated_scan / "sub-sim_labels.nii.gz")
    truth = read(a_simulated_scan / "truth" / "fs.nii.gz")
    muscle = labels > 0
    relative = read(a_result / "fs.nii.gz")[muscle] / truth[muscle] - 1
    assert np.sqrt(np.mean(relative**2)) < 0.15


def test_maps_lie_where_the_scan_lies(a_result, a_simulated_scan):
    scan = sitk.ReadImage(str(a_simulated_scan / "sub-sim_R1obs.nii.gz"))
    fs = sitk.ReadImage(str(a_result / "fs.nii.gz"))
    for property_ in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(fs, property_)(), getattr(scan, property_)(), atol=1e-5)


def test_the_table_holds_both_estimators_of_every_muscle(a_result):
    with (a_result / "roi_statistics.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {r["estimator"] for r in rows} == {"mean of voxels", "ROI spectrum"}
    assert len(rows) == 8 * 3 * 2  # muscles, quantities (fs, PCr, ksw), estimators
    for row in rows:
        assert row["unit"] == {"fs": "1", "ksw": "1/s", "PCr": "mM"}[row["quantity"]]
        assert float(row["sd"]) > 0
    fs = [float(r["value"]) for r in rows if r["quantity"] == "fs"]
    mm = [float(r["value"]) for r in rows if r["quantity"] == "PCr"]
    np.testing.assert_allclose(mm, np.array(fs) * 111_000 / 2)


def test_the_distribution_over_voxels_is_that_of_the_map(a_result):
    """Percentiles against numpy's of the map in the regions that the folder itself holds."""
    fs = sitk.ReadImage(str(a_result / "fs.nii.gz"))
    rois = read_rois(a_result / "rois.seg.nrrd", Geometry.of_image(fs))
    with (a_result / "roi_statistics.csv").open(encoding="utf-8", newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["quantity"] == "fs"]
    for name, mask in zip(rois.names, rois.masks, strict=True):
        voxels, spectrum = (r for r in rows if r["roi"] == name)
        values = read(a_result / "fs.nii.gz")[mask]
        expected = np.nanpercentile(values, [50, 25, 75, 5, 95])
        np.testing.assert_allclose([float(voxels[k]) for k in PERCENTILES], expected, rtol=1e-5)
        assert all(spectrum[k] == "" for k in PERCENTILES)


def test_provenance_names_inputs_model_device_and_flags(a_result):
    record = json.loads((a_result / "quantify.json").read_text(encoding="utf-8"))
    assert [i["role"] for i in record["inputs"]] == ["series", "series", "r1", "rois"]
    assert all(len(i["sha256"]) == 64 for i in record["inputs"])
    assert record["model"]["name"] == "rat-4.7T-dual"
    assert len(record["model"]["sha256"]) == 64
    assert record["device"]["used"]
    assert record["device"]["reason"]
    assert record["quality_flags"]["NO_WATER_DIP"]["bit"] == 2
    assert record["noise_sd"]["0.5 uT"] == pytest.approx(0.002, rel=0.1)


def test_one_power_is_analyzed_with_a_warning_about_ksw(a_simulated_scan, tmp_path, capsys):
    """0.5 µT alone has no bundled model; the refusal says what differs and how to train one."""
    code = main(["quantify", powers(a_simulated_scan)[0], "--out", str(tmp_path / "o"), "--progress", "none"])
    assert code == 2
    message = capsys.readouterr().err
    assert "powers 0.5 µT" in message
    assert "pcrcest train" in message


def test_earlier_results_are_not_overwritten_silently(a_result, a_simulated_scan, capsys):
    before = (a_result / "fs.nii.gz").read_bytes()
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(a_result), "--progress", "none"]
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (a_result / "fs.nii.gz").read_bytes() == before


def test_progress_as_json_lines(a_simulated_scan, tmp_path, capsys):
    out = tmp_path / "o"
    assert main(["quantify", *powers(a_simulated_scan), "--out", str(out), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    fractions = [e["fraction"] for e in events if e["event"] == "progress"]
    assert fractions == sorted(fractions)
    assert {e["stage"] for e in events if e["event"] == "progress"} >= {"reading", "inference", "writing"}
    assert events[-1]["event"] == "done"
    assert "fs.nii.gz" in events[-1]["files"]


def test_the_same_scan_gives_the_same_bytes_of_values(a_result, a_simulated_scan, tmp_path):
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(tmp_path / "o"), "--progress", "none"]
    assert main([*arguments, "--r1", str(a_simulated_scan / "sub-sim_R1obs.nii.gz")]) == 0
    np.testing.assert_array_equal(read(tmp_path / "o" / "fs.nii.gz"), read(a_result / "fs.nii.gz"))


def test_real_rat_legs_agree_with_each_other_and_with_the_reference_paper(shared_data, tmp_path):
    """Control rats at 0.25 µT: both legs alike, fs within its 90 % interval of the paper's range 0.6–1.4e-3."""
    for rat in sorted((shared_data / "rat_leg_4p7T").iterdir())[:2]:
        stem = rat / rat.name
        out = tmp_path / rat.name
        arguments = ["quantify", f"{stem}_cest.nii.gz", "--r1", f"{stem}_R1obs.nii.gz"]
        assert main([*arguments, "--rois", f"{stem}_legs.nii.gz", "--out", str(out), "--progress", "none"]) == 0
        with (out / "roi_statistics.csv").open(encoding="utf-8", newline="") as stream:
            rows = [r for r in csv.DictReader(stream) if r["estimator"] == "ROI spectrum" and r["quantity"] == "fs"]
        fs, sd = (np.array([float(r[key]) for r in rows]) for key in ("value", "sd"))
        assert np.all((fs + 1.645 * sd > 0.6e-3) & (fs - 1.645 * sd < 1.4e-3))
        assert np.all(sd / fs < 0.35)
        assert abs(fs[0] / fs[1] - 1) < 0.35


def test_an_oblique_scan_gives_oblique_maps(a_simulated_scan, tmp_path):
    """Any orientation is carried exactly, so that the maps open over the anatomy they came from."""
    angle = np.deg2rad(25)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    scan = tmp_path / "scan"
    scan.mkdir()
    for path in a_simulated_scan.glob("sub-sim_cest-*"):
        if path.suffix == ".json":
            (scan / path.name).write_bytes(path.read_bytes())
            continue
        image = sitk.ReadImage(str(path))
        direction = np.eye(4)
        direction[:3, :3] = turn
        image.SetDirection(direction.ravel().tolist())
        image.SetOrigin((12.5, -40.25, 310.0, 0.0))
        sitk.WriteImage(image, str(scan / path.name))
    assert main(["quantify", *powers(scan), "--out", str(tmp_path / "o"), "--progress", "none"]) == 0
    fs = sitk.ReadImage(str(tmp_path / "o" / "fs.nii.gz"))
    np.testing.assert_allclose(np.reshape(fs.GetDirection(), (3, 3)), turn, atol=1e-6)
    np.testing.assert_allclose(fs.GetOrigin(), (12.5, -40.25, 310.0), atol=1e-4)


def test_a_normalized_single_series_with_both_powers_gives_the_same_maps(a_simulated_scan, tmp_path):
    """Two powers in one 4D file, one B1 a frame, are the same scan as two files."""
    images = [read(Path(p)) for p in powers(a_simulated_scan)]
    documents = [json.loads(Path(p.replace(".nii.gz", ".json")).read_text()) for p in powers(a_simulated_scan)]
    joined = documents[0] | {
        "SaturationOffsets": [o for d in documents for o in d["SaturationOffsets"]],
        "SaturationB1": [d["SaturationB1"] for d in documents for _ in d["SaturationOffsets"]],
        "ReferenceFrames": [],
        "Normalized": True,
    }
    normalized = []
    for image, document in zip(images, documents, strict=True):
        m0 = np.array([_between(image, np.array(document["ReferenceFrames"]), i) for i in range(len(image))])
        normalized.append(np.divide(image, m0, out=np.zeros_like(image), where=m0 > 0))
    keep = [i for i, o in enumerate(joined["SaturationOffsets"]) if o is not None and abs(o) < 20]
    for key in ("SaturationOffsets", "SaturationB1"):
        joined[key] = [joined[key][i] for i in keep]
    data = np.concatenate(normalized)[keep].astype(np.float32)
    like = sitk.ReadImage(powers(a_simulated_scan)[0])
    out = sitk.GetImageFromArray(data, isVector=False)
    out.SetSpacing(like.GetSpacing())
    out.SetOrigin(like.GetOrigin())
    out.SetDirection(like.GetDirection())
    sitk.WriteImage(out, str(tmp_path / "both.nii.gz"))
    (tmp_path / "both.json").write_text(json.dumps(joined))
    # With the muscles as the mask both runs estimate the noise from the same voxels.
    muscles = ["--mask", str(a_simulated_scan / "sub-sim_labels.nii.gz"), "--progress", "none"]
    assert main(["quantify", str(tmp_path / "both.nii.gz"), "--out", str(tmp_path / "one"), *muscles]) == 0
    assert main(["quantify", *powers(a_simulated_scan), "--out", str(tmp_path / "two"), *muscles]) == 0
    inside = read(a_simulated_scan / "sub-sim_labels.nii.gz") > 0
    one, two = (read(tmp_path / folder / "fs.nii.gz")[inside] for folder in ("one", "two"))
    np.testing.assert_allclose(one, two, rtol=1e-3)


def _between(image: np.ndarray, references: np.ndarray, frame: int) -> np.ndarray:
    """Reference image at a frame, linear between the references around it."""
    after = references[references >= frame][0]
    before = references[references <= frame][-1]
    weight = 0.0 if after == before else (frame - before) / (after - before)
    return (1 - weight) * image[before] + weight * image[after]


def test_a_region_without_tissue_is_named_and_has_rows_without_numbers(a_simulated_scan, tmp_path):
    labels = sitk.ReadImage(str(a_simulated_scan / "sub-sim_labels.nii.gz"))
    array = sitk.GetArrayFromImage(labels)
    array[:, :2, :2] = 9
    corner = sitk.GetImageFromArray(array)
    corner.CopyInformation(labels)
    sitk.WriteImage(corner, str(tmp_path / "labels.nii.gz"))
    out = tmp_path / "o"
    arguments = ["quantify", *powers(a_simulated_scan), "--rois", str(tmp_path / "labels.nii.gz"), "--out", str(out)]
    assert main([*arguments, "--progress", "none"]) == 0
    record = json.loads((out / "quantify.json").read_text(encoding="utf-8"))
    assert any("label 9" in warning for warning in record["warnings"])
    with (out / "roi_statistics.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    empty = [r for r in rows if r["roi"] == "label 9"]
    assert {(r["quantity"], r["estimator"]) for r in empty} == {(r["quantity"], r["estimator"]) for r in rows}
    assert {(r["n_voxels"], r["n_total"], r["value"], r["sd"], r["identifiable"]) for r in empty} == {
        ("0", "4", "", "", "")
    }
    assert {r["reason"] for r in empty} == {"each of its voxels (4) lacks a usable spectrum"}
    assert {r["reason"] for r in rows if r["roi"] != "label 9"} == {""}
    # The report and the DICOM objects of such a result are made, and the page names the region.
    assert main(["report", str(out), "--out", str(tmp_path / "page.html"), "--progress", "none"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "no value: each of its voxels (4) lacks a usable spectrum" in page


def test_what_one_power_cannot_tell_is_said_before_the_analysis(tmp_path, capsys):
    """In the job's events the sentence comes before the first voxel is computed, and once; `info` says it too."""
    assert main(["simulate", "--out", str(tmp_path / "s"), "--protocol", "rat-4.7T-0.25uT", "--size", "40"]) == 0
    series = str(tmp_path / "s" / "sub-sim_cest-0.25uT.nii.gz")
    capsys.readouterr()
    assert main(["quantify", series, "--out", str(tmp_path / "o"), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = [i for i, e in enumerate(events) if "one saturation power" in e.get("message", "")]
    computed = [i for i, e in enumerate(events) if e.get("stage") == "inference"]
    assert len(said) == 1
    assert said[0] < computed[0]
    assert main(["info", series]) == 0
    assert "one saturation power" in capsys.readouterr().out
