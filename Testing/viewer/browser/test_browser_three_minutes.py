"""The simulated leg in the browser: from the address to maps, numbers, spectra and files."""

from __future__ import annotations

import csv
import json
import re
import zipfile

import numpy as np
import pytest
from legend import color_bar, value_of
from pointing import Voxels, eventually
from scipy.ndimage import binary_erosion

from PCrCESTLib.cli import main
from PCrCESTLib.readers import read_rois
from PCrCESTLib.readers.image_io import read_volume

MAPS = ("fs", "fs_sd", "ksw", "ksw_sd", "quality", "b0")
NETWORK, PEAK_FIT = "two-branch", "ld"


@pytest.fixture(scope="module")
def done(visit):
    """Page after the path of the first three minutes: open, simulated leg, run."""
    page = visit()
    page.open_sample()
    page.compute()
    return page


@pytest.fixture(scope="module")
def by_script(leg, tmp_path_factory):
    """What ``pcrcest quantify`` makes of the same files."""
    out = tmp_path_factory.mktemp("script") / "result"
    named = {"r1": "R1obs", "b1": "relB1", "b0": "B0ppm", "anatomy": "anat", "rois": "labels"}
    options = [text for name, file in named.items() for text in (f"--{name}", str(leg / f"sub-sim_{file}.nii.gz"))]
    series = [str(leg / f"sub-sim_cest-{power}uT.nii.gz") for power in ("0.5", "1")]
    assert main(["quantify", *series, *options, "--out", str(out), "--progress", "none"]) == 0
    return out


def number(text: str) -> float:
    return float(re.match(r"[-\d.]+", text).group())


def test_the_table_has_the_eight_muscles_of_the_leg_with_the_numbers_of_the_command_line(done, by_script):
    rows = {row["muscle"]: row for row in done.table()}
    assert len(rows) == 8
    with (by_script / "roi_statistics.csv").open() as stream:
        estimates = [row for row in csv.DictReader(stream) if row["estimator"] == "ROI spectrum"]
    for row in estimates:
        if row["quantity"] == "fs":
            assert number(rows[row["roi"]]["fs (10⁻³)"]) == pytest.approx(1e3 * float(row["value"]), rel=5e-3)
            assert rows[row["roi"]]["voxels"] == row["n_voxels"]
        if row["quantity"] == "ksw":
            assert number(rows[row["roi"]]["ksw (1/s)"]) == pytest.approx(float(row["value"]), rel=5e-3)


def test_the_exported_maps_are_those_of_the_command_line(done, by_script, tmp_path):
    done.open_section("export")
    archive = done.download(".export-maps", tmp_path)
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    for name in MAPS:
        ours, theirs = (read_volume(path / f"{name}.nii.gz") for path in (folder, by_script))
        np.testing.assert_array_equal(ours.array, theirs.array)
        assert ours.geometry.same_as(theirs.geometry)
    shown = read_volume(done.download(".export-map", tmp_path))
    np.testing.assert_array_equal(shown.array, read_volume(by_script / "fs.nii.gz").array)
    record, script = (json.loads((path / "quantify.json").read_text()) for path in (folder, by_script))
    assert record["model"] == script["model"]


def test_a_muscle_has_the_color_that_the_legend_gives_its_number(done, leg, by_script, tmp_path):
    done.open_section("results")
    voxels = Voxels(done)
    done.one(".opacity .v-slider-thumb").press("End")
    done.until_state("opacity", "it === 1")
    rois = read_rois(leg / "sub-sim_labels.nii.gz", read_volume(by_script / "fs.nii.gz").geometry)
    fs = read_volume(by_script / "fs.nii.gz").array
    shown = done.state("map_range")
    box = done.view()

    def check():
        picture = done.picture(tmp_path / "view.png")
        bar = color_bar(picture)
        for mask in rois.masks:
            inner = binary_erosion(mask[voxels.k])
            colors = [
                picture[round(y - box["y"]), round(x - box["x"])]
                for j, i in np.argwhere(inner)
                for x, y in [voxels.place(i, j)]
            ]
            read = value_of(np.median(colors, axis=0), bar, shown)
            assert read == pytest.approx(np.median(fs[voxels.k][inner]), rel=0.1)

    eventually(check)


def test_the_spectrum_of_a_muscle_is_drawn_and_saved(done, by_script, tmp_path):
    done.open_section("export")
    done.plot("left soleus", "left soleus, mean of 88 voxels")
    curves = {trace["name"]: trace for trace in done.state("plot")["data"]}
    assert {"0.5 µT", "0.5 µT without PCr", "1 µT", "1 µT without PCr"} <= set(curves)
    eventually(lambda: _has_lines(done, len(curves)))
    with done.download(".export-spectrum", tmp_path).open() as stream:
        saved = [row for row in csv.DictReader(stream) if row["b1_ut"] == "0.5"]
    with (by_script / "roi_spectra.csv").open() as stream:
        script = [r for r in csv.DictReader(stream) if (r["roi"], r["b1_ut"]) == ("left soleus", "0.5")]
    # Without PCr, the plot takes out the mean of the voxels' fs, the command line the estimate of the mean spectrum.
    for column, rtol in {"offset_ppm": 1e-5, "z": 1e-5, "z_without_pcr": 1e-3}.items():
        np.testing.assert_allclose(*([float(row[column]) for row in rows] for rows in (saved, script)), rtol=rtol)


def _has_lines(done, number: int) -> None:
    assert done.page.locator(".pcr-plot .scatterlayer .trace").count() == number


def test_the_spectrum_follows_the_mouse(done):
    voxels = Voxels(done)
    for i, j in ((20, 40), (24, 36)):
        assert done.title_at(*voxels.place(i, j)).startswith(f"voxel {i}, {j}, {voxels.k}: fs ")


def test_table_and_report_are_saved(done, by_script, tmp_path):
    done.open_section("export")
    table = done.download(".export-table", tmp_path)
    assert table.read_text() == (by_script / "roi_statistics.csv").read_text()
    report = done.download(".export-report", tmp_path).read_text()
    for muscle in ("right tibialis anterior", "left soleus"):
        assert muscle in report
    assert not re.search(r"""(?:src|href)\s*=\s*["']?https?:""", report)


def test_two_methods_stand_side_by_side_with_their_difference(done, tmp_path):
    done.compute("Lorentzian difference")
    done.open_section("results")
    first, second = (entry["title"] for entry in done.state("runs"))
    assert (first.split()[-1], second.split()[-1]) == (NETWORK, PEAK_FIT)
    done.choose(".compare", first)
    done.one(".remote-controlled-area").nth(1).wait_for()
    rows = eventually(lambda: _compared(done))
    for row in rows:
        fit, network = (number(row[f"fs (10⁻³), {name}"]) for name in (PEAK_FIT, NETWORK))
        assert number(row["difference"]) == pytest.approx(100 * (network / fit - 1), abs=1.5)
    pictures = [done.picture(tmp_path / f"{i}.png", i) for i in (0, 1)]
    assert pictures[0].shape == pictures[1].shape
    done.choose(".compare", "nothing")
    done.one(".remote-controlled-area").nth(1).wait_for(state="detached")


def _compared(done) -> list[dict[str, str]]:
    rows = done.table()
    assert len(rows) == 8
    assert "difference" in rows[0]
    return rows
