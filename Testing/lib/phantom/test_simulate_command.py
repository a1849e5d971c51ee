"""``pcrcest simulate``: the files it leaves, and what it refuses."""

from __future__ import annotations

import argparse
import gzip
import json

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.commands import simulate
from PCrCESTLib.errors import OutputError, PCrCESTError, PhysicsError, ProtocolError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol_json import save_protocol
from PCrCESTLib.readers import read_rois, read_series
from PCrCESTLib.synthesis import phantom_files
from PCrCESTLib.synthesis.phantom_files import write_phantom


def pcrcest(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_parser(parser.add_subparsers())
    args = parser.parse_args(["simulate", *map(str, arguments)])
    return args.func(args)


@pytest.fixture(scope="session")
def folder(tmp_path_factory, clean):
    """The clean phantom, written."""
    out = tmp_path_factory.mktemp("written") / "leg"
    write_phantom(clean, out)
    return out


def test_all_files_are_there_under_their_agreed_names(folder):
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert names == {
        "sub-sim_cest-0.5uT.nii.gz",
        "sub-sim_cest-0.5uT.json",
        "sub-sim_cest-1uT.nii.gz",
        "sub-sim_cest-1uT.json",
        "sub-sim_anat.nii.gz",
        "sub-sim_R1obs.nii.gz",
        "sub-sim_fm.nii.gz",
        "sub-sim_relB1.nii.gz",
        "sub-sim_B0ppm.nii.gz",
        "sub-sim_labels.nii.gz",
        "sub-sim_labels.tsv",
        "truth/fs.nii.gz",
        "truth/ksw.nii.gz",
        "simulate.json",
    }


def test_the_series_come_back_as_they_were_simulated(folder, clean):
    for series, name in zip(clean.series, ("0.5uT", "1uT"), strict=True):
        again = read_series(folder / f"sub-sim_cest-{name}.nii.gz")
        assert again.protocol == series.protocol
        assert again.geometry.same_as(series.geometry)
        np.testing.assert_array_equal(again.data, series.data)


def test_labels_come_back_with_the_muscles_names(folder, clean):
    rois = read_rois(folder / "sub-sim_labels.nii.gz", clean.geometry)
    assert rois.names == clean.label_names
    np.testing.assert_array_equal(rois.masks.sum(axis=(1, 2, 3)), np.bincount(clean.labels.ravel())[1:])


def stored_floats(path):
    """Voxels as they are in the file: ITK's NIfTI reader turns NaN into 0, other software does not."""
    content = gzip.decompress(path.read_bytes())
    start = int(np.frombuffer(content, "<f4", 1, offset=108)[0])
    return np.frombuffer(content, "<f4", offset=start)


def test_truth_is_not_a_number_outside_muscle(folder, clean):
    np.testing.assert_array_equal(stored_floats(folder / "truth" / "fs.nii.gz"), clean.fs.ravel())
    np.testing.assert_array_equal(stored_floats(folder / "truth" / "ksw.nii.gz"), clean.ksw.ravel())
    assert np.isnan(clean.fs).any()


def test_all_images_lie_in_the_same_place(folder, clean):
    for path in folder.rglob("*.nii.gz"):
        assert Geometry.of_image(sitk.ReadImage(str(path))).same_as(clean.geometry), path.name


def test_the_record_tells_how_to_make_it_again(folder, clean):
    record = json.loads((folder / "simulate.json").read_text())
    assert record["Seed"] == clean.seed
    assert record["Settings"]["muscle_fat"] == 0.0
    assert [m["Name"] for m in record["Muscles"]] == list(clean.label_names)
    soleus = record["Muscles"][3]
    assert soleus["MeanKswPerS"] == pytest.approx(float(clean.ksw[clean.labels == 4].mean()))


@pytest.fixture
def short_protocol(tmp_path, two_powers):
    path = tmp_path / "short.json"
    save_protocol(two_powers, path)
    return path


def test_the_command_writes_and_says_what_it_wrote(tmp_path, short_protocol, capsys):
    out = tmp_path / "made" / "here"
    assert pcrcest("--out", out, "--protocol", short_protocol, "--size", 20, "--slices", 2, "--seed", 7) == 0
    said = capsys.readouterr().out
    assert "0.5 + 1 µT" in said
    assert "left soleus" in said
    assert read_series(out / "sub-sim_cest-1uT.nii.gz").data.shape[1:] == (2, 20, 20)


def test_only_the_folder_asked_for_appears(tmp_path, clean):
    write_phantom(clean, tmp_path / "leg")
    assert [p.name for p in tmp_path.iterdir()] == ["leg"]


def test_an_empty_folder_may_be_filled(tmp_path, clean):
    (tmp_path / "leg").mkdir()
    assert write_phantom(clean, tmp_path / "leg")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, short_protocol):
    keep = tmp_path / "keep.txt"
    keep.write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        pcrcest("--out", tmp_path, "--protocol", short_protocol)
    assert keep.read_text() == "mine"


def test_a_file_is_not_a_folder(tmp_path, short_protocol):
    with pytest.raises(OutputError, match="a file has this name"):
        pcrcest("--out", short_protocol, "--protocol", short_protocol)


def test_a_failing_disk_leaves_nothing_behind(tmp_path, clean, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(phantom_files, "save_protocol", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_phantom(clean, tmp_path / "leg")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(tmp_path, clean, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(phantom_files, "save_protocol", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_phantom(clean, tmp_path / "leg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--protocol", "mouse-1T"], ProtocolError, "rat-4.7T-dual"),
        (["--protocol", "absent.json"], ProtocolError, "absent.json"),
        (["--noise", "-1"], PhysicsError, "noise"),
        (["--noise", "nan"], PhysicsError, "noise"),
        (["--size", "3"], PhysicsError, "16 to"),
        (["--slices", "0"], PhysicsError, "slices"),
        (["--seed", "-4"], PhysicsError, "seed"),
        (["--family", "frog"], PhysicsError, "realistic"),
    ],
)
def test_bad_requests_get_one_sentence_and_leave_nothing(tmp_path, arguments, error, said):
    with pytest.raises(error, match=said) as caught:
        pcrcest("--out", tmp_path / "leg", *arguments)
    assert isinstance(caught.value, PCrCESTError)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
