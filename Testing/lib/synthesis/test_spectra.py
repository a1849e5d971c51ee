"""Training spectra are exact where they claim to be, and reproducible."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.physics import GAMMA
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.synthesis import augment, spectra
from PCrCESTLib.synthesis.augment import add_noise, perturb_background
from PCrCESTLib.synthesis.backgrounds import (
    Backgrounds,
    load_backgrounds,
    save_backgrounds,
    simulate_backgrounds,
    spin_lock_angle,
)
from PCrCESTLib.synthesis.families import FS_RANGE, KSW_RANGE_PER_S, RICH, TRAINING_FAMILIES, draw_muscle
from PCrCESTLib.synthesis.spectra import frames_of, fully_synthetic, partially_synthetic

PROTOCOL = named_protocol("rat-4.7T-dual")
OFFSETS, B1 = frames_of(PROTOCOL)


@pytest.mark.parametrize("family", TRAINING_FAMILIES, ids=lambda f: f.name)
def test_spectra_of_every_family_are_physical(family):
    clean = fully_synthetic(family, PROTOCOL, 40, np.random.default_rng(0))
    assert clean.z.shape == (40, 178)
    assert np.all((clean.z >= 0) & (clean.z <= 1))
    assert np.all((clean.fs >= FS_RANGE[0]) & (clean.fs <= FS_RANGE[1]))
    assert np.all((clean.ksw >= KSW_RANGE_PER_S[0]) & (clean.ksw <= KSW_RANGE_PER_S[1]))


def test_observed_r1_lies_between_water_and_semisolid():
    draw = draw_muscle(RICH, 200, np.random.default_rng(1))
    r1w = 1 / np.asarray(draw.tissue.water.t1_s)
    assert np.all(draw.r1_obs >= np.minimum(r1w, 1 / 1.5) - 1e-12)
    assert np.all(draw.r1_obs <= np.maximum(r1w, 1 / 1.5) + 1e-12)


def test_the_seed_decides_everything():
    background = simulate_backgrounds(PROTOCOL, 2, np.random.default_rng(5))
    a, b = (partially_synthetic(RICH, background, PROTOCOL, 20, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a.z, b.z)


def test_increments_do_not_depend_on_the_background_they_are_put_on(monkeypatch):
    """1/Z of the same fat-free tissues on two backgrounds differs by the difference of the backgrounds alone."""
    monkeypatch.setattr(spectra, "FAT_PRESENCE", 0.0)
    zero = np.zeros((1, 2, len(np.unique(OFFSETS))))
    offsets, powers = np.unique(OFFSETS), np.array([0.5, 1.0])
    bare = Backgrounds(offsets, powers, zero, zero, "none")
    more = Backgrounds(offsets, powers, zero, zero + 0.2, "flat MT of 0.2 per second")
    on_bare, on_more = (
        partially_synthetic(RICH, b, PROTOCOL, 30, np.random.default_rng(3)) for b in (bare, more)
    )
    difference = 1 / on_more.z - 1 / on_bare.z
    dw = OFFSETS[None] - on_bare.b0_ppm[:, None]
    cos2, _ = spin_lock_angle(dw, B1 * on_bare.relative_b1[:, None], 4.7)
    away = np.abs(dw) > 1.5
    implied = difference * on_bare.r1_obs[:, None] * cos2 / on_bare.relative_b1[:, None] ** 2
    for spectrum, where in zip(implied, away, strict=True):
        assert np.ptp(spectrum[where]) < 2e-3 * spectrum[where].mean()
        assert 0.5 * 0.2 <= spectrum[where].mean() <= 1.5 * 0.2


def test_spin_lock_angle_at_known_fields():
    one_ppm = 1.0
    b1_of_45_degrees = 4.7 * one_ppm  # γ·B0·ppm = γ·B1
    cos2, sin2 = spin_lock_angle(np.array([one_ppm]), np.array([b1_of_45_degrees]), 4.7)
    assert cos2[0] == pytest.approx(0.5)
    assert sin2[0] == pytest.approx(0.5)
    assert pytest.approx(267.5154) == GAMMA


def test_backgrounds_survive_a_file(tmp_path):
    background = simulate_backgrounds(PROTOCOL, 1, np.random.default_rng(0))
    save_backgrounds(background, tmp_path / "b.npz")
    again = load_backgrounds(tmp_path / "b.npz")
    np.testing.assert_array_equal(again.mt, background.mt)
    assert again.source == background.source
    assert np.all(background.mt >= 0)


def test_a_file_that_is_no_background_is_refused(tmp_path):
    (tmp_path / "b.npz").write_bytes(b"not an archive")
    with pytest.raises(ReaderError, match="not a background file"):
        load_backgrounds(tmp_path / "b.npz")


def test_noise_has_the_asked_size_and_the_perturbation_is_smooth():
    rng = np.random.default_rng(2)
    clean = np.full((2000, 89), 0.8, dtype=np.float32)
    noisy = add_noise(clean, np.full(2000, 0.01, dtype=np.float32), rng)
    assert np.median(np.std(noisy, axis=1)) == pytest.approx(0.01, rel=0.05)
    offsets = np.arange(-5, 5.01, 0.125)
    curve = perturb_background(clean[:, : len(offsets)], offsets, rng) / 0.8 - 1
    # No wave is shorter than 2.5 ppm, so the curve cannot imitate a 0.3 ppm wide peak.
    steepest = np.abs(np.diff(curve, axis=1)) / 0.125
    assert np.all(steepest.max(axis=1) <= 2 * np.pi / 2.5 * 5 * np.sqrt(2 / 5) * 4e-3)


def test_fat_dilutes_water_by_its_share(monkeypatch):
    """Far from its lines unsaturated fat of ratio r turns Z into (Z + r)/(1 + r)."""
    monkeypatch.setattr(spectra, "FAT_PRESENCE", 1.0)
    monkeypatch.setattr(spectra, "FAT_RATIO_RANGE", (0.1, 0.1))
    fat = spectra.fat_spectra(PROTOCOL, np.zeros(3), np.ones(3), np.random.default_rng(0))
    far = np.abs(OFFSETS - 5.0) < 0.01
    assert np.all(fat[:, far] > 0.98)
    assert np.all(fat[:, np.abs(OFFSETS + 3.375) < 0.01] < 0.35)
    diluted = spectra._with_fat(np.full(fat.shape, 0.5), PROTOCOL, np.zeros(3), np.ones(3), np.random.default_rng(0))
    np.testing.assert_allclose(diluted[:, far], (0.5 + 0.1) / 1.1, rtol=4e-3)


def test_unsaturated_signal_lifts_every_power_alike():
    z = [np.zeros((500, 5), dtype=np.float32), np.ones((500, 5), dtype=np.float32)]
    low, high = augment.add_unsaturated(z, np.random.default_rng(0))
    assert np.all(high == 1)
    assert 0.4 < np.mean(low[:, 0] > 0) < 0.6
    assert low.max() <= 0.1 / 1.1 + 1e-6


def test_blur_is_the_mean_over_nearby_frequencies():
    """A parabola gains ½·w²·curvature exactly, which is its mean over frequencies of SD w."""
    offsets = np.arange(-2, 2.01, 0.125)
    z = (0.1 * offsets**2)[None].astype(np.float32)
    blurred = augment.blur(z, offsets, np.array([0.06]))
    np.testing.assert_allclose(blurred[0, 1:-1] - z[0, 1:-1], 0.5 * 0.06**2 * 0.2, rtol=2e-2)
    np.testing.assert_array_equal(augment.blur(z, offsets, np.zeros(1)), z)


def test_only_the_outer_frames_get_errors_of_their_own():
    offsets = np.array([-10.0, -6.25, -5.0, 0.0, 2.6, 5.0, 7.5])
    z = np.full((200, 7), 0.8, dtype=np.float32)
    disturbed = augment.disturb_outer_frames(z, offsets, np.random.default_rng(0))
    assert np.all(np.std(disturbed[:, [0, 1, 6]], axis=0) > 0.002)
    np.testing.assert_array_equal(disturbed[:, 2:6], z[:, 2:6])
