"""A session reads what is in the opened folders and its own uploads, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.viewer.access import Access


@pytest.fixture
def place(tmp_path: Path) -> Path:
    scans = ("open/sub/scan10.nii", "open/sub/scan9.nii", "open/.hidden")
    for name in (*scans, "closed/secret.nii", "session/uploads/a/b.nii"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture
def access(place: Path) -> Access:
    return Access.to([place / "open"], place / "session/uploads")


def test_files_of_opened_folders_and_uploads_are_read(access: Access, place: Path) -> None:
    for name in ("open/sub/scan9.nii", "open", "open/sub/../sub/scan9.nii", "session/uploads/a/b.nii"):
        assert access.allowed(place / name) == (place / name).resolve()


@pytest.mark.parametrize(
    "name", ["closed/secret.nii", "open/../closed/secret.nii", "open/missing.nii", "", "open\0", "session", "../.."]
)
def test_everything_else_is_refused_and_nothing_is_told_of_it(access: Access, place: Path, name: str) -> None:
    with pytest.raises(ReaderError, match="not in the opened folders"):
        access.allowed(str(place / name) if name else "/etc/passwd")


def test_a_link_out_of_the_opened_folder_is_refused(access: Access, place: Path) -> None:
    (place / "open/link").symlink_to(place / "closed")
    with pytest.raises(ReaderError):
        access.allowed(place / "open/link/secret.nii")
    (place / "open/ring").symlink_to(place / "open/ring")
    with pytest.raises(ReaderError):
        access.allowed(place / "open/ring")


def test_a_root_that_is_a_link_is_opened_where_it_leads(place: Path) -> None:
    (place / "way").symlink_to(place / "open")
    access = Access.to([place / "way"], place / "session/uploads")
    assert access.allowed(place / "way/sub/scan9.nii") == place / "open/sub/scan9.nii"


def test_a_listing_has_folders_first_in_natural_order_without_hidden_names(access: Access, place: Path) -> None:
    (place / "open/a.nii").write_bytes(b"x")
    assert [(e.name, e.is_folder) for e in access.listing(place / "open")] == [("sub", True), ("a.nii", False)]
    assert [e.name for e in access.listing(place / "open/sub")] == ["scan9.nii", "scan10.nii"]
    assert [e.path for e in access.listing(None)] == [str(place / "open")]
    with pytest.raises(ReaderError):
        access.listing(place / "closed")


def test_one_can_go_up_as_far_as_the_opened_folder(access: Access, place: Path) -> None:
    assert access.above(place / "open/sub") == place / "open"
    assert access.above(place / "open") is None
