"""``pcrcest info`` offers the companion maps of a study, with commands that work as they stand."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bruker_scans import MHZ, numbers, text
from companion_scans import ANGLES_DEG, B0_PPM, FLASH_TR_S, GRID, R1, TIMES_S, bruker, flash, inversion
from dicom_samples import generate_uid, image, place, write

from PCrCESTLib.cli import main
from PCrCESTLib.readers import read_map

TI_MS = [1000 * t for t in TIMES_S]
OFFSETS_PPM = [100.0, -3.5, 0.0, 2.0, 2.6, 3.5]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CEST scan (4), its T1 (5) and B0 (6) scans, a T1 scan elsewhere (7) and one that cannot be used (8)."""
    folder = tmp_path / "my study"
    on = {"PVM_MagTransOnOff": "On", "PVM_ppgFreqList1": numbers(np.array(OFFSETS_PPM) * MHZ)}
    bruker(folder / "4", np.full((6, *GRID.shape), 500.0), method=on)
    ir: dict[str, Any] = {"method": {"PVM_FairTIR_Arr": numbers(TI_MS)}}
    bruker(folder / "5", inversion(tr_s=15.0), **ir)
    named = {"acqp": {"ACQ_scan_name": text("B0 map (E6)")}}
    bruker(
        folder / "6", B0_PPM[None] * MHZ, [(1, "FG_CYCLE")], scale=0.01,
        visu={"VisuCoreDataUnits": text("[Hz]")}, **named,
    )  # fmt: skip
    elsewhere = {"VisuCorePosition": numbers([[-4.0, -5.0, 91.5], [-4.0, -5.0, 94.5]], 2, 3)}
    bruker(folder / "7", inversion(), visu=elsewhere, **ir)
    bruker(folder / "8", inversion(), method={"PVM_FairTIR_Arr": numbers(TI_MS[:5])})
    monkeypatch.chdir(tmp_path)
    return folder


def offers(given: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["info", str(given), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_commands_of_a_study_make_the_maps_of_its_cest_scan(study, capsys):
    (block,) = offers(study, capsys)["companions"]
    assert block["cest"] == [4]
    assert [(*o["scans"], o.get("kind"), o.get("option")) for o in block["offers"]] == [
        (5, "t1-ir", "--r1"),
        (6, "b0", "--b0"),
        (8, None, None),
    ]
    assert "lists 5 values" in block["offers"][2]["reason"]
    for offer, quantity, truth in zip(block["offers"], ("r1", "b0"), (R1, B0_PPM), strict=False):
        words = shlex.split(offer["command"])
        assert words[0] == "pcrcest"
        assert main(words[1:]) == 0
        found = read_map(Path(offer["map"]), quantity, GRID).values
        np.testing.assert_allclose(found, truth, atol=2e-3)


def test_a_reader_sees_them_below_the_table(study, capsys):
    assert main(["info", str(study)]) == 0
    shown = capsys.readouterr().out.split("companion maps on the slices of 4:\n")[1].splitlines()
    scan = shlex.quote(str(study / "5"))
    assert (
        shown[0]
        == f"pcrcest companion t1-ir {scan} --out R1map_5.nii.gz, then quantify with --r1 R1map_5.nii.gz"
    )
    assert shown[2].startswith("scan 8 (T1) gives no map as it is")
    assert len(shown) == 3


def test_a_cest_scan_shows_those_of_its_study(study, capsys):
    protocol = study.parent / "p.json"
    protocol.write_text(
        json.dumps({"SaturationB1": 0.5, "SaturationDuration": 5.0, "SaturationType": "continuous"})
    )
    assert main(["info", str(study / "4"), "--protocol", str(protocol)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("companion ")]
    assert [("t1-ir" in line, "b0" in line) for line in lines[:2]] == [(True, False), (False, True)]
    assert len(lines) == 3


def test_a_part_of_the_slices_is_said(study, capsys):
    visu = {"VisuCorePosition": numbers([[-4.0, -5.0, 4.5], [-4.0, -5.0, 7.5]], 2, 3)}
    bruker(study / "9", inversion(), visu=visu, method={"PVM_FairTIR_Arr": numbers(TI_MS)})
    assert main(["info", str(study)]) == 0
    assert "R1map_9.nii.gz (covers 50% of the voxels)" in capsys.readouterr().out


def test_scans_of_one_flip_angle_each_are_offered_together(study, capsys):
    for i, (angle, volume) in enumerate(zip(ANGLES_DEG, flash(), strict=True)):
        bruker(
            study / f"{20 + i}", volume[None], [(1, "FG_CYCLE")], acqp={"ACQ_flip_angle": f"{angle}"},
            visu={"VisuAcqRepetitionTime": numbers([1000 * FLASH_TR_S]), "VisuAcqEchoTime": numbers([3.0])},
        )  # fmt: skip
    bruker(study / "30", flash()[:1], [(1, "FG_CYCLE")], visu={"VisuAcqEchoTime": numbers([9.0])})
    (block,) = offers(study, capsys)["companions"]
    offer = block["offers"][-1]
    assert (offer["scans"], offer["kind"]) == ([20, 21, 22, 23, 24], "t1-vfa")
    assert main(shlex.split(offer["command"])[1:]) == 0
    np.testing.assert_allclose(read_map(Path(offer["map"]), "r1", GRID).values, R1, rtol=2e-3)


def test_dicom_series_of_one_time_each_are_offered_together(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images, uids = np.round(inversion(tr_s=15.0)).astype(np.int16), [generate_uid() for _ in TIMES_S]
    cest = generate_uid()
    for z in range(GRID.size[2]):
        for i, t in enumerate(TI_MS):
            own = {
                "InversionTime": t,
                "RepetitionTime": 15000,
                "SeriesNumber": 10 + i,
                "InstanceNumber": z + 1,
            }
            write(
                place(image(images[i, z], uids[i], SeriesDescription="ir", **own), GRID, z),
                tmp_path / f"{i}_{z}",
            )
        for i, ppm in enumerate(OFFSETS_PPM):
            own = {"SeriesNumber": 3, "InstanceNumber": i + 1, "AcquisitionNumber": i + 1}
            dataset = image(images[7, z], cest, ImageComments=f"{ppm:+g} ppm", **own)
            write(place(dataset, GRID, z), tmp_path / f"cest{i}_{z}")
    (block,) = offers(tmp_path, capsys)["companions"]
    (offer,) = block["offers"]
    assert (offer["scans"], offer["kind"]) == (list(range(10, 18)), "t1-ir")
    assert main(shlex.split(offer["command"])[1:]) == 0
    np.testing.assert_allclose(read_map(Path(offer["map"]), "r1", GRID).values, R1, rtol=2e-3)


def test_a_study_without_a_cest_scan_offers_nothing(study, capsys):
    shutil.rmtree(study / "4")
    assert offers(study, capsys)["companions"] == []
