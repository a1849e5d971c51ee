"""The networks to compare with have the published shapes, learn, and can be repeated, resumed and stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from PCrCESTLib.errors import CancelledError, ModelMismatchError, PCrCESTError, ReaderError
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.rivals import train
from PCrCESTLib.rivals.pcgrad import combined_gradients, projection
from PCrCESTLib.rivals.plan import RivalPlan
from PCrCESTLib.rivals.recipe import AuthorsPartial
from PCrCESTLib.rivals.reference_network import ReferenceNetwork
from PCrCESTLib.rivals.rival import NETWORKS, Rival, load_rival, make_architecture, save_rival
from PCrCESTLib.rivals.samples import Samples, rival_grid_ppm
from PCrCESTLib.rivals.training import train_rival
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds
from PCrCESTLib.synthesis.families import PAPER_LIKE

PROTOCOL = named_protocol("rat-4.7T-dual")
GRID = rival_grid_ppm(PROTOCOL)
TINY = RivalPlan(samples=1024, round_samples=512, validation=128, seed=3)


@pytest.fixture(scope="module")
def source() -> AuthorsPartial:
    return AuthorsPartial(
        PROTOCOL, simulate_backgrounds(PROTOCOL, 2, np.random.default_rng(0), (PAPER_LIKE,))
    )


@pytest.fixture(scope="module")
def samples(source) -> Samples:
    return source.draw(256, np.random.default_rng(1))


@pytest.fixture(scope="module")
def rival(source) -> Rival:
    state = train_rival(make_architecture("mlp", GRID, 2), source, TINY)
    return train.finished_rival("tiny", "mlp", source, TINY, state, "a command")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """More threads than free cores make these small layers wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def count(network: str, samples: Samples) -> int:
    weights = make_architecture(network, GRID, 2).initial(samples, np.random.default_rng(0))
    return sum(values.size for key, values in weights.items() if not key.startswith("fixed."))


def test_parameter_counts(samples):
    """The reference paper's network has 297 k parameters; ANNCEST-like ones 8 layers of 29 inputs, twice."""
    assert count("reference", samples) == 296_966
    assert count("anncest", samples) == 2 * (7 * 29 * 30 + 30)
    branch = 1408 + 2 * 49_280 + 770 + 224 + 6208 + 12_352 + 8320
    assert count("cnn", samples) == branch + 129 * 128 + 129 * 64 + 65 * 2


@pytest.mark.parametrize("network", NETWORKS)
def test_shapes(network, samples):
    architecture = make_architecture(network, GRID, 2)
    weights = architecture.initial(samples, np.random.default_rng(0))
    output = architecture.forward(
        {k: torch.from_numpy(v) for k, v in weights.items()}, torch.from_numpy(samples.ratio)
    )
    assert output.targets.shape == (256, 2)
    assert [tuple(d.shape[1:]) for d, _ in output.denoised] == {
        "reference": [(2, 85), (2, 17)],
        "cnn": [(2, 85)],
    }.get(network, [])


def test_an_unknown_network_is_refused():
    with pytest.raises(PCrCESTError, match="there are reference, cnn"):
        make_architecture("resnet", GRID, 2)


def test_the_local_branch_does_not_see_a_straight_line(samples):
    """Its second difference removes any linear background, but for the two zero-padded ends."""
    from PCrCESTLib.rivals import reference_network as module

    line = torch.linspace(1.0, 2.0, 17).expand(1, 2, 17)
    seen = []
    params = {
        key: torch.from_numpy(values)
        for key, values in ReferenceNetwork(GRID, 2).initial(samples, np.random.default_rng(0)).items()
    }
    original = module.as_image
    try:
        module.as_image = lambda x: seen.append(x) or original(x)
        module._encode(line, params, "local")
    finally:
        module.as_image = original
    assert torch.allclose(seen[0][..., 1:-1], torch.zeros(15), atol=1e-6)


class TestPcgrad:
    def test_conflicting_gradients_in_the_plane(self):
        """(1, 0) and (−1, 1): each loses its part along the other, giving (1/2, 1/2) and (0, 1)."""
        g = np.array([[1.0, 0.0], [-1.0, 1.0]])
        combined = projection(g @ g.T, np.random.default_rng(0)) @ g
        np.testing.assert_allclose(combined, [0.5, 1.5])
        assert np.all(g @ combined > 0)

    def test_agreeing_gradients_are_summed(self):
        g = np.array([[1.0, 0.0], [1.0, 1.0]])
        np.testing.assert_allclose(projection(g @ g.T, np.random.default_rng(0)) @ g, [2.0, 1.0])

    def test_of_losses_with_parameters_of_their_own(self):
        """The second loss reaches only ``a``: its gradient elsewhere counts as zero."""
        a, b = torch.tensor([0.0, 0.0], requires_grad=True), torch.tensor([0.0], requires_grad=True)
        losses = [a @ torch.tensor([1.0, 0.0]) + 2 * b.sum(), a @ torch.tensor([-1.0, 1.0])]
        got = torch.cat(combined_gradients(losses, [a, b], np.random.default_rng(0)))
        g = np.array([[1.0, 0.0, 2.0], [-1.0, 1.0, 0.0]])
        first, second = g[0] + g[1] / 2, g[1] + g[0] / 5
        np.testing.assert_allclose(got.numpy(), first + second, rtol=1e-6)


@pytest.mark.parametrize("network", NETWORKS)
def test_training_reduces_the_loss(network, source):
    slow = network in ("reference", "cnn")
    n = 256 if slow else 4096
    plan = RivalPlan(samples=2 * n, round_samples=n, validation=256, batch=8 if slow else 16, seed=3)
    state = train_rival(make_architecture(network, GRID, 2), source, plan)
    first, last = (row["validation_clean"] for row in state.history)
    assert last < first
    assert state.best_row["samples"] == state.history[-1]["samples"] == 2 * n


def test_the_seed_decides_everything(source):
    architecture = make_architecture("cnn", GRID, 2)
    plan = RivalPlan(samples=256, round_samples=256, validation=64, seed=8)
    first, again = (train_rival(architecture, source, plan).weights for _ in range(2))
    for key, values in first.items():
        np.testing.assert_array_equal(values, again[key])


def test_a_resumed_training_equals_an_uninterrupted_one(source, tmp_path):
    def interrupt(fraction, line):
        if fraction >= 0.5:
            raise CancelledError

    architecture = make_architecture("reference", GRID, 2)
    plan = RivalPlan(samples=256, round_samples=128, validation=64, seed=5)
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(CancelledError):
        train_rival(architecture, source, plan, checkpoint=path, report=interrupt)
    resumed = train_rival(architecture, source, plan, checkpoint=path)
    whole = train_rival(architecture, source, plan)
    assert [row["samples"] for row in resumed.history] == [128, 256]
    for key, values in whole.weights.items():
        np.testing.assert_array_equal(values, resumed.weights[key])


def test_a_training_can_be_extended_unless_its_learning_rate_decays(source, tmp_path):
    """A cosine is drawn over the whole budget, so another budget is another training."""
    mlp = make_architecture("mlp", GRID, 2)
    longer = replace(TINY, samples=2 * TINY.samples)
    steady, decaying = tmp_path / "steady.npz", tmp_path / "decaying.npz"
    train_rival(mlp, source, TINY, checkpoint=steady)
    assert train_rival(mlp, source, longer, checkpoint=steady).rounds == 4
    train_rival(mlp, source, replace(TINY, decay=True), checkpoint=decaying)
    with pytest.raises(ReaderError, match="another training"):
        train_rival(mlp, source, replace(longer, decay=True), checkpoint=decaying)


def test_a_checkpoint_of_another_training_is_refused(source, tmp_path):
    path = tmp_path / "checkpoint.npz"
    train_rival(make_architecture("mlp", GRID, 2), source, TINY, checkpoint=path)
    with pytest.raises(ReaderError, match="another training"):
        train_rival(make_architecture("anncest", GRID, 2), source, TINY, checkpoint=path)
    path.write_bytes(b"nothing")
    with pytest.raises(ReaderError, match="not a checkpoint"):
        train_rival(make_architecture("mlp", GRID, 2), source, TINY, checkpoint=path)


def test_bfloat16_changes_the_estimate_by_less_than_one_percent(samples):
    """Rounding of the convolutions is as harmless as the lowest training noise."""
    architecture = make_architecture("reference", GRID, 2)
    params = {
        k: torch.from_numpy(v) for k, v in architecture.initial(samples, np.random.default_rng(0)).items()
    }
    ratio = torch.from_numpy(samples.ratio)
    exact = architecture.forward(params, ratio).denoised[0][0]
    half = architecture.forward(params, ratio, half=True).denoised[0][0]
    assert float((half - exact).std() / exact.std()) < 0.01


def spectra_of(samples: Samples) -> Spectra:
    z = samples.ratio * samples.r1_obs[:, None, None].astype(np.float32)
    n = len(samples)
    return Spectra(
        [GRID, GRID], [z[:, 0], z[:, 1]], np.full(n, 0.001), np.zeros(n), samples.r1_obs, np.full(n, np.nan)
    )


class TestRival:
    def test_estimates_have_their_units(self, rival, samples):
        fs, ksw = rival.predict(spectra_of(samples))
        assert fs.shape == ksw.shape == (256,)
        assert 5e-4 < np.median(fs) < 1.5e-3
        assert 60 < np.median(ksw) < 160

    def test_an_unknown_r1_gets_the_stated_default(self, rival, samples):
        spectra = spectra_of(samples)
        unknown, default = (
            rival.predict(replace(spectra, r1_obs=np.full(256, r1)))
            for r1 in (np.nan, rival.card.default_r1_obs)
        )
        np.testing.assert_array_equal(unknown, default)

    def test_other_powers_are_refused(self, rival, samples):
        spectra = spectra_of(samples)
        with pytest.raises(ModelMismatchError, match="2 powers"):
            rival.predict(replace(spectra, z=spectra.z[:1], offsets_ppm=spectra.offsets_ppm[:1]))

    def test_survives_a_file(self, rival, samples, tmp_path):
        again = load_rival(save_rival(rival, tmp_path))
        np.testing.assert_array_equal(again.predict(spectra_of(samples)), rival.predict(spectra_of(samples)))

    def test_its_card_compares_it_with_guessing_the_mean(self, rival):
        """2250 is what the mean of the reference paper's grid scores in its own loss."""
        assert rival.card.training["training_like_loss_of_the_mean"] == pytest.approx(2250, rel=0.05)
        assert rival.card.training["training_like_loss_without_noise"] < 2500

    def test_swapped_weights_are_refused(self, rival, tmp_path):
        path = save_rival(rival, tmp_path)
        np.savez(path.with_suffix(".npz"), **{k: v + 1 for k, v in rival.params.items()})
        with pytest.raises(ReaderError, match="not those of the card"):
            load_rival(path)


class TestCommand:
    def arguments(self, folder, *more):
        return [
            "--network",
            "mlp",
            "--data",
            "authors-full",
            "--out",
            str(folder),
            "--progress",
            "none",
            *more,
        ]

    def test_writes_a_rival_with_its_budget(self, tmp_path):
        """The time is up after the first round."""
        small = ["--samples", "2048", "--round", "1024", "--seconds", "0.001"]
        assert train.main(self.arguments(tmp_path, *small)) == 0
        card = json.loads((tmp_path / "mlp-authors-full.json").read_text())
        assert card["training"]["samples"] == 1024
        assert card["training"]["distinct_spectra"] == 16 * 1024 // 8
        assert "exact engine" in card["training"]["description"]

    def test_unusable_input_is_one_line(self, tmp_path, capsys):
        assert train.main(self.arguments(tmp_path, "--samples", "10")) == 2
        assert "ascending order" in capsys.readouterr().err

    def test_an_interruption_is_not_an_error(self, tmp_path, monkeypatch):
        def cancel(*_args, **_kwargs):
            raise CancelledError

        monkeypatch.setattr(train, "train_rival", cancel)
        assert train.main(self.arguments(tmp_path)) == 130
