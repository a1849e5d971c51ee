"""R1 from inversion recovery, saturation recovery and variable flip angles: right, as sure as it says, as scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.preparation.inversion_recovery import fit_inversion_recovery
from PCrCESTLib.preparation.relaxometry import fit_saturation_recovery, fit_variable_flip_angle

TI_S = np.geomspace(0.05, 10, 8)
ANGLES_DEG, TR_S = np.array([2.0, 4, 6, 8, 10, 15, 20, 25]), 0.015
T1_S = np.linspace(0.8, 2.5, 800)
R1 = 1 / T1_S
AMPLITUDE, SNR = 850.0, 100.0


def inversion(r1, rho=2.0, tr_s=np.inf):
    r1, rho = np.asarray(r1)[:, None], np.broadcast_to(rho, np.shape(r1))[:, None]
    return AMPLITUDE * (1 - rho * np.exp(-TI_S * r1) + (rho - 1) * np.exp(-tr_s * r1))


def saturation(r1):
    return AMPLITUDE * (1 - np.exp(-TI_S * np.asarray(r1)[:, None]))


def flash(r1, relative_b1=1.0, angles_deg=ANGLES_DEG):
    a = np.radians(angles_deg) * np.broadcast_to(relative_b1, np.shape(r1))[:, None]
    e = np.exp(-TR_S * np.asarray(r1))[:, None]
    return AMPLITUDE * np.sin(a) * (1 - e) / (1 - e * np.cos(a))


def magnitude(signal, sd, seed=0):
    """Rician: the magnitude of a signal with noise in both of its parts."""
    rng = np.random.default_rng(seed)
    return np.hypot(signal + rng.normal(0, sd, signal.shape), rng.normal(0, sd, signal.shape))


def rmse(fit, r1):
    return float(np.sqrt(np.mean((fit.r1_obs / r1 - 1) ** 2)))


def bound(signal_at, r1, sd, n_parameters):
    """Cramér–Rao bound of R1 (relative, RMS over r1) by numerical derivatives of ``signal_at(amplitude, r1, …)``."""
    relative = []
    for r in r1[::40]:
        x = np.array([1.0, r, 2.0][:n_parameters])
        steps = 1e-5 * np.eye(n_parameters)
        j = np.stack([(signal_at(*(x + h)) - signal_at(*(x - h))) / 2e-5 for h in steps], axis=1)
        relative.append(sd * np.sqrt(np.linalg.inv(j.T @ j)[1, 1]) / r)
    return float(np.sqrt(np.mean(np.square(relative))))


@pytest.mark.parametrize(
    "fit",
    [
        fit_inversion_recovery(np.abs(inversion(R1)), TI_S),
        fit_inversion_recovery(inversion(R1), TI_S, signed=True),
        fit_inversion_recovery(np.abs(inversion(R1, 1.85)), TI_S),
        fit_inversion_recovery(np.abs(inversion(R1, 1.9, 11.0)), TI_S, 11.0),
        fit_saturation_recovery(saturation(R1), TI_S),
        fit_variable_flip_angle(flash(R1), ANGLES_DEG, TR_S),
    ],
    ids=["inversion", "signed inversion", "poor inversion", "finite TR", "saturation", "flip angles"],
)
def test_noiseless_images_give_the_true_r1(fit):
    assert fit.valid.all()
    np.testing.assert_allclose(fit.r1_obs, R1, rtol=1e-4)


def test_the_images_may_come_in_any_order():
    order = np.random.default_rng(3).permutation(len(TI_S))
    fit = fit_inversion_recovery(np.abs(inversion(R1))[:, order], TI_S[order])
    np.testing.assert_allclose(fit.r1_obs, R1, rtol=1e-4)


def test_eight_inversion_times_give_r1_to_one_percent_at_snr_100():
    fit = fit_inversion_recovery(magnitude(inversion(R1, 1.94), AMPLITUDE / SNR), TI_S)
    assert fit.valid.all()
    assert rmse(fit, R1) < 0.0105
    assert abs(np.mean(fit.r1_obs / R1 - 1)) < 0.002


def test_a_voxel_alone_comes_near_the_bound_with_its_own_inversion_free():
    noisy = magnitude(inversion(R1), AMPLITUDE / SNR)
    fit = fit_inversion_recovery(noisy, TI_S, share_inversion=False)
    limit = bound(lambda a, r, rho: a * (1 - rho * np.exp(-TI_S * r)), R1, 1 / SNR, 3)
    assert limit == pytest.approx(0.0149, abs=2e-4)  # 1 % is beyond any fit of a single voxel
    assert rmse(fit, R1) < 1.15 * limit


def test_inversion_that_differs_between_voxels_does_no_harm():
    rho = np.random.default_rng(5).uniform(1.7, 2.0, len(R1))
    noisy = magnitude(inversion(R1, rho), AMPLITUDE / SNR)
    shared, own = (fit_inversion_recovery(noisy, TI_S, share_inversion=s) for s in (True, False))
    assert rmse(shared, R1) < 1.02 * rmse(own, R1)


def test_a_few_voxels_with_another_inversion_keep_their_own():
    rho = np.where(np.arange(len(R1)) % 40 == 0, 1.6, 2.0)
    fit = fit_inversion_recovery(magnitude(inversion(R1, rho), AMPLITUDE / SNR), TI_S)
    odd = rho < 2
    assert abs(np.mean(fit.r1_obs[odd] / R1[odd] - 1)) < 0.01


def test_saturation_recovery_and_flip_angles_reach_their_bounds():
    saturated = fit_saturation_recovery(magnitude(saturation(R1), AMPLITUDE / SNR), TI_S)
    limit = bound(lambda a, r: a * (1 - np.exp(-TI_S * r)), R1, 1 / SNR, 2)
    assert limit == pytest.approx(0.0245, abs=3e-4)
    assert rmse(saturated, R1) < 1.06 * limit
    sd = flash(R1).max(axis=1).mean() / SNR
    flashed = fit_variable_flip_angle(magnitude(flash(R1), sd), ANGLES_DEG, TR_S)
    limit = bound(lambda a, r: a * flash([r])[0] / AMPLITUDE, R1, sd / AMPLITUDE, 2)
    assert rmse(flashed, R1) < 1.06 * limit


def test_the_mean_of_a_region_is_right_to_half_a_percent():
    """What a phantom tube shows: 200 voxels of one T1."""
    for t1 in (0.8, 1.6, 2.5):
        r1 = np.full(200, 1 / t1)
        saturated = fit_saturation_recovery(magnitude(saturation(r1), AMPLITUDE / SNR), TI_S)
        inverted = fit_inversion_recovery(magnitude(inversion(r1), AMPLITUDE / SNR), TI_S)
        assert np.mean(saturated.r1_obs) * t1 == pytest.approx(1, abs=0.007)
        assert np.mean(inverted.r1_obs) * t1 == pytest.approx(1, abs=0.004)


def test_the_stated_sd_is_the_scatter():
    noisy = magnitude(inversion(R1), AMPLITUDE / SNR)
    for fit in (
        fit_inversion_recovery(noisy, TI_S),
        fit_saturation_recovery(magnitude(saturation(R1), 8.5), TI_S),
    ):
        error = fit.r1_obs - R1
        assert np.sqrt(np.mean(error**2) / np.mean(fit.sd**2)) == pytest.approx(1, abs=0.12)


def test_scipy_ends_at_the_same_optimum_voxel_by_voxel():
    some = slice(None, None, 40)
    noisy = magnitude(inversion(R1[some], 1.9), AMPLITUDE / SNR)
    ours = fit_inversion_recovery(noisy, TI_S, share_inversion=False)
    for signal, r1 in zip(noisy, ours.r1_obs, strict=True):
        theirs, _ = curve_fit(
            lambda t, a, r, rho: np.abs(a * (1 - rho * np.exp(-t * r))), TI_S, signal, [AMPLITUDE, 0.7, 1.9]
        )
        assert r1 == pytest.approx(theirs[1], rel=2e-3)
    noisy = magnitude(flash(R1[some]), 0.5)
    ours = fit_variable_flip_angle(noisy, ANGLES_DEG, TR_S)
    for signal, r1, sd in zip(noisy, ours.r1_obs, ours.sd, strict=True):
        theirs, covariance = curve_fit(
            lambda _, a, r: a * flash([r])[0] / AMPLITUDE, ANGLES_DEG, signal, [AMPLITUDE, 0.7]
        )
        assert r1 == pytest.approx(theirs[1], rel=1e-4)
        assert sd == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-2)


def test_flip_angles_are_corrected_by_the_b1_map():
    relative = np.linspace(0.75, 1.25, len(R1))
    signals = flash(R1, relative)
    corrected = fit_variable_flip_angle(signals, ANGLES_DEG, TR_S, relative)
    np.testing.assert_allclose(corrected.r1_obs, R1, rtol=1e-4)
    uncorrected = fit_variable_flip_angle(signals, ANGLES_DEG, TR_S)
    np.testing.assert_allclose(uncorrected.r1_obs / R1, relative**-2, rtol=0.08)


def test_two_flip_angles_give_r1_without_sd():
    angles = np.array([3.0, 18.0])
    fit = fit_variable_flip_angle(flash(R1, angles_deg=angles), angles, TR_S)
    np.testing.assert_allclose(fit.r1_obs, R1, rtol=1e-4)
    assert np.isnan(fit.sd).all()


def hopeless(n_images):
    """Voxels that hold no relaxation: nothing, a constant, NaN, an infinite value, and minus a signal."""
    constant = np.full(n_images, 400.0)
    broken = np.where(np.arange(n_images) == 2, np.nan, constant + np.arange(n_images))
    infinite = np.where(np.arange(n_images) == 2, np.inf, constant + np.arange(n_images))
    return np.stack([0 * constant, constant, broken, infinite, -constant - np.arange(n_images)])


@pytest.mark.parametrize(
    "fit",
    [
        lambda s: fit_inversion_recovery(s, TI_S),
        lambda s: fit_saturation_recovery(s, TI_S),
        lambda s: fit_variable_flip_angle(s, ANGLES_DEG, TR_S),
    ],
    ids=["inversion", "saturation", "flip angles"],
)
def test_voxels_without_relaxation_have_no_value(fit):
    found = fit(hopeless(8))
    assert not found.valid.any()
    assert np.isnan(found.r1_obs).all()
    assert np.isnan(found.sd).all()
    empty = fit(np.empty((0, 8)))
    assert empty.r1_obs.shape == (0,)


def test_a_hopeless_voxel_does_not_touch_its_neighbors():
    good = np.abs(inversion(R1[:100]))
    together = fit_inversion_recovery(np.vstack([hopeless(8), good]), TI_S)
    np.testing.assert_array_equal(together.valid, [False] * 5 + [True] * 100)
    np.testing.assert_allclose(together.r1_obs[5:], R1[:100], rtol=1e-4)


def test_noise_alone_gives_no_r1_in_most_voxels():
    noise = magnitude(np.zeros((1000, 8)), 5.0)
    assert fit_saturation_recovery(noise, TI_S).valid.mean() < 0.3
    assert fit_variable_flip_angle(noise, ANGLES_DEG, TR_S).valid.mean() < 0.3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: fit_inversion_recovery(s, TI_S[:7]), "7 inversion times for 8 images"),
        (lambda s: fit_inversion_recovery(s, np.array([0.1] * 5 + [1.0] * 3)), "2 different inversion times"),
        (lambda s: fit_inversion_recovery(s, -TI_S), "positive numbers are expected"),
        (lambda s: fit_inversion_recovery(s, TI_S, 2.0), "shorter than the longest inversion time"),
        (lambda s: fit_inversion_recovery(s, TI_S, float("nan")), "shorter than the longest inversion time"),
        (lambda s: fit_saturation_recovery(s, np.full(8, 1.0)), "1 different recovery times"),
        (lambda s: fit_variable_flip_angle(s, np.full(8, 5.0), TR_S), "R1 needs 2 or more"),
        (lambda s: fit_variable_flip_angle(s, ANGLES_DEG, 0.0), "RepetitionTime is 0 s"),
    ],
)
def test_settings_that_cannot_give_r1_are_refused(call, words):
    with pytest.raises(ProtocolError, match=words):
        call(saturation(R1[:10]))
