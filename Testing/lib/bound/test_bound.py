"""The Cramér–Rao bound: known answers, limits and invariants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics import Tissue, z_spectra
from PCrCESTLib.physics.bound import Bound, bound, frame_jacobian, posterior_covariance, usable_frames
from PCrCESTLib.physics.library import rat_muscle, reference_muscle
from PCrCESTLib.physics.prior import FS, KSW, Prior, default_prior, get_value, prior_sds, with_values
from PCrCESTLib.protocols import named_protocol, rat_protocol

# Powers (µT), noise of Z, RMS relative SD (percent) of fs and ksw over the reference ranges: the table in
# docs/physics.md, made by an independent implementation of engine and bound.
TABLE = [
    ((0.25,), 0.01, 24.0, 32.0),
    ((0.5,), 0.01, 20.0, 31.0),
    ((0.5, 1.0), 0.01, 18.0, 29.0),
    ((0.5, 1.0), 0.005, 13.0, 25.0),
    ((0.5, 1.0), 0.002, 8.7, 17.0),
    ((0.5, 1.0), 0.0005, 3.4, 6.8),
    ((0.25, 0.5, 1.0), 0.0005, 2.5, 4.6),
    ((0.25,), 0.0005, 4.7, 20.0),
]


def reference_grid() -> Tissue:
    fs, ksw = (g.ravel() for g in np.meshgrid([6e-4, 1e-3, 1.4e-3], [60.0, 105.0, 160.0], indexing="ij"))
    return reference_muscle(fs, ksw)


def rms_percent(found: Bound, path: str) -> float:
    return 100 * float(np.sqrt(np.mean(found.relative_sd(path) ** 2)))


@pytest.mark.parametrize(("powers", "noise", "fs_percent", "ksw_percent"), TABLE)
def test_published_table_is_reproduced_within_a_tenth(
    powers: tuple[float, ...], noise: float, fs_percent: float, ksw_percent: float
) -> None:
    found = bound(rat_protocol(powers), reference_grid(), noise)
    assert rms_percent(found, FS) == pytest.approx(fs_percent, rel=0.1)
    assert rms_percent(found, KSW) == pytest.approx(ksw_percent, rel=0.1)


def test_derivatives_are_those_of_automatic_differentiation() -> None:
    torch = pytest.importorskip("torch")
    tissue, frames = rat_muscle(), usable_frames(rat_protocol((0.5,)))
    priors = default_prior(tissue)

    def spectrum(steps: object) -> object:
        one = torch.ones(1, dtype=torch.float64)
        values, scanner = {}, {"b0_shift_ppm": 0 * one, "relative_b1": one}
        for p, step in zip(priors, steps, strict=True):  # type: ignore[call-overload]
            if p.path in scanner:
                scanner[p.path] = scanner[p.path] * torch.exp(step) if p.relative else scanner[p.path] + step
            else:
                for path in (p.path, *p.tied):
                    values[path] = (get_value(tissue, path) * torch.exp(step)).reshape(1)
        offsets, b1 = torch.tensor(frames.offsets_ppm), torch.tensor(frames.b1_ut)
        return z_spectra(
            with_values(tissue, values), frames.saturation, offsets, b1, frames.field_t, **scanner
        )[0]

    exact = torch.autograd.functional.jacobian(spectrum, torch.zeros(len(priors), dtype=torch.float64))
    difference = np.abs(frame_jacobian(frames, tissue, priors)[0] - exact.numpy())
    at_the_cut = np.abs(np.abs(frames.offsets_ppm) - 1.0) < 1e-9  # where curvature jumps
    assert np.max(difference[~at_the_cut]) < 5e-10
    assert np.max(difference[at_the_cut]) < 2e-6


def test_linear_case_is_the_textbook_answer() -> None:
    covariance = posterior_covariance(np.full((1, 4, 1), 2.0), np.array([0.5]), np.array([3.0]))
    assert covariance[0, 0, 0, 0] == pytest.approx(1 / (4 * 2.0**2 / 0.5**2 + 1 / 3.0**2))


def test_hopeless_noise_leaves_the_prior() -> None:
    found = bound(named_protocol("rat-4.7T-dual"), reference_muscle(), 1e3)
    assert found.relative_sd(FS)[0, 0] == pytest.approx(0.29, rel=1e-4)
    assert found.narrowing(KSW)[0, 0] == pytest.approx(1.0, rel=1e-4)
    assert found.correlation[0, 0] == pytest.approx(0.0, abs=1e-4)


def test_the_scan_never_teaches_less_than_nothing_nor_less_with_more_frames() -> None:
    levels = (0.02, 0.01, 0.002)
    dual = bound(named_protocol("rat-4.7T-dual"), reference_muscle(), levels)
    triple = bound(named_protocol("rat-4.7T-triple"), reference_muscle(), levels)
    for path in (FS, KSW):
        assert np.all(dual.narrowing(path) <= 1)
        assert np.all(np.diff(dual.relative_sd(path)) < 0)
        assert np.all(triple.relative_sd(path) < dual.relative_sd(path))


def test_acquiring_everything_four_times_halves_the_noise() -> None:
    once = rat_protocol((0.5, 1.0))
    four = replace(once, offsets_ppm=once.offsets_ppm * 4, b1_ut=once.b1_ut * 4)
    averaged, quiet = bound(four, reference_muscle(), 0.01), bound(once, reference_muscle(), 0.005)
    assert np.allclose(averaged.covariance, quiet.covariance, rtol=1e-8)


def test_each_tissue_of_a_batch_has_the_bound_it_has_alone() -> None:
    fs, ksw = np.array([6e-4, 1.2e-3]), np.array([150.0, 70.0])
    together = bound(rat_protocol((0.5,)), reference_muscle(fs, ksw), 0.005)
    for i in range(2):
        alone = bound(rat_protocol((0.5,)), reference_muscle(fs[i], ksw[i]), 0.005)
        assert np.allclose(together.covariance[i], alone.covariance[0], rtol=1e-7)
        assert together.ksw_sd[i] == pytest.approx(alone.relative_sd(KSW)[0] * ksw[i], rel=1e-7)


def test_one_power_leaves_ksw_of_a_voxel_at_its_prior_and_two_do_not() -> None:
    one = bound(named_protocol("rat-4.7T-0.25uT"), reference_muscle(), 0.01)
    two = bound(named_protocol("rat-4.7T-dual"), reference_muscle(), 0.01)
    assert one.narrowing(KSW)[0, 0] > 0.95
    assert two.narrowing(KSW)[0, 0] < 0.9


def test_both_peaks_of_pcr_tell_more_than_one() -> None:
    both = rat_muscle()
    priors = default_prior(both)
    untied = [replace(p, tied=()) for p in priors]
    protocol = rat_protocol((0.5, 1.0))
    tied_sd = bound(protocol, both, 0.002, priors).fs_sd[0, 0]
    assert tied_sd < bound(protocol, both, 0.002, untied).fs_sd[0, 0]


def test_a_fit_that_uses_the_prior_attains_the_bound() -> None:
    """Maximum-a-posteriori fits of noisy spectra scatter around the truth as the bound says."""
    tissue, noise = reference_muscle(), 0.002
    frames = usable_frames(rat_protocol((0.5, 1.0)))
    priors = [p for p in default_prior(tissue) if p.path in (FS, KSW, "semisolid.fraction", "water.t2_s")]
    sd = prior_sds(priors)
    rng = np.random.default_rng(7)

    def model(steps: np.ndarray) -> np.ndarray:
        values = {p.path: get_value(tissue, p.path) * np.exp(s) for p, s in zip(priors, steps, strict=True)}
        changed = with_values(tissue, values)
        z = z_spectra(changed, frames.saturation, frames.offsets_ppm, frames.b1_ut, frames.field_t)
        return np.asarray(z)[0]

    errors = []
    for _ in range(60):
        truth = rng.normal(0, sd)
        data = model(truth) + rng.normal(0, noise, len(frames.offsets_ppm))
        fit = least_squares(lambda s, d=data: np.append((model(s) - d) / noise, s / sd), np.zeros(len(sd)))
        errors.append(fit.x - truth)
    scatter = np.sqrt(np.mean(np.array(errors) ** 2, axis=0))
    found = bound(rat_protocol((0.5, 1.0)), tissue, noise, priors)
    for i, path in enumerate((FS, KSW)):
        # 60 fits know their own scatter to 9 %; the bound varies over the prior
        assert scatter[i] == pytest.approx(found.relative_sd(path)[0, 0], rel=0.35)


@pytest.mark.parametrize("noise", [0.0, -0.01, float("nan")])
def test_noise_that_is_not_positive_is_refused(noise: float) -> None:
    with pytest.raises(PhysicsError, match="noise SD"):
        bound(rat_protocol((0.5,)), reference_muscle(), noise)


def test_a_prior_for_what_the_tissue_lacks_is_refused() -> None:
    priors = [*default_prior(reference_muscle()), Prior("glycogen_oh.fraction", 0.5)]
    with pytest.raises(PhysicsError, match="glycogen_oh"):
        bound(rat_protocol((0.5,)), reference_muscle(), 0.01, priors)


def test_a_bound_without_a_prior_for_ksw_is_refused() -> None:
    with pytest.raises(PhysicsError, match=r"pcr\.k_per_s"):
        bound(rat_protocol((0.5,)), reference_muscle(), 0.01, [Prior(FS, 0.3)])


def test_a_prior_without_spread_is_refused() -> None:
    with pytest.raises(PhysicsError, match="leave out"):
        Prior("water.t1_s", 0.0)
