"""Companion files are found by their names beside the series."""

from __future__ import annotations

import pytest

from PCrCESTLib.readers.companions import find_companions


@pytest.fixture
def beside(tmp_path):
    """Make empty files and look for the companions of the first."""

    def find(series, *others):
        for name in (series, *others):
            (tmp_path / name).touch()
        return {role: path.name for role, path in find_companions(tmp_path / series).items()}

    return find


def test_names_with_the_prefix_of_the_series_tell_their_role(beside):
    assert beside(
        "rat1_cest.nii.gz",
        "rat1_R1obs.nii.gz", "rat1_fm.nii", "rat1_relB1.nii.gz", "rat1_B0ppm.nrrd", "rat1_mask.nii.gz",
        "rat1_legs.nii.gz", "rat1_anat.nii.gz",
    ) == {
        "r1": "rat1_R1obs.nii.gz", "fm": "rat1_fm.nii", "b1": "rat1_relB1.nii.gz", "b0": "rat1_B0ppm.nrrd",
        "mask": "rat1_mask.nii.gz", "rois": "rat1_legs.nii.gz", "anatomy": "rat1_anat.nii.gz",
    }  # fmt: skip


def test_other_subjects_and_weighted_pictures_are_not_maps(beside):
    assert beside(
        "rat1_cest.nii.gz", "rat2_R1obs.nii.gz", "rat10_fm.nii.gz", "rat1_T1w.nii.gz", "rat1_R1obs.txt"
    ) == {"anatomy": "rat1_T1w.nii.gz"}


def test_a_file_shared_by_all_powers_is_found_and_a_closer_one_wins(beside):
    found = beside(
        "rat1_0p5uT_cest.nii.gz",
        "rat1_T1map.nii.gz",
        "rat1_mask.nii.gz",
        "rat1_0p5uT_mask.nii.gz",
        "rat1_seg.seg.nrrd",
    )
    assert found == {"t1": "rat1_T1map.nii.gz", "mask": "rat1_0p5uT_mask.nii.gz", "rois": "rat1_seg.seg.nrrd"}


def test_a_folder_with_nothing_beside_has_none(tmp_path):
    assert find_companions(tmp_path / "gone" / "cest.nii.gz") == {}
