"""``pcrcest companion`` on Bruker scans: the map equals that of the same images as NIfTI."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bruker_scans import MHZ, numbers, text
from companion_scans import (
    ANGLES_DEG,
    B0_PPM,
    FLASH_TR_S,
    R1,
    TIMES_S,
    bruker,
    companion,
    dependent,
    dips,
    flash,
    inversion,
    nifti,
    phases,
    recovery,
    refusal,
)

FIELD_T = MHZ / 42.5764
TI_MS = [1000 * t for t in TIMES_S]
INVERSION_TIMES = {
    "of the images": {"visu": dependent("VisuAcqInversionTime", TI_MS, 8)},
    "of the FAIR method": {"method": {"PVM_FairTIR_Arr": numbers(TI_MS)}},
    "PVM_InversionTimes": {"method": {"PVM_InversionTimes": numbers(TI_MS)}},
    "of the scan": {"acqp": {"ACQ_inversion_time": numbers(TI_MS)}},
}


@pytest.mark.parametrize("place", INVERSION_TIMES)
def test_the_inversion_recovery_gives_what_nifti_gives(tmp_path, place):
    scan = bruker(tmp_path / "5", inversion(tr_s=15.0), **INVERSION_TIMES[place])
    same = nifti(
        tmp_path / "ir.nii.gz",
        np.round(inversion(tr_s=15.0)),
        InversionTime=list(TIMES_S),
        RepetitionTime=15.0,
    )
    found = companion("t1-ir", scan, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(found, companion("t1-ir", same, tmp_path / "b.nii.gz"), rtol=1e-5)
    np.testing.assert_allclose(found, R1, rtol=2e-3)


def test_several_repetition_times_are_a_saturation_recovery(tmp_path):
    scan = bruker(
        tmp_path / "6", recovery()[::-1],
        method={"Method": "<Bruker:RAREVTR>", "MultiRepTime": numbers(TI_MS[::-1])},
    )  # fmt: skip
    same = nifti(tmp_path / "sr.nii.gz", np.round(recovery()), RepetitionTime=list(TIMES_S))
    found = companion("t1-sr", scan, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(found, companion("t1-sr", same, tmp_path / "b.nii.gz"), rtol=1e-5)
    np.testing.assert_allclose(found, R1, rtol=2e-3)


def test_of_several_echoes_at_each_repetition_time_the_first_is_taken(tmp_path, capsys):
    echoes = np.stack([recovery(), 0.5 * recovery()], axis=1).reshape(-1, *R1.shape)
    groups = [(2, "FG_ECHO"), (8, "FG_MOVIE")]
    scan = bruker(
        tmp_path / "6",
        echoes,
        groups,
        method={"MultiRepTime": numbers(TI_MS), "EffectiveTE": numbers([10, 50])},
    )
    np.testing.assert_allclose(companion("t1-sr", scan, tmp_path / "a.nii.gz"), R1, rtol=2e-3)
    assert "the first of 2 echoes was taken" in capsys.readouterr().out


def test_fair_uses_the_inversion_of_everything_with_its_own_repetition_times(tmp_path, capsys):
    tr_s = [t + 2.0 for t in TIMES_S]
    slice_alone = inversion(tr_s=tr_s) * 0.8 + 500
    images = np.concatenate([slice_alone, inversion(tr_s=tr_s)])
    comments = "( 2, 65 )\n<Selective Inversion> <Non-selective Inversion>"
    scan = bruker(
        tmp_path / "7", images, [(8, "FG_MOVIE"), (2, "FG_IRMODE")],
        method={"PVM_FairTIR_Arr": numbers(TI_MS), "MultiRepTime": numbers([1000 * t for t in tr_s])},
        visu={"VisuFGElemComment": comments, "VisuAcqRepetitionTime": None},
    )  # fmt: skip
    np.testing.assert_allclose(companion("t1-ir", scan, tmp_path / "a.nii.gz"), R1, rtol=2e-3)
    assert "after an inversion of everything" in capsys.readouterr().out


def test_scans_of_one_flip_angle_each_are_given_together(tmp_path):
    scans = [
        bruker(
            tmp_path / f"{i + 3}", image[None], [(1, "FG_CYCLE")],
            method={"ExcPulse1": f"(1, 4200, {angle}, Yes, 4, 4200, 0.2, 0.5, 0, 50, 1, <$ExcPulse1Shape>)"},
            visu={"VisuAcqRepetitionTime": numbers([1000 * FLASH_TR_S])},
        )
        for i, (angle, image) in enumerate(zip(ANGLES_DEG, flash(), strict=True))
    ]  # fmt: skip
    found = companion("t1-vfa", scans, tmp_path / "a.nii.gz")
    same = nifti(
        tmp_path / "v.nii.gz", np.round(flash()), FlipAngle=list(ANGLES_DEG), RepetitionTime=FLASH_TR_S
    )
    np.testing.assert_allclose(found, companion("t1-vfa", same, tmp_path / "b.nii.gz"), rtol=1e-5)
    np.testing.assert_allclose(found, R1, rtol=2e-3)


def test_wassr_offsets_come_from_the_method(tmp_path):
    offsets = np.round(np.arange(-1, 1.01, 0.1), 2)
    on = {"PVM_MagTransOnOff": "On", "PVM_ppgFreqList1": numbers(offsets * MHZ)}
    scan = bruker(tmp_path / "8", dips(offsets), method=on)
    np.testing.assert_allclose(companion("b0-wassr", scan, tmp_path / "a.nii.gz"), B0_PPM, atol=0.01)


def test_the_phase_of_two_echoes_gives_b0_at_the_field_of_the_scanner(tmp_path):
    echoes = [0.003, 0.00446]
    images = phases(echoes, FIELD_T)
    visu = {"VisuCoreFrameType": "PHASE_IMAGE"} | dependent("VisuAcqEchoTime", [3.0, 4.46], 2, "FG_ECHO")
    scan = bruker(tmp_path / "9", images, [(2, "FG_ECHO")], scale=np.pi / 30000, visu=visu)
    np.testing.assert_allclose(companion("b0-dual-echo", scan, tmp_path / "a.nii.gz"), B0_PPM, atol=2e-3)


def test_a_field_map_in_hz_is_a_ready_map(tmp_path):
    visu = {"VisuCoreDataUnits": text("[Hz]"), "VisuCoreFrameType": None}
    scan = bruker(tmp_path / "10", B0_PPM[None] * MHZ, [(1, "FG_CYCLE")], scale=0.01, visu=visu)
    np.testing.assert_allclose(companion("b0", scan, tmp_path / "a.nii.gz"), B0_PPM, atol=1e-3)


def test_a_b1_map_in_degrees_takes_the_nominal_angle(tmp_path):
    visu = {"VisuCoreDataUnits": text("degrees"), "VisuAcqFlipAngle": "60"}
    scan = bruker(tmp_path / "11", 60 * (1 + B0_PPM)[None], [(1, "FG_CYCLE")], scale=0.01, visu=visu)
    np.testing.assert_allclose(companion("b1", scan, tmp_path / "a.nii.gz"), 1 + B0_PPM, atol=1e-3)


def test_a_t1_map_in_ms_is_a_ready_map(tmp_path):
    scan = bruker(tmp_path / "12", 1000 / R1[None], [(1, "FG_CYCLE")], visu={"VisuCoreDataUnits": text("ms")})
    np.testing.assert_allclose(companion("t1", scan, tmp_path / "a.nii.gz"), R1, rtol=2e-3)


def test_the_record_has_a_checksum_of_the_scan_that_does_not_depend_on_its_place(tmp_path):
    checksums = []
    for place in ("here/5", "there/17"):
        scan = bruker(tmp_path / place, inversion(), **INVERSION_TIMES["of the scan"])
        (scan / "notes.txt").write_text(place)  # no reader uses it
        companion("t1-ir", scan, scan.parent / "R1.nii.gz")
        (entry,) = json.loads((scan.parent / "R1.json").read_text())["inputs"]
        assert entry["path"] == str(scan)
        checksums.append(entry["sha256"])
    assert checksums[0] == checksums[1]
    assert len(checksums[0]) == 64


MOVIE = {"FISP_inversion_enable": "Yes", "PVM_NMovieFrames": "8"}
REFUSED = {
    "no times": ("t1-ir", {}, "InversionTime is not known"),
    "too few times": (
        "t1-ir", {"method": {"PVM_FairTIR_Arr": numbers(TI_MS[:7])}}, "lists 7 values, which fit no frame group",
    ),
    "endless times": (
        "t1-ir", {"method": {"PVM_FairTIR_Arr": numbers([np.inf, *TI_MS[1:]])}}, "a number that is not finite",
    ),
    "another method's kind": ("t1-sr", INVERSION_TIMES["of the scan"], "use the kind t1-ir"),
    "one repetition time": ("t1-sr", {}, "R1 needs 3 or more"),
    "times in s": (
        "t1-ir", {"method": {"PVM_FairTIR_Arr": numbers(TIMES_S)}}, "reaches only 10 ms, which is no recovery",
    ),
    "a movie of one inversion": (
        "t1-ir", {"method": MOVIE, "acqp": {"ACQ_inversion_time": numbers(TI_MS)}}, "Look-Locker",
    ),
    "phases": (
        "t1-ir", INVERSION_TIMES["of the scan"] | {"visu": {"VisuCoreFrameType": "PHASE_IMAGE"}}, "PHASE_IMAGE",
    ),
    "magnitudes for phases": ("b0-dual-echo", {}, "MAGNITUDE_IMAGE"),
    "no offsets": ("b0-wassr", {}, "SaturationOffsets is not known"),
    "fewer offsets": (
        "b0-wassr",
        {"method": {"PVM_MagTransOnOff": "On", "PVM_ppgFreqList1": numbers(np.linspace(-150, 150, 7))}},
        "lists 7 offsets for 8 images",
    ),
    "too short a repetition": (
        "t1-ir", INVERSION_TIMES["of the FAIR method"] | {"visu": {"VisuAcqRepetitionTime": numbers([20.0])}}, "--tr",
    ),
    "a complex scan": ("t1-ir", {"groups": [(4, "FG_MOVIE"), (2, "FG_COMPLEX")]}, "real and imaginary"),
    "inversions without names": ("t1-ir", {"groups": [(4, "FG_MOVIE"), (2, "FG_IRMODE")]}, "VisuFGElemComment"),
    "several for one map": ("b0", {}, "one map is expected"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_scan_does_not_say_is_asked_for_in_one_sentence(tmp_path, case, capsys):
    kind, changes, words = REFUSED[case]
    scan = bruker(tmp_path / "5", inversion(), **changes)
    assert words in refusal(capsys, tmp_path, kind, scan)


def test_slices_with_times_of_their_own_are_refused(tmp_path, capsys):
    each = np.add.outer(TI_MS, [0.0, 30.0]).ravel()  # slices fastest
    scan = bruker(tmp_path / "5", inversion(), visu={"VisuAcqInversionTime": numbers(each)})
    assert "differs between the slices" in refusal(capsys, tmp_path, "t1-ir", scan)


def test_options_stand_in_for_what_is_missing(tmp_path):
    scan = bruker(
        tmp_path / "5", inversion(), visu={"VisuAcqRepetitionTime": None}, method={"PVM_RepetitionTime": None}
    )
    words = ["--times", *map(str, TIMES_S), "--tr", "60"]
    np.testing.assert_allclose(companion("t1-ir", scan, tmp_path / "a.nii.gz", *words), R1, rtol=2e-3)


def test_times_given_in_spite_of_a_movie_are_taken_with_a_warning(tmp_path, capsys):
    scan = bruker(tmp_path / "5", inversion(tr_s=15.0), method=MOVIE)
    companion("t1-ir", scan, tmp_path / "a.nii.gz", "--times", *map(str, TIMES_S))
    assert "Look-Locker" in capsys.readouterr().out


def test_a_whole_study_is_no_scan(tmp_path, capsys):
    bruker(tmp_path / "study" / "5", inversion())
    assert "pcrcest info" in refusal(capsys, tmp_path, "t1-ir", tmp_path / "study")
