"""DICOM: classic, enhanced and mosaic images become the series that was scanned, in its place and order."""

from __future__ import annotations

import dicom_samples as samples
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from PCrCESTLib.cli import main
from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_series


@pytest.fixture
def stored(frames):
    return frames.astype(np.uint16)


@pytest.fixture
def protocol(write, protocol_document):
    return write("p.json", protocol_document)


@pytest.fixture
def classic(tmp_path, stored, grid):
    samples.write_classic(tmp_path / "scan", stored, grid)
    return tmp_path / "scan"


def edited(path, **elements):
    """Change elements of a file; None takes one away."""
    dataset = dcmread(path)
    for name, value in elements.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.save_as(path)


def test_classic_images_are_sorted_by_place_and_acquisition_not_by_name(classic, protocol, frames, grid):
    series = read_series(classic, protocol)
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)
    assert any("6 images ordered by acquisition number" in note for note in series.notes)


def test_field_and_repetition_time_come_from_the_header(classic, write, protocol_document):
    del protocol_document["MagneticFieldStrength"]
    series = read_series(classic, write("q.json", protocol_document))
    assert series.protocol.field_t == 3.0
    assert series.protocol.repetition_time_s == 5.0


def test_one_file_stands_for_its_series(classic, protocol, frames, stored, grid):
    samples.write_classic(classic / "other", stored[:, :, :2], grid)
    np.testing.assert_array_equal(read_series(classic / "IM0003", protocol).data, frames)


@pytest.mark.parametrize("axis", [(1, 2, 3), (-3, 1, 0.5), (0.2, -0.4, -1)])
def test_oblique_slices_lie_where_itk_puts_them(tmp_path, protocol, axis):
    """ITK's own reader of a series of classic files is the judge."""
    rotation = sitk.VersorRigid3DTransform()
    rotation.SetRotation(axis, 0.7)
    grid = Geometry((7, 6, 5), (1.1, 0.9, 3.3), (-20.0, 35.0, -8.0), rotation.GetMatrix())
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 4000, (6, *grid.shape)).astype(np.uint16)
    samples.write_classic(tmp_path / "scan", frames, grid)
    series = read_series(tmp_path / "scan", protocol)
    samples.write_classic(tmp_path / "one", frames[2:3], grid)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "one")))
    image = reader.Execute()
    np.testing.assert_array_equal(series.data[2], sitk.GetArrayFromImage(image))
    assert series.geometry.same_as(Geometry.of_image(image))


def test_slices_against_the_normal_are_turned_with_the_images(tmp_path, protocol, stored, grid):
    paths = samples.write_classic(tmp_path / "scan", stored, grid)
    for path in paths:  # numbers from the last slice to the first
        edited(path, InstanceNumber=100 - int(dcmread(path).InstanceNumber))
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored)


def test_enhanced_frames_are_sorted_and_scaled_one_by_one(tmp_path, protocol, stored, grid):
    slopes = [1, 2, 3, 4, 5, 6]
    path = samples.write(samples.enhanced(stored, grid, slopes), tmp_path / "scan" / "enhanced.dcm")
    for given in (path, path.parent):
        series = read_series(given, protocol)
        np.testing.assert_array_equal(series.data, stored * np.reshape(slopes, (6, 1, 1, 1)))
        assert series.geometry.same_as(grid)
        assert series.protocol.repetition_time_s == 5.0


def test_one_enhanced_file_an_image_is_a_series_too(tmp_path, protocol, stored, grid):
    uid = generate_uid()
    for t, volume in enumerate(stored):
        dataset = samples.enhanced(volume[None], grid)
        dataset.SeriesInstanceUID, dataset.AcquisitionNumber, dataset.InstanceNumber = uid, t + 1, t + 1
        samples.write(dataset, tmp_path / "scan" / f"{5 - t}.dcm")
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored)


@pytest.mark.parametrize("flipped", [False, True], ids=["along the normal", "against it"])
@pytest.mark.parametrize("n_slices", [1, 2, 3, 5])
def test_a_mosaic_is_taken_apart_and_put_in_its_place(tmp_path, protocol, n_slices, flipped):
    c, s = np.cos(0.3), np.sin(0.3)
    grid = Geometry((4, 6, n_slices), (1.0, 1.25, 3.0), (5.0, -30.0, 7.0), (1, 0, 0, 0, c, -s, 0, s, c))
    frames = np.arange(1, 6 * n_slices * 24 + 1, dtype=np.uint16).reshape(6, n_slices, 6, 4)
    uid = generate_uid()
    for t, volume in enumerate(frames):
        dataset = samples.mosaic(
            volume, grid, uid, flipped=flipped, AcquisitionNumber=t + 1, InstanceNumber=t + 1
        )
        samples.write(dataset, tmp_path / "scan" / f"{t}.IMA")
    series = read_series(tmp_path / "scan", protocol)
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
def test_signed_and_unsigned_values_of_all_widths(tmp_path, protocol, grid, frames, dtype):
    values = (frames - (100 if np.dtype(dtype).kind == "i" else 0)).astype(dtype)
    samples.write_classic(tmp_path / "scan", values, grid)
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, values)


def test_bits_above_the_highest_bit_are_no_part_of_a_value(tmp_path, protocol, grid, stored):
    dirty = stored | 0xA000
    samples.write_classic(tmp_path / "scan", dirty, grid, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored)
    signed = ((stored.astype(np.int16) - 100) & 0x0FFF).astype(np.int16)
    samples.write_classic(tmp_path / "signed", signed, grid, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(
        read_series(tmp_path / "signed", protocol).data, stored.astype(np.float32) - 100
    )


def test_philips_displayed_values_become_signal_again(tmp_path, protocol, grid, stored):
    """Stored 100 with slope 2, intercept -50 and scale slope 0.01 is (100 * 2 - 50) / (2 * 0.01) = 7500."""
    samples.write_classic(tmp_path / "scan", stored, grid, RescaleSlope=2, RescaleIntercept=-50)
    for path in (tmp_path / "scan").iterdir():
        dataset = dcmread(path)
        dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x0E, "FL", 0.01)
        dataset.save_as(path)
    expected = (stored * 2.0 - 50) / (2 * 0.01)
    np.testing.assert_allclose(read_series(tmp_path / "scan", protocol).data, expected, rtol=1e-6)


def test_a_real_world_value_map_counts_where_there_is_no_rescale(tmp_path, protocol, grid, stored):
    mapping = samples._item(RealWorldValueSlope=0.5, RealWorldValueIntercept=3.0)
    samples.write_classic(tmp_path / "scan", stored, grid, RealWorldValueMappingSequence=[mapping])
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored * 0.5 + 3)


@pytest.mark.parametrize(
    ("syntax", "dtype"),
    [(ImplicitVRLittleEndian, "<u2"), (ExplicitVRLittleEndian, "<u2"), (ExplicitVRBigEndian, ">u2")],
)
def test_every_byte_order_gives_the_same_values(tmp_path, protocol, stored, grid, syntax, dtype):
    samples.write_classic(tmp_path / "scan", stored.astype(dtype), grid, syntax=syntax)
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored)


def test_compressed_pixels_are_decoded(tmp_path, protocol, stored, grid):
    for path in samples.write_classic(tmp_path / "scan", stored, grid):
        dataset = dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored)


def test_phase_images_of_the_same_series_are_left_out(tmp_path, protocol, stored, grid):
    uid = generate_uid()
    for t, volume in enumerate(stored):
        for kind in ("M", "P"):
            for z, pixels in enumerate(volume):
                numbers = {"AcquisitionNumber": t + 1, "InstanceNumber": 2 * t + z}
                dataset = samples.image(pixels if kind == "M" else pixels + 7, uid, **numbers)
                dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "ND"]
                samples.write(samples.place(dataset, grid, z), tmp_path / "scan" / f"{kind}{t}{z}")
    series = read_series(tmp_path / "scan", protocol)
    np.testing.assert_array_equal(series.data, stored)
    assert any("12 phase images were left out" in note for note in series.notes)


def test_a_missing_image_is_refused(classic, protocol, stored, grid):
    (classic / "IM0005").unlink()
    with pytest.raises(ReaderError, match=r"has 5 images, another 6; images are missing"):
        read_series(classic, protocol)


def test_images_missing_at_different_times_are_refused(tmp_path, protocol, stored, grid):
    paths = samples.write_classic(tmp_path / "scan", stored, grid)
    paths[0].unlink()  # first image of slice 0
    paths[-1].unlink()  # last image of slice 1
    with pytest.raises(ReaderError, match="not every slice has an image with acquisition number 1"):
        read_series(tmp_path / "scan", protocol)


def test_a_missing_slice_is_refused(tmp_path, protocol):
    grid = Geometry((4, 5, 4), (1.0, 1.0, 3.0))
    for path in samples.write_classic(tmp_path / "scan", np.ones((6, 4, 5, 4), np.uint16), grid):
        if dcmread(path).ImagePositionPatient[2] == 3:
            path.unlink()
    with pytest.raises(
        GeometryError, match=r"3 mm apart, but 6 mm after the one at 3\.0 mm|slice is missing"
    ):
        read_series(tmp_path / "scan", protocol)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Rows": 4, "PixelData": b"\1\0" * 16}, "4 x 4 pixels but"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}, "other directions"),
        ({"PixelSpacing": [2, 2]}, r"pixels of \(2\.0, 2\.0\) mm"),
        ({"ImagePositionPatient": [5.0, 30.0, 7.0]}, "mm aside of"),
        ({"EchoTime": 9}, "2 echo times"),
        ({"ImagePositionPatient": None}, "does not say where it lies"),
        ({"SamplesPerPixel": 3}, "color image"),
        ({"AcquisitionNumber": 5}, "one order by|same numbers|images are missing"),
        ({"RescaleSlope": 0}, "slope of its pixel values is 0"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_an_image_unlike_the_others_is_refused(classic, protocol, change, sentence):
    path = next(p for p in classic.iterdir() if dcmread(p).InstanceNumber == 1)
    edited(path, **change)
    if change == {"AcquisitionNumber": 5}:
        edited(next(p for p in classic.iterdir() if dcmread(p).InstanceNumber == 3), InstanceNumber=1)
    with pytest.raises((ReaderError, GeometryError), match=sentence):
        read_series(classic, protocol)


def test_orders_that_contradict_each_other_are_refused(tmp_path, protocol, stored, grid):
    for path in samples.write_classic(tmp_path / "scan", stored, grid):
        number = dcmread(path).AcquisitionNumber
        edited(path, AcquisitionTime=f"1200{10 - number:02d}.5", AcquisitionDate="20260101")
    with pytest.raises(ReaderError, match="one order by acquisition number and another by acquisition time"):
        read_series(tmp_path / "scan", protocol)


def test_time_decides_where_there_are_no_numbers_also_past_midnight(tmp_path, protocol, stored, grid):
    for path in samples.write_classic(tmp_path / "scan", stored, grid):
        number = int(dcmread(path).AcquisitionNumber)
        stamp = ("20260101", f"2359{number + 54}") if number < 4 else ("20260102", f"0000{number:02d}")
        edited(
            path, AcquisitionNumber=1, InstanceNumber=1, AcquisitionDate=stamp[0], AcquisitionTime=stamp[1]
        )
    np.testing.assert_array_equal(read_series(tmp_path / "scan", protocol).data, stored)


def test_instance_numbers_decide_last_and_only_when_they_advance_alike(tmp_path, protocol, stored, grid):
    for path in samples.write_classic(tmp_path / "scan", stored, grid):
        edited(path, AcquisitionNumber=1)
    series = read_series(tmp_path / "scan", protocol)
    np.testing.assert_array_equal(series.data, stored)
    assert any("ordered by instance number" in note for note in series.notes)
    last = next(p for p in (tmp_path / "scan").iterdir() if dcmread(p).InstanceNumber == 12)
    edited(last, InstanceNumber=15)
    with pytest.raises(ReaderError, match="advance differently"):
        read_series(tmp_path / "scan", protocol)


def test_copies_of_an_image_are_refused(classic, protocol):
    for path in list(classic.iterdir()):
        (classic / "copy").mkdir(exist_ok=True)
        (classic / "copy" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ReaderError, match="several images of one slice have the same numbers"):
        read_series(classic, protocol)


def test_files_that_are_no_images_do_not_matter(classic, protocol, frames, stored):
    screenshot = samples.image(stored[0, 0], generate_uid(), SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    samples.write(screenshot, classic / "screenshot.dcm")
    (classic / "notes.txt").write_text("hello")
    series = read_series(classic, protocol)
    np.testing.assert_array_equal(series.data, frames)
    assert any("1 DICOM files that are no MR images were left out" in note for note in series.notes)


def test_unrelated_series_are_listed_to_choose_from(tmp_path, protocol, stored, grid):
    for number, (name, part) in enumerate(
        {"localizer": stored[:1], "z spectrum": stored, "T1 map": stored[:2]}.items()
    ):
        samples.write_classic(
            tmp_path / "scan" / name, part, grid, SeriesNumber=number, SeriesDescription=name
        )
    with pytest.raises(
        ReaderError, match=r"3 series.*0 'localizer' \(2 images.*1 'z spectrum' \(12 images.*2 'T1 map'"
    ):
        read_series(tmp_path / "scan", protocol)
    np.testing.assert_array_equal(read_series(tmp_path / "scan" / "z spectrum", protocol).data, stored)


def test_a_folder_of_nifti_files_stays_one(write, frames, grid, protocol_document, classic):
    for number, frame in enumerate(frames):
        write(f"both/frame{number}.nii", frame, grid)
    classic.rename(classic.parent / "both" / "dicom")
    path = write("both/protocol.json", protocol_document).parent
    assert any("ordered by file name" in note for note in read_series(path).notes)


def test_a_single_image_is_no_series(tmp_path, stored, grid):
    samples.write_classic(tmp_path / "scan", stored[:1], grid)
    with pytest.raises(ReaderError, match="a single image of 4 x 5 x 2 voxels"):
        read_series(tmp_path / "scan")


def test_missing_offsets_are_asked_for(classic, write):
    with pytest.raises(
        ProtocolError, match=r"SaturationOffsets, .* are missing.*offsets\.txt beside.*each of the 6 images"
    ):
        read_series(classic)


def test_info_shows_a_folder_of_dicom_files(classic, protocol_document, write, capsys):
    write("scan/protocol.json", protocol_document)
    assert main(["info", str(classic)]) == 0
    shown = capsys.readouterr().out
    assert "4 x 5 x 2 voxels of 1 x 1.25 x 3 mm" in shown
    assert "6 images ordered by acquisition number" in shown
