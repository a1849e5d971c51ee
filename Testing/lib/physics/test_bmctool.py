"""Agreement with BMCTool, a simulator that others trust."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.physics import GAMMA, Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import PulseTrain, Saturation

pytest.importorskip("bmctool", reason="BMCTool, a test-only dependency, is not installed")

from bmctool.parameters.Parameters import Parameters
from bmctool.simulation.BlochMcConnellSolver import BlochMcConnellSolver

FIELD_T = 4.7
OFFSETS = np.concatenate([np.arange(-6.0, 6.01, 0.75), [-0.1, 2.6]])
POOLS = (
    Pool("amide", 3.5, 1e-3, 100.0, 1.3, 0.002),
    Pool("PCr", 2.6, 1e-3, 120.0, 1.3, 0.01),
    Pool("Cr", 2.0, 2e-3, 500.0, 1.3, 0.01),
    Pool("NOE", -3.3, 0.015, 10.0, 1.3, 5e-4),
)


class FineSolver(BlochMcConnellSolver):
    """BMCTool with its super-Lorentzian sum of 101 terms refined to 100 000.

    Its own sum has not converged for T2 of 20 µs within 10 ppm: Z moves by up to 1.4e-3.
    """

    def interpolate_sl(self, offset):
        t2_s = 1 / self.params.mt_pool.r2
        u = (np.arange(100_000) + 0.5) / 100_000
        a = np.abs(3 * u * u - 1)
        return np.pi * np.mean(np.sqrt(2 / np.pi) * t2_s / a * np.exp(-2 * (offset * t2_s / a) ** 2))


def theirs(line_shape, b1_ut, steps, solver=BlochMcConnellSolver):
    """Z of BMCTool; ``steps`` are (relative amplitude, duration in s), amplitude None for spoiling."""
    parameters = Parameters.from_dict(
        {
            "water_pool": {"f": 1.0, "t1": 1.4, "t2": 0.04},
            "cest_pool": {
                p.name: {"f": p.fraction, "dw": p.shift_ppm, "k": p.k_per_s, "t1": p.t1_s, "t2": p.t2_s}
                for p in POOLS
            },
            "mt_pool": {"f": 0.1, "k": 25.0, "dw": -2.0, "t1": 1.0, "t2": 2e-5, "lineshape": line_shape},
            "b0": FIELD_T,
            "gamma": GAMMA,
            "b0_inhom": 0.0,
            "rel_b1": 1.0,
        }
    )
    engine = solver(parameters, len(OFFSETS))
    z = []
    for offset in OFFSETS:
        magnetization = parameters.m_vec
        for amplitude, duration_s in steps:
            if amplitude is None:
                magnetization[: 2 * (len(POOLS) + 1)] = 0.0
                continue
            hz = GAMMA / (2 * np.pi)
            engine.update_matrix(amplitude * b1_ut * hz, 0.0, offset * FIELD_T * hz)
            magnetization = engine.solve_equation(magnetization, duration_s)
        z.append(magnetization[parameters.mz_loc])
    return np.array(z)


def ours(line_shape, b1_ut, saturation):
    semisolid = SemisolidPool(0.1, 25.0, 1.0, 2e-5, -2.0, line_shape)
    return z_spectra(Tissue(Water(1.4, 0.04), POOLS, semisolid), saturation, OFFSETS, b1_ut, FIELD_T)[0]


OUTSIDE_THE_CUT = np.abs(OFFSETS + 2.0) > 1.0


def test_continuous_wave_with_a_lorentzian_line():
    z = ours("lorentzian", 1.0, Saturation(5.0))
    np.testing.assert_allclose(z, theirs("Lorentzian", 1.0, [(1.0, 5.0)]), rtol=0, atol=1e-6)


def test_continuous_wave_with_a_super_lorentzian_line():
    z = ours("super-lorentzian", 1.0, Saturation(5.0))
    expected = theirs("SuperLorentzian", 1.0, [(1.0, 5.0)], FineSolver)
    np.testing.assert_allclose(z[OUTSIDE_THE_CUT], expected[OUTSIDE_THE_CUT], rtol=0, atol=1e-6)


def test_the_cut_of_the_super_lorentzian_is_as_deep_as_theirs():
    z = ours("super-lorentzian", 1.0, Saturation(5.0))
    expected = theirs("SuperLorentzian", 1.0, [(1.0, 5.0)], FineSolver)
    np.testing.assert_allclose(z[~OUTSIDE_THE_CUT], expected[~OUTSIDE_THE_CUT], rtol=0, atol=0.02)


def test_continuous_wave_with_their_own_super_lorentzian_sum():
    z = ours("super-lorentzian", 1.0, Saturation(5.0))
    expected = theirs("SuperLorentzian", 1.0, [(1.0, 5.0)])
    np.testing.assert_allclose(z[OUTSIDE_THE_CUT], expected[OUTSIDE_THE_CUT], rtol=0, atol=1.5e-3)


def test_a_train_of_gaussian_pulses_with_spoiling():
    train = PulseTrain("gaussian", 0.05, 0.02, 3)
    pulse = [(amplitude, 0.05 / len(train.amplitudes)) for amplitude in train.amplitudes]
    steps = [*pulse, (None, 0.0), (0.0, 0.02)] * 2 + pulse
    z = ours("lorentzian", 3.0, Saturation.pulsed(train, b1_definition="peak"))
    np.testing.assert_allclose(z, theirs("Lorentzian", 3.0, steps), rtol=0, atol=1e-6)
