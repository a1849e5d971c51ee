"""Muscles drawn with the mouse: a stroke covers what its brush passes, and lands in the muscle chosen before it."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest
from pointing import Voxels, eventually

from PCrCESTLib.readers import read_rois
from PCrCESTLib.readers.image_io import read_volume

FIRST, SECOND = "Tibialis anterior right", "Soleus right"
FILES = ("cest-1uT.nii.gz", "cest-1uT.json", "anat.nii.gz")  # without the muscles that lie beside them


@pytest.fixture(scope="module")
def page(visit, leg, opened_folder):
    """Page with a scan that has no muscles yet."""
    for name in FILES:
        shutil.copy(leg / f"sub-sim_{name}", opened_folder)
    page = visit()
    page.one(".scan-path input").fill(str(opened_folder / f"sub-sim_{FILES[0]}"))
    page.one(".open").click()
    page.until_state("scan_facts", "it.length === 2")
    page.until_idle()
    return page


@pytest.fixture(scope="module")
def voxels(page):
    """Where the voxels of the scan lie in the page."""
    return Voxels(page)


class Hand:
    """Draws at voxels, and looks at what has become of it."""

    def __init__(self, page, voxels, geometry, folder):
        self.page, self.voxels, self.geometry, self.folder = page, voxels, geometry, folder

    @property
    def reach(self) -> float:
        """Radius of the brush, voxels."""
        return self.page.state("brush_mm") / 2 / self.geometry.spacing_mm[0]

    def stroke(self, start, end, steps=12):
        self.page.drag([self.voxels.place(*start), self.voxels.place(*end)], steps)

    def masks(self) -> dict[str, np.ndarray]:
        """The drawn muscles by name, (rows, columns), as they are exported."""
        rois = read_rois(self.page.download(".export-muscles", self.folder), self.geometry)
        found = {region.name: region.mask[self.voxels.k] for region in rois.regions}
        for name, mask in found.items():
            eventually(lambda name=name, mask=mask: self.counts(name, mask.sum()))
        return found

    def counts(self, name, number):
        assert self.page.voxels(name) == number

    def tool(self, name):
        if self.page.state("tool") != name:
            self.page.one(f".tool-{name}").click()
            self.page.until_state("tool", f"it === {name!r}")

    def take(self, muscle):
        self.page.muscle(muscle).click()


@pytest.fixture
def hand(page, voxels, opened_folder, tmp_path):
    """Two empty muscles, the first one chosen, and the brush in hand."""
    while drawn := len(page.state("segments")):
        page.one(".pcr-segment [title=remove]").first.click()
        page.until_state("segments", f"it.length < {drawn}")
    for name in (SECOND, FIRST):
        page.add_muscle(*name.rsplit(" ", 1))
    page.open_section("export")
    hand = Hand(page, voxels, read_volume(opened_folder / f"sub-sim_{FILES[0]}").geometry, tmp_path)
    hand.tool("paint")
    return hand


def distance(shape, start, end) -> np.ndarray:
    """Distance of every voxel (row, column) from the line between two, (column, row), in voxels."""
    rows, columns = np.indices(shape)
    start, along = np.array(start, float), np.subtract(end, start).astype(float)
    from_start = np.stack([columns - start[0], rows - start[1]], axis=-1)
    share = np.clip(from_start @ along / max(along @ along, 1e-12), 0, 1)
    return np.linalg.norm(from_start - share[..., None] * along, axis=-1)


def check_covered(mask, start, end, reach, inside=True):
    """The mask is what a brush of a radius covers along a line, but for voxels that its edge cuts."""
    away = distance(mask.shape, start, end)
    assert mask[(away < reach - 0.75) & inside].all()
    assert not mask[(away > reach + 0.75) & inside].any()


def test_a_stroke_covers_what_the_brush_passes_and_the_next_one_goes_into_the_muscle_chosen_then(hand):
    hand.stroke((14, 24), (20, 40))
    hand.take(SECOND)
    hand.stroke((40, 22), (46, 38))
    masks = hand.masks()
    check_covered(masks[FIRST], (14, 24), (20, 40), hand.reach)
    check_covered(masks[SECOND], (40, 22), (46, 38), hand.reach)


def test_strokes_faster_than_the_line_never_land_in_the_muscle_chosen_after_them(hand):
    draw = random.Random(1)
    left, right = ((12, 24), (22, 42)), ((40, 24), (50, 42))
    for _ in range(10):
        hand.stroke(*left, steps=draw.randint(5, 40))
        hand.take(SECOND)
        hand.stroke(*right, steps=draw.randint(5, 40))
        hand.take(FIRST)
    masks = hand.masks()
    check_covered(masks[FIRST], *left, hand.reach)
    check_covered(masks[SECOND], *right, hand.reach)


def test_the_eraser_takes_away_what_it_passes_and_leaves_other_muscles_alone(hand):
    hand.stroke((14, 24), (20, 40))
    hand.take(SECOND)
    hand.stroke((20, 24), (26, 40))
    before = hand.masks()
    hand.take(FIRST)
    hand.tool("erase")
    hand.stroke((12, 32), (30, 32))
    after = hand.masks()
    assert not (after[FIRST] & ~before[FIRST]).any()
    check_covered(~after[FIRST], (12, 32), (30, 32), hand.reach, inside=before[FIRST])
    np.testing.assert_array_equal(after[SECOND], before[SECOND])


def test_strokes_are_undone_and_done_again_by_buttons_and_keys(hand):
    hand.stroke((14, 24), (20, 40))
    one = hand.masks()
    hand.stroke((26, 24), (32, 40))
    both = hand.masks()
    assert both[FIRST].sum() > one[FIRST].sum()
    ways = [("button", ".undo", ".redo"), ("key", "Control+z", "Control+y"), ("key", "Control+z", "Control+Shift+z")]
    for kind, back, again in ways:
        for action, expected in ((back, one), (again, both)):
            hand.page.one(action).click() if kind == "button" else hand.page.page.keyboard.press(action)
            np.testing.assert_array_equal(hand.masks()[FIRST], expected[FIRST])


def test_what_is_drawn_around_is_filled_and_so_is_a_polygon(hand):
    corners = [(14, 24), (26, 24), (26, 40), (14, 40)]
    places = [hand.voxels.place(*corner) for corner in corners]
    hand.tool("outline")
    hand.page.drag([*places, places[0]], steps=8)
    check_rectangle(hand.masks()[FIRST], corners)
    hand.take(SECOND)
    hand.tool("polygon")
    corners = [(i + 24, j) for i, j in corners]
    for i, j in corners:
        hand.page.page.mouse.click(*hand.voxels.place(i, j))
    hand.page.page.mouse.click(*hand.voxels.place(*corners[0]), button="right")
    eventually(lambda: check_rectangle(hand.masks().get(SECOND), corners))


def check_rectangle(mask, corners):
    assert mask is not None
    (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
    inner = np.zeros_like(mask)
    inner[top + 1 : bottom, left + 1 : right] = True
    outer = np.zeros_like(mask)
    outer[top - 1 : bottom + 2, left - 1 : right + 2] = True
    assert mask[inner].all()
    assert not mask[~outer].any()


def test_a_threshold_fills_the_voxels_of_the_image_between_its_limits(hand, opened_folder):
    anatomy = read_volume(opened_folder / "sub-sim_anat.nii.gz")
    assert anatomy.geometry.same_as(hand.geometry)
    hand.tool("threshold")
    low, high = hand.page.until_state("threshold", "it[0] > 0 || it[1] > 1")
    hand.page.one(".threshold-apply").click()
    hand.page.until_state("tool", "it === ''")
    image = anatomy.array.reshape(hand.geometry.shape)[hand.voxels.k]
    np.testing.assert_array_equal(hand.masks()[FIRST], (image >= low) & (image <= high))


def test_other_muscles_are_kept_when_told_so_and_else_give_way(hand):
    hand.stroke((20, 24), (20, 40))
    first = hand.masks()[FIRST]
    hand.page.one(".keep-others input").check()
    hand.take(SECOND)
    hand.stroke((12, 32), (30, 32))
    masks = hand.masks()
    np.testing.assert_array_equal(masks[FIRST], first)
    assert not (masks[SECOND] & first).any()
    assert masks[SECOND].any()
    hand.page.one(".keep-others input").uncheck()
    hand.stroke((12, 32), (30, 32))
    masks = hand.masks()
    check_covered(masks[SECOND], (12, 32), (30, 32), hand.reach)
    np.testing.assert_array_equal(masks[FIRST], first & ~masks[SECOND])
