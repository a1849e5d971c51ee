"""Whoever's scan is refused gets a command line to paste, which trains for exactly that scan."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from PCrCESTLib.cli import _parser, main
from PCrCESTLib.protocol_json import load_protocol


@pytest.fixture
def a_scan_at_7_tesla(tmp_path: Path) -> list[Path]:
    """Two powers, each with its own protocol file, at a field that no model was trained for."""
    folder = tmp_path / "a scan"
    assert main(["simulate", "--out", str(folder), "--size", "16"]) == 0
    for file in folder.glob("*_cest-*.json"):
        file.write_text(
            file.read_text().replace('"MagneticFieldStrength": 4.7', '"MagneticFieldStrength": 7.0')
        )
    return sorted(folder.glob("*_cest-*.nii.gz"))


def refused(series: list[Path], capsys: pytest.CaptureFixture[str], *more: str) -> list[str]:
    """The commands at the end of the refusal."""
    capsys.readouterr()
    out = series[0].parent / "out"
    assert main(["quantify", *map(str, series), "--out", str(out), "--progress", "none", *more]) == 2
    error = capsys.readouterr().err
    assert "field 7 T, model 4.7 T (within 2% fits)" in error
    assert not out.exists()
    return error.split("rain one with: ")[1].strip().split(" && ")


def test_a_single_series_is_trained_for_by_its_own_protocol_file(a_scan_at_7_tesla, capsys):
    series = a_scan_at_7_tesla[0]
    for more in ([], ["--model", "rat-4.7T-0.25uT"]):
        (command,) = refused([series], capsys, *more)
        args = _parser().parse_args(shlex.split(command)[1:])
        assert load_protocol(Path(args.protocol)).powers_ut == (0.5,)


def test_several_series_are_first_joined_to_one_protocol_file(
    a_scan_at_7_tesla, capsys, monkeypatch, tmp_path
):
    save, train = refused(a_scan_at_7_tesla, capsys)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(save)[1:]) == 0
    protocol = load_protocol(Path(_parser().parse_args(shlex.split(train)[1:]).protocol))
    assert protocol.field_t == 7.0
    assert protocol.powers_ut == (0.5, 1.0)
    assert len(protocol.frames_at(1.0)) == len(protocol.frames_at(0.5)) > 80
    assert main(shlex.split(save)[1:]) == 0  # pasted once more


def test_info_ends_with_the_same_command(a_scan_at_7_tesla, capsys):
    save, train = refused(a_scan_at_7_tesla, capsys)
    assert main(["info", *map(str, a_scan_at_7_tesla)]) == 0
    assert f"{save} && {train}\n" in capsys.readouterr().out


def test_a_protocol_named_on_the_command_line_is_named_again(a_scan_at_7_tesla, capsys):
    series = a_scan_at_7_tesla[0]
    file = series.with_name(series.name.replace(".nii.gz", ".json"))
    moved = Path(shutil.move(file, file.with_name("elsewhere.json")))
    (command,) = refused([series], capsys, "--protocol", str(moved))
    assert _parser().parse_args(shlex.split(command)[1:]).protocol == str(moved)


def test_saving_a_protocol_overwrites_nothing_else(a_scan_at_7_tesla, capsys, tmp_path):
    other = tmp_path / "notes.json"
    other.write_text("mine")
    assert main(["info", str(a_scan_at_7_tesla[0]), "--save-protocol", str(other)]) == 2
    assert other.read_text() == "mine"
    assert "another file lies there" in capsys.readouterr().err
