"""``pcrcest companion`` on DICOM: one series or one a value, classic, enhanced or mosaic; the map equals NIfTI's."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from companion_scans import (
    ANGLES_DEG,
    B0_PPM,
    FLASH_TR_S,
    GRID,
    R1,
    TIMES_S,
    companion,
    dips,
    flash,
    inversion,
    nifti,
    phases,
    recovery,
    refusal,
)
from dicom_samples import add_siemens_protocol, enhanced, generate_uid, image, mosaic, place, write
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_map, read_mask

TR_MS = 15000.0


def classic(
    folder: Path,
    images: np.ndarray,
    grid: Geometry = GRID,
    *,
    one_series: bool = True,
    number: int = 3,
    **each: Any,
) -> Path:
    """One file a slice, names in no order; a list among ``each`` has one value an image."""
    uid = generate_uid()
    n_slices = images.shape[1]
    names = np.random.default_rng(0).permutation(len(images) * n_slices)
    for i, volume in enumerate(images):
        own = {
            key: value if key == "ImageType" or not isinstance(value, list) else value[i]
            for key, value in each.items()
        }
        if not one_series:
            uid, number = generate_uid(), number + 1
        for z, slice_ in enumerate(volume):
            pixels = np.round(slice_).astype(np.int16)
            dataset = image(
                pixels, uid, SeriesNumber=number, InstanceNumber=int(names[i * n_slices + z]),
                AcquisitionNumber=i + 1, **own,
            )  # fmt: skip
            write(place(dataset, grid, z), folder / f"IM{number}_{names[i * n_slices + z]:04d}")
    return folder


def recovery_times() -> dict[str, Any]:
    return {"InversionTime": [1000 * t for t in TIMES_S], "RepetitionTime": TR_MS}


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """R1 that the same inversion recovery gives as NIfTI."""
    folder = tmp_path_factory.mktemp("nifti")
    images = np.round(inversion(tr_s=15.0))
    scan = nifti(folder / "ir.nii.gz", images, InversionTime=list(TIMES_S), RepetitionTime=15.0)
    return companion("t1-ir", scan, folder / "R1.nii.gz")


@pytest.mark.parametrize("one_series", [True, False])
def test_an_inversion_recovery_may_be_one_series_or_one_a_time(tmp_path, truth, one_series, capsys):
    scan = classic(tmp_path / "ir", inversion(tr_s=15.0), one_series=one_series, **recovery_times())
    found = companion("t1-ir", scan, tmp_path / "R1.nii.gz")
    np.testing.assert_allclose(found, truth, rtol=1e-5)
    np.testing.assert_allclose(found, R1, rtol=2e-3)
    assert ("receiver gain" in capsys.readouterr().out) is not one_series


def test_folders_of_one_time_each_are_given_together(tmp_path, truth):
    images, times = inversion(tr_s=15.0), recovery_times()
    scans = [
        classic(tmp_path / f"{t}", images[i : i + 1], InversionTime=1000 * t, RepetitionTime=TR_MS)
        for i, t in reversed(list(enumerate(TIMES_S)))
    ]
    assert len(scans) == len(times["InversionTime"])
    np.testing.assert_allclose(companion("t1-ir", scans, tmp_path / "R1.nii.gz"), truth, rtol=1e-4)


def test_one_file_stands_for_its_series(tmp_path, truth):
    folder = classic(tmp_path / "ir", inversion(tr_s=15.0), **recovery_times())
    classic(folder, 1.0 * GRID_OF_ONES, number=99)  # another series in the same folder
    one = next(folder.glob("IM3_*"))
    np.testing.assert_allclose(companion("t1-ir", one, tmp_path / "R1.nii.gz"), truth, rtol=1e-5)
    names = sorted(p.name for p in folder.glob("IM3_*"))
    listed = "".join(f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    (entry,) = json.loads((tmp_path / "R1.json").read_text())["inputs"]
    assert entry["sha256"] == hashlib.sha256(listed.encode()).hexdigest()


GRID_OF_ONES = np.ones((1, *GRID.shape))


def test_an_enhanced_file_has_its_times_in_functional_groups(tmp_path, truth):
    stored = np.round(inversion(tr_s=15.0)).astype(np.int16)
    dataset = enhanced(stored, GRID)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.MRTimingAndRelatedParametersSequence[0].RepetitionTime = TR_MS
    order = [t for _ in range(GRID.size[2]) for t in TIMES_S]
    for group, t in zip(dataset.PerFrameFunctionalGroupsSequence, order, strict=True):
        item = Dataset()
        item.InversionTimes = [1000 * t]
        group.MRModifierSequence = Sequence([item])
    file = write(dataset, tmp_path / "ir.dcm")
    np.testing.assert_allclose(companion("t1-ir", file, tmp_path / "R1.nii.gz"), truth, rtol=1e-5)


def test_mosaics_are_taken_apart(tmp_path, truth):
    uid = generate_uid()
    for i, volume in enumerate(np.round(inversion(tr_s=15.0)).astype(np.int16)):
        dataset = mosaic(
            volume, GRID, uid, AcquisitionNumber=i + 1, InstanceNumber=i + 1, InversionTime=1000 * TIMES_S[i],
            RepetitionTime=TR_MS,
        )  # fmt: skip
        write(dataset, tmp_path / "ir" / f"IM{i}")
    np.testing.assert_allclose(companion("t1-ir", tmp_path / "ir", tmp_path / "R1.nii.gz"), truth, rtol=1e-5)


def test_real_images_of_an_inversion_recovery_are_taken_where_there_are_no_others(tmp_path):
    signed = 8000 * (1 - 1.95 * np.exp(-np.reshape(TIMES_S, (-1, 1, 1, 1)) * R1))
    scan = classic(tmp_path / "ir", signed, ImageType=["ORIGINAL", "PRIMARY", "R"], **recovery_times())
    np.testing.assert_allclose(companion("t1-ir", scan, tmp_path / "R1.nii.gz", "--tr", "60"), R1, rtol=5e-3)
    assert json.loads((tmp_path / "R1.json").read_text())["parameters"]["signed"] is True


def test_flip_angles_and_repetition_times_are_told(tmp_path):
    vfa = classic(tmp_path / "vfa", flash(), FlipAngle=list(ANGLES_DEG), RepetitionTime=1000 * FLASH_TR_S)
    same = nifti(
        tmp_path / "v.nii.gz", np.round(flash()), FlipAngle=list(ANGLES_DEG), RepetitionTime=FLASH_TR_S
    )
    found = companion("t1-vfa", vfa, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(found, companion("t1-vfa", same, tmp_path / "b.nii.gz"), rtol=1e-5)
    sr = classic(tmp_path / "sr", recovery(), RepetitionTime=[1000 * t for t in TIMES_S])
    np.testing.assert_allclose(companion("t1-sr", sr, tmp_path / "c.nii.gz"), R1, rtol=2e-3)


ECHOES_S = [0.00492, 0.00738]
SIEMENS_PHASE = {
    "ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"], "RescaleSlope": 2, "RescaleIntercept": -4096,
    "MagneticFieldStrength": 3.0,
}  # fmt: skip


def stored_phase(radians: np.ndarray) -> np.ndarray:
    """0 … 4095 for one turn from −π, as Siemens stores it."""
    return np.round((radians / np.pi * 4096 + 4096) / 2).clip(0, 4095)


def test_phases_of_two_echoes_may_lie_with_their_magnitudes(tmp_path, capsys):
    echoes = [1000 * t for t in ECHOES_S]
    scan = classic(
        tmp_path / "fm", stored_phase(phases(ECHOES_S, 3.0)), EchoTime=echoes, number=6, **SIEMENS_PHASE
    )
    classic(scan, 100 * np.ones((2, *GRID.shape)), EchoTime=echoes, number=5)
    found = companion("b0-dual-echo", scan, tmp_path / "B0.nii.gz")
    np.testing.assert_allclose(found, B0_PPM, atol=0.004)
    assert "4 magnitude images were left out" in capsys.readouterr().out


@pytest.mark.parametrize("echo_times_from", ["magnitudes", "protocol text"])
def test_a_phase_difference_needs_both_echo_times(tmp_path, echo_times_from):
    difference = stored_phase(2 * np.pi * 42.5764 * 3 * B0_PPM[None] * (ECHOES_S[1] - ECHOES_S[0]))
    scan = classic(tmp_path / "fm", difference, EchoTime=1000 * ECHOES_S[1], number=6, **SIEMENS_PHASE)
    if echo_times_from == "magnitudes":
        classic(scan, 100 * np.ones((2, *GRID.shape)), EchoTime=[1000 * t for t in ECHOES_S], number=5)
    else:
        for file in scan.iterdir():
            dataset = dcmread(file)
            add_siemens_protocol(dataset, {f"alTE[{i}]": round(1e6 * t) for i, t in enumerate(ECHOES_S)})
            write(dataset, file)
    np.testing.assert_allclose(companion("b0-dual-echo", scan, tmp_path / "B0.nii.gz"), B0_PPM, atol=0.004)


def test_phase_in_radians_of_a_real_world_value_map_is_believed(tmp_path):
    world, code = Dataset(), Dataset()
    code.CodeValue = "rad"
    world.RealWorldValueSlope, world.RealWorldValueIntercept = np.pi / 2048, -np.pi
    world.MeasurementUnitsCodeSequence = Sequence([code])
    stored = np.round((phases(ECHOES_S, 3.0) + np.pi) / np.pi * 2048)
    scan = classic(
        tmp_path / "fm", stored, EchoTime=[1000 * t for t in ECHOES_S], MagneticFieldStrength=3.0,
        ImageType=["ORIGINAL", "PRIMARY", "P"], RealWorldValueMappingSequence=Sequence([world]),
    )  # fmt: skip
    np.testing.assert_allclose(companion("b0-dual-echo", scan, tmp_path / "B0.nii.gz"), B0_PPM, atol=0.004)


def test_phase_of_philips_in_mrad_is_told_whatever_its_factor_to_the_signal(tmp_path):
    stored = np.round((phases(ECHOES_S, 3.0) * 1000 + 3142) / 1.53455)
    scan = classic(
        tmp_path / "fm", stored, EchoTime=[1000 * t for t in ECHOES_S], MagneticFieldStrength=3.0,
        ImageType=["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"], RescaleSlope=1.53455, RescaleIntercept=-3142,
    )  # fmt: skip
    with_philips_scale(scan, 651.74)
    np.testing.assert_allclose(companion("b0-dual-echo", scan, tmp_path / "B0.nii.gz"), B0_PPM, atol=0.004)


def with_philips_scale(folder: Path, factor: float) -> None:
    for file in folder.iterdir():
        dataset = dcmread(file)
        dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x0E, "FL", factor)
        write(dataset, file)


def test_wassr_takes_a_list_of_offsets_beside_the_images(tmp_path):
    offsets = np.round(np.arange(-1, 1.01, 0.1), 2)
    scan = classic(tmp_path / "wassr", dips(offsets))
    (scan / "offsets.txt").write_text("ppm\n" + "\n".join(f"{o:g}" for o in offsets))
    np.testing.assert_allclose(companion("b0-wassr", scan, tmp_path / "B0.nii.gz"), B0_PPM, atol=0.01)


def test_a_list_of_offsets_that_does_not_fit_matters_to_wassr_alone(tmp_path, truth, capsys):
    scan = classic(tmp_path / "ir", inversion(tr_s=15.0), **recovery_times())
    (scan / "offsets.txt").write_text("ppm\n-1\n0\n1\n")
    np.testing.assert_allclose(companion("t1-ir", scan, tmp_path / "R1.nii.gz"), truth, rtol=1e-5)
    assert "3 offsets for the 8 images" in refusal(capsys, tmp_path, "b0-wassr", scan)


def test_ready_maps_keep_the_displayed_values(tmp_path):
    b1 = classic(tmp_path / "b1", 1000 * (1 + B0_PPM)[None], RescaleSlope=0.1, RescaleIntercept=0)
    with_philips_scale(b1, 0.037)
    np.testing.assert_allclose(companion("b1", b1, tmp_path / "B1.nii.gz"), 1 + B0_PPM, atol=1e-3)
    tenths = classic(tmp_path / "fa", 800 * (1 + B0_PPM)[None])
    found = companion("b1", tenths, tmp_path / "B1b.nii.gz", "--nominal", "80")
    np.testing.assert_allclose(found, 1 + B0_PPM, atol=2e-3)
    hz = classic(tmp_path / "b0", 127.7 * B0_PPM[None], MagneticFieldStrength=3.0, RescaleType="Hz",
                 RescaleSlope=1, RescaleIntercept=0)  # fmt: skip
    np.testing.assert_allclose(companion("b0", hz, tmp_path / "B0.nii.gz"), B0_PPM, atol=0.005)
    t1 = classic(tmp_path / "t1", 1000 / R1[None])
    np.testing.assert_allclose(companion("t1", t1, tmp_path / "R1.nii.gz"), R1, rtol=2e-3)


def test_the_anatomy_may_be_a_series_and_a_map_is_made_of_one(tmp_path):
    """A picture is taken as it is; the units of a map are told by the command that makes it."""
    shown = 100 * (1 + B0_PPM)
    anatomy = classic(tmp_path / "t1w", shown[None])
    np.testing.assert_allclose(read_map(anatomy, "image", GRID).values, shown, atol=0.5)
    one_file = next(anatomy.iterdir())
    np.testing.assert_allclose(read_map(one_file, "image", GRID).values, shown, atol=0.5)
    with pytest.raises(ReaderError, match="make the map of it with pcrcest companion t1"):
        read_map(anatomy, "r1", GRID)
    with pytest.raises(ReaderError, match="convert it to NIfTI"):
        read_mask(anatomy, GRID)
    several = classic(tmp_path / "echoes", np.stack([shown, shown]), EchoTime=[2.0, 4.0])
    with pytest.raises(ReaderError, match="one image is expected"):
        read_map(several, "image", GRID)


def test_the_checksum_of_a_series_does_not_depend_on_where_it_lies(tmp_path):
    scan = classic(tmp_path / "a", inversion(), **recovery_times())
    moved = tmp_path / "elsewhere" / "b"
    moved.parent.mkdir()
    checksums = []
    for folder in (scan, moved):
        companion("t1-ir", folder, tmp_path / f"{folder.name}.nii.gz", "--tr", "60")
        (entry,) = json.loads((tmp_path / f"{folder.name}.json").read_text())["inputs"]
        checksums.append(entry["sha256"])
        if folder == scan:
            scan.rename(moved)
    assert checksums[0] == checksums[1]
    (moved / next(moved.iterdir()).name).write_bytes(next(moved.iterdir()).read_bytes() + b"\0")
    companion("t1-ir", moved, tmp_path / "c.nii.gz", "--tr", "60")
    assert json.loads((tmp_path / "c.json").read_text())["inputs"][0]["sha256"] != checksums[0]


def shifted(folder: Path) -> None:
    """A localizer in the same folder."""
    classic(folder, GRID_OF_ONES[:, :1], Geometry((8, 6, 1), (2, 2, 3), (40.0, 0, 0)), number=1)


def smaller(folder: Path) -> None:
    classic(folder, GRID_OF_ONES[:, :, :3], Geometry((8, 3, 2), (2, 2, 3), GRID.origin_mm), number=1)


def another_echo(folder: Path) -> None:
    classic(folder, GRID_OF_ONES, InversionTime=500.0, RepetitionTime=TR_MS, EchoTime=40, number=9)


def a_slice_lost(folder: Path) -> None:
    next(folder.glob("IM3_*")).unlink()


REFUSED = {
    "no times": ("t1-ir", {"InversionTime": None}, None, "InversionTime is not known"),
    "times in s": ("t1-ir", {"InversionTime": list(TIMES_S)}, None, "which is no recovery of tissue"),
    "short repetition": ("t1-ir", {"RepetitionTime": 5.0}, None, "with --tr"),
    "a localizer too": ("t1-ir", {}, shifted, "do not belong together"),
    "mixed sizes": ("t1-ir", {}, smaller, "do not belong together"),
    "another echo too": ("t1-ir", {}, another_echo, "do not belong together"),
    "a slice lost": ("t1-ir", {}, a_slice_lost, "do not belong together"),
    "phases only": ("t1-ir", {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}, None, "phase images only"),
    "no phases": ("b0-dual-echo", {}, None, "phase images are expected"),
    "an inversion recovery as another": ("t1-sr", {}, None, "use the kind t1-ir"),
    "degrees of what": ("b1", {"InversionTime": 500.0}, None, "one map is expected"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_belong_together_is_refused_in_one_sentence(tmp_path, case, capsys):
    kind, changes, spoil, words = REFUSED[case]
    settings = {k: v for k, v in (recovery_times() | changes).items() if v is not None}
    scan = classic(tmp_path / "ir", inversion(tr_s=15.0), **settings)
    if spoil is not None:
        spoil(scan)
    assert words in refusal(capsys, tmp_path, kind, scan)
