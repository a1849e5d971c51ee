"""Answers that others agree on: the laboratories of the BMsim challenge, closed forms, and a known fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import Saturation

CHALLENGE_FIELD_T = 127.7292 * 2 * np.pi / GAMMA  # 127.7292 MHz

CREATINE_PHANTOM = Tissue(Water(3.0, 2.0), (Pool("Cr", 1.9, 5e-4, 50.0, 1.05, 0.1),))
MUSCLE = Tissue(
    Water(1.0, 0.04),
    (
        Pool("amide", 3.5, 9.009e-4, 50.0, 1.0, 0.1),
        Pool("guanidine", 2.0, 9.009e-4, 1000.0, 1.0, 0.1),
        Pool("NOE", -3.0, 0.0045, 20.0, 1.3, 0.005),
    ),
    SemisolidPool(0.1351, 30.0, 1.0, 40e-6, shift_ppm=-3.0, line_shape="lorentzian"),
)


@pytest.mark.parametrize(
    ("case", "tissue", "duration_s", "models"),
    [
        (1, CREATINE_PHANTOM, 15.0, ("zMT", "xyz_MT")),
        (2, CREATINE_PHANTOM, 2.0, ("zMT", "xyz_MT")),
        (3, MUSCLE, 2.0, ("zMT",)),  # the laboratories that saturate MT along z only, as we do
    ],
)
def test_inside_the_range_of_the_laboratories(shared_data, case, tissue, duration_s, models):
    answers = np.genfromtxt(shared_data / "bmsim_challenge" / f"case{case}.csv", delimiter=",", names=True)
    saturation = Saturation(duration_s, readout_delay_s=6.5e-3)
    z = z_spectra(tissue, saturation, answers["offset_ppm"], 2.0, CHALLENGE_FIELD_T)[0]
    low = np.min([answers[f"Z_min_{model}"] for model in models], axis=0)
    high = np.max([answers[f"Z_max_{model}"] for model in models], axis=0)
    assert np.all((z >= low - 1e-5) & (z <= high + 1e-5))


def test_water_alone_far_from_resonance_follows_r1rho():
    """Z_ss = R1 cos²θ / R1ρ with R1ρ = R1 cos²θ + R2 sin²θ (Zaiss and Bachert, Phys Med Biol 58:R221, 2013)."""
    offsets = np.array([2.0, 3.0, 5.0, 10.0])
    z = z_spectra(Tissue(Water(1.4, 0.04)), Saturation(60.0), offsets, 1.0, 4.7)[0]
    tan2 = (1.0 / (offsets * 4.7)) ** 2
    np.testing.assert_allclose(z, 1.0 / (1.0 + tan2 * 1.4 / 0.04), rtol=2e-4)


def test_on_resonance_water_alone_is_blochs_steady_state():
    """Mz = 1 / (1 + ω1² T1 T2) (Bloch, Phys Rev 70:460, 1946)."""
    z = z_spectra(Tissue(Water(1.4, 0.04)), Saturation(30.0), np.array([0.0]), 0.2, 4.7)[0, 0]
    assert z == pytest.approx(1.0 / (1.0 + (GAMMA * 0.2) ** 2 * 1.4 * 0.04), abs=1e-10)


def test_two_pools_without_irradiation_exchange_to_a_common_recovery():
    """With equal T1, exchange cannot be seen in the recovery of the sum of two pools that start alike."""
    tissue = Tissue(Water(1.2, 0.05), (Pool("twin", 2.0, 0.2, 300.0, 1.2, 0.01),))
    z = z_spectra(tissue, Saturation(1e-6, recovery_s=0.9), np.array([np.inf]), 0.0, 3.0)
    assert z[0, 0] == pytest.approx(1.0 - np.exp(-0.9 / 1.2), abs=1e-6)


def test_a_creatine_like_pool_is_recovered_by_a_fit_over_several_powers():
    powers = (0.6, 1.2, 2.4)
    offsets = np.tile(np.linspace(-4.0, 4.0, 41), len(powers))
    b1_ut = np.repeat(powers, 41)

    def spectrum(parameters):
        fraction, k_per_s, shift_ppm, t2_s = parameters * [1e-3, 100.0, 1.0, 1.0]
        tissue = Tissue(Water(2.5, t2_s), (Pool("Cr", shift_ppm, fraction, k_per_s, 2.5, 0.02),))
        return z_spectra(tissue, Saturation(4.0), offsets, b1_ut, 7.0)[0]

    truth = np.array([1.9, 3.1, 1.95, 0.35])
    measured = spectrum(truth) + np.random.default_rng(0).normal(0.0, 1e-3, len(offsets))
    limits = [0.1, 0.1, 1.5, 0.05], [10.0, 20.0, 2.5, 1.0]
    fit = least_squares(lambda p: spectrum(p) - measured, [1.0, 1.0, 1.8, 0.2], bounds=limits)
    np.testing.assert_allclose(fit.x[:2], truth[:2], rtol=0.02)
    assert fit.x[2] == pytest.approx(1.95, abs=0.002)
