"""The list of scans: what is understood, and the one sentence for what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from PCrCESTLib.study.regions import muscle_and_side
from PCrCESTLib.study.table import StudyError, read_study


def a_list(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "study.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_row_has_its_files_companions_and_covariates(tmp_path):
    path = a_list(
        tmp_path,
        "Subject,group,session,side,series,R1,T1,age,comment\nr1,als,2,L,a.nii;b.nii,r1.nii,1.9,12.5,calm\n",
    )
    study = read_study(path)
    (scan,) = study.scans
    assert (scan.subject, scan.group, scan.session, scan.side) == ("r1", "als", "2", "left")
    assert scan.series == (tmp_path / "a.nii", tmp_path / "b.nii")
    assert scan.companions == {"r1": tmp_path / "r1.nii"}
    assert scan.covariates == {"t1": 1.9, "age": 12.5}  # a column of numbers is no file
    assert study.notes == ("column comment holds text and is not used",)


def test_the_mark_that_excel_puts_before_utf8_does_no_harm(tmp_path):
    assert read_study(a_list(tmp_path, "subject,group,result\na,b,c\n", "utf-8-sig")).groups == ("b",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("subject,series\na,b\n", "column group is missing"),
        ("subject,group\n", "no scan"),
        ("subject;group;age\na;b;1,5\n", "separated by semicolons"),
        ("subject\tgroup\na\tb\n", "separated by tabulators"),
        ('subject,group,age\na,b,"1,5"\n', "decimal comma"),
        ("subject,group,age\na,b,1,5\n", "4 cells were found for 3 columns"),
        ("subject,group,age\na,b,1\nc,b,old\n", "'old' is no finite number"),
        ("subject,group,age\na,b,1\nc,b,inf\n", "'inf' is no finite number"),
        ("subject,group\na,b\na,b\n", "rows 2 and 3: both are a"),
        ("subject,group,session\na,b,1\na,c,2\n", "groups b and c"),
        ("subject,group\na,\n", "the cell group is empty"),
        ("subject,group,side\na,b,top\n", "left or right"),
        ("subject,group,group\na,b,c\n", "stands there twice"),
        ("subject,group,r1,t1\na,b,x.nii,y.nii\n", "both an R1 and a T1"),
        ("subject,group\n\0,b\n", "no text file"),
        ('subject,group\n"a,b\n', "no CSV table"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path, text, words):
    path = a_list(tmp_path, text)
    with pytest.raises(StudyError) as error:
        read_study(path)
    message = str(error.value)
    assert words in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_another_encoding_and_a_missing_file_are_told(tmp_path):
    with pytest.raises(StudyError, match="UTF-8"):
        read_study(a_list(tmp_path, "subject,group\nMüller,b\n", "latin-1"))
    with pytest.raises(StudyError, match="cannot be read"):
        read_study(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("left tibialis anterior", ("tibialis anterior", "left")),
        ("Tibialis anterior, Right", ("Tibialis anterior,", "right")),
        ("Gastrocnemius_R", ("Gastrocnemius", "right")),
        ("right leg", ("leg", "right")),
        ("left", ("leg", "left")),
        ("soleus", ("soleus", "")),
        ("brightest", ("brightest", "")),
    ],
)
def test_muscle_and_side_are_told_from_the_name(name, expected):
    assert muscle_and_side(name) == expected
