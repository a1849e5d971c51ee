"""What a folder or an upload is opened as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.viewer.uploads import scans_in, unwrapped


def write(path: Path, axes: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros((3,) * axes, np.float32)
    frames = [sitk.GetImageFromArray(frame) for frame in array] if axes == 4 else []
    sitk.WriteImage(sitk.JoinSeries(frames) if frames else sitk.GetImageFromArray(array), str(path))
    return path


def test_powers_with_protocols_are_opened_and_their_maps_are_not(tmp_path: Path) -> None:
    for power in ("0.5uT", "1uT"):
        write(tmp_path / f"rat_cest-{power}.nii.gz", 4)
        (tmp_path / f"rat_cest-{power}.json").write_text("{}")
    write(tmp_path / "rat_R1obs.nii.gz", 3)
    write(tmp_path / "rat_anat.nii.gz", 3)
    assert [p.name for p in scans_in(tmp_path)] == ["rat_cest-0.5uT.nii.gz", "rat_cest-1uT.nii.gz"]


def test_a_series_without_a_protocol_is_opened_alone_and_asks_for_it(tmp_path: Path) -> None:
    write(tmp_path / "b.nii.gz", 4)
    write(tmp_path / "a.nii.gz", 4)
    assert [p.name for p in scans_in(tmp_path)] == ["a.nii.gz"]


def test_one_file_a_frame_is_opened_as_a_folder(tmp_path: Path) -> None:
    for frame in range(3):
        write(tmp_path / f"frame{frame}.nii", 3)
    assert scans_in(tmp_path) == [tmp_path]


def test_files_that_are_no_images_are_opened_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "method").write_text("##TITLE")
    (tmp_path / "acqp").write_text("##TITLE")
    assert scans_in(tmp_path) == [tmp_path]


def test_a_single_file_is_opened_whatever_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    assert scans_in(tmp_path) == [tmp_path / "notes.txt"]


def test_the_folders_around_an_uploaded_folder_are_taken_off(tmp_path: Path) -> None:
    inner = tmp_path / "batch/study"
    write(inner / "a.nii", 3)
    write(inner / "b.nii", 3)
    assert unwrapped(tmp_path) == inner
    assert unwrapped(inner) == inner


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="nothing is in it"):
        scans_in(tmp_path)
