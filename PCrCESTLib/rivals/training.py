"""One trainer for every rival network on every kind of data: streamed, seeded, resumable.

Training runs in rounds. All randomness of a round follows from the seed and the round's number, so that a training
that was interrupted and resumed gives the weights of one that was not.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingExtraError
from PCrCESTLib.rivals.architecture import FIXED, Architecture, regression_loss
from PCrCESTLib.rivals.layers import Arrays, Params
from PCrCESTLib.rivals.pcgrad import combined_gradients
from PCrCESTLib.rivals.plan import RivalPlan, State, load_state, save_state
from PCrCESTLib.rivals.samples import Samples, SampleSource

VALIDATION_NOISE = 0.01  # of Z/R1obs, s: what the noisy validation is run at
_REUSED_ROUNDS = 2  # a pool of samples that are seen several times spans two rounds
_REPORT_EVERY = 64
_EVALUATION_BATCH = 1024
# What a stream of random numbers is for: the second number of its seed.
_WEIGHTS, _DATA, _ORDER, _VALIDATION = range(4)

Report = Callable[[float, str], None]


def train_rival(
    architecture: Architecture,
    source: SampleSource,
    plan: RivalPlan,
    *,
    checkpoint: Path | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> State:
    """Train until the samples, the seconds or the patience of the plan are used up.

    Parameters
    ----------
    architecture : Architecture
        Which network.
    source : SampleSource
        What it learns from.
    plan : RivalPlan
        Budget and settings.
    checkpoint : Path, optional
        Written after every round; where it exists already, training goes on from there.
    device : str
        torch device.
    report : callable, optional
        Gets (fraction done, one line); what it raises stops the training, which can then be resumed.

    Returns
    -------
    State
        With the weights of the lowest validation loss in ``best``.

    Raises
    ------
    MissingExtraError
        When torch is not installed.
    ReaderError
        When the checkpoint belongs to another training.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "training", "torch") from error
    identity = f"{architecture.name} on {source.description}"
    state = _start(architecture, source, plan, identity, checkpoint)
    pool = _Pool(source, plan, state.rounds)
    validation = source.validation(plan.validation, _stream(plan, _VALIDATION))
    learner = _Learner(architecture, state, torch.device(device))
    while not _finished(state, plan):
        started = time.monotonic()
        state = _round(learner, state, plan, pool, report)
        state = _judged(learner, state, plan, validation, time.monotonic() - started)
        if checkpoint is not None:
            save_state(state, plan, identity, checkpoint)
        if report is not None:
            report(_fraction(state, plan), _line(state))
    return state


def _stream(plan: RivalPlan, purpose: int, number: int = 0) -> np.random.Generator:
    return np.random.default_rng((plan.seed, purpose, number))


def _start(
    architecture: Architecture, source: SampleSource, plan: RivalPlan, identity: str, checkpoint: Path | None
) -> State:
    if checkpoint is not None and checkpoint.is_file():
        return load_state(plan, identity, checkpoint)
    rng = _stream(plan, _WEIGHTS)
    weights = architecture.initial(source.draw(min(4096, plan.round_samples), rng), rng)
    return State(0, weights, weights, {})


def _finished(state: State, plan: RivalPlan) -> bool:
    return (
        state.rounds * plan.round_samples >= plan.samples
        or state.seconds >= plan.seconds
        or state.samples_since_best() >= plan.patience
    )


def _fraction(state: State, plan: RivalPlan) -> float:
    return min(1.0, state.rounds * plan.round_samples / plan.samples)


def _line(state: State) -> str:
    row = state.history[-1]
    return (
        f"{row['samples']:.0f} samples, {row['samples_per_second']:.0f}/s, loss {row['training']:.1f}, "
        f"validation {row['validation_clean']:.1f} without noise, {row['validation_noisy']:.1f} with"
    )


def distinct_spectra(source: SampleSource, plan: RivalPlan, rounds: int) -> int:
    """Count the different spectra that the pool held over a number of rounds."""
    fresh, n_blocks = _blocks_of(source, plan)
    return fresh * (rounds + n_blocks - 1)


def _blocks_of(source: SampleSource, plan: RivalPlan) -> tuple[int, int]:
    """Fresh spectra a round, and how many rounds' worth of them the pool holds."""
    return -(-plan.round_samples // source.reuse), 1 if source.reuse == 1 else _REUSED_ROUNDS * source.reuse


class _Pool:
    """The samples of each round: as many fresh ones as the source's ``reuse`` allows, and those of earlier rounds."""

    def __init__(self, source: SampleSource, plan: RivalPlan, first_round: int) -> None:
        self._source, self._plan = source, plan
        self._fresh, n_blocks = _blocks_of(source, plan)
        self._blocks: deque[Samples] = deque(maxlen=n_blocks)
        self._next = first_round

    def of_round(self, number: int) -> Samples:
        """Return a round's samples in random order; the pool of round r holds blocks r to r + n_blocks − 1."""
        while self._next < number + (self._blocks.maxlen or 1):
            self._blocks.append(self._source.draw(self._fresh, _stream(self._plan, _DATA, self._next)))
            self._next += 1
        n, rng = self._plan.round_samples, _stream(self._plan, _ORDER, 2 * number)
        if len(self._blocks) == 1:
            return self._blocks[0].take(rng.permutation(len(self._blocks[0]))[:n])
        return Samples.concatenate(list(self._blocks)).take(
            rng.integers(self._fresh * len(self._blocks), size=n)
        )


@dataclass
class _Learner:
    """Weights on a device with their optimizer."""

    architecture: Architecture
    state: State
    device: Any

    def __post_init__(self) -> None:
        import torch

        self.params: Params = {
            key: torch.from_numpy(values.copy()).to(self.device) for key, values in self.state.weights.items()
        }
        self.trained = [key for key in self.params if not key.startswith(FIXED)]
        for key in self.trained:
            self.params[key].requires_grad_(True)
        self.leaves = [self.params[key] for key in self.trained]
        self.optimizer = torch.optim.Adam(self.leaves, lr=self.architecture.learning_rate, fused=True)
        if self.state.moments:
            self._restore(self.state.moments)

    def step(
        self, clean: np.ndarray, noise: np.ndarray, targets: np.ndarray, half: bool, rng: np.random.Generator
    ) -> float:
        """One update; returns the first objective."""
        ratio, truth = self.tensor(clean), self.tensor(targets)
        output = self.architecture.forward(self.params, ratio + self.tensor(noise), half=half)
        losses = self.architecture.objectives(self.params, output, ratio, truth)
        for leaf, gradient in zip(self.leaves, combined_gradients(losses, self.leaves, rng), strict=True):
            leaf.grad = gradient
        self.optimizer.step()
        return float(losses[0].detach())

    def set_rate(self, learning_rate: float) -> None:
        """Set Adam's step size."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate

    def tensor(self, values: np.ndarray) -> Any:
        """Bring an array to the device."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def weights(self) -> Arrays:
        """Weights as arrays."""
        return {key: values.detach().cpu().numpy().copy() for key, values in self.params.items()}

    def moments(self) -> Arrays:
        """Return the optimizer's running means and its count of steps."""
        arrays = {}
        for key, leaf in zip(self.trained, self.leaves, strict=True):
            for name, value in self.optimizer.state[leaf].items():
                arrays[f"{key}/{name}"] = value.detach().cpu().numpy().copy()
        return arrays

    def _restore(self, moments: Arrays) -> None:
        import torch

        for key, leaf in zip(self.trained, self.leaves, strict=True):
            found = {name.rsplit("/", 1)[1]: v for name, v in moments.items() if name.startswith(f"{key}/")}
            self.optimizer.state[leaf] = {
                name: torch.tensor(value) if name == "step" else self.tensor(value)
                for name, value in found.items()
            }


def _round(learner: _Learner, state: State, plan: RivalPlan, pool: _Pool, report: Report | None) -> State:
    """Train over one round's samples; adds a row with the training loss."""
    samples = pool.of_round(state.rounds)
    rng = _stream(plan, _ORDER, 2 * state.rounds + 1)
    learner.set_rate((plan.learning_rate or learner.architecture.learning_rate) * _decay(state, plan))
    half = plan.precision == "bf16" and _fraction(state, plan) < 1 - plan.exact_share
    losses = []
    for start in range(0, len(samples) - plan.batch + 1, plan.batch):
        rows = slice(start, start + plan.batch)
        clean = samples.ratio[rows]
        noise = rng.standard_normal(clean.shape, dtype=np.float32) * np.float32(rng.uniform(*plan.noise))
        losses.append(learner.step(clean, noise, samples.targets[rows], half, rng))
        if report is not None and len(losses) % _REPORT_EVERY == 0:
            seen = state.rounds * plan.round_samples + start
            report(seen / plan.samples, f"{seen} samples, loss {np.mean(losses[-_REPORT_EVERY:]):.1f}")
    row = {"samples": float((state.rounds + 1) * plan.round_samples), "training": float(np.mean(losses))}
    return replace(state, rounds=state.rounds + 1, history=[*state.history, row])


def _decay(state: State, plan: RivalPlan) -> float:
    if not plan.decay:
        return 1.0
    return float(0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * _fraction(state, plan))))


def _judged(learner: _Learner, state: State, plan: RivalPlan, validation: Samples, seconds: float) -> State:
    """Complete the last row with the validation, and keep the weights if they are the best so far."""
    *before, row = state.history
    rng = _stream(plan, _VALIDATION, 1)
    noise = VALIDATION_NOISE * rng.standard_normal(validation.ratio.shape, dtype=np.float32)
    row = row | {
        "seconds": (before[-1]["seconds"] if before else 0.0) + seconds,
        "samples_per_second": plan.round_samples / seconds,
        "validation_clean": _validation_loss(learner, validation, validation.ratio),
        "validation_noisy": _validation_loss(learner, validation, validation.ratio + noise),
    }
    weights = learner.weights()
    best_before = min((r["validation_clean"] for r in before), default=np.inf)
    best = weights if row["validation_clean"] < best_before else state.best
    return State(state.rounds, weights, best, learner.moments(), [*before, row])


def _validation_loss(learner: _Learner, validation: Samples, ratio: np.ndarray) -> float:
    """Regression loss of the reference paper, for every network, so that they can be compared."""
    import torch

    parts = []
    with torch.no_grad():
        for start in range(0, len(validation), _EVALUATION_BATCH):
            rows = slice(start, start + _EVALUATION_BATCH)
            parts.append(learner.architecture.forward(learner.params, learner.tensor(ratio[rows])).targets)
        return float(regression_loss(torch.cat(parts), learner.tensor(validation.targets)))
