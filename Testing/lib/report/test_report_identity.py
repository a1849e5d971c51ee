"""Whose scan a report is of: what the header says, only when it is the header of the scan that was quantified."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from PCrCESTLib.report.identity import identity_of
from PCrCESTLib.report.make import ReportOptions, make_report
from PCrCESTLib.report.result import read_result

from .conftest import NAMED_AFTER
from .parsed import Page

HEADER = {
    "PatientName": "Hasenfratz^Bodo",
    "PatientID": "PX-4711",
    "PatientBirthDate": "19610203",
    "PatientSex": "M",
    "AcquisitionDateTime": "2023-05-06T07:08:09",
    "InstitutionName": "Klinik Oberwald",
    "SeriesDescription": "cest Hasenfratz left",
    "Manufacturer": "Maker",
}
TELLING = ("Hasenfratz", "Bodo", "PX-4711", "1961", "2023-05-06", "Oberwald")


@pytest.fixture
def named(a_copy: Path, tmp_path: Path) -> Path:
    """A result whose series, the same bytes elsewhere, have a converter's JSON file, and a region of that name."""
    record = json.loads((a_copy / "quantify.json").read_text(encoding="utf-8"))
    for item in record["inputs"]:
        if item["role"] == "series":
            moved = Path(shutil.copy(item["path"], tmp_path))
            item["path"] = str(moved)
            sidecar = moved.with_name(moved.name.replace(".nii.gz", ".json"))
            sidecar.write_text(json.dumps(HEADER), encoding="utf-8")
    (a_copy / "quantify.json").write_text(json.dumps(record), encoding="utf-8")
    for table in a_copy.glob("roi_*.csv"):
        renamed = table.read_text(encoding="utf-8").replace(NAMED_AFTER, "soleus of bodo")
        table.write_text(renamed, encoding="utf-8")
    return a_copy


def page_of(folder: Path, out: Path, **options: bool) -> Page:
    pytest.importorskip("matplotlib")
    make_report(folder, out, ReportOptions(**options))
    return Page(out.read_text(encoding="utf-8"))


def test_the_header_tells_subject_date_and_scanner(named, tmp_path):
    page = page_of(named, tmp_path / "page.html")
    facts = {row[0]: row[1] for row in next(t for t in page.tables if t[1][0] == "Subject")}
    assert facts["Subject"] == "Hasenfratz, Bodo"
    assert facts["Subject ID"] == "PX-4711"
    assert facts["Date of birth"] == "1961-02-03"
    assert facts["Date of the scan"] == "2023-05-06 07:08"
    assert facts["Scanner"] == "Maker"
    assert identity_of(read_result(named)).line == "Hasenfratz, Bodo, ID PX-4711, born 1961-02-03"


def test_a_deidentified_report_has_none_of_it(named, tmp_path):
    page_of(named, tmp_path / "page.html", deidentify=True)
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", (tmp_path / "page.html").read_text(encoding="utf-8"))
    assert not [word for word in TELLING if word.casefold() in text.casefold()]
    assert "soleus of [removed]" in text
    assert "Maker" in text


def test_a_scan_that_changed_since_names_nobody(named, tmp_path):
    for series in tmp_path.glob("*.nii.gz"):
        series.write_bytes(series.read_bytes() + b"\0")
    identity = identity_of(read_result(named))
    assert identity.header.name == ""
    assert all("has changed since" in sentence for sentence in identity.unread)


def test_a_scan_that_is_gone_is_said_to_be_gone(named, tmp_path):
    for series in tmp_path.glob("*.nii.gz"):
        series.unlink()
    identity = identity_of(read_result(named))
    assert identity.header.name == ""
    assert len(identity.unread) == 2
    assert all("is not where it was" in sentence for sentence in identity.unread)


def test_series_of_two_subjects_are_called_so(named, tmp_path):
    other = next(tmp_path.glob("*1uT.json"))
    other.write_text(json.dumps(HEADER | {"PatientID": "PX-4712"}), encoding="utf-8")
    conflicts = identity_of(read_result(named)).conflicts
    assert len(conflicts) == 1
    assert "PX-4711" in conflicts[0]
    assert "PX-4712" in conflicts[0]
