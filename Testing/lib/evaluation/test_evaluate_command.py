"""``pcrcest evaluate`` writes the whole evaluation or nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.evaluation import als_study, section
from PCrCESTLib.evaluation.section import Effort

TINY = Effort("reduced", n_spectra=10, n_animals=2, n_studies=5)
ARGUMENTS = ["evaluate", "--reduced", "--only", "als", "--progress", "none", "--out"]

# The job stops itself at a chosen stage, so that the moment of the signal does not depend on the machine's speed.
INTERRUPTED = """
import os, signal, sys
from PCrCESTLib import progress
from PCrCESTLib.cli import main
step = progress.JsonProgress.step
def interrupted(self, fraction, stage):
    step(self, fraction, stage)
    if stage == "als":
        os.kill(os.getpid(), signal.SIGINT)
progress.JsonProgress.step = interrupted
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(section, "REDUCED", TINY)


@pytest.mark.usefixtures("tiny")
def test_one_chapter_appears_whole(tmp_path):
    out = tmp_path / "out"
    assert main([*ARGUMENTS, str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["evaluation", "evaluation.json", "evaluation.md"]
    assert [p.name for p in (out / "evaluation").iterdir()] == ["als_power.png"]
    numbers = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert [s["title"] for s in numbers["sections"]] == ["Finding less PCr in a group: digital ALS study"]
    assert len(numbers["models"][0]["sha256"]) == 64
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("tiny")
def test_an_earlier_evaluation_is_not_overwritten_by_accident(tmp_path, capsys):
    (tmp_path / "evaluation.md").write_text("earlier", encoding="utf-8")
    assert main([*ARGUMENTS, str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "evaluation.md").read_text(encoding="utf-8") == "earlier"
    assert main([*ARGUMENTS, str(tmp_path), "--overwrite"]) == 0
    assert (tmp_path / "evaluation.md").read_text(encoding="utf-8") != "earlier"


@pytest.mark.usefixtures("tiny")
def test_without_matplotlib_the_text_says_so(tmp_path, monkeypatch):
    for name in [m for m in sys.modules if m.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*ARGUMENTS, str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")
    assert "no figures: the Python package 'matplotlib' is not installed" in text
    assert "![" not in text
    assert "### Reference muscle" in text


def test_cancelled_nothing_is_left(tmp_path):
    out = tmp_path / "deep" / "out"
    arguments = ["evaluate", "--reduced", "--only", "als", "--progress", "json", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 130
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing_either(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(als_study, "als_section", fail)
    assert main([*ARGUMENTS, str(tmp_path / "out")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_chapter_whose_package_is_missing_is_left_out_with_a_note(tmp_path, monkeypatch):
    def lacks(*_):
        raise MissingExtraError("torch", "this chapter", "torch")

    monkeypatch.setattr(als_study, "als_section", lacks)
    assert main([*ARGUMENTS, str(tmp_path / "out")]) == 0
    assert "chapter als is left out" in (tmp_path / "out" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--only", "rats"], "--data"),
        (["--seed", "-1"], "--seed"),
        (["--data", "nowhere"], "nowhere"),
        (["--protocol", "human-3T"], "human-3T"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments, named, tmp_path, capsys):
    assert main(["evaluate", "--out", str(tmp_path / "out"), *arguments, "--progress", "none"]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
