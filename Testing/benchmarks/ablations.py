"""Does each part of the network earn its place? Models trained alike, one part less each, at an equal small budget.

Run: ``python Testing/benchmarks/ablations.py [--samples 2e6] [--only NAME …]`` (about four minutes a model on one core;
needs torch). Prints RMSE of fs and ksw over the Bayesian Cramér–Rao bound on the reference muscle, and the RMS error on
the realistic muscle (set to measured rats by hand), at the noise of an ROI and of a voxel.

A part is taken away without other code: a branch whose scores are multiplied by zero, a
noise level that is always told as 0.0025, increments by the summation formula, a loss that knows no uncertainty.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import numpy as np

from PCrCESTLib.evaluation.scores import score
from PCrCESTLib.evaluation.testsets import realistic_set, reference_bound, reference_set, scanned
from PCrCESTLib.models import stream, training
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.network import conditions
from PCrCESTLib.models.stream import Batch, Source
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.rivals.recipe import exchange_rate
from PCrCESTLib.synthesis import spectra as synthesis
from PCrCESTLib.synthesis.backgrounds import simulate_backgrounds, spin_lock_angle
from PCrCESTLib.synthesis.families import SEMISOLID_R1_PER_S
from PCrCESTLib.synthesis.spectra import CleanSpectra, frames_of

PARTS = (
    "nothing",
    "local branch",
    "global branch",
    "noise level",
    "uncertainty loss",
    "partially synthetic spectra",
    "fully synthetic spectra",
    "exact increments",  # and without fully synthetic spectra, which are exact by nature
)
# Shares of what is drawn where it is not the usual mixture.
SHARES = {
    "partially synthetic spectra": {"partial_share": 0.0},
    "fully synthetic spectra": {"reference_share": 0.0, "partial_share": 1.0},
    "exact increments": {"reference_share": 0.0, "partial_share": 1.0},
}
UNTOLD_SIGMA = 2.5e-3
POOL, SEED = 200_000, 1
NOISE_LEVELS = (0.01, 0.002, 0.0005)
N_TEST = 3000


def untold(sigma: np.ndarray) -> np.ndarray:
    """The noise level as a network without conditioning is told it."""
    return np.full_like(sigma, UNTOLD_SIGMA)


def formula_increments(tissue: object, protocol: Protocol, b0: np.ndarray, b1: np.ndarray) -> np.ndarray:
    """Z of a tissue by the summation formula of the reference paper, in place of the exact engine."""
    t = tissue
    offsets, b1_ut = frames_of(protocol)
    dw, true_b1 = offsets[None, :] - b0[:, None], b1_ut[None, :] * b1[:, None]
    cos2, sin2 = spin_lock_angle(dw, true_b1, protocol.field_t)
    fm = np.zeros(len(b0)) if t.semisolid is None else np.asarray(t.semisolid.fraction)
    r1_obs = (1 / np.asarray(t.water.t1_s) + fm * SEMISOLID_R1_PER_S) / (1 + fm)
    exchange = sum(exchange_rate(pool, dw, true_b1, protocol.field_t) for pool in t.pools)
    rate = sin2 / np.asarray(t.water.t2_s)[:, None] + exchange / (1 + fm)[:, None]
    return np.asarray(1 / (1 + rate / (r1_obs[:, None] * cos2)), dtype=np.float32)


class FixedPool(Source):
    """Always the same clean spectra, so that every model of this comparison sees the same ones."""

    pool: CleanSpectra

    def clean(self, n: int, rng: np.random.Generator) -> CleanSpectra:
        """Draw from the pool."""
        return self.pool.take(rng.integers(len(self.pool), size=n))


def make_source(protocol: Protocol, part: str) -> FixedPool:
    """Fill the pool as a training without ``part`` would."""
    rng = np.random.default_rng(SEED)
    backgrounds = simulate_backgrounds(protocol, training.BACKGROUNDS_PER_FAMILY, rng)
    source = FixedPool(protocol, backgrounds, **SHARES.get(part, {}))
    engine = formula_increments if part == "exact increments" else synthesis._engine
    with mock.patch.object(synthesis, "_engine", engine):
        source.pool = CleanSpectra.concatenate([Source.clean(source, POOL // 8, rng) for _ in range(8)])
    return source


def without(part: str, model: Model) -> Model:
    """Take a part out of an untrained model."""
    params = dict(model.params)
    for branch in ("local", "global"):
        if part == f"{branch} branch":
            params[f"{branch}.scale"] = np.zeros_like(params[f"{branch}.scale"])
    return replace(model, params=params)


def train(part: str, source: FixedPool, samples: int) -> Model:
    """Train a model without ``part``."""
    plan = training.TrainingPlan(samples=samples, pool=POOL, fresh=0.0, seed=SEED)
    make_batch, untrained, loss = stream.make_batch, training._untrained, training._loss

    def batch_untold(*args: object) -> Batch:
        batch = make_batch(*args)
        told = batch.conditions.copy()
        told[:, 0] = conditions(untold(batch.sigma), np.ones_like(batch.sigma), np.ones_like(batch.sigma))[:, 0]
        return replace(batch, sigma=untold(batch.sigma), conditions=told)

    def frozen(*args: object) -> Model:
        return without(part, untrained(*args))

    def mean_square(model: Model, params: dict, batch: Batch, backend: training.TorchBackend) -> object:
        inputs = training.NetworkInput(*(backend.asarray(v) for v in (batch.z, batch.sigma, batch.conditions)))
        out = training.forward(inputs, params, model.local, model.n_powers, backend)
        target = (backend.asarray(np.log(batch.truth)) - params["target.mean"]) / params["target.sd"]
        return (target - out[:, :2]).square().sum(1).mean()

    with (
        mock.patch.object(stream, "make_batch", batch_untold if part == "noise level" else make_batch),
        mock.patch.object(training, "_untrained", frozen),
        mock.patch.object(training, "_loss", mean_square if part == "uncertainty loss" else loss),
    ):
        model = training._untrained("ablation", source, source.offsets_ppm[0], plan, np.random.default_rng(SEED))
        return training._fit(model, source, plan, training.TorchBackend("cpu"), None, None)


def rows(part: str, model: Model, source: FixedPool) -> Iterator[str]:
    """Errors of a model, one line."""
    cells = []
    for best in reference_bound(source.protocol, NOISE_LEVELS):
        for draw in (reference_set, realistic_set):
            rng = np.random.default_rng(77)
            clean = draw(source.protocol, N_TEST, rng)
            spectra: Spectra = scanned(source, clean, best.noise_sd, rng)
            if part == "noise level":
                spectra = replace(spectra, sigma=untold(spectra.sigma))
            posterior = predict(model, spectra, NumpyBackend())
            for quantity, truth, bound in (("fs", clean.fs, best.fs), ("ksw", clean.ksw, best.ksw)):
                rmse = score(getattr(posterior, quantity), truth).rmse
                cells.append(f"{rmse / bound:8.2f}" if draw is reference_set else f"{rmse:8.1%}")
    yield f"{'without ' + part:<28}" + "".join(cells)


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=float, default=2e6)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    protocol = named_protocol("rat-4.7T-dual")
    print(f"{'':<28}" + "".join(f"  noise {noise:g}: fs, ksw /bound; realistic fs, ksw" for noise in NOISE_LEVELS))
    sources: dict[str, FixedPool] = {}
    for part in args.only:
        kind = part if part in SHARES else "nothing"
        if kind not in sources:
            sources[kind] = make_source(protocol, kind)
        model = train(part, sources[kind], int(args.samples))
        print("\n".join(rows(part, model, sources[kind])), flush=True)


if __name__ == "__main__":
    main()
