"""A site trains on its own scans with one command, and the card says what went into it."""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.commands.site_background import site_background
from PCrCESTLib.errors import ModelMismatchError, PCrCESTError
from PCrCESTLib.models.model import load_model
from PCrCESTLib.models.registry import find_model, starting_model
from PCrCESTLib.models.training import FIXED_PARAMETERS, TrainingPlan, train_model
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis.backgrounds import load_backgrounds, simulate_backgrounds

LOW_POWER, DUAL = "rat-4.7T-0.25uT", "rat-4.7T-dual"


def simulated(folder: Path, protocol: str, seed: int) -> Path:
    words = [
        "simulate",
        "--out",
        str(folder),
        "--protocol",
        protocol,
        "--noise",
        "0.005",
        "--seed",
        str(seed),
    ]
    assert main([*words, "--normalized"]) == 0
    return folder


@pytest.fixture(scope="module")
def a_rat(tmp_path_factory) -> Path:
    return simulated(tmp_path_factory.mktemp("low") / "scan", LOW_POWER, 1)


@pytest.fixture(scope="module")
def two_dual_rats(tmp_path_factory) -> list[Path]:
    return [simulated(tmp_path_factory.mktemp("dual") / "scan", DUAL, seed) for seed in (1, 2)]


def series_of(rats: list[Path]) -> list[Path]:
    """Powers of the first rat, then of the second."""
    return [path for rat in rats for path in sorted(rat.glob("*_cest-*.nii.gz"))]


def maps_of(rats: list[Path], stem: str) -> list[Path]:
    return [rat / f"sub-sim_{stem}.nii.gz" for rat in rats]


def arguments(rats: list[Path], **changes: object) -> argparse.Namespace:
    usual = {
        "background_from": series_of(rats),
        "r1": maps_of(rats, "R1obs"),
        "rois": maps_of(rats, "labels"),
    }
    return argparse.Namespace(**({"protocol": DUAL, "t1": None, "mask": None, **usual} | changes))


def extracted(args: argparse.Namespace):
    return site_background(args, named_protocol(args.protocol), lambda *_: None)


@pytest.fixture(scope="module")
def trained(a_rat, tmp_path_factory) -> tuple[Path, list[str]]:
    out = tmp_path_factory.mktemp("models") / "own"
    words = ["train", "--protocol", LOW_POWER, "--name", "own", "--out", str(out), "--samples", "10000"]
    words += ["--background-from", *map(str, series_of([a_rat])), "--r1", str(maps_of([a_rat], "R1obs")[0])]
    words += ["--rois", str(maps_of([a_rat], "labels")[0]), "--progress", "none"]
    assert main(words) == 0
    return out, words


def test_the_background_lies_beside_the_model_and_the_card_knows_the_scans(trained, a_rat):
    out, words = trained
    backgrounds = load_backgrounds(out / "own_background.npz")
    training = load_model(out / "own.json").card.training
    assert training["background_provenance"] == backgrounds.provenance
    (scan,) = backgrounds.provenance["scans"]
    series = series_of([a_rat])[0]
    assert scan["files"][0] == {
        "role": "series",
        "name": series.name,
        "sha256": hashlib.sha256(series.read_bytes()).hexdigest(),
    }
    assert [f["role"] for f in scan["files"]] == ["series", "r1", "rois"]
    assert len(scan["blocks"]) == backgrounds.n_tissues == 10
    assert {block["region"] for block in scan["blocks"]} >= {"right soleus", "left peroneus"}
    assert all(60 <= block["voxels"] < 120 and block["fit_rms"][0] < 0.005 for block in scan["blocks"])
    assert str(a_rat) not in json.dumps(backgrounds.provenance)  # a model may be passed on
    assert set(shlex.split(training["command"])[1:]) >= set(words) - {"--progress", "none", "10000"}


def test_training_goes_on_from_the_bundled_model(trained):
    """A few steps from it stay near it, in the same first layer; from nothing they would know nothing."""
    out, _ = trained
    model, bundled = load_model(out / "own.json"), find_model(LOW_POWER)
    assert model.card.training["initial"]["name"] == LOW_POWER
    for name, values in bundled.params.items():
        same = name.rsplit(".", 1)[1] in FIXED_PARAMETERS
        assert np.array_equal(model.params[name], values) == same, name
    before, after = model.card.training["initial"]["errors_on_these_spectra"], model.card.measured_errors
    for old, new in zip(before, after, strict=True):
        assert new["fs_rmse"] == pytest.approx(old["fs_rmse"], rel=0.15)
    nothing = bundled.log_sd[0]  # relative error of always answering the middle of the prior, roughly
    assert after[-1]["fs_rmse"] < 0.6 * nothing


def test_the_powers_of_each_subject_are_put_together(two_dual_rats):
    """Two rats of two series each: as many backgrounds as each gives alone, in order."""
    both, _ = extracted(arguments(two_dual_rats))
    alone = [extracted(arguments([rat]))[0] for rat in two_dual_rats]
    np.testing.assert_array_equal(both.mt, np.concatenate([b.mt for b in alone]))
    np.testing.assert_array_equal(both.b1_ut, [0.5, 1.0])
    assert both.source == f"{both.n_tissues} blocks of measured muscle from 2 subjects"


def test_a_scan_without_maps_is_taken_as_a_whole_and_that_is_said(two_dual_rats):
    found, notes = extracted(arguments(two_dual_rats[:1], r1=None, rois=None))
    assert found.n_tissues >= 5
    assert any("neither regions nor a mask" in note for note in notes)
    assert any("R1obs is unknown" in note for note in notes)


@pytest.mark.parametrize(
    ("series", "changes", "message"),
    [
        (slice(0, 3), {}, r"still lacks 1 µT; give every power \(0\.5 \+ 1 µT\)"),
        (slice(0, 4), {"r1": slice(0, 1)}, "--r1 has 1 files for 2 subjects"),
    ],
)
def test_incomplete_sets_are_refused(two_dual_rats, series, changes, message):
    args = arguments(two_dual_rats, background_from=series_of(two_dual_rats)[series])
    for name, chosen in changes.items():
        setattr(args, name, getattr(args, name)[chosen])
    with pytest.raises(PCrCESTError, match=message):
        extracted(args)


def test_scans_of_another_protocol_are_refused(a_rat):
    args = arguments([a_rat], protocol="rat-4.7T-0.25uT")
    other = replace(named_protocol(LOW_POWER), field_t=7.0)
    with pytest.raises(
        ModelMismatchError, match=r"not of the protocol to train for: field 4\.7 T, model 7 T"
    ):
        site_background(args, other, lambda *_: None)


def test_maps_need_scans(tmp_path, capsys):
    words = ["train", "--protocol", LOW_POWER, "--name", "own", "--out", str(tmp_path / "m")]
    assert main([*words, "--r1", "r1.nii.gz"]) == 2
    assert "--r1 goes with the scans of --background-from" in capsys.readouterr().err


def test_only_a_model_of_the_same_offsets_can_be_trained_on():
    protocol = named_protocol(LOW_POWER)
    keep = [i for i in protocol.saturated_frames if i % 2 == 0]
    sparse = replace(
        protocol,
        offsets_ppm=tuple(protocol.offsets_ppm[i] for i in keep),
        b1_ut=tuple(protocol.b1_ut[i] for i in keep),
        reference_frames=(),
    )
    assert starting_model(protocol).card.name == LOW_POWER
    assert starting_model(sparse) is None
    backgrounds = simulate_backgrounds(sparse, 1, np.random.default_rng(0))
    with pytest.raises(
        ModelMismatchError, match=r"training cannot start from model rat-4[.]7T-0[.]25uT: .*offsets"
    ):
        train_model("x", sparse, TrainingPlan(), backgrounds=backgrounds, initial=find_model(LOW_POWER))
