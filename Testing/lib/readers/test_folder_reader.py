"""A folder of 3D NIfTI files, one a frame."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_series


@pytest.fixture
def folder(write, frames, grid, protocol_document):
    """Frames named 7, 8 … 12, so that their alphabetical order is wrong."""
    for number, frame in enumerate(frames, start=7):
        write(f"scan/frame{number}.nii.gz", frame, grid)
    return write("scan/protocol.json", protocol_document).parent


def test_frames_follow_the_numbers_in_their_names(folder, frames, grid):
    series = read_series(folder)
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)
    assert any("frame7.nii.gz to frame12.nii.gz" in note for note in series.notes)


def test_files_of_the_system_are_no_frames(folder, frames):
    (folder / "._frame7.nii.gz").write_bytes(b"resource fork")
    (folder / "notes.txt").write_text("hello")
    np.testing.assert_array_equal(read_series(folder).data, frames)


def test_the_protocol_may_be_the_only_json_that_belongs_to_no_image(folder, write, protocol_document):
    (folder / "protocol.json").rename(folder / "acquisition.json")
    write("scan/frame7.json", {"EchoTime": 0.01})
    assert read_series(folder).protocol.powers_ut == (0.6,)


def test_the_protocol_may_lie_beside_the_folder_or_be_given(folder, frames):
    beside = (folder / "protocol.json").rename(folder.parent / "scan.json")
    assert read_series(folder).source == (str(folder), str(beside))
    given = beside.rename(folder.parent / "p.json")
    np.testing.assert_array_equal(read_series(folder, given).data, frames)


def test_a_dot_belongs_to_the_name_of_a_folder(folder, write):
    """Else the protocol of another scan, beside it, would be taken."""
    (folder / "protocol.json").rename(folder.parent / "leg 0.5uT.json")
    write("leg 0.json", {"SaturationB1": 99.0})
    renamed = folder.rename(folder.parent / "leg 0.5uT")
    assert read_series(renamed).protocol.powers_ut == (0.6,)


def test_several_json_files_are_not_guessed_from(folder, write):
    (folder / "protocol.json").rename(folder / "a.json")
    write("scan/b.json", {})
    with pytest.raises(ProtocolError, match=r"looked for protocol\.json or scan\.json"):
        read_series(folder)


def test_a_frame_on_another_grid_is_refused(folder, write, frames, grid):
    moved = Geometry(grid.size, grid.spacing_mm, (0.0, 0.0, 0.0), grid.direction)
    write("scan/frame9.nii.gz", frames[2], moved)
    with pytest.raises(GeometryError, match=r"frame9.*all frames of a folder must lie on one grid"):
        read_series(folder)


def test_a_file_too_many_is_counted(folder, write, frames, grid):
    write("scan/r1_map.nii.gz", frames[0], grid)
    with pytest.raises(ProtocolError, match=r"7 NIfTI files \(frame7.nii.gz to r1_map.nii.gz\).*lists 6"):
        read_series(folder)


def test_a_4d_file_among_the_frames_is_refused(folder, write, frames, grid):
    write("scan/frame9.nii.gz", frames, grid)
    with pytest.raises(ReaderError, match=r"a frame of a folder.* has 6 frames"):
        read_series(folder)


def test_a_frame_of_nan_is_refused(folder, write, frames, grid):
    write("scan/frame9.nii.gz", frames[2] * np.nan, grid)
    with pytest.raises(ReaderError, match="frame 2"):
        read_series(folder)


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    (tmp_path / "IM0001.dcm").touch()
    with pytest.raises(ReaderError, match=r"no NIfTI file.*but IM0001\.dcm"):
        read_series(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ReaderError, match="but nothing"):
        read_series(tmp_path)
