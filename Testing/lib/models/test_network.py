"""The network gives the same numbers wherever it runs, and honest ones."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.models.backend import NumpyBackend, TorchBackend
from PCrCESTLib.models.inference import USUAL_DISTANCE, Posterior, Spectra, _widened, predict
from PCrCESTLib.models.model import Model, load_model, save_model
from PCrCESTLib.models.network import NetworkInput, conditions, forward, local_features
from PCrCESTLib.models.registry import bundled_names, find_model
from PCrCESTLib.models.stream import Source
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds
from PCrCESTLib.synthesis.families import RICH
from PCrCESTLib.synthesis.spectra import fully_synthetic


@pytest.fixture(scope="module", params=bundled_names())
def model(request: pytest.FixtureRequest) -> Model:
    return find_model(request.param)


def scan(model: Model, n: int, sigma: float, seed: int = 0) -> tuple[Spectra, np.ndarray]:
    rng = np.random.default_rng(seed)
    protocol = model.card.protocol
    source = Source(protocol, simulate_backgrounds(protocol, 1, rng, (RICH,)))
    clean = fully_synthetic(RICH, protocol, n, rng)
    return source.scan(clean, np.full(n, sigma, dtype=np.float32), rng), np.stack([clean.fs, clean.ksw], axis=1)


def test_numpy_equals_torch(model):
    """Same weights, equal within 1e-5 relative."""
    spectra, _ = scan(model, 500, 0.005)
    ours, theirs = predict(model, spectra, NumpyBackend()), predict(model, spectra, TorchBackend("cpu"))
    for name in ("fs", "ksw", "fs_sd", "ksw_sd"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-5)


def test_a_voxel_does_not_depend_on_its_neighbors(model):
    spectra, _ = scan(model, 300, 0.005)
    whole, part = predict(model, spectra, NumpyBackend()), predict(model, spectra.rows(slice(7, 8)), NumpyBackend())
    assert part.fs[0] == pytest.approx(whole.fs[7], rel=1e-5)


def test_less_noise_gives_smaller_uncertainty(model):
    width = [np.median(predict(model, scan(model, 300, s)[0], NumpyBackend()).log_sd_fs) for s in (0.02, 0.005, 0.001)]
    assert width[0] > width[1] > width[2]


def test_ninety_percent_intervals_hold_on_unseen_spectra(model):
    # Where the scan tells nothing the posterior is the prior, uniform in the logarithm, and mean ± 1.645 SD of a
    # uniform distribution holds 95 % of it.
    for row in model.card.measured_errors:
        assert 0.86 <= row["fs_coverage90"] <= 0.95
        assert 0.86 <= row["ksw_coverage90"] <= 0.95


def test_a_known_r1_does_not_widen_the_posterior(model):
    spectra, _ = scan(model, 400, 0.002)
    known = predict(model, spectra, NumpyBackend())
    unknown = predict(
        model,
        Spectra(
            spectra.offsets_ppm,
            spectra.z,
            spectra.sigma,
            spectra.b0_ppm,
            np.full(400, np.nan),
            np.full(400, np.nan),
        ),
        NumpyBackend(),
    )
    assert np.mean(known.log_sd_fs) <= 1.02 * np.mean(unknown.log_sd_fs)


def test_spectra_unlike_muscle_are_told_apart(model):
    """Noise without signal and a spectrum of fat-like shape lie beyond one of the card's thresholds."""
    usual = predict(model, scan(model, 2000, 0.005)[0], NumpyBackend())
    spectra, _ = scan(model, 200, 0.005)

    def beyond(p: Posterior) -> np.ndarray:
        limits = model.card.thresholds
        measures = ((p.residual, "residual"), (p.distance, "distance"), (p.suspicion, "suspicion"))
        return np.any([measure > limits[name] for measure, name in measures], axis=0)

    assert np.mean(beyond(usual)) < 0.03
    rng = np.random.default_rng(1)
    noise = [np.abs(1 + rng.normal(0, 0.5, z.shape)) for z in spectra.z]
    assert np.mean(beyond(predict(model, _with(spectra, noise), NumpyBackend()))) > 0.95
    shifted = [0.4 + 0.6 * z[:, ::-1] for z in spectra.z]
    fat = [
        s - 0.3 / (1 + ((o + 3.4) / 0.3) ** 2) for s, o in zip(shifted, spectra.offsets_ppm, strict=True)
    ]
    assert np.mean(beyond(predict(model, _with(spectra, fat), NumpyBackend()))) > 0.95


def _with(spectra: Spectra, z: list[np.ndarray]) -> Spectra:
    return Spectra(
        spectra.offsets_ppm, z, spectra.sigma, spectra.b0_ppm, spectra.r1_obs, spectra.relative_b1
    )


def test_local_features_ignore_a_background_linear_in_inverse_z(model):
    """A straight line in 1/Z over the PCr window changes no local feature."""
    spectra, _ = scan(model, 50, 0.001)
    grid, local = model.grid_ppm, model.local
    z = np.concatenate([z[:, np.searchsorted(spectra.offsets_ppm[0], grid)] for z in spectra.z], axis=1)
    line = np.tile(0.05 + 0.02 * grid, model.n_powers)
    tilted = 1 / (1 / np.maximum(z, 0.05) + line)
    before, after = (local_features(v, local, model.n_powers, NumpyBackend()) for v in (np.maximum(z, 0.05), tilted))
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_unknown_maps_are_marked_not_guessed():
    told = conditions(np.array([0.01]), np.array([np.nan]), np.array([1.1]))
    assert told[0, 2] == 0
    assert told[0, 4] == 1
    assert np.all(np.isfinite(told))


def test_the_covariance_is_positive_definite_for_any_input(model):
    rng = np.random.default_rng(0)
    n = 200
    backend = NumpyBackend()
    inputs = NetworkInput(
        backend.asarray(rng.uniform(0, 1.5, (n, model.n_powers * len(model.grid_ppm)))),
        backend.asarray(rng.uniform(1e-4, 0.05, n)),
        backend.asarray(rng.normal(0, 2, (n, 5))),
    )
    out = forward(inputs, model.params, model.local, model.n_powers, backend)
    assert np.all(np.isfinite(out))
    assert np.all(out[:, [2, 4]] > 0)


def test_models_survive_a_file_and_damage_is_noticed(model, tmp_path):
    from PCrCESTLib.errors import ReaderError

    path = save_model(model, tmp_path)
    again = load_model(path)
    np.testing.assert_array_equal(again.params["head.1.weight"], model.params["head.1.weight"])
    assert again.card.protocol == model.card.protocol
    weights = path.with_suffix(".npz")
    weights.write_bytes(weights.read_bytes()[:-10] + b"0123456789")
    with pytest.raises(ReaderError, match="checksum"):
        load_model(path)


def test_intervals_widen_where_a_spectrum_is_unusual():
    """Up to the usual distance nothing changes; twice as far, SDs are four times as wide, up to two prior widths."""
    sd = np.array([[0.1, 0.1, 0.1, 1.9, 2.5], [0.2, 0.2, 0.2, 0.2, 0.2]])
    distance = USUAL_DISTANCE * np.array([0.5, 1.0, 2.0, 3.0, 1.0])
    wide = _widened(sd, distance)
    assert wide[0] == pytest.approx([0.1, 0.1, 0.4, 2.0, 2.5])
    assert wide[1] == pytest.approx([0.2, 0.2, 0.8, 1.8, 0.2])
