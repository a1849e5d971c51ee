"""MATLAB files: v5 as SciPy writes them, v7.3 as h5py lays them out."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PCrCESTLib.errors import MissingExtraError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_map, read_mask, read_series
from PCrCESTLib.readers.mat5 import read_mat5

PARTIAL = {"MagneticFieldStrength": 3.0, "SaturationB1": 0.6, "SaturationDuration": 2.0}


def save_v5(path, compress=False, **arrays):
    scipy.io.savemat(path, arrays, do_compression=compress)
    return path


def save_v73(path, **arrays):
    h5py = pytest.importorskip("h5py", reason="h5py (extra 'matlab') writes the v7.3 files")
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.atleast_2d(array).T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(128))
    return path


@pytest.fixture
def matlab_image(frames):
    """The frames as MATLAB users hold them: rows (y), columns (x), slices, frames."""
    return frames.transpose(2, 3, 1, 0)


@pytest.fixture
def offsets(protocol_document):
    return np.array(protocol_document["SaturationOffsets"])


@pytest.fixture
def partial(write):
    """A protocol file without offsets."""
    return write("partial.json", PARTIAL)


@pytest.mark.parametrize("save", [save_v5, save_v73])
class TestBothVersions:
    """The two containers differ; what is read from them does not."""

    def test_rows_are_y_columns_are_x_and_frames_are_last(
        self, tmp_path, matlab_image, offsets, partial, frames, save
    ):
        path = save(tmp_path / "leg.mat", image=matlab_image, Freq=offsets[:, None])
        series = read_series(path, partial)
        np.testing.assert_array_equal(series.data, frames)
        assert series.protocol.offsets_ppm == tuple(offsets)

    def test_a_single_slice_needs_no_slice_axis(self, tmp_path, matlab_image, offsets, partial, frames, save):
        path = save(tmp_path / "leg.mat", Z=matlab_image[:, :, 0], offsets=offsets)
        np.testing.assert_array_equal(read_series(path, partial).data, frames[:, :1])

    def test_the_mask_of_the_file_can_be_used(self, tmp_path, matlab_image, offsets, partial, save):
        mask = np.zeros(matlab_image.shape[:3], np.uint8)
        mask[1, 2, 0] = 1
        path = save(tmp_path / "leg.mat", image=matlab_image, Freq=offsets, Mask=mask)
        series = read_series(path, partial)
        assert any("--mask leg.mat" in note for note in series.notes)
        inside = read_mask(path, series.geometry).values
        assert np.argwhere(inside).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("compress", [False, True])
def test_types_survive_as_scipy_wrote_them(tmp_path, compress):
    arrays = {
        "a": np.arange(12, dtype=np.uint16).reshape(3, 4),
        "b": np.float32(np.linspace(-1, 1, 24)).reshape(2, 3, 4),
        "c": np.array([[-5]], np.int64),
        "text": "hello",
        "cell": np.array([[1, "x"]], dtype=object),
    }
    found = read_mat5(save_v5(tmp_path / "t.mat", compress, **arrays))
    assert set(found) == {"a", "b", "c"}
    for name, array in found.items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == arrays[name].dtype


@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.int8, np.uint32, np.int16]), hnp.array_shapes(min_dims=2, max_dims=4)
    ),
    st.booleans(),
)
def test_any_array_written_by_scipy_is_read_back(tmp_path_factory, array, compress):
    path = tmp_path_factory.mktemp("mat") / "any.mat"
    np.testing.assert_array_equal(read_mat5(save_v5(path, compress, x=array))["x"], array)


def test_spacing_is_taken_from_the_file_and_otherwise_stated_as_assumed(
    tmp_path, matlab_image, offsets, partial
):
    bare = read_series(save_v5(tmp_path / "a.mat", image=matlab_image, Freq=offsets), partial)
    assert bare.geometry == Geometry((4, 5, 2))
    assert any("1 mm" in note for note in bare.notes)
    path = save_v5(tmp_path / "b.mat", image=matlab_image, Freq=offsets, voxel_size=[0.5, 0.6, 3])
    assert read_series(path, partial).geometry.spacing_mm == (0.5, 0.6, 3.0)


class TestOffsets:
    """Where the offsets come from and which unit they have."""

    def test_hz_are_told_by_their_size_and_said(self, tmp_path, matlab_image, offsets, partial):
        path = save_v5(tmp_path / "leg.mat", image=matlab_image, Freq=offsets * 127.7292)
        series = read_series(path, partial)
        assert series.protocol.offsets_ppm == pytest.approx(tuple(offsets), rel=1e-6)
        assert any("'Freq' were taken as Hz" in note for note in series.notes)

    def test_a_name_with_its_unit_is_believed(self, tmp_path, matlab_image, partial):
        offsets_hz = np.array([12000.0, 10.0, 20.0, 30.0, 40.0, 50.0])
        series = read_series(save_v5(tmp_path / "leg.mat", image=matlab_image, freq_Hz=offsets_hz), partial)
        assert series.protocol.offsets_ppm[1] == pytest.approx(10 / 127.7292)
        assert not any("were taken as" in note for note in series.notes)

    def test_the_protocol_file_overrules_the_file_and_the_difference_is_said(
        self, tmp_path, matlab_image, offsets, write, protocol_document
    ):
        given_file = write("p.json", protocol_document)
        series = read_series(save_v5(tmp_path / "leg.mat", image=matlab_image, Freq=-offsets), given_file)
        assert series.protocol.offsets_ppm == tuple(offsets)
        assert any("offsets stored with the images differ" in note for note in series.notes)

    def test_a_file_may_hold_the_whole_protocol(self, tmp_path, matlab_image, offsets):
        path = save_v5(tmp_path / "leg.mat", image=matlab_image, offsets_ppm=offsets, **PARTIAL)
        assert read_series(path).protocol.powers_ut == (0.6,)

    def test_an_incomplete_file_says_what_is_missing_and_where_to_put_it(
        self, tmp_path, matlab_image, offsets
    ):
        path = save_v5(tmp_path / "leg.mat", image=matlab_image, Freq=offsets)
        with pytest.raises(ProtocolError, match=r"no protocol file \(leg\.json\): MagneticFieldStrength"):
            read_series(path)


class TestRefusals:
    """What cannot be a series, in one sentence."""

    def test_frames_on_another_axis(self, tmp_path, frames, offsets, partial):
        path = save_v5(tmp_path / "leg.mat", image=frames[:, 0], Freq=offsets)
        with pytest.raises(ReaderError, match=r"permute\(image, \[2, 3, 1\]\)"):
            read_series(path, partial)

    def test_another_number_of_frames(self, tmp_path, matlab_image, offsets, partial):
        path = save_v5(tmp_path / "leg.mat", image=matlab_image, Freq=np.arange(1.0, 4.0))
        with pytest.raises((ProtocolError, ReaderError), match=r"6 frames|no reference"):
            read_series(path, partial)

    def test_two_arrays_that_could_be_the_images(self, tmp_path, matlab_image, partial):
        path = save_v5(tmp_path / "leg.mat", scan_a=matlab_image, scan_b=matlab_image)
        with pytest.raises(ReaderError, match=r"2 arrays can be the images \(scan_a \(5 x 4 x 2 x 6\)"):
            read_series(path, partial)

    def test_they_can_be_told_apart_by_name(self, tmp_path, matlab_image, offsets, partial, frames):
        path = save_v5(tmp_path / "leg.mat", scan_a=matlab_image, scan_b=2 * matlab_image, Freq=offsets)
        np.testing.assert_array_equal(read_series(path, partial, variable="scan_b").data, 2 * frames)
        with pytest.raises(ReaderError, match="no array is called 'scan_c'"):
            read_series(path, partial, variable="scan_c")

    def test_complex_images(self, tmp_path, matlab_image, partial):
        path = save_v5(tmp_path / "leg.mat", image=matlab_image * 1j)
        with pytest.raises(ReaderError, match=r"save abs\(image\)"):
            read_series(path, partial)

    def test_a_truncated_file(self, tmp_path, matlab_image, partial):
        path = save_v5(tmp_path / "leg.mat", image=matlab_image)
        path.write_bytes(path.read_bytes()[:-50])
        with pytest.raises(ReaderError, match="damaged or cut short"):
            read_series(path, partial)

    def test_a_v73_file_without_h5py(self, tmp_path, matlab_image, partial, monkeypatch):
        path = save_v73(tmp_path / "leg.mat", image=matlab_image)
        monkeypatch.setitem(sys.modules, "h5py", None)
        with pytest.raises(MissingExtraError, match=r"'h5py'.*pip install 'pcrcest\[matlab\]'"):
            read_series(path, partial)

    def test_a_v73_array_that_was_never_written(self, tmp_path, partial):
        h5py = pytest.importorskip("h5py", reason="h5py (extra 'matlab') writes the v7.3 files")
        path = tmp_path / "leg.mat"
        with h5py.File(path, "w") as file:
            file.create_dataset("image", (6, 4096, 4096, 4096), "f8", chunks=True)
        with pytest.raises(ReaderError, match="promises at least"):
            read_series(path, partial)

    def test_a_map_of_another_size(self, tmp_path, grid):
        path = save_v5(tmp_path / "r1.mat", R1=np.full((3, 3), 0.6))
        with pytest.raises(ReaderError, match="'R1' is 3 x 3 but the CEST grid is 4 x 5 x 2"):
            read_map(path, "r1", grid)

    @pytest.mark.parametrize("quantity", ["r1", "t1", "fm", "b1", "b0", "image"])
    def test_a_file_without_the_map_asked_for(self, tmp_path, grid, quantity):
        path = save_v5(tmp_path / "x.mat", something=np.ones((5, 4, 2)))
        with pytest.raises(ReaderError, match=rf"no array for the {quantity} map"):
            read_map(path, quantity, grid)

    def test_a_map_that_is_not_there(self, tmp_path, grid):
        path = save_v5(tmp_path / "r1.mat", R1=np.full((3, 3), 0.6))
        with pytest.raises(ReaderError, match="no array for the fm map"):
            read_map(path, "fm", grid)
