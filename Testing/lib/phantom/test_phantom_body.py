"""What the digital animal is made of."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.synthesis.phantom import PhantomSettings
from PCrCESTLib.synthesis.phantom_body import build_legs, muscle_truth
from PCrCESTLib.synthesis.phantom_shapes import (
    CORTICAL_BONE,
    FAT,
    MARROW,
    VESSEL,
    compose_legs,
    grid_coordinates,
)

GRID = Geometry((64, 64, 1), (0.5, 0.5, 2.0))


@pytest.fixture(scope="module")
def body():
    return build_legs(GRID, 1, PhantomSettings())


def test_every_voxel_is_filled_exactly_once(body):
    np.testing.assert_allclose(body.composition.fractions.sum(axis=0), 1.0)


def test_eight_muscles_of_useful_size(body):
    sizes = [np.sum(body.labels == i) for i in range(1, 9)]
    assert min(sizes) >= 40
    assert set(np.unique(body.labels)) == set(range(9))


@pytest.mark.parametrize("tissue", [FAT, CORTICAL_BONE, MARROW, VESSEL])
def test_bone_fat_and_vessels_are_there(body, tissue):
    assert body.composition.fractions[tissue].max() > 0.9


def test_right_leg_lies_at_the_patients_right(body):
    x = grid_coordinates(GRID).x
    assert x[(body.labels >= 1) & (body.labels <= 4)].max() < 0 < x[body.labels >= 5].min()


def test_fat_lies_at_the_rim_and_muscle_inside(body):
    share = body.composition.fractions
    row = np.argmax(body.composition.muscle[0].sum(axis=1))
    fat_columns = np.nonzero(share[FAT][0, row] > 0.2)[0]
    muscle_columns = np.nonzero(body.composition.muscle[0, row] > 0.5)[0]
    assert fat_columns.min() < muscle_columns.min()
    assert fat_columns.max() > muscle_columns.max()


def test_truth_is_constant_within_a_muscle_and_differs_between_muscles(body):
    fs = [np.unique(body.fs[body.labels == i]) for i in range(1, 9)]
    assert all(len(values) == 1 for values in fs)
    assert len({float(values[0]) for values in fs}) == 8


def test_truth_is_physiological_and_ksw_covers_its_range(body):
    truth = muscle_truth(body, body.fs)
    assert 0.4e-3 <= np.nanmin(truth) < np.nanmax(truth) <= 1.2e-3
    ksw = body.ksw_per_s[body.labels > 0]
    assert ksw.min() < 90
    assert ksw.max() > 160


def test_truth_is_unknown_outside_muscle(body):
    truth = muscle_truth(body, body.fs)
    assert np.isnan(truth[body.composition.muscle < 0.5]).all()
    assert np.isfinite(truth[body.labels > 0]).all()


def test_heterogeneity_varies_fs_within_a_muscle_by_the_share_asked_for():
    body = build_legs(GRID, 1, PhantomSettings(heterogeneity=0.2))
    plain = build_legs(GRID, 1, PhantomSettings())
    ratio = (body.fs / plain.fs)[body.labels > 0]
    assert ratio.std() > 0.02
    assert np.abs(ratio - 1).max() <= 0.2 + 1e-9


def test_fields_reach_what_was_asked_and_are_smooth():
    body = build_legs(GRID, 5, PhantomSettings(b0_range_ppm=0.3, b1_range=0.15))
    inside = body.composition.body
    assert np.abs(body.b0_ppm[inside]).max() == pytest.approx(0.3)
    assert np.abs(body.relative_b1[inside] - 1).max() == pytest.approx(0.15)
    assert np.abs(np.diff(body.b0_ppm[0], axis=0)).max() < 0.05


def test_no_field_means_a_perfect_magnet():
    body = build_legs(GRID, 5, PhantomSettings(b0_range_ppm=0, b1_range=0))
    assert not body.b0_ppm.any()
    assert (body.relative_b1 == 1).all()


def test_r1_of_muscle_follows_the_pool_sizes_and_is_that_of_rat_muscle(body):
    muscle = body.labels > 0
    r1w, fm = 1 / body.t1_water_s[muscle], body.fm[muscle]
    np.testing.assert_allclose(body.r1_obs[muscle] * (1 + fm), r1w + fm / 1.5)
    assert 0.57 < np.median(body.r1_obs[muscle]) < 0.67


def test_legs_stay_the_same_size_in_millimeters_when_the_grid_is_refined():
    coarse = compose_legs(Geometry((32, 32, 1), (1.0, 1.0, 2.0)), np.random.default_rng(2))
    fine = compose_legs(Geometry((96, 64, 1), (1 / 3, 0.5, 2.0)), np.random.default_rng(2))
    area_coarse, area_fine = coarse.muscle.sum() * 1.0, fine.muscle.sum() / 6
    assert area_fine == pytest.approx(area_coarse, rel=0.02)


def test_legs_thin_along_the_stack():
    body = build_legs(Geometry((64, 64, 3), (0.5, 0.5, 2.0)), 1, PhantomSettings())
    areas = body.composition.muscle.sum(axis=(1, 2))
    assert areas[0] > areas[1] > areas[2]


@pytest.mark.parametrize(
    "wrong", [{"b1_range": 1.5}, {"b0_range_ppm": float("nan")}, {"muscle_fat": -0.1}, {"family": "frog"}]
)
def test_senseless_settings_are_refused_by_name(wrong):
    with pytest.raises(PhysicsError, match=next(iter(wrong))):
        PhantomSettings(**wrong)
