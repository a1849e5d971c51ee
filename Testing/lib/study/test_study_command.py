"""``pcrcest study``: the page, the tables, and that nobody disappears."""

from __future__ import annotations

import csv
import json
import re

import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.study.analysis import Analysis
from PCrCESTLib.study.cautions import cautions
from PCrCESTLib.study.confounding import Balance

from .conftest import ERODED, write_result

pytest.importorskip("statsmodels")
pytest.importorskip("matplotlib")


def study(path, out, *options):
    return main(["study", str(path), "--out", str(out), "--progress", "none", *options])


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_known_difference_is_found_by_every_test(finished):
    tests = [
        r
        for r in rows_of(finished / "study_tests.csv")
        if r["quantity"] == "fs" and r["muscle"] == "all muscles"
    ]
    by_name = {r["test"]: r for r in tests}
    assert (by_name["Welch t"]["reference"], by_name["Welch t"]["compared"]) == ("control", "ALS")
    assert float(by_name["Welch t"]["p"]) < 0.01
    assert float(by_name["Mann-Whitney U"]["p"]) < 0.01
    assert float(by_name["Hedges g"]["high"]) < 0
    percent = by_name["difference in %"]
    assert float(percent["low"]) < -20 < float(percent["high"])
    assert {r["n_reference"] for r in tests} == {"6"}
    muscle = next(
        r for r in rows_of(finished / "study_tests.csv") if r["muscle"] == "soleus" and r["test"] == "Welch t"
    )
    assert float(muscle["p_holm"]) >= float(muscle["p"])


def test_who_is_left_out_is_listed_with_the_reason(finished):
    left_out = {r["subject"]: r["reason"] for r in rows_of(finished / "study_excluded.csv")}
    assert "quantify.json: this file is missing" in left_out["lost"]
    assert left_out["ill"] == "excluded in the list: died early <b>"
    page = (finished / "study.html").read_text(encoding="utf-8")
    assert "lost" in page
    assert "died early &lt;b&gt;" in page
    record = json.loads((finished / "study.json").read_text(encoding="utf-8"))
    assert record["groups"] == {"control": {"listed": 7, "used": 6}, "ALS": {"listed": 7, "used": 6}}


def test_the_page_states_n_and_needs_nothing_beside_it(finished):
    page = (finished / "study.html").read_text(encoding="utf-8")
    assert "control: n = 6 of 7 subjects" in page
    assert "n = 6 + 6" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("<img") == len(list(finished.glob("*.png")))
    assert (finished / "forest_fs_percent.png").exists()


def test_sides_are_compared_as_test_and_retest(finished):
    rows = rows_of(finished / "study_retest.csv")
    cov = next(r for r in rows if (r["quantity"], r["muscle"], r["measure"]) == ("fs", "soleus", "cov"))
    assert (cov["what"], cov["n_subjects"]) == ("side", "12")
    assert float(cov["value"]) == pytest.approx(0.02 / 1.01 / 2**0.5, rel=1e-3)


def test_methods_stand_side_by_side_and_what_one_lacks_is_told(a_study, tmp_path):
    lines = a_study.read_text(encoding="utf-8").splitlines()
    write_result(tmp_path / "fit", 1e-3, method="ld")
    a_study.write_text("\n".join([*lines, "fit,control,fit,12,"]) + "\n", encoding="utf-8")
    assert study(a_study, tmp_path / "out", "--methods", "two-branch,ld") == 0
    assert {r["method"] for r in rows_of(tmp_path / "out" / "study_values.csv")} == {"two-branch", "ld"}
    left_out = rows_of(tmp_path / "out" / "study_excluded.csv")
    assert any(r["subject"] == "ALS0" and "no result by ld" in r["reason"] for r in left_out)
    tests = rows_of(tmp_path / "out" / "study_tests.csv")
    assert all(r["note"].startswith("no test: ") for r in tests if r["method"] == "ld")


def test_a_difference_in_noise_or_age_and_an_unknown_ksw_are_warned_of(tmp_path):
    lines = ["subject,group,result,age"]
    for g, group in enumerate(("control", "ALS")):
        for i in range(4):
            name = f"{group}{i}"
            fs = 1e-3 * (1 + 0.01 * i)
            write_result(tmp_path / name, fs, ksw_known=False, noise=0.005 + 0.003 * g + 1e-4 * i)
            lines.append(f"{name},{group},{name},{20 * g + i}")
    path = tmp_path / "study.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert study(path, tmp_path / "out") == 0
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "Confounding: noise of Z differs" in page
    assert "Confounding: age differs" in page
    assert "ksw by two-branch is not identifiable in 32 of 32 values" in page


def test_models_that_fell_back_are_told_in_one_sentence_with_their_number(tmp_path):
    lines = ["subject,group,result"]
    for group in ("control", "ALS"):
        for i in range(4):
            name = f"{group}{i}"
            # The legs of an animal differ more than animals do: nothing is left for the variance between animals.
            write_result(tmp_path / name, 1e-3 * (1 + 0.001 * i), sides=(0.9, 1.1))
            lines.append(f"{name},{group},{name}")
    path = tmp_path / "study.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert study(path, tmp_path / "out") == 0
    models = [
        r
        for r in rows_of(tmp_path / "out" / "study_tests.csv")
        if r["quantity"] != "PCr" and r["unit"] != "%" and r["test"].startswith(("mixed", "regression"))
    ]
    fallen = [r for r in models if "the mixed model was not used" in r["note"]]
    assert fallen
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    sentences = re.findall(r"<li>([^<]*mixed model, because[^<]*)</li>", page)
    assert len(sentences) == 1
    assert sentences[0].startswith(f"In {len(fallen)} of {len(models)} comparisons a regression")
    assert len(sentences[0]) < 260


def test_a_difference_beyond_chance_is_confounding_and_within_it_only_possible_confounding():
    analysis = Analysis(
        (), (), (), {("control", "ALS"): tuple(
            Balance(name, 6, 6, 1.0, 1.1, 0.8, p) for name, p in (("age", 0.01), ("fm of muscle", 0.3))
        )}, (("control", "ALS"),), (),
    )  # fmt: skip
    sure, possible = cautions(analysis, 0, [])
    assert sure.startswith("Confounding: age differs")
    assert possible.startswith("Possible confounding: fm of muscle differs")
    assert possible.endswith("though the difference may be chance.")


def test_a_muscle_that_some_subjects_lack_is_told_to_be_no_part_of_the_mean(tmp_path):
    lines = ["subject,group,result"]
    for group in ("control", "ALS"):
        for i in range(3):
            name = f"{group}{i}"
            folder = write_result(tmp_path / name, 1e-3 * (1 + 0.1 * i))
            lines.append(f"{name},{group},{name}")
    table = folder / "roi_statistics.csv"
    kept = [line for line in table.read_text(encoding="utf-8").splitlines() if "soleus" not in line]
    table.write_text("\n".join(kept) + "\n", encoding="utf-8")
    (tmp_path / "study.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert study(tmp_path / "study.csv", tmp_path / "out") == 0
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "fs by two-branch: soleus is missing in 1 of 6 subjects and so no part of" in page


def test_what_is_measured_in_the_scans_can_be_a_covariate(a_study, tmp_path):
    for i, record in enumerate(sorted(tmp_path.glob("*/quantify.json"))):
        known = json.loads(record.read_text(encoding="utf-8")) | {"noise_sd": {"0.5 uT": 0.004 + 1e-4 * (i % 4)}}
        record.write_text(json.dumps(known), encoding="utf-8")
    assert study(a_study, tmp_path / "out", "--covariates", "age,noise") == 0
    adjusted = [r for r in rows_of(tmp_path / "out" / "study_tests.csv") if r["test"].endswith("model, adjusted")]
    assert {r["df"] for r in adjusted if r["df"]} == {"8"}  # 12 subjects less two groups and two covariates
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "adjusted for age, noise of Z" in page


def test_pictures_of_an_earlier_run_do_not_stay_beside_those_of_the_new_one(a_study, tmp_path):
    out = tmp_path / "out"
    assert study(a_study, out) == 0
    (out / "mine.png").write_bytes(b"kept")
    assert (out / "boxes_ksw_two-branch.png").exists()
    for table in tmp_path.glob("*/roi_statistics.csv"):
        kept = [line for line in table.read_text(encoding="utf-8").splitlines() if ",ksw," not in line]
        table.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert study(a_study, out, "--overwrite") == 0
    record = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert {p.name for p in out.glob("*.png")} == {"mine.png", *record["pictures"]}
    assert not any("ksw" in name for name in record["pictures"])


@pytest.fixture(scope="module")
def with_gone_muscles(tmp_path_factory):
    """A study in which nobody has a tibialis, and one animal no soleus either, both having been eroded away."""
    folder = tmp_path_factory.mktemp("gone")
    lines = ["subject,group,result,age"]
    for group in ("control", "ALS"):
        for i in range(4):
            name = f"{group}{i}"
            gone = ("tibialis anterior", "soleus") if name == "ALS3" else ("tibialis anterior",)
            write_result(folder / name, 1e-3 * (1 + 0.1 * i), gone=gone)
            lines.append(f"{name},{group},{name},{10 + (i * i) % 5}")
    (folder / "study.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert study(folder / "study.csv", folder / "out") == 0
    return folder / "out"


def test_a_muscle_without_a_number_keeps_its_row_with_the_reason(with_gone_muscles):
    rows = [
        r
        for r in rows_of(with_gone_muscles / "study_values.csv")
        if (r["subject"], r["muscle"], r["quantity"]) == ("ALS3", "soleus", "fs")
    ]
    assert [r["side"] for r in rows] == ["left", "right"]
    assert {(r["value"], r["n_voxels"], r["reason"]) for r in rows} == {("", "0", ERODED)}
    left_out = rows_of(with_gone_muscles / "study_excluded.csv")
    (one,) = (r for r in left_out if (r["subject"], r["roi"]) == ("ALS3", "left soleus"))
    assert one["reason"] == ERODED
    tests = [r for r in rows_of(with_gone_muscles / "study_tests.csv") if r["muscle"] == "soleus"]
    assert {(r["n_reference"], r["n_compared"]) for r in tests} == {("4", "3")}


def test_a_muscle_that_nobody_has_is_in_the_table_of_tests_with_n_of_0(with_gone_muscles):
    tests = [r for r in rows_of(with_gone_muscles / "study_tests.csv") if r["muscle"] == "tibialis anterior"]
    assert {r["test"] for r in tests} >= {"Welch t", "Hedges g", "mixed model", "mixed model, adjusted"}
    assert {(r["n_reference"], r["n_compared"], r["p"]) for r in tests} == {("0", "0", "")}
    assert {r["note"] for r in tests} == {"no test: a group has n = 0, fewer than 3"}
    page = (with_gone_muscles / "study.html").read_text(encoding="utf-8")
    assert "control: n = 4 of 4 subjects" in page


def test_one_group_is_described_but_not_compared(tmp_path):
    for i in range(3):
        write_result(tmp_path / f"r{i}", 1e-3 * (1 + 0.1 * i))
    path = tmp_path / "study.csv"
    path.write_text("subject,group,result\nr0,control,r0\nr1,control,r1\nr2,control,r2\n", encoding="utf-8")
    assert study(path, tmp_path / "out") == 0
    assert "There is one group only (control 3)" in (tmp_path / "out" / "study.html").read_text(
        encoding="utf-8"
    )
    assert rows_of(tmp_path / "out" / "study_tests.csv") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--reference", "wild"), "no subject is in the group 'wild'"),
        (("--methods", "magic"), "no method 'magic'"),
        (("--covariates", "weight"), "no numeric column 'weight'"),
        (("--rename", "x"), "no OLD=NEW"),
        (("--rename", "left soleus=right soleus"), "same muscle, side and session"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_sentence(a_study, tmp_path, capsys, options, words):
    assert study(a_study, tmp_path / "out", *options) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_result_at_all_and_an_earlier_study_are_told(finished, a_study, tmp_path, capsys):
    assert study(a_study, finished) == 2
    assert "--overwrite" in capsys.readouterr().err
    path = tmp_path / "none.csv"
    path.write_text("subject,group,result\na,b,nowhere\n", encoding="utf-8")
    assert study(path, tmp_path / "empty") == 2
    assert "no scan has a result that can be used" in capsys.readouterr().err


def test_a_scan_that_cannot_be_quantified_is_listed_and_the_rest_goes_on(a_study, tmp_path):
    text = a_study.read_text(encoding="utf-8").replace("exclude", "exclude,series", 1)
    a_study.write_text(text + "broken,ALS,,12,,absent.nii.gz\n", encoding="utf-8")
    assert study(a_study, tmp_path / "out") == 0
    left_out = {r["subject"]: r["reason"] for r in rows_of(tmp_path / "out" / "study_excluded.csv")}
    assert "absent.nii.gz" in left_out["broken"]
