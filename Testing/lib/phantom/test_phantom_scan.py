"""What the scanner sees of the digital animal."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.preparation.zseries import normalize
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.synthesis.phantom import PhantomSettings, simulate_leg
from PCrCESTLib.synthesis.phantom_scan import rician, series_protocols

FEW_OFFSETS = Protocol(4.7, (3.5, 2.6, -3.4), (0.5,) * 3, Saturation(5.0), normalized=True)
MANY_FRAMES = Protocol(4.7, (8.0,) * 60, (0.5,) * 60, Saturation(0.05), normalized=True)


def test_each_power_is_a_series_of_its_own_with_measured_m0(clean):
    assert [s.protocol.powers_ut for s in clean.series] == [(0.5,), (1.0,)]
    for series in clean.series:
        assert not series.protocol.normalized
        assert len(series.protocol.reference_frames) == 3
        far = [series.protocol.offsets_ppm[i] for i in series.protocol.reference_frames]
        assert min(far) > 400


def test_without_noise_z_is_what_the_engine_says(clean):
    muscle = clean.labels > 0
    for series in clean.series:
        expected = z_spectra(
            clean.tissue,
            series.protocol.saturation,
            np.array(series.protocol.offsets_ppm),
            np.array(series.protocol.b1_ut),
            4.7,
            b0_shift_ppm=clean.b0_ppm[muscle],
            relative_b1=clean.relative_b1[muscle],
        )
        z, _ = normalize(series)
        np.testing.assert_allclose(z[:, muscle].T, expected, atol=2e-4)


def test_the_coil_shades_the_image_but_not_z(clean):
    muscle = clean.labels > 0
    m0 = clean.series[0].data[0][muscle]
    assert m0.max() > 1.1 * m0.min()


def test_fat_is_saturated_at_its_own_frequency(clean):
    series = clean.series[0]
    z, _ = normalize(series)
    fat = (
        clean.body & (clean.anatomy > 1.25 * np.median(clean.anatomy[clean.labels > 0])) & (clean.labels == 0)
    )
    at = {offset: i for i, offset in enumerate(series.protocol.offsets_ppm)}
    assert fat.sum() > 10
    assert z[at[-3.4]][fat].mean() < 0.6
    assert z[at[3.5]][fat].mean() > 0.8


@pytest.mark.parametrize("noise_sd", [0.002, 0.02])
def test_noise_has_the_sd_asked_for_in_the_median_muscle_voxel(noise_sd):
    leg = simulate_leg(MANY_FRAMES, seed=1, noise_sd=noise_sd, size=24)
    z, _ = normalize(leg.series[0])
    saturated = list(leg.series[0].protocol.saturated_frames)
    # Neighboring frames share tissue and (nearly) M0: their difference holds noise alone.
    difference = np.diff(z[saturated], axis=0)[:, leg.labels > 0]
    per_voxel = difference.std(axis=0) / np.sqrt(2)
    assert np.median(per_voxel) == pytest.approx(noise_sd, rel=0.05)


def test_air_holds_rician_noise_not_zero():
    leg = simulate_leg(MANY_FRAMES, seed=1, noise_sd=0.02, size=24)
    air = leg.series[0].data[:, :, :3, :3]
    assert air.min() >= 0
    # Without signal the magnitude is Rayleigh distributed: mean/SD = sqrt(pi/(4 - pi)).
    assert air.mean() / air.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.05)


def test_rician_magnitude_keeps_strong_signal_and_lifts_weak_signal():
    rng = np.random.default_rng(0)
    strong = rician(np.full(20000, 100.0), 1.0, rng)
    weak = rician(np.zeros(20000), 1.0, rng)
    assert strong.mean() == pytest.approx(100.0, abs=0.03)
    assert weak.mean() == pytest.approx(np.sqrt(np.pi / 2), rel=0.02)


def test_same_seed_same_phantom_and_another_seed_another_animal():
    first, again, other = (simulate_leg(FEW_OFFSETS, seed=s, noise_sd=0.01, size=24) for s in (4, 4, 5))
    np.testing.assert_array_equal(first.series[0].data, again.series[0].data)
    np.testing.assert_array_equal(first.fs, again.fs)
    assert not np.array_equal(first.labels, other.labels)


def test_noise_and_protocol_do_not_change_the_animal():
    quiet = simulate_leg(FEW_OFFSETS, seed=4, noise_sd=0.0, size=24)
    loud = simulate_leg(MANY_FRAMES, seed=4, noise_sd=0.05, size=24)
    np.testing.assert_array_equal(quiet.fs, loud.fs)
    np.testing.assert_array_equal(quiet.b0_ppm, loud.b0_ppm)


def test_drift_is_there_and_its_correction_removes_it():
    drifting = PhantomSettings(m0_drift=0.05)
    leg = simulate_leg(MANY_FRAMES, seed=1, noise_sd=0.0, size=24, settings=drifting)
    series, muscle = leg.series[0], leg.labels > 0
    assert series.data[-1][muscle].mean() == pytest.approx(1.05 * series.data[0][muscle].mean(), rel=1e-3)
    z, _ = normalize(series)
    saturated = z[list(series.protocol.saturated_frames)][:, muscle]
    assert np.ptp(saturated, axis=0).max() < 2e-3


def test_normalized_series_are_z_without_reference_frames_and_zero_in_air():
    leg = simulate_leg(FEW_OFFSETS, seed=4, noise_sd=0.01, size=24, normalized=True)
    series = leg.series[0]
    assert series.protocol.normalized
    assert series.n_frames == 3
    assert not series.data[:, ~leg.body].any()
    assert 0.5 < np.median(series.data[:, leg.labels > 0]) < 1.0


def test_a_short_repetition_lowers_m0_but_not_the_meaning_of_z():
    incomplete = dataclasses.replace(FEW_OFFSETS, saturation=Saturation(2.0, recovery_s=1.0))
    images = simulate_leg(incomplete, seed=4, noise_sd=0, size=24)
    z = simulate_leg(incomplete, seed=4, noise_sd=0, size=24, normalized=True)
    muscle = z.labels > 0
    assert images.series[0].data[0][muscle].mean() < 0.95 * images.anatomy[muscle].mean()
    again, _ = normalize(images.series[0])
    saturated = list(images.series[0].protocol.saturated_frames)
    np.testing.assert_allclose(again[saturated][:, muscle], z.series[0].data[:, muscle], atol=2e-4)


def test_a_protocols_own_reference_frames_are_kept_where_they_are():
    own = Protocol(3.0, (np.inf, 3.5, 2.6, np.inf), (0.6,) * 4, Saturation(2.0), reference_frames=(0, 3))
    assert series_protocols(own, normalized=False) == (own,)
    assert series_protocols(own, normalized=True)[0].offsets_ppm == (3.5, 2.6)


def test_references_without_power_of_their_own_serve_every_power():
    shared = Protocol(3.0, (np.inf, 3.5, 2.6, 3.5, 2.6), (0.0, 0.5, 0.5, 1.0, 1.0), Saturation(2.0), (0,))
    parts = series_protocols(shared, normalized=False)
    assert [p.offsets_ppm for p in parts] == [(np.inf, 3.5, 2.6)] * 2
    assert [p.reference_frames for p in parts] == [(0,), (0,)]


def test_any_grid_can_be_scanned():
    angle = np.radians(20)
    tilted = (np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1)
    grid = Geometry((30, 20, 2), (1.0, 1.5, 3.0), (10.0, -40.0, 7.0), tuple(float(d) for d in tilted))
    leg = simulate_leg(FEW_OFFSETS, seed=4, noise_sd=0.01, geometry=grid)
    assert leg.geometry == grid
    assert leg.series[0].data.shape[1:] == leg.fs.shape == (2, 20, 30)
    assert all((leg.labels[z] > 0).any() for z in range(2))


def test_the_families_differ_in_the_background_not_in_the_truth():
    def leg(family):
        return simulate_leg(FEW_OFFSETS, seed=4, noise_sd=0, size=24, settings=PhantomSettings(family=family))

    realistic, reference = leg("realistic"), leg("reference")
    np.testing.assert_array_equal(realistic.ksw, reference.ksw)
    muscle = realistic.labels > 0
    difference = (realistic.series[0].data - reference.series[0].data)[:, muscle] / 1000
    assert np.abs(difference).max() > 0.01


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"noise_sd": -0.1}, "noise"),
        ({"noise_sd": float("nan")}, "noise"),
        ({"noise_sd": 1.0}, "per cent"),
        ({"seed": -1}, "seed"),
        ({"size": 4}, "16"),
        ({"slices": 0}, "slices"),
    ],
)
def test_senseless_requests_are_refused_with_the_reason(wrong, said):
    request = {"seed": 1, "noise_sd": 0.01, "size": 24} | wrong
    with pytest.raises(PhysicsError, match=said):
        simulate_leg(FEW_OFFSETS, **request)


def test_a_grid_too_coarse_for_any_muscle_is_refused():
    with pytest.raises(PhysicsError, match="smaller voxels"):
        simulate_leg(FEW_OFFSETS, seed=1, noise_sd=0, geometry=Geometry((2, 2, 1), (20, 20, 2)))


def test_the_phantom_is_frozen(clean):
    with pytest.raises(dataclasses.FrozenInstanceError):
        clean.seed = 2
