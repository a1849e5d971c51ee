"""Every method through the same command: the same files, honest gaps, a plain refusal of what a scan cannot give."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.cli import main
from PCrCESTLib.image_files import write_image
from PCrCESTLib.methods import METHODS
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.quality import Quality
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.result_folder import CORRELATION

from .conftest import powers

PEAKS = [key for key in METHODS if key not in (NETWORK, "bm")]


def quantify(scan: Path, out: Path, method: str, *more: str, files: list[str] | None = None) -> int:
    arguments = ["quantify", *(files or powers(scan)), "--out", str(out), "--progress", "none", "--method", method]
    arguments += ["--r1", str(scan / "sub-sim_R1obs.nii.gz"), "--rois", str(scan / "sub-sim_labels.nii.gz")]
    return main([*arguments, *more])


def values(out: Path, kind: str) -> np.ndarray:
    return read_volume(out / f"{kind}.nii.gz").array


def rows_of(out: Path, name: str = "roi_statistics.csv") -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("method", PEAKS)
def test_a_peak_fit_gives_fs_and_arex_and_leaves_ksw_empty(method, a_simulated_scan, tmp_path):
    out = tmp_path / "out"
    assert quantify(a_simulated_scan, out, method) == 0
    names = {p.name for p in out.iterdir()}
    maps = {"fs", "fs_sd", "ksw", "ksw_sd", "arex", "arex_sd", "misfit", "b0", "quality"}
    tables = {"roi_statistics.csv", "roi_spectra.csv", "roi_curves.csv", "quantify.json", "overview.png"}
    drawn = {"anatomy.nii.gz", "rois.seg.nrrd"}
    assert names == {f"{name}.nii.gz" for name in maps} | tables | drawn
    tissue = (values(out, "quality").astype(int) & Quality.NO_VALUE) == 0
    assert np.isfinite(values(out, "fs")[tissue]).all()
    assert np.all(values(out, "fs_sd")[tissue] > 0)
    assert np.isnan(values(out, "ksw")).all()
    assert {r["quantity"] for r in rows_of(out)} == {"fs", "PCr", "AREX"}
    record = json.loads((out / "quantify.json").read_text(encoding="utf-8"))
    assert record["method"] == method
    assert record["settings"]["ksw_per_s"] == 110
    assert "cannot tell ksw" in " ".join(record["warnings"])
    assert "model" not in record


def test_the_curves_of_a_region_add_up_to_its_fit(a_simulated_scan, tmp_path):
    out = tmp_path / "out"
    assert quantify(a_simulated_scan, out, "mplf", "--pools", "7") == 0
    muscle = rows_of(out)[0]["roi"]
    curves: dict[str, dict[str, float]] = {}
    for row in rows_of(out, "roi_curves.csv"):
        if row["roi"] == muscle:
            curves.setdefault(row["offset_ppm"], {})[row["curve"]] = float(row["z"])
    pools = {"water", "amide", "PCr", "Cr", "NOE", "NOE -1.6", "MT"}
    for point in curves.values():
        assert set(point) == pools | {"fit", "without PCr"}
        assert 1 - sum(point[p] for p in pools) == pytest.approx(point["fit"], abs=1e-4)
        assert point["without PCr"] - point["PCr"] == pytest.approx(point["fit"], abs=1e-4)


def test_the_stated_rate_scales_fs_as_the_formula_says(a_simulated_scan, tmp_path):
    """fs ∝ [ω1² + k(k + R2)]/k at 0.5 µT, and its SD grows with that of the rate."""
    found = {}
    for ksw, sd in (("80", "0"), ("160", "0"), ("160", "60")):
        out = tmp_path / f"{ksw}-{sd}"
        assert quantify(a_simulated_scan, out, "dsp", "--ksw", ksw, "--ksw-sd", sd) == 0
        found[ksw, sd] = {k: values(out, k) for k in ("fs", "fs_sd", "arex")}
    square = (267.5154 * 0.5) ** 2
    expected = (square + 160 * 260) / 160 / ((square + 80 * 180) / 80)
    ratio = found["160", "0"]["fs"] / found["80", "0"]["fs"]
    assert np.nanmedian(ratio) == pytest.approx(expected, rel=1e-4)
    np.testing.assert_array_equal(found["160", "0"]["arex"], found["80", "0"]["arex"])
    finite = np.isfinite(found["160", "0"]["fs"])
    assert np.all(found["160", "60"]["fs_sd"][finite] > found["160", "0"]["fs_sd"][finite])


def test_an_fm_map_raises_arex_as_its_definition_says(a_simulated_scan, tmp_path):
    grid = read_volume(a_simulated_scan / "sub-sim_labels.nii.gz").geometry
    fm = tmp_path / "fm.nii.gz"
    write_image(np.full(grid.shape, 0.2, np.float32), grid, fm)
    for name, more in (("with", ["--fm", str(fm)]), ("without", [])):
        assert quantify(a_simulated_scan, tmp_path / name, "ld", *more) == 0
    ratio = values(tmp_path / "with", "arex") / values(tmp_path / "without", "arex")
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], 1.2 / 1.1, rtol=1e-5)
    record = json.loads((tmp_path / "with" / "quantify.json").read_text(encoding="utf-8"))
    assert "no fm map" not in " ".join(record["warnings"])


def test_the_fit_of_the_physics_tells_ksw(a_simulated_scan, tmp_path):
    """On a few voxels: fs and ksw with SDs, B1 and MT free; the muscle is not the one it was written for."""
    labels = read_volume(a_simulated_scan / "sub-sim_labels.nii.gz")
    few = np.zeros(labels.array.shape, np.uint8)
    few.flat[np.nonzero(labels.array.ravel())[0][:6]] = 1
    mask = tmp_path / "few.nii.gz"
    write_image(few, labels.geometry, mask)
    out = tmp_path / "out"
    arguments = ["quantify", *powers(a_simulated_scan), "--out", str(out), "--progress", "none", "--method", "bm"]
    assert main([*arguments, "--r1", str(a_simulated_scan / "sub-sim_R1obs.nii.gz"), "--mask", str(mask)]) == 0
    inside = few > 0
    for kind, low, high in (("fs", 2e-4, 3e-3), ("ksw", 20.0, 400.0)):
        found = values(out, kind)[inside]
        assert np.all((found > low) & (found < high))
        assert np.all(values(out, f"{kind}_sd")[inside] > 0)
    assert not (out / "arex.nii.gz").exists()
    curves = {row["curve"] for row in rows_of(out, "roi_curves.csv")}
    assert curves == {"fit", "without PCr"}
    record = json.loads((out / "quantify.json").read_text(encoding="utf-8"))
    (together,) = record[CORRELATION].values()  # of all tissue, as no regions were given
    assert -1 < together < 0  # at these powers more PCr that exchanges less looks the same


@pytest.mark.parametrize(
    ("method", "more", "sentence"),
    [
        ("dsp", [], "double saturation power needs scans at two powers; there is one, 0.5 µT: give a second series"),
        ("plof", ["--conversion", "jhu"], "the JHU calibration holds at 3 T, 0.6 µT for 2 s; the scan has 4.7 T, 0.5"),
        ("ld", ["--ksw", "-5"], "the stated exchange rate is -5 ± 36 s⁻¹; a positive rate"),
    ],
)
def test_what_a_method_lacks_is_said_and_nothing_is_left_behind(
    method, more, sentence, a_simulated_scan, tmp_path, capsys
):
    out = tmp_path / "out"
    assert quantify(a_simulated_scan, out, method, *more, files=powers(a_simulated_scan)[:1]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_comes_before_the_minutes_of_a_correction(a_simulated_scan, tmp_path, capsys):
    one = powers(a_simulated_scan)[:1]
    asked = ("--motion", "rigid", "--progress", "json")
    assert quantify(a_simulated_scan, tmp_path / "out", "dsp", *asked, files=one) == 2
    shown = capsys.readouterr()
    assert "double saturation power needs" in shown.out + shown.err
    stages = [json.loads(line).get("stage") for line in shown.out.splitlines()]
    assert "motion" not in stages


def test_a_fit_needs_no_model_for_the_protocol(a_simulated_scan, tmp_path):
    """0.5 µT alone has no bundled model; the fits do without one."""
    one = powers(a_simulated_scan)[:1]
    assert quantify(a_simulated_scan, tmp_path / "out", "mplf", files=one) == 0
    record = json.loads((tmp_path / "out" / "quantify.json").read_text(encoding="utf-8"))
    assert "one saturation power" not in " ".join(record["warnings"])  # it hardly tells ksw, which is not told at all


def test_the_record_has_a_checksum_of_a_folder_of_frames(a_simulated_scan, tmp_path):
    series = powers(a_simulated_scan)[0]
    volume = read_volume(Path(series))
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, frame in enumerate(volume.array):
        write_image(frame, volume.geometry, folder / f"f{i}.nii.gz")
    protocol = Path(series.removesuffix(".nii.gz") + ".json").read_text(encoding="utf-8")
    (folder / "protocol.json").write_text(protocol, encoding="utf-8")
    assert quantify(a_simulated_scan, tmp_path / "out", "mtrasym", files=[str(folder)]) == 0
    record = json.loads((tmp_path / "out" / "quantify.json").read_text(encoding="utf-8"))
    (of_series,) = [i["sha256"] for i in record["inputs"] if i["role"] == "series"]
    assert of_series == input_checksum(folder)
    assert len(of_series) == 64
