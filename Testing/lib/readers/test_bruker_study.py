"""A Bruker study: what each scan is, in the library and on the command line."""

from __future__ import annotations

import json
import sys

import pytest
from bruker_scans import STYLES, images_of, numbers, text, write_scan

from PCrCESTLib.cli import main
from PCrCESTLib.readers.bruker.study import list_scans

OFF = {"PVM_MagTransOnOff": "Off"}


def kind(folder, **options):
    """What a scan with these parameters is listed as."""
    write_scan(folder, **options)
    return next(scan.kind for scan in list_scans(folder.parent))


@pytest.mark.parametrize("style", STYLES)
def test_a_saturated_scan_with_a_list_of_offsets_is_cest(tmp_path, style):
    assert kind(tmp_path / "3", style=style) == "CEST"


@pytest.mark.parametrize(
    ("expected", "method", "n_frames"),
    [
        ("T1", {"Method": "<Bruker:RAREVTR>"}, 6),
        ("T1", {"Method": "<User:myRARE>", "MultiRepTime": numbers([200, 800, 3000])}, 3),
        ("T1", {"Method": "<Bruker:FAIR_RARE>", "PVM_FairTIR_Arr": numbers([30, 300, 3000])}, 3),
        ("T1", {"Method": "<Bruker:FISP>", "FISP_inversion_enable": "Yes", "PVM_NMovieFrames": "30"}, 30),
        ("T2", {"Method": "<Bruker:MSME>", "PVM_NEchoImages": "10"}, 10),
        ("other", {"Method": "<Bruker:MGE>", "PVM_NEchoImages": "10"}, 10),
        ("B0", {"Method": "<Bruker:FieldMap>"}, 1),
        ("B1", {"Method": "<User:afi_B1map>"}, 2),
        ("anatomy", {"Method": "<Bruker:RARE>"}, 1),
        ("anatomy", {"Method": "<Bruker:MSME>", "PVM_NEchoImages": "1"}, 1),
        ("other", {"Method": "<Bruker:EPI>"}, 200),
    ],
)
def test_other_scans_are_told_by_method_and_parameters(tmp_path, expected, method, n_frames):
    acqp = {"ACQ_scan_name": text("scan"), "ACQ_protocol_name": text("x")}
    assert kind(tmp_path / "3", images=images_of(n_frames, 6, 4), method=OFF | method, acqp=acqp) == expected


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("T1", "T1map_RARE (E5)"),
        ("T2", "T2 map MSME"),
        ("B1", "B1Map"),
        ("B0", "B0Map-ADJ"),
        ("anatomy", "T1_FLASH"),
        ("anatomy", "T2_TurboRARE (E2)"),
    ],
)
def test_a_name_tells_a_map_but_not_a_weighting(tmp_path, expected, name):
    acqp = {"ACQ_scan_name": text(name), "ACQ_protocol_name": text("x")}
    assert kind(tmp_path / "3", images=images_of(1, 6, 4), method=OFF, acqp=acqp) == expected


def test_one_offset_is_magnetization_transfer(tmp_path):
    method = {"PVM_ppgFreqList1": None, "PVM_MagTransFL": numbers([2000])}
    assert kind(tmp_path / "3", images=images_of(1, 6, 4), method=method) == "other"


@pytest.mark.parametrize(
    ("expected", "hz"),
    [("other", [1000, 2500, 5000, 10000, 20000, 50000]), ("B0", [20000, -100, -50, 0, 50, 100])],
)
def test_lists_far_from_water_or_only_at_water_are_no_cest(tmp_path, expected, hz):
    assert kind(tmp_path / "3", method={"PVM_ppgFreqList1": numbers(hz)}) == expected


def test_phosphorus_is_no_cest_whatever_its_offsets(tmp_path):
    assert kind(tmp_path / "3", visu={"VisuAcqImagedNucleus": "( 8 )\n<31P>"}) == "other"


def test_a_scan_without_images_and_a_damaged_one_are_still_listed(tmp_path):
    write_scan(tmp_path / "1", method=OFF)
    (tmp_path / "1" / "pdata" / "1" / "2dseq").unlink()
    (tmp_path / "1" / "pdata" / "1" / "visu_pars").unlink()
    write_scan(tmp_path / "2")
    (tmp_path / "2" / "method").write_bytes(b"nothing")
    write_scan(tmp_path / "10")
    (tmp_path / "AdjResult").mkdir()
    scans = list_scans(tmp_path)
    assert [(s.folder.name, s.kind) for s in scans] == [("1", "other"), ("2", "unreadable"), ("10", "CEST")]
    assert "method: not a Bruker parameter file" in scans[1].reason


class TestInfo:
    @pytest.fixture
    def study(self, tmp_path):
        slices = [(3, "FG_SLICE"), (6, "FG_CYCLE")]
        places = [(-4, -5, 2.0 * k) for k in range(3)]
        write_scan(tmp_path / "2", images=images_of(1, 6, 4), method=OFF | {"Method": "<Bruker:RARE>"})
        write_scan(tmp_path / "11", "PV360", images_of(18, 6, 4), slices, positions=places)
        return tmp_path

    def test_a_study_is_listed_by_number(self, study, capsys):
        assert main(["info", str(study)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"study {study}"
        assert lines[2].split()[:6] == ["2", "anatomy", "4", "x", "6", "x"]
        assert lines[3].split()[:8] == ["11", "CEST", "4", "x", "6", "x", "3", "6"]
        assert "Wade (E4)" in lines[3]
        assert "6 saturation offsets (PVM_SatTransFreqValues)" in lines[3]

    def test_json_holds_the_same(self, study, capsys):
        assert main(["info", str(study), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["study"] == str(study)
        assert [(s["scan"], s["kind"], s["size"], s["frames"]) for s in document["scans"]] == [
            (2, "anatomy", [4, 6, 1], 1),
            (11, "CEST", [4, 6, 3], 6),
        ]

    def test_a_scan_shows_its_series(self, study, capsys):
        assert main(["info", str(study / "11")]) == 0
        out = capsys.readouterr().out
        for fact in (
            "4 x 6 x 3 voxels",
            "continuous wave 5 s",
            "0.5 µT (5 frames)",
            "5 from -3.5 to 3.5 ppm",
        ):
            assert fact in out

    def test_the_protocol_of_a_whole_study_is_not_one(self, study, capsys):
        assert main(["info", str(study), "--save-protocol", str(study / "p.json")]) == 2
        assert "a study of 2 scans" in capsys.readouterr().err

    def test_without_brukerapi_the_extra_is_named(self, study, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "brukerapi.jcampdx", None)
        assert main(["info", str(study)]) == 2
        assert "pcrcest[bruker]" in capsys.readouterr().err


def test_the_measured_study_has_one_cest_scan(shared_data):
    (scan,) = list_scans(shared_data / "bruker_pv6_cest")
    assert (scan.kind, scan.size, scan.n_frames) == ("CEST", (64, 64, 1), 176)
    assert scan.name == "cestFISP_PRE_INJ (E4)"
