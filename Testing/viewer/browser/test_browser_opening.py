"""What is opened: by its path, in the list of the server's folders, or sent from the browser; and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

SERIES = "sub-sim_cest-1uT.nii.gz"
BESIDE = ("cest-1uT.json", "anat.nii.gz", "R1obs.nii.gz", "labels.nii.gz")


@pytest.fixture(scope="module")
def folder(leg, opened_folder):
    """A scan with its protocol and maps, in the folder that the viewer may read."""
    folder = opened_folder / "animal 1"
    folder.mkdir()
    for name in (SERIES, *(f"sub-sim_{name}" for name in BESIDE)):
        shutil.copy(leg / name, folder)
    return folder


@pytest.fixture(scope="module")
def session(visit):
    """The page that the tests of this module share."""
    return visit()


@pytest.fixture
def page(session):
    """The page without a scan."""
    if session.state("protocol_open"):
        session.one(".protocol").get_by_text("Cancel").click()
        session.one(".protocol").wait_for(state="hidden")
    if session.state("scan_facts"):
        session.one(".new-subject").click()
        session.until_state("scan_facts", "it.length === 0")
    return session


def type_path(page, path) -> None:
    page.one(".scan-path input").fill(str(path))
    page.one(".open").click()


def send(page, button: str, files) -> None:
    """Choose files, or a folder, in the browser's own window."""
    with page.page.expect_file_chooser() as waiting:
        page.one(button).click()
    waiting.value.set_files(files)


def loaded(page) -> list[str]:
    page.until_state("scan_facts", "it.length > 0")
    page.until_idle()
    return [fact["title"] for fact in page.state("scan_facts")]


def refusal(page, begin) -> str:
    """What the page says of something that it cannot open; it stays alive and has nothing loaded."""
    begin()
    page.until_state("error", "it !== ''")
    told = page.one(".error [role=alert]").inner_text()
    assert page.state("scan_facts") == []
    page.one(".close-error").click()
    page.until_state("error", "it === ''")
    assert "Traceback" not in told
    assert told.count("\n") == 0
    return told


EVERYTHING = ["sub-sim_cest-1uT", "R1", "anatomy", "muscles"]


def test_a_folder_of_the_server_is_walked_and_its_scan_opened_with_the_maps_beside_it(page, folder):
    page.one(".browse").click()
    for name in (str(folder.parent), folder.name, SERIES):
        page.page.locator(".browser .pcr-entry").filter(has=page.page.get_by_text(name, exact=True)).click()
    assert loaded(page) == EVERYTHING
    page.one(".browser").wait_for(state="hidden")


def test_the_same_files_are_sent_from_the_browser(page, folder):
    send(page, ".upload", sorted(folder.iterdir()))
    assert loaded(page) == EVERYTHING


def test_a_folder_is_sent_from_the_browser(page, folder):
    send(page, ".upload-folder", folder)
    assert loaded(page) == EVERYTHING


def test_a_bruker_scan_is_sent_from_the_browser(page, shared_data):
    send(page, ".upload-folder", shared_data / "bruker_pv6_cest" / "4")
    page.until("window.trame.state.get('scan_facts').length > 0 || window.trame.state.get('protocol_open')")
    assert page.state("error") == ""


def test_a_scan_without_protocol_asks_for_it_and_is_loaded_when_that_is_typed(page, leg, tmp_path):
    send(page, ".upload", shutil.copy(leg / SERIES, tmp_path))
    page.one(".protocol").wait_for()
    asked = page.one(".protocol-message").inner_text()
    assert asked.startswith(f"{SERIES}: no protocol file beside it")
    typed = {
        "MagneticFieldStrength": "4.7",
        "SaturationOffsets": offsets(leg),
        "SaturationOffsetsUnits": "ppm",
        "SaturationB1": "1",
        "SaturationDuration": "5",
        "SaturationType": "continuous",
        "RepetitionTime": "8",
    }
    for key, text in typed.items():
        page.one(f".protocol-{key} input").fill(text)
    page.until_state("protocol_message", "it.startsWith('4.7 T, 1 µT')")
    page.one(".protocol-take").click()
    assert loaded(page) == ["sub-sim_cest-1uT"]


def offsets(leg: Path) -> str:
    protocol = json.loads((leg / "sub-sim_cest-1uT.json").read_text())
    return ", ".join(map(str, protocol["SaturationOffsets"]))


def test_a_truncated_file_is_refused_in_one_sentence_that_names_it(page, leg, tmp_path):
    whole = (leg / SERIES).read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    shutil.copy(leg / "sub-sim_cest-1uT.json", tmp_path / "cut.json")
    told = refusal(page, lambda: send(page, ".upload", sorted(tmp_path.iterdir())))
    assert told.startswith("The scan cannot be loaded: cut.nii.gz: ")


def test_a_file_that_is_no_scan_is_refused_in_one_sentence_that_names_it(page, tmp_path):
    (tmp_path / "letter.nii.gz").write_text("Dear colleague,")
    told = refusal(page, lambda: send(page, ".upload", tmp_path / "letter.nii.gz"))
    assert told.startswith("The scan cannot be loaded: letter.nii.gz: ")


def test_a_file_outside_the_opened_folders_is_refused_in_the_words_of_one_that_is_missing(page, opened_folder, leg):
    outside, missing = leg / SERIES, opened_folder / "nothing.nii.gz"
    assert outside.is_file()
    climbing = opened_folder / ".." / "nothing" / ".." / outside.parent.parent.name / "scan" / SERIES
    told = [
        refusal(page, lambda path=path: type_path(page, path)).replace(str(path), "PATH")
        for path in (outside, missing, climbing, "/etc/passwd")
    ]
    assert len(set(told)) == 1
    assert "not in the opened folders" in told[0]


def test_the_page_works_after_refusals(page, folder):
    type_path(page, folder)
    assert loaded(page) == EVERYTHING
