"""``pcrcest companion``: from the scan of a companion to the map that ``quantify`` takes."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_map
from PCrCESTLib.readers.image_io import read_volume

GRID = Geometry((12, 10, 2), (0.5, 0.5, 2.0), (1.0, 2.0, 3.0))
TI_S = [0.05, 0.12, 0.3, 0.6, 1.2, 2.4, 5.0, 10.0]
OFFSETS = np.round(np.arange(-1, 1.01, 0.1), 2).tolist()
R1 = np.random.default_rng(0).uniform(0.4, 1.2, GRID.shape)
B0_PPM = np.random.default_rng(1).uniform(-0.3, 0.3, GRID.shape)
TISSUE = np.ones(GRID.shape, bool)
TISSUE[:, :2] = False


def write(path, images, **settings):
    import SimpleITK as sitk

    path.parent.mkdir(exist_ok=True)
    sitk.WriteImage(GRID.to_image(np.asarray(images, np.float32)), str(path))
    if settings:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(settings))
    return path


def read(path):
    return read_volume(path).array.astype(float)


def with_air(images, sd=0.3):
    """Images (n, z, y, x) of tissue with air around, both with Rician noise."""
    rng = np.random.default_rng(2)
    images = images * TISSUE
    return np.hypot(images + rng.normal(0, sd, images.shape), rng.normal(0, sd, images.shape))


def inversion_images():
    return with_air(np.stack([np.abs(500 * (1 - 1.95 * np.exp(-t * R1))) for t in TI_S]))


def saturation_images():
    return with_air(np.stack([500 * (1 - np.exp(-t * R1)) for t in TI_S]))


def flash_images(relative_b1=1.0):
    a, e = np.radians([2, 4, 8, 12, 20])[:, None, None, None] * relative_b1, np.exp(-0.015 * R1)
    return with_air(9000 * np.sin(a) * (1 - e) / (1 - e * np.cos(a)))


def dips():
    distance = np.array(OFFSETS)[:, None, None, None] - B0_PPM
    return with_air(500 * (1 - 0.9 / (1 + (distance / 0.2) ** 2)))


def phases():
    echoes = np.array([0.004, 0.00646])[:, None, None, None]
    phase = 0.7 + 2 * np.pi * 42.5764 * 3 * B0_PPM * echoes
    return np.round(np.angle(np.exp(1j * phase)) / np.pi * 4095)


SCANS = {
    "t1-ir": (inversion_images, {"InversionTime": TI_S}, "r1", R1, 0.01),
    "t1-sr": (saturation_images, {"RepetitionTime": TI_S}, "r1", R1, 0.02),
    "t1-vfa": (flash_images, {"FlipAngle": [2, 4, 8, 12, 20], "RepetitionTime": 0.015}, "r1", R1, 0.02),
    "b0-wassr": (dips, {"SaturationOffsets": OFFSETS, "SaturationOffsetsUnits": "ppm"}, "b0", B0_PPM, 0.01),
    "b0-dual-echo": (
        phases, {"EchoTime": [0.004, 0.00646], "MagneticFieldStrength": 3.0}, "b0", B0_PPM, 0.002,
    ),
    "b1": (lambda: 60 * (1 + B0_PPM), {"FlipAngle": 60, "Units": "degrees"}, "b1", 1 + B0_PPM, 1e-5),
}  # fmt: skip


@pytest.mark.parametrize("kind", SCANS)
def test_quantify_takes_the_map_as_it_is(tmp_path, kind, capsys):
    images, settings, quantity, truth, tolerance = SCANS[kind]
    scan = write(tmp_path / "scan.nii.gz", images(), **settings)
    out = tmp_path / "maps" / "leg_map.nii.gz"
    assert main(["companion", kind, str(scan), "--out", str(out)]) == 0
    assert f"--{quantity}" in capsys.readouterr().out
    found = read_map(out, quantity, GRID)
    inside = TISSUE & np.isfinite(found.values)
    assert inside.sum() > 0.98 * TISSUE.sum()
    np.testing.assert_allclose(found.values[inside], truth[inside], atol=tolerance)
    if kind not in ("b0-dual-echo", "b1"):
        assert not np.isfinite(found.values[~TISSUE]).any()
        sd = read(tmp_path / "maps" / "leg_map_sd.nii.gz")
        assert np.all(sd[inside] > 0)
    assert not list(out.parent.glob(".*"))


def test_the_json_file_tells_where_the_map_comes_from(tmp_path):
    scan = write(tmp_path / "ir.nii.gz", inversion_images(), InversionTime=TI_S, RepetitionTime=15.0)
    assert main(["companion", "t1-ir", str(scan), "--out", str(tmp_path / "R1.nii.gz")]) == 0
    record = json.loads((tmp_path / "R1.json").read_text())
    assert record["Units"] == "1/s"
    assert record["software"].startswith("PCrCEST ")
    assert record["parameters"]["InversionTime"] == TI_S
    assert record["parameters"]["RepetitionTime"] == 15.0
    assert {i["role"]: i["sha256"] for i in record["inputs"]} == {
        "series": hashlib.sha256(scan.read_bytes()).hexdigest(),
        "settings": hashlib.sha256((tmp_path / "ir.json").read_bytes()).hexdigest(),
    }


def test_options_stand_in_for_the_json_file(tmp_path):
    scan = write(tmp_path / "ir.nii.gz", inversion_images())
    words = ["--times", *map(str, TI_S), "--tr", "20"]
    assert main(["companion", "t1-ir", str(scan), *words, "--out", str(tmp_path / "R1.nii.gz")]) == 0
    assert np.nanmedian(read(tmp_path / "R1.nii.gz")) == pytest.approx(np.median(R1), abs=0.03)


def test_one_file_an_image_with_its_own_json_file_is_a_series_too(tmp_path):
    names = [f"inv-{i}_IRT1.nii.gz" for i in range(8)]
    for name, image, t in zip(names, inversion_images(), TI_S, strict=True):
        write(tmp_path / "ir" / name, image, InversionTime=t)
    files = [str(tmp_path / "ir" / name) for name in names]
    assert main(["companion", "t1-ir", *files[::-1], "--out", str(tmp_path / "a.nii.gz")]) == 0
    assert main(["companion", "t1-ir", str(tmp_path / "ir"), "--out", str(tmp_path / "b.nii.gz")]) == 0
    np.testing.assert_allclose(read(tmp_path / "a.nii.gz"), read(tmp_path / "b.nii.gz"), rtol=1e-4)


@pytest.mark.parametrize(("kind", "key"), [("t1-ir", "InversionTime"), ("t1-sr", "RepetitionTime")])
def test_times_in_ms_are_told_and_said(tmp_path, kind, key, capsys):
    images = SCANS[kind][0]()
    scan = write(tmp_path / "scan.nii.gz", images, **{key: [1000 * t for t in TI_S]})
    assert main(["companion", kind, str(scan), "--out", str(tmp_path / "R1.nii.gz")]) == 0
    assert "can only be ms" in capsys.readouterr().out
    assert np.nanmedian(read(tmp_path / "R1.nii.gz")) == pytest.approx(np.median(R1), abs=0.03)


def test_real_valued_inversion_recovery_is_told_by_its_negative_images(tmp_path):
    signed = np.stack([500 * (1 - 1.95 * np.exp(-t * R1)) * TISSUE for t in TI_S])
    scan = write(tmp_path / "ir.nii.gz", signed, InversionTime=TI_S)
    assert main(["companion", "t1-ir", str(scan), "--out", str(tmp_path / "R1.nii.gz")]) == 0
    assert json.loads((tmp_path / "R1.json").read_text())["parameters"]["signed"] is True
    np.testing.assert_allclose(read(tmp_path / "R1.nii.gz")[TISSUE], R1[TISSUE], rtol=1e-3)


def test_flip_angles_take_a_b1_map(tmp_path):
    relative = np.random.default_rng(4).uniform(0.8, 1.2, GRID.shape)
    scan = write(
        tmp_path / "v.nii.gz", flash_images(relative), FlipAngle=[2, 4, 8, 12, 20], RepetitionTime=0.015
    )
    b1 = write(tmp_path / "b1.nii.gz", relative)
    out = tmp_path / "R1.nii.gz"
    assert main(["companion", "t1-vfa", str(scan), "--b1", str(b1), "--out", str(out)]) == 0
    np.testing.assert_allclose(read(out)[TISSUE], R1[TISSUE], atol=0.03)


def test_the_sign_of_the_phase_can_be_turned(tmp_path):
    scan = write(tmp_path / "p.nii.gz", phases())
    words = ["--echo-times", "0.004", "0.00646", "--field", "3", "--flip-phase"]
    assert main(["companion", "b0-dual-echo", str(scan), *words, "--out", str(tmp_path / "b0.nii.gz")]) == 0
    np.testing.assert_allclose(read(tmp_path / "b0.nii.gz"), -B0_PPM, atol=0.002)


def test_a_phase_difference_comes_with_two_echo_times(tmp_path):
    difference = 2 * np.pi * 42.5764 * 3 * B0_PPM * 0.00246
    scan = write(
        tmp_path / "phasediff.nii.gz", difference, EchoTime1=4.0, EchoTime2=6.46, MagneticFieldStrength=3
    )
    assert main(["companion", "b0-dual-echo", str(scan), "--out", str(tmp_path / "b0.nii.gz")]) == 0
    np.testing.assert_allclose(read(tmp_path / "b0.nii.gz"), B0_PPM, atol=1e-5)


def test_unsaturated_images_and_hz_are_understood_in_wassr(tmp_path):
    images = np.concatenate([with_air(500 * np.ones((1, *GRID.shape))), dips()])
    offsets_hz = [None, *(o * 42.5764 * 3 for o in OFFSETS)]
    scan = write(
        tmp_path / "w.nii.gz", images,
        SaturationOffsets=offsets_hz, SaturationOffsetsUnits="Hz", MagneticFieldStrength=3.0,
    )  # fmt: skip
    assert main(["companion", "b0-wassr", str(scan), "--out", str(tmp_path / "b0.nii.gz")]) == 0
    np.testing.assert_allclose(read(tmp_path / "b0.nii.gz")[TISSUE], B0_PPM[TISSUE], atol=0.01)


def test_a_mask_says_where_to_compute(tmp_path):
    scan = write(tmp_path / "ir.nii.gz", inversion_images(), InversionTime=TI_S)
    inside = np.zeros(GRID.shape, np.uint8)
    inside[:, 4:6, 3:9] = 1
    mask = write(tmp_path / "mask.nii.gz", inside)
    out = tmp_path / "R1.nii.gz"
    assert main(["companion", "t1-ir", str(scan), "--mask", str(mask), "--out", str(out)]) == 0
    np.testing.assert_array_equal(np.isfinite(read(out)), inside == 1)


def test_an_earlier_map_is_only_replaced_when_asked(tmp_path, capsys):
    scan = write(tmp_path / "ir.nii.gz", inversion_images(), InversionTime=TI_S)
    out = tmp_path / "R1.nii.gz"
    (tmp_path / "R1_sd.nii.gz").write_bytes(b"mine")
    command = ["companion", "t1-ir", str(scan), "--out", str(out)]
    assert main(command) == 2
    assert "R1_sd.nii.gz: this file already exists" in capsys.readouterr().err
    assert not out.exists()
    assert main([*command, "--overwrite"]) == 0
    assert out.exists()


def test_the_sd_of_an_earlier_map_does_not_stay_beside_a_new_one(tmp_path):
    scan = write(tmp_path / "b1.nii.gz", 1 + B0_PPM)
    (tmp_path / "map_sd.nii.gz").write_bytes(b"of another map")
    out = str(tmp_path / "map.nii.gz")
    assert main(["companion", "b1", str(scan), "--out", out, "--overwrite"]) == 0
    assert not (tmp_path / "map_sd.nii.gz").exists()


def test_the_scan_itself_is_never_overwritten(tmp_path, capsys):
    scan = write(tmp_path / "ir.nii.gz", inversion_images(), InversionTime=TI_S)
    before = scan.read_bytes()
    for out in (scan, tmp_path / "ir.nii"):  # the second would take the place of ir.json
        assert main(["companion", "t1-ir", str(scan), "--out", str(out), "--overwrite"]) == 2
        assert "would overwrite" in capsys.readouterr().err
    mask = write(tmp_path / "mask.nii.gz", TISSUE)
    command = ["companion", "t1-ir", str(scan), "--mask", str(mask), "--out", str(mask), "--overwrite"]
    assert main(command) == 2
    assert "would overwrite mask.nii.gz" in capsys.readouterr().err
    mask.unlink()
    assert scan.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ir.json", "ir.nii.gz"]


IR, VFA = "t1-ir", "t1-vfa"
REFUSED = {
    "too few times": (IR, inversion_images, {"InversionTime": TI_S[:7]}, "lists 7 values for the 8 images"),
    "no times": (IR, inversion_images, {}, "InversionTime is not known"),
    "words for times": (IR, inversion_images, {"InversionTime": ["a"] * 8}, "numbers are expected"),
    "null among times": (IR, inversion_images, {"InversionTime": [None, *TI_S[1:]]}, "numbers are expected"),
    "negative time": (IR, inversion_images, {"InversionTime": [-1.0, *TI_S[1:]]}, "positive numbers"),
    "one time": (IR, inversion_images, {"InversionTime": 1.0}, "R1 needs 4 or more"),
    "s or ms": (IR, inversion_images, {"InversionTime": [5 * t for t in TI_S]}, "reaches 50; a time in s"),
    "short TR": (IR, inversion_images, {"InversionTime": TI_S, "RepetitionTime": 3.0}, "shorter than the longest"),
    "constant images": (IR, lambda: np.full((8, *GRID.shape), 7.0), {"InversionTime": TI_S}, "no voxel gave R1"),
    "an image of NaN": (
        IR, lambda: np.where(np.arange(8)[:, None, None, None] == 3, np.nan, inversion_images()),
        {"InversionTime": TI_S}, "image 3 of the series has no finite value",
    ),
    "endless times": (IR, inversion_images, {"InversionTime": [10**400] * 8}, "holds inf"),
    "empty images": (IR, lambda: np.zeros((8, *GRID.shape)), {"InversionTime": TI_S}, "every voxel"),
    "negative magnitudes": ("t1-sr", lambda: -saturation_images(), {"RepetitionTime": TI_S}, "no voxel gave R1"),
    "no TR": (VFA, flash_images, {"FlipAngle": [2, 4, 8, 12, 20]}, "RepetitionTime (s) is not known"),
    "odd TR": (VFA, flash_images, {"FlipAngle": [2, 4, 8, 12, 20], "RepetitionTime": 1.5}, "a time in s"),
    "radians": (
        VFA, flash_images, {"FlipAngle": [0.03, 0.07, 0.14, 0.2, 0.35], "RepetitionTime": 0.015}, "convert radians",
    ),
    "no field": ("b0-dual-echo", phases, {"EchoTime": [0.004, 0.00646]}, "MagneticFieldStrength (T) is not known"),
    "no echoes": ("b0-dual-echo", phases, {"MagneticFieldStrength": 3}, "EchoTime of both images"),
    "no phase": ("b0-dual-echo", lambda: dips()[:2], {"EchoTime": [0.004, 0.006]}, "radians, or whole numbers"),
    "three echoes": ("b0-dual-echo", lambda: dips()[:3], {"EchoTime": [0.004, 0.006, 0.008]}, "3 images are given"),
    "no offset unit": ("b0-wassr", dips, {"SaturationOffsets": OFFSETS}, "SaturationOffsetsUnits"),
    "fewer offsets": (
        "b0-wassr", dips, {"SaturationOffsets": OFFSETS[1:], "SaturationOffsetsUnits": "ppm"}, "20 SaturationOffsets",
    ),
    "no saturation": (
        "b0-wassr", dips, {"SaturationOffsets": [None] * 21, "SaturationOffsetsUnits": "ppm"}, "0 different offsets",
    ),
    "degrees of what": ("b1", lambda: 60 * (1 + B0_PPM), {"Units": "deg"}, "--nominal"),
    "no B1": ("b1", lambda: 30 * (1 + B0_PPM), {}, "a relative B1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line_and_nothing_is_written(tmp_path, case, capsys):
    kind, images, settings, words = REFUSED[case]
    scan = write(tmp_path / "scan.nii.gz", images(), **settings)
    assert main(["companion", kind, str(scan), "--out", str(tmp_path / "new" / "map.nii.gz")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "scan" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_no_nifti_file_is_refused(tmp_path, capsys):
    scan = write(tmp_path / "b1.nii.gz", 1 + B0_PPM)
    assert main(["companion", "b1", str(scan), "--out", str(tmp_path / "map.png")]) == 2
    assert ".nii.gz" in capsys.readouterr().err
    assert main(["companion", "b1", str(tmp_path / "gone.nii.gz"), "--out", str(tmp_path / "m.nii.gz")]) == 2
    assert "gone.nii.gz" in capsys.readouterr().err
