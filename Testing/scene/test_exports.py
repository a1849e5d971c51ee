"""Names, sentences and files of a result that every interface gives in the same way."""

from __future__ import annotations

import pytest

from PCrCESTLib.errors import OutputError
from PCrCESTLib.scene.exports import dicom_source, export_table, file_stem
from PCrCESTLib.scene.messages import messages
from PCrCESTLib.scene.runs import Run, add_run, free_name, names_apart
from PCrCESTLib.scene.series_nodes import add_series, set_place
from PCrCESTLib.scene.tables import read_rows


def test_a_file_is_named_like_its_result():
    assert file_stem("leg 0.5 µT two-branch/redrawn") == "leg_0.5_µT_two-branch_redrawn"


def test_the_table_is_written_as_it_was_computed(scene, results, tmp_path):
    run = add_run(results, "leg")
    path = tmp_path / "table.csv"
    path.write_text("an earlier one")
    export_table(run, path)
    assert read_rows(path) == read_rows(results / "roi_statistics.csv")


def test_a_result_without_muscles_has_no_table(tmp_path):
    with pytest.raises(OutputError, match="the result has no muscles"):
        export_table(Run("1", "leg", {}, None, None, [], {}), tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_scan_that_is_not_dicom_is_no_source(scene, results, series, tmp_path):
    node = add_series(series, "leg")
    set_place(node, tmp_path / "leg.nii.gz")
    assert dicom_source(add_run(results, "leg", series=[node])) == []
    assert dicom_source(add_run(results, "leg")) == []


def test_names_are_told_apart_without_what_they_share():
    assert names_apart("leg two-branch", "leg mplf") == ("two-branch", "mplf")
    assert names_apart("leg", "leg mplf") == ("leg", "leg mplf")
    assert names_apart("leg ld", "leg ld") == ("ld", "ld (2)")


def test_a_name_that_is_taken_gets_a_number():
    assert free_name("leg", {"arm"}) == "leg"
    assert free_name("leg", {"leg", "leg 2"}) == "leg 3"


def test_what_a_result_says_of_itself():
    record = {
        "model": {"reason": "rat-dual fits"},
        "device": {"used": "numpy", "reason": "no GPU"},
        "warnings": ["ksw is not identifiable", "no picture: no matplotlib"],
    }
    assert messages(record).splitlines() == [
        "Model: rat-dual fits.",
        "Computed on numpy (no GPU).",
        "• ksw is not identifiable",
    ]
    assert messages({}) == ""
    assert messages({"model": None, "device": {}}) == ""
