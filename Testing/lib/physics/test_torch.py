"""torch in, torch out: the same numbers as NumPy, with derivatives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from bloch_reference import as_kind, random_case

from PCrCESTLib.physics import Pool, SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.saturation import PulseTrain, Saturation

torch = pytest.importorskip("torch", reason="torch, an optional extra, is not installed")

OFFSETS = np.array([-8.0, -3.3, -0.1, 0.02, 0.6, 2.0, 2.6, 4.0])
# Together these make use of every level: slow mode, Laplace inversion and propagation.
SATURATIONS = [
    Saturation(5.0),
    Saturation(2.0, readout_delay_s=0.0065, recovery_s=1.0),
    Saturation(0.2, initial_mz=0.5),
    Saturation(1.0, repetition_time_s=1.5, readout_retains=0.9),
    Saturation.pulsed(PulseTrain("samples", 0.02, 0.02, 3, samples=(0.3, 0.8, 1.0, 0.5))),
]


@pytest.fixture(autouse=True)
def one_thread():
    """Tensors here are tiny; handing them to several threads costs more than it saves."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def muscle(parameters):
    """Tissue of two voxels whose numbers are rows of ``parameters``, shape (6, 2)."""
    t2_s, fraction, k_per_s, shift_ppm, mt_fraction, mt_t2_s = parameters
    pools = (
        Pool("PCr", shift_ppm, fraction * 1e-3, k_per_s * 100, 1.3, 0.01),
        Pool("NOE", -3.3, 0.015, 10.0, 1.3, 5e-4),
    )
    semisolid = SemisolidPool(mt_fraction, 25.0, 1.0, mt_t2_s * 1e-5, -2.0)
    return Tissue(Water(1.4, t2_s), pools, semisolid)


PARAMETERS = np.array([[0.03, 0.05], [0.8, 1.3], [0.7, 1.4], [2.6, 2.55], [0.08, 0.15], [1.0, 3.0]])


@pytest.mark.parametrize("saturation", SATURATIONS, ids=str)
def test_torch_and_numpy_agree(saturation):
    expected = z_spectra(muscle(PARAMETERS), saturation, OFFSETS, 1.0, 4.7)
    z = z_spectra(muscle(torch.as_tensor(PARAMETERS)), saturation, OFFSETS, 1.0, 4.7)
    assert z.dtype == torch.float64
    np.testing.assert_allclose(z.numpy(), expected, rtol=0, atol=1e-9)


def test_float32_tensors_give_float32_spectra():
    tissue, offsets, relative_b1, field_t, duration_s = random_case(np.random.default_rng(3), 5)
    expected = z_spectra(tissue, Saturation(duration_s), offsets, 1.0, field_t, relative_b1=relative_b1)
    single = as_kind(tissue, lambda value: torch.as_tensor(value, dtype=torch.float32))
    z = z_spectra(single, Saturation(duration_s), offsets, 1.0, field_t, relative_b1=relative_b1.astype("f"))
    assert z.dtype == torch.float32
    np.testing.assert_allclose(z.numpy(), expected, rtol=0, atol=1e-4)


def test_a_tensor_b0_shift_alone_makes_the_result_a_tensor():
    shift = torch.tensor([0.1, -0.1], dtype=torch.float64)
    z = z_spectra(muscle(PARAMETERS), Saturation(2.0), OFFSETS, 1.0, 4.7, b0_shift_ppm=shift)
    assert torch.is_tensor(z)
    assert z.shape == (2, len(OFFSETS))


@pytest.mark.parametrize("saturation", SATURATIONS, ids=str)
def test_derivatives_by_every_parameter_match_finite_differences(saturation):
    parameters = torch.as_tensor(PARAMETERS).clone().requires_grad_(True)
    shift = torch.tensor([0.01, -0.02], dtype=torch.float64, requires_grad=True)
    relative = torch.tensor([0.9, 1.1], dtype=torch.float64, requires_grad=True)
    weights = torch.linspace(-1.0, 2.0, 2 * len(OFFSETS), dtype=torch.float64).reshape(2, -1)

    def loss(parameters, shift, relative):
        z = z_spectra(
            muscle(parameters), saturation, OFFSETS, 1.0, 4.7, b0_shift_ppm=shift, relative_b1=relative
        )
        return (z * weights).sum()

    loss(parameters, shift, relative).backward()
    inputs = [parameters, shift, relative]
    for place, tensor in enumerate(inputs):
        for index in np.ndindex(tuple(tensor.shape)):
            h = 1e-4 * float(tensor.detach()[index].abs())
            values = []
            for sign in (1, -1):
                moved = [t.detach().clone() for t in inputs]
                moved[place][index] += sign * h
                values.append(float(loss(*moved)))
            slope = (values[0] - values[1]) / (2 * h)
            assert float(tensor.grad[index]) == pytest.approx(slope, rel=2e-4, abs=2e-4)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # torch's own
def test_forward_derivatives_are_the_backward_ones():
    import torch.autograd.forward_ad as forward_ad

    for saturation in SATURATIONS[:3]:
        parameters = torch.as_tensor(PARAMETERS)
        direction = torch.linspace(-0.01, 0.02, parameters.numel(), dtype=torch.float64).reshape(6, 2)
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(parameters, direction)
            z = z_spectra(muscle(dual), saturation, OFFSETS, 1.0, 4.7)
            forward = forward_ad.unpack_dual(z).tangent
        leaf = parameters.clone().requires_grad_(True)
        z = z_spectra(muscle(leaf), saturation, OFFSETS, 1.0, 4.7)
        (gradient,) = torch.autograd.grad(z[1, 6], leaf)
        assert float(forward[1, 6]) == pytest.approx(float((gradient * direction).sum()), rel=1e-8)


def test_derivatives_stay_finite_where_the_fast_levels_fail():
    parameters = torch.as_tensor(PARAMETERS).clone().requires_grad_(True)
    offsets = np.array([-1e-6, 0.0, 1e-6, np.inf, 2.6])
    z_spectra(muscle(parameters), Saturation(5.0), offsets, 1.0, 4.7).sum().backward()
    assert bool(torch.isfinite(parameters.grad).all())


def test_numpy_use_does_not_import_torch():
    code = (
        "import sys, numpy; from PCrCESTLib.physics import *; from PCrCESTLib.saturation import Saturation;"
        "z_spectra(Tissue(Water(1.4, 0.04)), Saturation(2.0), numpy.array([1.0]), 1.0, 3.0);"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
