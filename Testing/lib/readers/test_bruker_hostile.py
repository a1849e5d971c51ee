"""Damaged Bruker scans: one clean sentence that names the file, or a result; soon, and in little memory."""

from __future__ import annotations

import os
import random
import time
import tracemalloc

import pytest
from bruker_scans import STYLES, contents, damage, images_of, numbers, write_scan

from PCrCESTLib.errors import GeometryError, PCrCESTError, ReaderError
from PCrCESTLib.readers import read_series
from PCrCESTLib.readers.bruker.study import list_scans

MUTATIONS = 150


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "study" / "4"


@pytest.mark.parametrize("style", STYLES)
def test_damage_never_escapes_the_error_family(folder, style, capfd):
    intact = contents(write_scan(folder, style))
    rng = random.Random(style)
    sentences = []
    for _ in range(MUTATIONS):
        damage(folder, intact, rng)
        try:
            read_series(folder)
        except PCrCESTError as error:
            sentences.append(str(error))
        assert len(list_scans(folder.parent)) == 1
    assert len(sentences) > MUTATIONS // 4
    assert all(str(folder) in sentence and "\n" not in sentence for sentence in sentences)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_images_cut_short_are_refused(folder, kept):
    images = write_scan(folder) / "pdata" / "1" / "2dseq"
    images.write_bytes(images.read_bytes()[:kept])
    with pytest.raises(
        ReaderError, match=r"2dseq: the file has \d+ bytes but visu_pars beside it describes 288"
    ):
        read_series(folder)


def test_images_of_another_reconstruction_are_refused(folder):
    images = write_scan(folder) / "pdata" / "1" / "2dseq"
    images.write_bytes(images.read_bytes() * 2)
    with pytest.raises(ReaderError, match="the file has 576 bytes"):
        read_series(folder)


@pytest.mark.parametrize("name", ["visu_pars", "2dseq"])
def test_a_missing_file_is_named(folder, name):
    (write_scan(folder) / "pdata" / "1" / name).unlink()
    with pytest.raises(ReaderError, match=rf"{name}: .* missing"):
        read_series(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_folder_or_a_pipe_in_place_of_a_parameter_file_is_not_waited_for(folder):
    visu = write_scan(folder) / "pdata" / "1" / "visu_pars"
    visu.unlink()
    os.mkfifo(visu)
    with pytest.raises(ReaderError, match="missing"):
        read_series(folder)
    visu.unlink()
    visu.mkdir()
    with pytest.raises(ReaderError, match="missing"):
        read_series(folder)


@pytest.mark.parametrize(
    ("visu", "kind", "sentence"),
    [
        ({"VisuCoreSize": numbers([60000, 60000])}, ReaderError, "more than any scan has"),
        ({"VisuCoreSize": numbers([1e9, 1e9])}, ReaderError, "no image has"),
        ({"VisuCoreSize": numbers([4.5, 6])}, ReaderError, "no image has"),
        ({"VisuCoreSize": numbers([4, 6, 2, 2])}, ReaderError, "no images"),
        ({"VisuCoreSize": None}, ReaderError, "VisuCoreSize is missing"),
        ({"VisuCoreFrameCount": "2147483647"}, ReaderError, "frame groups are 6 FG_CYCLE"),
        ({"VisuCoreFrameCount": "-6"}, ReaderError, "VisuCoreFrameCount is damaged"),
        ({"VisuFGOrderDesc": "( 1 )\n(7, <FG_CYCLE>, <>, 0, 0)"}, ReaderError, "frame groups are 7 FG_CYCLE"),
        ({"VisuFGOrderDesc": "( 1 )\n(<FG_CYCLE>, 6)"}, ReaderError, "VisuFGOrderDesc is damaged"),
        ({"VisuFGOrderDesc": "( 2 )\n(2, <A>) (3, <A>)"}, ReaderError, "VisuFGOrderDesc is damaged"),
        ({"VisuCoreDataSlope": numbers([1, 2])}, ReaderError, "VisuCoreDataSlope has 2 values for 6 frames"),
        ({"VisuCoreDataSlope": "( 6 )\n1 2 3 4 5 nan"}, ReaderError, "no number"),
        ({"VisuCoreDataSlope": None}, ReaderError, "VisuCoreDataSlope is missing"),
        ({"VisuCoreDataOffs": "( 6 )\n@999999999*(0)"}, ReaderError, "VisuCoreDataOffs is damaged"),
        (
            {"VisuCoreDataOffs": "( 6 )\n" + "@99*(" * 9 + "0" + ")" * 9},
            ReaderError,
            "VisuCoreDataOffs is damaged",
        ),
        (
            {"VisuCoreDataOffs": "( 6 )\n@9999999*(<)>) @9999999*(1)"},
            ReaderError,
            "VisuCoreDataOffs is damaged",
        ),
        ({"VisuFGOrderDesc": "( 1 )\n" + "(1, <a>) " * 50_000}, ReaderError, "VisuFGOrderDesc is damaged"),
        (
            {"VisuCoreDataSlope": "( 1 )\n" + "(1, <a>) " * 50_000},
            ReaderError,
            "VisuCoreDataSlope is damaged",
        ),
        ({"VisuFGOrderDesc": "( 1 )\n" + "(" * 5000 + ")" * 5000}, ReaderError, "VisuFGOrderDesc is damaged"),
        ({"VisuCoreOrientation": numbers([1] * 9, 1, 9)}, GeometryError, "not perpendicular"),
        ({"VisuCorePosition": "( 1, 3 )\n1e999 0 0"}, GeometryError, "not finite"),
        ({"VisuCoreExtent": numbers([0, 12])}, GeometryError, "positive finite spacings"),
        ({"VisuCorePosition": numbers([[0, 0, 0], [1, 1, 1]], 2, 3)}, ReaderError, "2 places for 1 slices"),
    ],
)
def test_absurd_parameters_are_named(folder, visu, kind, sentence):
    write_scan(folder, visu=visu)
    started = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(kind, match=sentence):
            read_series(folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - started < 5.0
    assert peak < 30e6


@pytest.mark.parametrize("name", ["method", "acqp", "pdata/1/visu_pars"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 1000, b"##TITLE=x\n##JCAMPDX=9.99\n##END=\n"])
def test_what_is_no_parameter_file_is_refused(folder, name, content):
    (write_scan(folder) / name).write_bytes(content)
    with pytest.raises(ReaderError, match=rf"{name}: not a Bruker parameter file"):
        read_series(folder)


def test_an_endless_parameter_file_is_not_read(folder):
    with (write_scan(folder) / "method").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(ReaderError, match="longer than 4 MiB"):
        read_series(folder)


@pytest.mark.parametrize("line", [b"##$A=1\n", b"<\n", b"\r"])
def test_a_parameter_file_of_countless_lines_is_refused_at_once(folder, line):
    (write_scan(folder) / "method").write_bytes(b"##TITLE=x\n##JCAMPDX=4.24\n" + line * 500_000)
    with pytest.raises(ReaderError, match="more lines or parameters"):
        read_series(folder)


def test_offsets_of_mixed_or_missing_numbers_are_not_guessed(folder):
    for listed in ("( 6 )\n1 2 3 4 5 x", "( 6 )\n1 2 3 4 5 nan", "( 6 )\n", "( 7 )\n1 2 3 4 5 6"):
        write_scan(folder, method={"PVM_ppgFreqList1": listed})
        with pytest.raises(PCrCESTError, match=r"PVM_ppgFreqList1"):
            read_series(folder)


def test_a_link_to_itself_is_no_scan(tmp_path):
    study = tmp_path / "study"
    write_scan(study / "1")
    (study / "2").symlink_to(study)
    (study / "3").symlink_to(study / "3")
    assert [scan.folder.name for scan in list_scans(study)] == ["1"]


def test_slices_and_frames_must_multiply_to_the_stored_frames(folder):
    write_scan(folder, images=images_of(6, 6, 4), groups=[(3, "FG_SLICE"), (6, "FG_CYCLE")])
    with pytest.raises(
        ReaderError, match="VisuCoreFrameCount is 6 but the frame groups are 3 FG_SLICE x 6 FG_CYCLE"
    ):
        read_series(folder)
