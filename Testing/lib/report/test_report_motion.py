"""What the report says of a leg that moved: how far, in numbers and as a picture."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.cli import main

from .parsed import Page

pytest.importorskip("matplotlib")

JUMP_VOXELS, FIRST_MOVED = 2, 30


@pytest.fixture(scope="module")
def a_moved_result(tmp_path_factory) -> Path:
    """A leg that jumps by two voxels at a third of the first power and stays there."""
    scan = tmp_path_factory.mktemp("moved")
    assert main(["simulate", "--out", str(scan), "--noise", "0.005", "--size", "32", "--seed", "4"]) == 0
    series = [scan / f"sub-sim_cest-{power}uT.nii.gz" for power in ("0.5", "1")]
    for number, path in enumerate(series):
        image = sitk.ReadImage(str(path))
        frames = sitk.GetArrayFromImage(image)
        first = 0 if number else FIRST_MOVED
        frames[first:] = np.roll(frames[first:], JUMP_VOXELS, axis=3)
        moved = sitk.GetImageFromArray(frames, isVector=False)
        moved.CopyInformation(image)
        sitk.WriteImage(moved, str(path))
    out = scan / "result"
    options = ["--rois", str(scan / "sub-sim_labels.nii.gz"), "--motion", "rigid", "--device", "cpu"]
    assert main(["quantify", *map(str, series), *options, "--out", str(out), "--progress", "none"]) == 0
    return out


@pytest.fixture(scope="module")
def parsed(a_moved_result) -> Page:
    assert main(["report", str(a_moved_result), "--progress", "none"]) == 0
    return Page((a_moved_result / "report.html").read_text(encoding="utf-8"))


def test_the_largest_displacement_is_that_of_the_jump(parsed, a_moved_result):
    voxel_mm = sitk.ReadImage(str(a_moved_result / "fs.nii.gz")).GetSpacing()[0]
    (row,) = [row for table in parsed.tables for row in table if row[0] == "Motion"]
    said = re.fullmatch(r"largest displacement ([\d.]+) mm; frames were moved back", row[1])
    assert said is not None, row
    assert float(said[1]) == pytest.approx(JUMP_VOXELS * voxel_mm, rel=0.15)


def test_the_curves_of_the_motion_stand_in_it_with_words_for_who_cannot_see_them(parsed):
    told = [image["alt"] for image in parsed.all("img") if "translation" in image["alt"]]
    assert len(told) == 1
    assert "largest displacement" in told[0]
    assert "Motion of the leg over the frames." in parsed.text


def test_a_leg_that_nobody_looked_at_is_not_called_at_rest(a_report):
    page = Page(a_report.read_text(encoding="utf-8"))
    (row,) = [row for table in page.tables for row in table if row[0] == "Motion"]
    assert row[1] == "not looked for (motion correction was not asked for)"
    assert not [image for image in page.all("img") if "translation" in image["alt"]]
