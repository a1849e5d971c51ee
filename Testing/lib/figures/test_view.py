"""Which slices are shown, how they are cropped, and which way they face."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.figures.view import boundary_segments, choose_view, label_point
from PCrCESTLib.geometry import Geometry


def block(shape, *slices):
    mask = np.zeros(shape, dtype=bool)
    mask[slices] = True
    return mask


def test_an_axial_image_with_standard_axes_shows_the_patients_left_at_the_right():
    geometry = Geometry((20, 20, 1))
    view = choose_view(geometry, np.ones(geometry.shape, bool), np.ones(geometry.shape, bool))
    assert view.letters == ("R", "L", "A", "P")


def test_a_coronal_image_is_lettered_from_its_directions():
    coronal = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)  # rows run toward the feet
    geometry = Geometry((20, 20, 1), direction=coronal)
    view = choose_view(geometry, np.ones(geometry.shape, bool), np.ones(geometry.shape, bool))
    assert view.letters == ("R", "L", "S", "I")


def test_the_fullest_slices_are_shown_in_order():
    shape = (6, 20, 20)
    interest = np.zeros(shape, dtype=bool)
    for z, rows in enumerate((0, 5, 2, 9, 8, 1)):
        interest[z, :rows, 5:10] = True
    view = choose_view(Geometry(shape[::-1]), interest, interest)
    assert view.slices == (1, 2, 3, 4)


def test_slices_without_any_region_are_not_shown():
    interest = block((5, 20, 20), 3, slice(5, 9), slice(5, 9))
    view = choose_view(Geometry((20, 20, 5)), interest, np.ones((5, 20, 20), bool))
    assert view.slices == (3,)


def test_the_crop_keeps_all_of_the_body_and_little_else():
    body = block((1, 100, 80), 0, slice(40, 60), slice(10, 50))
    view = choose_view(Geometry((80, 100, 1)), body, body)
    assert view.rows.start < 40 < 60 < view.rows.stop
    assert view.rows.stop - view.rows.start < 30
    assert view.columns.start < 10 < 50 < view.columns.stop


def test_a_mosaic_holds_every_slice_at_its_corner():
    volume = np.arange(3.0)[:, None, None] * np.ones((3, 8, 8))
    everything = np.ones(volume.shape, dtype=bool)
    view = choose_view(Geometry((8, 8, 3)), everything, everything)
    mosaic = view.mosaic(volume)
    for (top, left), number in zip(view.corners(), view.slices, strict=True):
        assert mosaic[top, left] == number


def test_a_stack_stored_with_a_single_row_is_seen_from_the_side():
    geometry = Geometry((30, 1, 20), (0.5, 4.0, 1.5))
    everything = np.ones(geometry.shape, dtype=bool)
    view = choose_view(geometry, everything, everything)
    assert view.tile_shape == (20, 30)
    assert view.aspect == pytest.approx(3.0)
    assert view.letters == ("R", "L", "I", "S")


def test_an_outline_encloses_the_voxels_exactly():
    segments = boundary_segments(block((5, 5), slice(1, 3), slice(2, 3)))
    assert len(segments) == 6  # one by two voxels
    assert (segments[..., 0].min(), segments[..., 0].max()) == (1.5, 2.5)
    assert (segments[..., 1].min(), segments[..., 1].max()) == (0.5, 2.5)


def test_a_region_at_the_edge_is_outlined_on_all_sides():
    assert len(boundary_segments(np.ones((3, 4), dtype=bool))) == 14


def test_the_number_stands_inside_the_region_even_if_it_is_bent():
    bent = block((20, 20), slice(2, 18), slice(2, 6)) | block((20, 20), slice(14, 18), slice(2, 18))
    x, y = label_point(bent)
    assert bent[int(y), int(x)]
