"""The checksum of an input stands for what is read of it, wherever it lies."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from bruker_scans import write_scan

from PCrCESTLib.checksums import input_checksum
from PCrCESTLib.geometry import Geometry


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    import SimpleITK as sitk

    folder = tmp_path / "leg"
    folder.mkdir()
    grid = Geometry((3, 2, 1))
    for name in ("b.nii.gz", "a.nii.gz"):
        sitk.WriteImage(grid.to_image(np.ones(grid.shape, np.float32)), str(folder / name))
    (folder / "protocol.json").write_text("{}")
    (folder / "notes.docx").write_bytes(b"not read")
    return folder


def test_a_file_has_its_plain_sha256(frames):
    assert input_checksum(frames / "protocol.json") == digest(b"{}")


def test_a_folder_has_that_of_what_sha256sum_prints_for_its_files(frames):
    names = ("a.nii.gz", "b.nii.gz", "protocol.json")
    listed = "".join(f"{digest((frames / name).read_bytes())}  {name}\n" for name in names)
    assert input_checksum(frames) == digest(listed.encode())


def test_place_and_what_is_not_read_do_not_matter_but_names_and_contents_do(frames, tmp_path):
    before = input_checksum(frames)
    moved = Path(shutil.copytree(frames, tmp_path / "far" / "away"))
    (moved / "notes.docx").unlink()
    (moved / ".hidden.nii").write_bytes(b"")
    assert input_checksum(moved) == before
    (moved / "protocol.json").write_text("{ }")
    assert input_checksum(moved) != before
    (frames / "a.nii.gz").rename(frames / "c.nii.gz")
    assert input_checksum(frames) != before


def test_a_bruker_scan_stands_for_its_parameters_and_the_images_that_are_read(tmp_path):
    scan = write_scan(tmp_path / "4")
    before = input_checksum(scan)
    (scan / "pdata" / "2").mkdir()
    (scan / "pdata" / "2" / "2dseq").write_bytes(b"of another reconstruction")
    (scan / "fid").write_bytes(b"raw")
    assert input_checksum(scan) == before
    for name in ("method", "acqp", "pdata/1/visu_pars", "pdata/1/2dseq"):
        content = (scan / name).read_bytes()
        (scan / name).write_bytes(content + b"\n")
        assert input_checksum(scan) != before
        (scan / name).write_bytes(content)
    assert input_checksum(tmp_path) not in (None, before)  # of a whole study


def test_a_folder_of_nothing_has_none(tmp_path):
    assert input_checksum(tmp_path) is None
    assert input_checksum(tmp_path / "gone") is None
