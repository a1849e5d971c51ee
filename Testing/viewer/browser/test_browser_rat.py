"""A measured rat leg in the browser: sent as a folder, mapped, drawn on, and compared with the command line."""

from __future__ import annotations

import numpy as np
import pytest
from legend import color_bar
from pointing import Voxels, eventually

from PCrCESTLib.cli import main
from PCrCESTLib.readers.companions import find_companions
from PCrCESTLib.readers.image_io import read_volume

MUSCLE = "Tibialis anterior right"


@pytest.fixture(scope="module")
def rat(shared_data):
    """Folder of a rat with its series and maps."""
    return shared_data / "rat_leg_4p7T" / "sub-control01"


@pytest.fixture(scope="module")
def page(visit, rat):
    """Page in which the rat was sent, a muscle drawn on it, and both computed."""
    page = visit()
    with page.page.expect_file_chooser() as waiting:
        page.one(".upload-folder").click()
    waiting.value.set_files(rat)
    page.until_state("scan_facts", "it.length > 1")
    page.until_idle()
    voxels = Voxels(page)
    page.add_muscle(*MUSCLE.rsplit(" ", 1))
    box = page.view()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    i, j = map(round, voxels.voxel(*middle))
    page.drag([voxels.place(i - 3, j), voxels.place(i + 3, j)])
    page.compute()
    return page


def test_the_maps_of_a_rat_are_those_of_the_command_line(page, rat, tmp_path):
    (series,) = rat.glob("*_cest.nii.gz")
    beside = {name: path for name, path in find_companions(series).items() if name in ("r1", "anatomy")}
    assert "r1" in beside
    options = [text for name, path in beside.items() for text in (f"--{name}", str(path))]
    out = tmp_path / "script"
    assert main(["quantify", str(series), *options, "--out", str(out), "--progress", "none"]) == 0
    page.open_section("export")
    fs = read_volume(page.download(".export-map", tmp_path))
    script = read_volume(out / "fs.nii.gz")
    np.testing.assert_array_equal(fs.array, script.array)
    assert fs.geometry.same_as(script.geometry)
    assert np.isfinite(fs.array).any()


def test_the_table_has_the_muscle_that_was_drawn(page):
    row = {row["muscle"]: row for row in page.table()}[MUSCLE]
    assert int(row["voxels"]) > 10
    assert 0.1 < float(row["fs (10⁻³)"].split()[0]) < 3


def test_the_map_and_its_legend_are_shown(page, tmp_path):
    eventually(lambda: color_bar(page.picture(tmp_path / "view.png")))
