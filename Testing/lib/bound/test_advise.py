"""Advice: what a protocol gives, and what gives more in the same time."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.advice.forecast import Advice, advise, evaluation_tissues
from PCrCESTLib.advice.picture import write_picture
from PCrCESTLib.advice.report import advice_text, verdict, write_advice
from PCrCESTLib.commands import advise as command
from PCrCESTLib.errors import CancelledError, MissingExtraError, PhysicsError, ProtocolError
from PCrCESTLib.physics.bound import bound
from PCrCESTLib.physics.prior import FS, KSW
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import load_protocol, save_protocol
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.saturation import PulseTrain, Saturation


def small_protocol() -> Protocol:
    offsets = (300.0, *np.linspace(-4, 4, 24).round(3).tolist())
    return Protocol(4.7, offsets, (0.5,) * 25, Saturation(duration_s=5.0), reference_frames=(0,))


@pytest.fixture(scope="module")
def small_advice() -> Advice:
    return advise(small_protocol(), tissue_name="reference", max_b1_ut=1.0)


def test_expected_precision_is_the_bound_at_the_noise_of_the_roi_mean(small_advice: Advice) -> None:
    row = next(p for p in small_advice.table if (p.noise_sd, p.n_voxels) == (0.01, 16))
    found = bound(small_protocol(), evaluation_tissues("reference", 4.7), 0.01 / 4)
    assert row.fs_percent == pytest.approx(100 * np.sqrt(np.mean(found.relative_sd(FS) ** 2)))
    assert row.ksw_percent == pytest.approx(100 * np.sqrt(np.mean(found.relative_sd(KSW) ** 2)))


def test_one_power_cannot_tell_ksw_of_a_voxel_and_the_advice_is_a_second_one() -> None:
    advice = advise(named_protocol("rat-4.7T-0.25uT"), roi_voxels=(1, 16), search=False)
    assert advice.table[0].ksw_identifiable == "no"
    assert "add a second power" in verdict(advice)
    assert "With one power" in verdict(advice)


def test_two_powers_tell_ksw_in_an_roi() -> None:
    advice = advise(named_protocol("rat-4.7T-dual"), search=False)
    assert [p.ksw_identifiable for p in advice.table[:4]] == ["weakly", "weakly", "yes", "yes"]
    assert "ROI of 64 voxels" in verdict(advice)


def test_alternatives_take_the_same_time_and_get_better_and_better(small_advice: Advice) -> None:
    assert small_advice.search is not None
    alternatives = small_advice.search.alternatives
    assert alternatives[0].protocol == small_protocol()
    assert {a.protocol.n_frames for a in alternatives} == {25}
    assert all(len(a.protocol.reference_frames) == 1 for a in alternatives)
    objective = [a.fs_percent**2 + a.ksw_percent**2 for a in alternatives]
    assert objective == sorted(objective, reverse=True)
    assert objective[-1] < 0.5 * objective[0]


def test_the_suggested_protocol_really_has_the_precision_it_promises(small_advice: Advice) -> None:
    assert small_advice.search is not None
    best = small_advice.search.best
    tissue = evaluation_tissues("reference", 4.7)
    found = bound(best.protocol, tissue, small_advice.search_noise_sd)
    assert best.fs_percent == pytest.approx(100 * np.sqrt(np.mean(found.relative_sd(FS) ** 2)), rel=1e-6)
    assert best.ksw_percent == pytest.approx(100 * np.sqrt(np.mean(found.relative_sd(KSW) ** 2)), rel=1e-6)


def test_the_most_useful_frame_really_shrinks_the_sd_by_what_it_promises(small_advice: Advice) -> None:
    assert small_advice.search is not None
    frame = small_advice.search.useful_frames[0]
    given = small_protocol()
    longer = replace(
        given, offsets_ppm=(*given.offsets_ppm, frame.offset_ppm), b1_ut=(*given.b1_ut, frame.b1_ut)
    )
    tissue, noise = evaluation_tissues("reference", 4.7), small_advice.search_noise_sd

    def objective(protocol: Protocol) -> float:
        found = bound(protocol, tissue, noise)
        return float(np.mean(found.relative_sd(FS) ** 2 + found.relative_sd(KSW) ** 2))

    gain = 100 * (1 - np.sqrt(objective(longer) / objective(given)))
    assert gain == pytest.approx(frame.gain_percent, rel=1e-6)


def test_powers_stay_below_the_limit_and_a_quarter_of_the_frames_stays(small_advice: Advice) -> None:
    assert small_advice.search is not None
    by_label = {a.label: a.protocol for a in small_advice.search.alternatives}
    assert all(max(p.powers_ut) <= 1.0 for p in by_label.values())
    moved = by_label["same powers, offsets moved"]
    kept = set(moved.offsets_ppm) & set(small_protocol().offsets_ppm)
    assert len(kept) >= 24 // 4


def test_a_search_for_fs_alone_finds_at_least_as_good_an_fs(small_advice: Advice) -> None:
    for_fs = advise(small_protocol(), tissue_name="reference", max_b1_ut=1.0, target="fs")
    assert for_fs.search is not None
    assert small_advice.search is not None
    assert for_fs.search.best.fs_percent <= small_advice.search.best.fs_percent


def test_progress_rises_to_one_and_can_cancel() -> None:
    heard: list[float] = []
    protocol = small_protocol()
    advise(protocol, tissue_name="reference", max_b1_ut=0.5, progress=lambda f, _: heard.append(f))
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (0.0, 1.0)

    def cancel(fraction: float, phrase: str) -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        advise(protocol, tissue_name="reference", progress=cancel)


def test_the_muscle_follows_the_field_unless_named() -> None:
    assert advise(named_protocol("human-3T-0.6uT"), search=False).tissue_name == "human"
    assert advise(named_protocol("rat-4.7T-0.25uT"), search=False).tissue_name == "rat"


def test_a_pulse_train_is_judged_by_the_pulses_and_not_by_their_mean_power() -> None:
    """With pauses of half the time ksw is told worse than with continuous power of the same mean square."""
    pulsed = Saturation.pulsed(PulseTrain("block", 0.1, 0.1, count=10))
    offsets = tuple(np.linspace(-4, 4, 17))
    protocol = Protocol(3.0, offsets * 2, (0.4,) * 17 + (0.9,) * 17, pulsed, normalized=True)
    continuous = replace(protocol, saturation=Saturation(duration_s=pulsed.duration_s))
    tissue = evaluation_tissues("reference", 3.0, grid=False)
    by_pulses, by_power = (bound(p, tissue, 0.001).relative_sd(KSW)[0, 0] for p in (protocol, continuous))
    assert by_pulses > 1.2 * by_power
    advice = advise(protocol, tissue_name="reference", noise_sd=(0.001,), roi_voxels=(1,), search=False)
    assert advice.table[0].ksw_percent == pytest.approx(100 * by_pulses)
    assert "one tissue only" in advice_text(advice)


def test_senseless_questions_are_refused() -> None:
    protocol = small_protocol()
    with pytest.raises(PhysicsError, match="'mouse'"):
        advise(protocol, tissue_name="mouse")
    with pytest.raises(PhysicsError, match="at least one noise level"):
        advise(protocol, noise_sd=())
    with pytest.raises(PhysicsError, match="target"):
        advise(protocol, tissue_name="reference", target="mt")
    with pytest.raises(PhysicsError, match="highest B1"):
        advise(protocol, tissue_name="reference", max_b1_ut=-1.0)


def test_table_and_protocol_come_back_from_their_files(small_advice: Advice, tmp_path: Path) -> None:
    names = write_advice(small_advice, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    table, suggested = (tmp_path / name for name in names)
    assert small_advice.search is not None
    assert load_protocol(suggested) == small_advice.search.best.protocol
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(small_advice.table)
    assert float(rows[0]["ksw_sd_percent"]) == pytest.approx(small_advice.table[0].ksw_percent, rel=1e-5)


def test_picture_is_a_png(small_advice: Advice, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_picture(small_advice, tmp_path / "advice.png")
    assert (tmp_path / "advice.png").read_bytes().startswith(b"\x89PNG")


def run_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["advise", *arguments])
    return int(args.func(args))


def test_command_prints_the_table_and_writes_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_protocol(small_protocol(), tmp_path / "p.json")
    out = tmp_path / "out"
    arguments = ["--protocol", str(tmp_path / "p.json"), "--tissue", "reference"]
    code = run_command([*arguments, "--out", str(out), "--max-b1", "0.7"])
    text = capsys.readouterr().out
    assert code == 0
    assert "ksw tellable" in text
    assert "offsets moved" in text
    assert (out / "suggested_protocol.json").is_file()


def test_command_reports_progress_as_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--tissue", "reference", "--protocol", "human-3T-0.6uT", "--max-b1", "0.15"]
    run_command([*arguments, "--progress", "json"])
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["event"] for e in events[:-1]] == ["progress"] * (len(events) - 1)
    assert events[-1]["event"] == "done"


def test_without_matplotlib_the_numbers_are_written_and_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small_advice: Advice
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="figures"):
        write_picture(small_advice, tmp_path / "advice.png")
    assert run_command(["--no-search", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "precision.csv").is_file()
    assert "matplotlib" in capsys.readouterr().err


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"rat-4\.7T-dual.*protocol file"):
        run_command(["--protocol", "nonsense"])


def test_text_names_tissue_prior_and_every_alternative(small_advice: Advice) -> None:
    text = advice_text(small_advice)
    assert "reference muscle" in text
    assert "fs ±29 %, ksw ±33 %" in text
    assert small_advice.search is not None
    assert all(a.label in text for a in small_advice.search.alternatives)
