"""A leg that moves during the scan is brought back; one that lies still is left alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from PCrCESTLib.errors import GeometryError, ProtocolError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.preparation.drift import m0_drift
from PCrCESTLib.preparation.glance import motion_advice
from PCrCESTLib.preparation.motion import correct_motion
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.series import CestSeries

SIDE, FINER, MM = 40, 4, 0.5
# Water is black in the middle, fat at -3.5 ppm: no two of these frames have the same contrast.
OFFSETS = (200.0, 8.0, 5.0, 3.5, 2.6, 2.0, 1.0, 0.3, 200.0, 0.0, -0.3, -1.0, -2.0, -3.5, -5.0, -8.0, 200.0)
NOISE = 0.01
GRID = Geometry((SIDE, SIDE, 1), (MM, MM, 2.0))


def leg(motion, *, coil=False, offsets=OFFSETS):
    """Frames (n, 1, y, x) of a leg of two muscles, a bone and a rim of fat; ``motion`` is (n, 3): mm, mm, degrees."""
    n = SIDE * FINER
    y, x = (np.mgrid[:n, :n] - (n - 1) / 2) / FINER
    frames = []
    for offset, (tx, ty, turn) in zip(offsets, motion, strict=True):
        angle = np.deg2rad(turn)
        u, v = x - tx / MM, y - ty / MM
        u, v = np.cos(angle) * u + np.sin(angle) * v, -np.sin(angle) * u + np.cos(angle) * v
        body, inner = (u / 14) ** 2 + (v / 9) ** 2 < 1, (u / 12) ** 2 + (v / 7) ** 2 < 1
        bone = (u + 5) ** 2 + (v - 2) ** 2 < 5
        water = 1 - 0.97 / (1 + (offset / 0.9) ** 2)
        fat = 1 - 0.9 / (1 + ((offset + 3.5) / 0.6) ** 2)
        muscle = np.where(u > 1, water, water - 0.04 / (1 + (offset / 4) ** 2))
        image = np.where(body, 1.2 * fat, 0) * ~inner + muscle * (inner & ~bone)
        image = image * (np.exp(-(y + 20) / 40) if coil else 1)
        smooth = ndimage.gaussian_filter(image, 0.5 * FINER)  # a scanner's point spread
        frames.append(smooth.reshape(SIDE, FINER, SIDE, FINER).mean(axis=(1, 3)))
    return np.array(frames, dtype=np.float32)[:, None]


def series(frames, *, noise=NOISE, seed=0, b1=0.5, grid=GRID, offsets=OFFSETS):
    rng = np.random.default_rng(seed)
    data = np.hypot(frames + rng.normal(0, noise, frames.shape), rng.normal(0, noise, frames.shape))
    references = tuple(i for i, o in enumerate(offsets) if o >= 20)
    protocol = Protocol(4.7, offsets, (b1,) * len(offsets), Saturation(5.0), references)
    return CestSeries((1000 * data).astype(np.float32), grid, protocol, source=("scan.nii.gz",))


REST = np.zeros((len(OFFSETS), 3))
JUMP = np.array([[0, 0, 0]] * 6 + [[0.8, -0.6, 3.0]] * 11)


def found(report):
    return np.array([[*row.translation_mm[:2], row.rotation_deg[2]] for row in report.frames])


def test_a_known_jump_is_recovered_within_a_tenth_of_a_voxel():
    corrected, report = correct_motion([series(leg(JUMP))])
    told = np.array([row.estimated for row in report.frames])
    error = found(report) - JUMP
    assert told.sum() >= len(OFFSETS) - 2
    assert np.sqrt(np.mean(error[told, :2] ** 2)) < 0.1 * MM
    assert np.sqrt(np.mean(error[told, 2] ** 2)) < 0.5
    still = series(leg(REST)).data
    inside = np.s_[:, 0, 12:28, 10:30]
    moved = series(leg(JUMP)).data

    def rms(data):
        return np.sqrt(np.mean((data[inside] - still[inside]) ** 2))

    assert rms(corrected[0].data) < 0.25 * rms(moved)
    assert report.largest_mm == pytest.approx(1.1, abs=0.15)
    assert any("was corrected" in note for note in report.notes)


def test_a_leg_at_rest_is_not_resampled_though_its_contrast_changes_and_water_turns_it_black():
    scan = series(leg(REST))
    corrected, report = correct_motion([scan])
    assert not report.moved
    assert report.largest_mm < 0.2 * MM
    np.testing.assert_array_equal(corrected[0].data, scan.data)
    assert any("at rest" in note for note in report.notes)


def test_the_same_scan_gives_the_same_motion_twice():
    first, again = (correct_motion([series(leg(JUMP))])[1].frames for _ in range(2))
    assert first == again


def test_powers_are_brought_to_the_place_of_the_first():
    away = np.tile([0.7, 0.4, 0.0], (len(OFFSETS), 1))
    low, high = series(leg(REST)), series(leg(away), seed=1, b1=1.0)
    _, report = correct_motion([low, high])
    shift = found(report)[len(OFFSETS) :]
    assert np.median(shift[:, 0]) == pytest.approx(0.7, abs=0.1 * MM)
    assert np.median(shift[:, 1]) == pytest.approx(0.4, abs=0.1 * MM)


def test_the_shading_of_a_coil_that_stays_in_place_is_taken_out():
    """Z far from water is one; after the jump the leg lies where the coil hears it otherwise."""
    motion = JUMP * [0, 2, 0]
    scan, _ = correct_motion([series(leg(motion, coil=True), noise=0.002)])
    still = series(leg(REST, coil=True), noise=0.0).data
    muscle = np.s_[0, 16:24, 24:28]
    ratio = scan[0].data[-2][muscle] / still[-2][muscle]
    assert np.exp(1.2 / MM / 40) > 1.06, "what the jump does under this coil"
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)


def test_every_slice_of_a_stack_moves_on_its_own():
    data = np.concatenate([leg(JUMP), leg(REST)], axis=1)
    _, report = correct_motion([series(data, grid=Geometry((SIDE, SIDE, 2), (MM, MM, 2.0)))])
    assert report.per_slice
    by_slice = [max(r.displacement_mm for r in report.frames if r.slice == z and r.estimated) for z in (0, 1)]
    assert by_slice[0] > 0.9
    assert by_slice[1] < 0.2 * MM


def test_a_volume_of_many_thin_slices_moves_in_space():
    z, y, x = np.mgrid[:10, :24, :24] - np.array([4.5, 11.5, 11.5])[:, None, None, None]
    offsets = (200.0, 8.0, 4.0, 2.0, 200.0)

    def blob(shift):
        d = ((x - shift) / 7) ** 2 + (y / 5) ** 2 + (z / 3) ** 2
        return 1 / (1 + np.exp(6 * (d - 1)))

    frames = np.stack([blob(s) * a for s, a in zip((0, 0, 0, 1.0, 1.0), (1, 0.95, 0.9, 0.8, 1), strict=True)])
    scan = series(frames, grid=Geometry((24, 24, 10), (1.0, 1.0, 1.5)), offsets=offsets)
    _, report = correct_motion([scan])
    assert not report.per_slice
    assert report.frames[-1].translation_mm[0] == pytest.approx(1.0, abs=0.1)


def test_an_affine_correction_follows_a_leg_that_swells():
    frames = leg(REST)
    for i in range(8, len(frames)):
        big = ndimage.affine_transform(
            frames[i, 0], np.eye(2) / 1.06, (SIDE - 1) / 2 * (1 - 1 / 1.06), order=3
        )
        frames[i, 0] = big
    still = series(leg(REST), noise=0.0).data
    swollen = [8, 12, 14, 15, 16]  # without water or fat the leg looks smaller, to any affine map

    def left(kind):
        corrected, _ = correct_motion([series(frames)], kind)
        return np.sqrt(np.nanmean((corrected[0].data[swollen] - still[swollen]) ** 2))

    assert left("affine") < 0.6 * left("rigid")


def test_background_of_zeros_and_nan_is_borne_and_stays_unknown():
    scan = series(leg(JUMP))
    scan.data[:, :, :4] = np.nan
    scan.data[:, :, :, :4] = 0
    corrected, report = correct_motion([scan])
    assert report.moved
    assert np.isnan(corrected[0].data[0, 0, 0, 6:]).all()
    assert np.isfinite(corrected[0].data[:, 0, 10:30, 10:30]).all()


def test_an_image_without_structure_has_no_motion():
    flat = np.ones((len(OFFSETS), 1, SIDE, SIDE), np.float32)
    _, report = correct_motion([series(flat, noise=0.0)])
    assert not report.moved
    assert report.largest_mm == 0
    assert motion_advice(series(flat, noise=0.0)) is None


def test_a_scan_that_came_divided_by_m0_or_on_other_slices_is_refused():
    scan = series(leg(REST))
    divided = dataclasses.replace(
        scan, protocol=dataclasses.replace(scan.protocol, reference_frames=(), normalized=True)
    )
    with pytest.raises(ProtocolError, match="already divided by an M0"):
        correct_motion([divided])
    elsewhere = dataclasses.replace(scan, geometry=Geometry(GRID.size, (MM, MM, 3.0)))
    with pytest.raises(GeometryError, match="different grids"):
        correct_motion([scan, elsewhere])


def test_progress_is_told_and_what_it_raises_ends_the_work():
    told = []

    def report(fraction):
        told.append(fraction)
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        correct_motion([series(leg(REST))], report=report)
    assert told == sorted(told)
    assert len(told) > 10


def test_info_recommends_the_correction_only_where_the_leg_moved():
    assert motion_advice(series(leg(REST))) is None
    advice = motion_advice(series(leg(JUMP)))
    assert advice is not None
    assert "--motion rigid" in advice


@pytest.mark.parametrize(("change", "words"), [(0.0, None), (0.08, "M0 drifts by up to 4.")])
def test_a_drift_of_m0_is_told_when_it_is_large(change, words):
    gain = np.linspace(1, 1 + change, len(OFFSETS))[:, None, None, None]
    drift = m0_drift(series(leg(REST) * gain))
    assert drift is not None
    assert drift.relative_m0[-1] == pytest.approx(1 + change, abs=0.002)
    assert (drift.note is None) if words is None else drift.note.startswith(words)


def test_uneven_drift_is_more_than_interpolation_between_references_removes():
    offsets = tuple(200.0 if i % 4 == 0 else o for i, o in enumerate(OFFSETS))
    gain = 1 + 0.1 * (np.arange(len(offsets)) / len(offsets)) ** 2
    gain[8] -= 0.06
    scan = series(
        leg(np.zeros((len(offsets), 3)), offsets=offsets) * gain[:, None, None, None], offsets=offsets
    )
    assert "unevenly" in m0_drift(scan).note
