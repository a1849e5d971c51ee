"""Where images lie: exactly as ITK has it, in any orientation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from PCrCESTLib.errors import GeometryError
from PCrCESTLib.geometry import Geometry

sizes = st.tuples(*[st.integers(1, 5)] * 3)
spacings = st.tuples(*[st.floats(0.1, 10)] * 3)
origins = st.tuples(*[st.floats(-500, 500)] * 3)


@st.composite
def geometries(draw):
    angles = draw(st.tuples(*[st.floats(-180, 180)] * 3))
    matrix = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    if draw(st.booleans()):
        matrix = matrix[:, [1, 0, 2]]  # left-handed grids exist (coronal and sagittal stacks)
    return Geometry(draw(sizes), draw(spacings), draw(origins), tuple(matrix.ravel().tolist()))


@given(geometries())
def test_an_image_made_on_a_grid_lies_on_that_grid(geometry):
    for shape in (geometry.shape, (3, *geometry.shape)):
        image = geometry.to_image(np.zeros(shape, np.float32))
        assert Geometry.of_image(image).same_as(geometry)


@given(geometries())
def test_voxels_lie_where_itk_puts_them(geometry):
    image = geometry.to_image(np.zeros(geometry.shape, np.uint8))
    last = np.subtract(geometry.size, 1)
    ours = np.add(geometry.origin_mm, geometry.matrix @ (last * geometry.spacing_mm))
    np.testing.assert_allclose(ours, image.TransformIndexToPhysicalPoint(last.tolist()), atol=1e-9)


def test_arrays_run_z_y_x():
    array = np.arange(24).reshape(2, 3, 4)
    image = Geometry((4, 3, 2)).to_image(array)
    assert image[3, 1, 0] == array[0, 1, 3]


def test_a_flat_image_counts_as_one_slice():
    assert Geometry.of_image(sitk.Image((5, 4), sitk.sitkUInt8)) == Geometry((5, 4, 1))


def test_a_mask_can_be_written():
    assert Geometry((2, 2, 2)).to_image(np.ones((2, 2, 2), bool)).GetPixelID() == sitk.sitkUInt8


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"origin_mm": (0.0004, 0.0, 0.0)}, True),
        ({"origin_mm": (0.1, 0.0, 0.0)}, False),
        ({"spacing_mm": (0.5, 0.5, 2.1)}, False),
        ({"size": (4, 4, 3)}, False),
        ({"direction": (0, 1, 0, -1, 0, 0, 0, 0, 1)}, False),
    ],
)
def test_grids_coincide_to_a_thousandth_of_a_voxel(change, same):
    grid = Geometry((4, 4, 2), (0.5, 0.5, 2.0))
    assert grid.same_as(replace(grid, **change)) is same


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"spacing_mm": (0.0, 1.0, 1.0)}, "positive finite spacings"),
        ({"spacing_mm": (1.0, float("nan"), 1.0)}, "positive finite spacings"),
        ({"origin_mm": (float("inf"), 0.0, 0.0)}, "a finite origin"),
        ({"direction": (1, 0.2, 0, 0, 1, 0, 0, 0, 1)}, "not perpendicular"),
        ({"direction": (2, 0, 0, 0, 1, 0, 0, 0, 1)}, "not perpendicular"),
        ({"direction": (1, 0, 0, 1)}, "not perpendicular"),
        ({"size": (0, 4, 4)}, "at least one voxel"),
    ],
)
def test_senseless_grids_are_refused(change, reason):
    with pytest.raises(GeometryError, match=reason):
        replace(Geometry((4, 4, 2)), **change)


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(GeometryError, match="does not fit"):
        Geometry((4, 3, 2)).to_image(np.zeros((4, 3, 2)))
