"""R1, T1, fm, B1, B0 maps and masks: units told from values, resampled only where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.readers import read_map, read_mask

MUSCLE_T1_S = np.linspace(1.4, 1.8, 40)


@pytest.fixture
def t1_s(grid):
    return MUSCLE_T1_S.reshape(grid.shape).copy()


class TestRelaxation:
    """Every way of writing T1 1.4–1.8 s down gives the same R1."""

    @pytest.mark.parametrize(
        ("role", "stored", "said"),
        [
            ("r1", lambda t1: 1 / t1, "T1 1.6 s"),
            ("t1", lambda t1: t1, "converted from T1 in s"),
            ("t1", lambda t1: 1000 * t1, "converted from T1 in ms"),
            ("r1", lambda t1: 0.001 / t1, "converted from R1 in ms⁻¹"),
            ("r1", lambda t1: 1000 * t1, "given as R1, but its values can only be T1"),
            ("t1", lambda t1: 0.001 / t1, "given as T1, but its values can only be R1"),
        ],
    )
    def test_r1_comes_out_in_inverse_seconds_and_the_conversion_is_said(
        self, write, grid, t1_s, role, stored, said
    ):
        found = read_map(write("map.nrrd", stored(t1_s), grid), role, grid)
        np.testing.assert_allclose(found.values, 1 / t1_s, rtol=1e-12)
        assert said in " ".join(found.notes)

    @pytest.mark.parametrize(("role", "other"), [("t1", "r1"), ("r1", "t1")])
    def test_a_map_in_the_wrong_role_is_refused_not_inverted(self, write, grid, t1_s, role, other):
        stored = t1_s if other == "t1" else 1 / t1_s
        with pytest.raises(ReaderError, match=rf"as in muscle; give it as --{other}"):
            read_map(write("map.nrrd", stored, grid), role, grid)

    def test_its_own_units_settle_it(self, write, grid, t1_s):
        # A doped phantom of T1 0.6 s looks like muscle's R1.
        write("phantom.json", {"Units": "s"})
        found = read_map(write("phantom.nrrd", t1_s / 2.6, grid), "t1", grid)
        np.testing.assert_allclose(found.values, 2.6 / t1_s, rtol=1e-12)

    def test_where_both_roles_are_possible_a_contradicting_name_is_noted(self, write, grid, t1_s):
        found = read_map(write("sub-01_R1map.nrrd", t1_s / 1.6, grid), "t1", grid)
        assert "though its name and values allow R1" in " ".join(found.notes)
        quiet = read_map(write("sub-01_map.nrrd", t1_s / 1.6, grid), "t1", grid)
        assert "though" not in " ".join(quiet.notes)

    def test_values_at_or_below_zero_are_invalid(self, write, grid, t1_s):
        t1_s[0, 0, :3] = 0.0, -1.0, np.nan
        values = read_map(write("t1.nii.gz", t1_s, grid), "t1", grid).values
        assert np.isnan(values[0, 0, :3]).all()
        assert np.isfinite(values).sum() == 37

    @pytest.mark.parametrize("median", [1e-6, 0.05, 40.0, 1e6])
    def test_values_of_no_tissue_are_refused(self, write, grid, median):
        with pytest.raises(ReaderError, match=r"no T1.*and no R1"):
            read_map(write("map.nrrd", np.full(grid.shape, median), grid), "r1", grid)

    def test_an_empty_map_is_refused(self, write, grid):
        with pytest.raises(ReaderError, match="no value above zero"):
            read_map(write("map.nrrd", np.zeros(grid.shape), grid), "r1", grid)

    @pytest.mark.parametrize("units", ["furlong", 3])
    def test_unknown_units_are_refused(self, write, grid, t1_s, units):
        write("map.json", {"Units": units})
        with pytest.raises(ReaderError, match="Units is"):
            read_map(write("map.nrrd", t1_s, grid), "t1", grid)


class TestRatios:
    """fm and relative B1, as ratios or in percent."""

    @pytest.mark.parametrize("factor", [1, 100])
    def test_fm_is_a_ratio(self, write, grid, factor):
        fm = np.linspace(0.07, 0.12, 40).reshape(grid.shape)
        found = read_map(write("fm.nrrd", factor * fm, grid), "fm", grid)
        np.testing.assert_allclose(found.values, fm)
        assert ("percent" in " ".join(found.notes)) == (factor == 100)

    @pytest.mark.parametrize("factor", [1, 100])
    def test_b1_is_relative_to_nominal(self, write, grid, factor):
        b1 = np.linspace(0.8, 1.1, 40).reshape(grid.shape)
        np.testing.assert_allclose(read_map(write("b1.nrrd", factor * b1, grid), "b1", grid).values, b1)

    @pytest.mark.parametrize(("quantity", "value"), [("b1", 45.0), ("b1", 0.25), ("b1", 600.0), ("fm", 0.9)])
    def test_flip_angles_and_the_like_are_refused(self, write, grid, quantity, value):
        with pytest.raises(ReaderError, match="is expected, as a ratio"):
            read_map(write("map.nrrd", np.full(grid.shape, value), grid), quantity, grid)


class TestB0:
    """Shift maps in ppm and Hz."""

    def test_ppm_stay_as_they_are_zero_included(self, write, grid):
        b0 = np.linspace(-0.4, 0.4, 40).reshape(grid.shape)
        b0[0, 0, 0] = 0.0
        np.testing.assert_array_equal(read_map(write("b0.nrrd", b0, grid), "b0", grid).values, b0)

    def test_hz_are_converted_with_the_field(self, write, grid):
        b0_hz = np.linspace(-60, 60, 40).reshape(grid.shape)
        found = read_map(write("b0.nrrd", b0_hz, grid), "b0", grid, field_t=4.7)
        np.testing.assert_allclose(found.values, b0_hz / (42.5764 * 4.7))
        assert "taken as Hz" in " ".join(found.notes)

    def test_hz_without_a_field_are_refused(self, write, grid):
        with pytest.raises(ReaderError, match="the field is not known"):
            read_map(write("b0.nrrd", np.full(grid.shape, 30.0), grid), "b0", grid)

    def test_what_could_be_either_is_refused_unless_its_units_are_given(self, write, grid):
        path = write("b0.nrrd", np.full(grid.shape, 3.0), grid)
        with pytest.raises(ReaderError, match="too far for ppm and too good for Hz"):
            read_map(path, "b0", grid, field_t=3.0)
        write("b0.json", {"Units": "Hz"})
        assert read_map(path, "b0", grid, field_t=3.0).values == pytest.approx(3 / 127.7292)

    def test_radians_per_second_are_not_taken_for_hz(self, write, grid):
        with pytest.raises(ReaderError, match="more than 5 ppm"):
            read_map(write("b0.nrrd", np.full(grid.shape, 900.0), grid), "b0", grid, field_t=3.0)


class TestPlacement:
    """Where a map lies decides what happens to it."""

    def test_on_the_same_grid_values_are_untouched_bit_for_bit(self, write, grid, t1_s):
        stored = (1 / t1_s).astype(np.float32)
        values = read_map(write("r1.nii.gz", stored, grid), "r1", grid).values
        np.testing.assert_array_equal(values, stored.astype(np.float64))

    def test_a_finer_map_of_a_linear_field_is_sampled_exactly(self, write, grid):
        fine = Geometry((16, 20, 8), (0.5, 0.625, 1.5), (-15.0, 27.0, 1.0), grid.direction)
        slope = np.array([0.01, -0.008, 0.012])

        def field(geometry):
            z, y, x = np.indices(geometry.shape)
            index = np.stack([x, y, z], axis=-1) * geometry.spacing_mm
            return 0.6 + (index @ geometry.matrix.T + geometry.origin_mm) @ slope

        found = read_map(write("r1.nrrd", field(fine), fine), "r1", grid)
        inside = np.isfinite(found.values)
        assert inside.sum() > 20
        np.testing.assert_allclose(found.values[inside], field(grid)[inside], rtol=1e-9)
        assert "covers" in found.notes[0]

    def test_invalid_voxels_do_not_bleed_into_their_neighbors(self, write, grid):
        half = Geometry(
            grid.size, grid.spacing_mm, tuple(np.add(grid.origin_mm, (0.5, 0, 0))), grid.direction
        )
        r1 = np.full(grid.shape, 0.6)
        r1[:, :, 1] = 0.0
        values = read_map(write("r1.nrrd", r1, half), "r1", grid).values
        np.testing.assert_allclose(values[np.isfinite(values)], 0.6, rtol=1e-9)

    def test_a_map_of_another_place_is_refused(self, write, grid, t1_s):
        far = Geometry(grid.size, grid.spacing_mm, (500.0, 0.0, 0.0), grid.direction)
        with pytest.raises(GeometryError, match=r"does not overlap.*a tool may have dropped its position"):
            read_map(write("t1.nrrd", t1_s, far), "t1", grid)

    def test_a_map_with_frames_is_refused(self, write, grid, frames):
        with pytest.raises(ReaderError, match="the r1 map has 6 frames"):
            read_map(write("r1.nii.gz", frames, grid), "r1", grid)

    def test_a_mask_is_resampled_to_the_nearest_voxel(self, write, grid):
        fine = Geometry((8, 10, 2), (0.5, 0.625, 3.0), grid.origin_mm, grid.direction)
        mask = np.zeros(fine.shape, np.uint8)
        mask[1, 4, 6] = 200
        found = read_mask(write("mask.nii.gz", mask, fine), grid)
        assert np.argwhere(found.values).tolist() == [[1, 2, 3]]
        assert found.values.dtype == bool

    def test_an_empty_mask_is_refused(self, write, grid):
        with pytest.raises(ReaderError, match="the mask is empty; give a mask"):
            read_mask(write("mask.nii.gz", np.zeros(grid.shape, np.uint8), grid), grid)


def test_the_measured_rats_give_muscle_values(shared_data):
    from PCrCESTLib.readers import read_rois, read_series

    for folder in sorted((shared_data / "rat_leg_4p7T").glob("sub-*")):
        stem = folder / folder.name
        series = read_series(stem.with_name(f"{folder.name}_cest.nii.gz"))
        legs = read_rois(stem.with_name(f"{folder.name}_legs.nii.gz"), series.geometry)
        r1 = read_map(stem.with_name(f"{folder.name}_R1obs.nii.gz"), "r1", series.geometry).values
        fm = read_map(stem.with_name(f"{folder.name}_fm.nii.gz"), "fm", series.geometry).values
        assert 1.5 < 1 / np.nanmedian(r1[legs.union]) < 1.7
        assert 0.06 < np.nanmedian(fm[legs.union]) < 0.13


def test_the_measured_human_leg_loads_with_a_protocol_that_lacks_offsets(shared_data, write):
    from PCrCESTLib.readers import read_series

    partial = write("p.json", {"MagneticFieldStrength": 3, "SaturationB1": 0.6, "SaturationDuration": 2})
    path = shared_data / "human_leg_3T" / "Data.mat"
    series = read_series(path, partial)
    assert series.data.shape == (52, 1, 128, 128)
    assert series.protocol.reference_frames == (0, 1)
    mask = read_mask(path, series.geometry).values
    maps = np.load(path.with_name("anncest_maps.npz"))
    published = next(m for m in maps.values() if m.shape == (128, 128))
    # The published maps are NaN outside the mask: the axes agree.
    np.testing.assert_array_equal(mask[0], np.isfinite(published))
