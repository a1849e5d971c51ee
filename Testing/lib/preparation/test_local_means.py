"""Neighborhoods are compact, complete and free of B0 blur."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.preparation.local_means import MIN_BLOCK_VOXELS, local_means, neighborhoods
from PCrCESTLib.preparation.zseries import PowerBlock, ZSeries
from PCrCESTLib.saturation import Saturation

GRID = np.arange(-5, 5.01, 0.125)
SHAPE = (1, 16, 20)


def spectrum(offsets: np.ndarray) -> np.ndarray:
    return 1 - 0.9 / (1 + (offsets / 0.4) ** 2) - 0.05 / (1 + ((offsets - 2.6) / 0.25) ** 2)


def a_series(
    shift_ppm: np.ndarray, powers: tuple[float, ...] = (0.5,), offsets: np.ndarray = GRID
) -> ZSeries:
    z = spectrum(offsets[:, None, None, None] - shift_ppm[None])
    blocks = tuple(PowerBlock(p, offsets, z.astype(np.float32)) for p in powers)
    return ZSeries(blocks, Geometry(SHAPE[::-1]), 4.7, Saturation(5.0))


@pytest.fixture
def uneven_field() -> np.ndarray:
    return np.broadcast_to(np.linspace(-0.3, 0.3, SHAPE[2]), SHAPE).copy()


def test_neighborhoods_hold_every_voxel_once_and_stay_compact():
    voxels = np.argwhere(np.ones((1, 40, 25), bool))
    blocks = neighborhoods(voxels, np.array([2.0, 0.5, 0.5]))
    assert sorted(map(tuple, np.concatenate(blocks))) == sorted(map(tuple, voxels))
    assert all(60 <= len(b) <= 119 for b in blocks)
    assert max(np.ptp(b, axis=0).max() for b in blocks) <= 14  # 80 voxels in a square: 9 a side


def test_each_voxel_is_moved_to_its_own_water_frequency_before_averaging(uneven_field):
    region = [("all", np.ones(SHAPE, bool))]
    means = local_means(a_series(uneven_field, (0.5, 1.0)), region, GRID)
    assert means.z.shape == (4, 2, len(GRID))
    inner = np.abs(GRID) < 4.5
    expected = np.broadcast_to(spectrum(GRID[inner]), (4, 2, inner.sum()))
    np.testing.assert_allclose(means.z[:, :, inner], expected, atol=4e-3)
    blurred = a_series(uneven_field).blocks[0].z.mean(axis=(1, 2, 3))
    assert np.max(np.abs(blurred - spectrum(GRID))) > 0.1


def test_r1_is_the_mean_of_what_is_known_and_small_regions_are_left_out(uneven_field):
    left = np.zeros(SHAPE, bool)
    left[..., :6] = True
    corner = np.zeros(SHAPE, bool)
    corner[:, :7, -8:] = True
    r1 = np.where(np.arange(SHAPE[2]) < 3, 0.6, 0.7) * np.ones(SHAPE)
    r1[0, 0, 0] = np.nan
    means = local_means(a_series(uneven_field), [("left", left), ("corner", corner)], GRID, r1)
    assert means.regions == ("left",)
    assert means.n_voxels.tolist() == [96]
    assert means.r1_obs[0] == pytest.approx((47 * 0.6 + 48 * 0.7) / 95)
    assert "corner has 56 usable voxels" in means.notes[0]


def test_regions_without_enough_spectra_are_refused(uneven_field):
    series = a_series(uneven_field)
    series.blocks[0].z[:, :, MIN_BLOCK_VOXELS // SHAPE[2] - 1 :] = 0
    with pytest.raises(ReaderError, match="the largest has 40"):
        local_means(series, [("all", np.ones(SHAPE, bool))], GRID)


def test_offsets_without_the_water_dip_are_refused(uneven_field):
    far = np.arange(1.3, 3.5, 0.05)
    with pytest.raises(ReaderError, match="do not sample the water dip"):
        local_means(a_series(uneven_field, offsets=far), [("all", np.ones(SHAPE, bool))], far)
