"""A 4D NIfTI file and the protocol file beside it."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.protocol_json import load_protocol
from PCrCESTLib.readers import read_series


def with_header(path, target, layout, offset, *values):
    """Copy a NIfTI file uncompressed with some header fields overwritten."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<" + layout, content, offset, *values)
    target.write_bytes(content)
    return target


def test_values_order_and_geometry_survive_exactly(nifti_series, frames, grid):
    series = read_series(nifti_series)
    assert series.data.dtype == np.float32
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)
    assert series.protocol.offsets_ppm[3] == 2.6
    assert series.protocol.reference_frames == (0,)


def test_the_sources_name_image_and_protocol_file(nifti_series):
    assert read_series(nifti_series).source == (str(nifti_series), str(nifti_series.parent / "leg_cest.json"))


def test_a_voxel_keeps_its_place_in_the_patient(nifti_series):
    geometry = read_series(nifti_series).geometry
    stored = sitk.ReadImage(str(nifti_series))
    index = np.array([3, 1, 1])
    ours = np.array(geometry.origin_mm) + geometry.matrix @ (index * geometry.spacing_mm)
    np.testing.assert_allclose(ours, stored.TransformIndexToPhysicalPoint([3, 1, 1, 0])[:3], atol=1e-4)


@pytest.mark.parametrize("name", ["leg_cest.nii", "LEG.NII.GZ", "plain_content.nii.gz"])
def test_the_case_of_the_name_and_a_needless_gz_do_not_matter(
    nifti_series, write, protocol_document, frames, name
):
    content = nifti_series.read_bytes()
    copy = nifti_series.parent / "elsewhere" / name
    given = write("elsewhere/p.json", protocol_document)
    copy.write_bytes(content if name == "LEG.NII.GZ" else gzip.decompress(content))
    np.testing.assert_array_equal(read_series(copy, given).data, frames)


def test_scaled_integers_are_read_as_real_intensities(nifti_series, write, frames, grid):
    stored = write("int.nii.gz", frames.astype(np.int16), grid)
    scaled = with_header(stored, stored.with_name("leg_cest.nii"), "2f", 112, 0.5, 10.0)
    np.testing.assert_allclose(read_series(scaled).data, frames * 0.5 + 10.0)


def test_a_given_protocol_wins_over_the_file_beside_it(nifti_series, write, protocol_document):
    other = write("other.json", protocol_document | {"SaturationB1": 1.1})
    assert read_series(nifti_series, other).protocol.powers_ut == (1.1,)
    assert read_series(nifti_series, load_protocol(other)).protocol.powers_ut == (1.1,)


def test_isolated_nan_voxels_are_kept(write, nifti_series, frames, grid):
    frames[2, 0, 1, 1] = np.nan
    write(nifti_series.name, frames, grid)
    assert np.isnan(read_series(nifti_series).data[2, 0, 1, 1])


class TestRefusals:
    """Each sentence says what was found and how to go on."""

    def test_a_frame_of_nan(self, write, nifti_series, frames, grid):
        frames[3] = np.nan
        write(nifti_series.name, frames, grid)
        with pytest.raises(ReaderError, match=r"frame 3 \(2\.6 ppm\) has no finite value"):
            read_series(nifti_series)

    def test_no_protocol_file(self, nifti_series):
        (nifti_series.parent / "leg_cest.json").unlink()
        with pytest.raises(ProtocolError, match=r"looked for leg_cest\.json.*--protocol"):
            read_series(nifti_series)

    def test_a_protocol_file_that_is_not_there(self, nifti_series):
        with pytest.raises(ProtocolError, match=r"gone\.json: the protocol file cannot be read"):
            read_series(nifti_series, nifti_series.parent / "gone.json")

    def test_another_number_of_offsets(self, nifti_series, write, protocol_document):
        write("leg_cest.json", protocol_document | {"SaturationOffsets": [100, 1, 2, 3]})
        with pytest.raises(ProtocolError, match="6 frames but the protocol lists 4"):
            read_series(nifti_series)

    def test_a_3d_file(self, write, frames, grid):
        with pytest.raises(ReaderError, match=r"has 3 axes.*the 4D file, or the folder"):
            read_series(write("frame.nii.gz", frames[0], grid))

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(ReaderError, match="No such file"):
            read_series(tmp_path / "gone.nii.gz")

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "empty.nii.gz").touch()
        with pytest.raises(ReaderError, match="the file is empty"):
            read_series(tmp_path / "empty.nii.gz")

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
    def test_a_truncated_gzip(self, nifti_series, kept):
        # SimpleITK itself reads such a file and fills the rest with zeros.
        content = nifti_series.read_bytes()
        nifti_series.write_bytes(content[: int(kept * len(content))])
        with pytest.raises(ReaderError, match="damaged or cut short"):
            read_series(nifti_series)

    def test_a_gzip_with_a_flipped_bit(self, nifti_series):
        content = bytearray(nifti_series.read_bytes())
        content[-6] ^= 1  # in the checksum
        nifti_series.write_bytes(content)
        with pytest.raises(ReaderError, match="damaged"):
            read_series(nifti_series)

    def test_a_truncated_plain_file(self, nifti_series):
        plain = nifti_series.with_name("leg_cest.nii")
        plain.write_bytes(gzip.decompress(nifti_series.read_bytes())[:-100])
        with pytest.raises(ReaderError, match="holds at most 1212 bytes but its header promises 1312"):
            read_series(plain)

    def test_a_header_that_promises_terabytes(self, nifti_series):
        lying = with_header(
            nifti_series, nifti_series.with_name("leg_cest.nii"), "8h", 40, 4, 30000, 30000, 999, 99, 1, 1, 1
        )
        with pytest.raises(ReaderError, match="its header promises 356043600000352"):
            read_series(lying)

    def test_sheared_directions(self, nifti_series, capfd):
        sheared = with_header(nifti_series, nifti_series.with_name("leg_cest.nii"), "2h", 252, 0, 1)
        with_row = bytearray(sheared.read_bytes())
        struct.pack_into("<12f", with_row, 280, 1, 0.3, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
        sheared.write_bytes(with_row)
        with pytest.raises(GeometryError, match="axes are not perpendicular"):
            read_series(sheared)
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
    def test_a_senseless_voxel_size(self, nifti_series, value):
        bad = with_header(nifti_series, nifti_series.with_name("leg_cest.nii"), "f", 80, value)
        with pytest.raises(GeometryError, match="voxel size"):
            read_series(bad)

    def test_a_position_that_is_no_number(self, nifti_series, capfd):
        bad = with_header(nifti_series, nifti_series.with_name("leg_cest.nii"), "f", 292, float("nan"))
        with pytest.raises(GeometryError, match="image position"):
            read_series(bad)
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("offset", [252, 254])
    def test_a_position_of_unknown_kind(self, nifti_series, offset, capfd):
        bad = with_header(nifti_series, nifti_series.with_name("leg_cest.nii"), "h", offset, 32513)
        with pytest.raises(GeometryError, match="position is of kind 32513, but there are 5"):
            read_series(bad)
        assert capfd.readouterr().err == ""

    def test_complex_numbers(self, write, nifti_series, frames, grid):
        write(nifti_series.name, frames.astype(np.complex64), grid)
        with pytest.raises(ReaderError, match="complex numbers; save its magnitude"):
            read_series(nifti_series)

    def test_vector_pixels(self, nifti_series, frames):
        sitk.WriteImage(sitk.GetImageFromArray(np.moveaxis(frames, 0, -1), isVector=True), str(nifti_series))
        with pytest.raises(ReaderError, match="each voxel holds 6 numbers"):
            read_series(nifti_series)

    def test_a_file_of_another_kind(self, tmp_path):
        (tmp_path / "notes.nii.gz").write_text("not an image, just words " * 40)
        with pytest.raises(ReaderError, match="not a format this version reads"):
            read_series(tmp_path / "notes.nii.gz")

    @pytest.mark.parametrize("name", ["leg", "leg.nii", "leg.img"])
    def test_a_compressed_nifti_file_under_a_wrong_name(self, nifti_series, name):
        renamed = nifti_series.rename(nifti_series.with_name(name))
        with pytest.raises(ReaderError, match=r"NIfTI file by its content; rename it.*\.nii\.gz"):
            read_series(renamed)

    def test_an_image_of_zeros(self, write, nifti_series, frames, grid):
        write(nifti_series.name, frames * 0, grid)
        with pytest.raises(ReaderError, match="every voxel of every frame is zero"):
            read_series(nifti_series)


def test_itk_warnings_are_shown_again_after_reading(nifti_series):
    read_series(nifti_series)
    assert sitk.ProcessObject.GetGlobalWarningDisplay()
