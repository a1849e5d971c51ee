"""The page of a result: whole, readable, right, and silent where it must be."""

from __future__ import annotations

import csv
import itertools
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.cli import main
from PCrCESTLib.errors import MissingExtraError, OutputError, ReaderError
from PCrCESTLib.report.make import ReportOptions, make_report
from PCrCESTLib.report.references import read_reference_ranges

from .conftest import HOSTILE
from .parsed import Page

pytest.importorskip("matplotlib")

IDENTIFYING = ("RAT0815", "20240131", "Schmidtbauer", "sub-", "ses-")


@pytest.fixture(scope="module")
def html(a_report: Path) -> str:
    return a_report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def table(a_result: Path) -> list[dict[str, str]]:
    with (a_result / "roi_statistics.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def hidden(a_result: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("anonymous") / "page.html"
    make_report(a_result, out, ReportOptions(pdf=True, deidentify=True))
    return out


def test_the_page_is_well_formed_and_says_its_language(parsed, html):
    assert parsed.misnested == []
    assert parsed.open == []
    assert html.startswith("<!DOCTYPE html>")
    assert parsed.all("html") == [{"lang": "en"}]


def test_headings_go_down_one_level_at_a_time(parsed):
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_heads_for_columns_and_rows(parsed):
    assert len(parsed.all("table")) == len(parsed.all("caption")) > 5
    scopes = [attributes.get("scope") for attributes in parsed.all("th")]
    assert set(scopes) == {"col", "row"}
    assert scopes.count("row") == sum(len(t) - 1 for t in parsed.tables)
    assert all(len(row) == len(t[0]) for t in parsed.tables for row in t)


def test_every_picture_is_embedded_and_says_its_numbers(parsed):
    images = parsed.all("img")
    assert len(images) >= 5
    for image in images:
        assert image["src"].startswith("data:image/png;base64,")
        assert re.search(r"\d", image["alt"])


def test_nothing_is_fetched_and_nothing_runs(html, parsed):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
    assert "http:" not in text
    assert "https:" not in text
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in parsed.tags}


def test_a_hostile_name_is_shown_and_not_obeyed(html, parsed):
    assert "<script" not in html
    assert HOSTILE in parsed.text


def test_findings_are_the_numbers_of_the_table(parsed, table):
    rows = parsed.table("region", "voxels (volume)")
    assert len(rows) == 2
    for row in rows:
        found = {r["quantity"]: r for r in table if (r["roi"], r["estimator"]) == (row[0], "ROI spectrum")}
        for cell, quantity, scale, tolerance in (
            (row[2], "fs", 1e3, 0.005),
            (row[3], "PCr", 1, 0.05),
            (row[4], "ksw", 1, 0.5),
        ):
            if found[quantity]["identifiable"] == "True":
                value, sd = (float(part) for part in cell.split("±"))
                assert value == pytest.approx(scale * float(found[quantity]["value"]), abs=tolerance * 1.001)
                assert sd == pytest.approx(scale * float(found[quantity]["sd"]), abs=tolerance * 1.001)
            else:
                assert cell == "not identifiable from this scan"


def test_below_a_spectrum_the_power_of_ten_multiplies_value_and_sd(parsed):
    assert len(re.findall(r"fs \(\d\.\d\d\s±\s\d\.\d\d\)\s×\s10⁻³, ksw", parsed.text)) == 2


def test_a_number_far_above_its_reference_range_is_called_so(parsed):
    rows = parsed.table("region", "voxels (volume)")
    assert all(row[5].startswith("above (0.01 to 0.02") for row in rows)


def test_what_the_scan_cannot_tell_is_refused_in_words(a_copy, tmp_path):
    table = a_copy / "roi_statistics.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    refused = [
        line.replace(",True,", ",False,") if ",ksw,1/s,ROI spectrum," in line else line for line in lines
    ]
    table.write_text("\n".join(refused) + "\n", encoding="utf-8")
    make_report(a_copy, tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert {row[4] for row in page.table("region", "voxels (volume)")} == {"not identifiable from this scan"}
    assert "not identifiable in 2 of 2 regions" in page.text


def test_identity_protocol_model_and_checksums_stand_in_it(parsed, a_result):
    record = json.loads((a_result / "quantify.json").read_text(encoding="utf-8"))
    facts = {row[0]: row[1] for row in parsed.table("item", "value")}
    assert facts["Subject"] == "RAT0815"
    assert facts["Session"] == "20240131"
    assert facts["Date of the scan"] == "not recorded"
    assert "0.5 µT + 1 µT" in parsed.text
    assert record["model"]["sha256"] in parsed.text
    assert "Seed" in parsed.text
    for item in record["inputs"]:
        assert item["sha256"] in parsed.text
    for warning in record["warnings"]:
        assert warning in parsed.text


def test_the_pdf_is_tagged_and_has_the_text_and_page_numbers(a_report):
    pypdf = pytest.importorskip("pypdf")
    document = pypdf.PdfReader(a_report.with_suffix(".pdf"))
    root = document.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    first = document.pages[0].extract_text()
    assert "Findings" in first
    assert f"page 1 of {len(document.pages)}" in first
    assert "Subject RAT0815" in document.pages[1].extract_text()


@pytest.mark.parametrize("word", IDENTIFYING)
def test_a_deidentified_report_holds_nothing_that_identifies(hidden, word):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", hidden.read_text(encoding="utf-8"))
    assert word.casefold() not in text.casefold()


def test_a_deidentified_report_holds_no_path_file_name_or_date(hidden, a_result):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", hidden.read_text(encoding="utf-8"))
    record = json.loads((a_result / "quantify.json").read_text(encoding="utf-8"))
    for item in record["inputs"]:
        assert item["path"] not in text
        assert Path(item["path"]).name not in text
    assert str(a_result) not in text
    assert record["finished"][:10] not in text
    assert HOSTILE not in text


def test_a_deidentified_report_still_has_its_numbers(hidden, parsed):
    page = Page(hidden.read_text(encoding="utf-8"))
    numbers = [row[2:5] for row in page.table("region", "voxels (volume)")]
    assert numbers == [row[2:5] for row in parsed.table("region", "voxels (volume)")]


def test_the_pdf_of_a_deidentified_report_identifies_nobody(hidden):
    pypdf = pytest.importorskip("pypdf")
    document = pypdf.PdfReader(hidden.with_suffix(".pdf"))
    told = "".join(page.extract_text() for page in document.pages) + str(document.metadata)
    assert not [word for word in IDENTIFYING if word.casefold() in told.casefold()]


def test_without_regions_the_page_says_so_and_has_maps(a_copy, tmp_path):
    for name in ("roi_statistics.csv", "rois.seg.nrrd", "anatomy.nii.gz", "roi_spectra.csv"):
        (a_copy / name).unlink()
    make_report(a_copy, tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "No regions were given" in page.text
    assert "No anatomical image" in page.text
    assert len(page.all("img")) == 2


def test_a_spectrum_without_fs_and_ksw_is_shown_and_nothing_is_said_to_be_predicted(a_copy, tmp_path):
    """As ``pcrcest quantify`` leaves the mean of all tissue where no regions are given."""
    for name in ("roi_statistics.csv", "rois.seg.nrrd"):
        (a_copy / name).unlink()
    make_report(a_copy, tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "Nothing is predicted" in page.text
    assert "does not estimate" not in page.text
    assert "with numbered regions" not in page.text
    assert not [image for image in page.all("img") if "PCr takes at most" in image["alt"]]


def damaged(a_copy: Path, kind: str) -> Path:
    if kind == "no folder":
        return a_copy / "nowhere"
    if kind == "foreign":
        shutil.rmtree(a_copy)
        a_copy.mkdir()
        (a_copy / "notes.txt").write_text("mine", encoding="utf-8")
    elif kind == "other json":
        (a_copy / "quantify.json").write_text('{"a": 1}', encoding="utf-8")
    elif kind == "no map":
        (a_copy / "ksw.nii.gz").unlink()
    elif kind == "cut map":
        (a_copy / "fs.nii.gz").write_bytes((a_copy / "fs.nii.gz").read_bytes()[:60])
    elif kind == "cut table":
        (a_copy / "roi_statistics.csv").write_text("roi,quantity\nx,fs\n", encoding="utf-8")
    elif kind == "senseless table":
        lines = (a_copy / "roi_spectra.csv").read_text(encoding="utf-8").splitlines()
        (a_copy / "roi_spectra.csv").write_text("\n".join([lines[0], "a,b,c,d,e,f"]), encoding="utf-8")
    return a_copy


@pytest.mark.parametrize(
    "kind", ["no folder", "foreign", "other json", "no map", "cut map", "cut table", "senseless table"]
)
def test_a_partial_or_foreign_folder_is_refused_in_one_sentence(a_copy, tmp_path, capsys, kind):
    folder, out = damaged(a_copy, kind), tmp_path / "page.html"
    assert main(["report", str(folder), "--out", str(out), "--progress", "none"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(folder) in said
    assert not out.exists()


def test_an_earlier_report_is_only_replaced_when_asked(a_copy, tmp_path):
    out = tmp_path / "page.html"
    out.write_text("earlier", encoding="utf-8")
    with pytest.raises(OutputError, match="already exists"):
        make_report(a_copy, out)
    assert out.read_text(encoding="utf-8") == "earlier"
    make_report(a_copy, out, ReportOptions(overwrite=True))
    assert out.read_text(encoding="utf-8") != "earlier"


def test_without_weasyprint_the_pdf_is_refused_before_any_work(a_copy, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(MissingExtraError, match=r"pcrcest\[report\]"):
        make_report(a_copy, None, ReportOptions(pdf=True))
    assert not (a_copy / "report.html").exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("roi,quantity,low\n*,fs,1\n", "column high is missing"),
        ("roi,quantity,low,high\n*,fat,1,2\n", "quantity 'fat'"),
        ("roi,quantity,low,high\n*,fs,2,1\n", "two numbers are expected"),
        ("roi,quantity,unit,low,high\n*,fs,mM,1,2\n", "unit 'mM'"),
    ],
)
def test_senseless_reference_ranges_are_refused(tmp_path, text, complaint):
    path = tmp_path / "ranges.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReaderError, match=complaint):
        read_reference_ranges(path)


def test_a_scan_of_many_slices_shows_all_of_them(a_result, tmp_path):
    stacked = tmp_path / "stacked"
    shutil.copytree(a_result, stacked)
    (stacked / "rois.seg.nrrd").unlink()
    for file in stacked.glob("*.nii.gz"):
        image = sitk.ReadImage(str(file))
        stack = sitk.GetImageFromArray(np.repeat(sitk.GetArrayFromImage(image), 6, axis=0))
        stack.SetSpacing(image.GetSpacing())
        sitk.WriteImage(stack, str(file))
    make_report(stacked, tmp_path / "page.html")
    alts = [image["alt"] for image in Page((tmp_path / "page.html").read_text(encoding="utf-8")).all("img")]
    assert sum("in 6 slices" in alt for alt in alts) == 2
