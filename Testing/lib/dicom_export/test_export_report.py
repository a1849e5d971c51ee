"""The PDF report of a result as DICOM."""

from __future__ import annotations

import pytest

from PCrCESTLib.errors import ReaderError


@pytest.mark.parametrize("content", [b"%PDF-1.7 even", b"%PDF-1.7 odd"])
def test_the_document_is_kept_to_the_byte(result, content):
    (result.folder / "report.pdf").write_bytes(content)
    result.export()
    dataset = result.dataset("report")
    assert dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength] == content
    assert len(dataset.EncapsulatedDocument) % 2 == 0
    assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert dataset.DocumentTitle == "PCrCEST report"
    assert dataset.StudyInstanceUID == result.dataset().StudyInstanceUID


def test_a_deidentified_export_has_no_document_and_says_so(result):
    (result.folder / "report.pdf").write_bytes(b"%PDF-1.7 Mueller")
    exported = result.export(deidentify=True)
    assert exported.files == ("fs.dcm",)
    assert any("report.pdf is left out" in note for note in exported.notes)


def test_a_file_that_is_no_pdf_is_refused(result):
    (result.folder / "report.pdf").write_bytes(b"<html>")
    with pytest.raises(ReaderError, match=r"report\.pdf: not a PDF file"):
        result.export()
    assert not result.out.exists()
