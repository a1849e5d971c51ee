"""Training of the two-branch network, seeded, checkpointed and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from PCrCESTLib.errors import MissingExtraError, ModelMismatchError
from PCrCESTLib.models.backend import NumpyBackend, TorchBackend
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.guard import N_SPECTRA, train_guard
from PCrCESTLib.models.inference import aligned
from PCrCESTLib.models.measure import (
    MEASURED_SPECTRA,
    THRESHOLD_QUANTILES,
    THRESHOLD_SPECTRA,
    measure_errors,
    measured,
)
from PCrCESTLib.models.model import Model, save_model, stored
from PCrCESTLib.models.network import (
    NetworkInput,
    Sizes,
    forward,
    initial_parameters,
    local_features,
    local_indices,
    principal_scores,
)
from PCrCESTLib.models.registry import obstacles
from PCrCESTLib.models.stream import Batch, Source, batches, prefetched
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.backgrounds import Backgrounds, require_powers, simulate_backgrounds
from PCrCESTLib.synthesis.families import (
    FS_RANGE,
    KSW_RANGE_PER_S,
    USUAL_FS_RANGE,
    USUAL_KSW_RANGE_PER_S,
    Range,
)
from PCrCESTLib.version import __version__

N_GLOBAL_SCORES = 80
BACKGROUNDS_PER_FAMILY = 12
FIXED_PARAMETERS = ("mean", "basis", "variance", "scale", "noise_gain", "sd")

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how to train.

    ``samples`` spectra seen in all, from a pool of ``pool`` tissues of which a share of ``fresh`` is replaced for
    every sample seen; learning rate from ``learning_rate`` down to a hundredth along a cosine.
    """

    samples: int = 12_000_000
    batch: int = 2048
    pool: int = 200_000
    fresh: float = 0.04
    learning_rate: float = 2e-3
    seed: int = 1
    sizes: Sizes = field(default_factory=Sizes)


def train_model(
    name: str,
    protocol: Protocol,
    plan: TrainingPlan,
    *,
    backgrounds: Backgrounds | None = None,
    initial: Model | None = None,
    device: str = "cpu",
    command: str = "",
    report: Report | None = None,
    checkpoint: Path | None = None,
) -> Model:
    """Train a model for a protocol.

    Parameters
    ----------
    name : str
        The model's name.
    protocol : Protocol
        What the scans will be; its saturated frames are the network's input.
    plan : TrainingPlan
        Length, seed and sizes.
    backgrounds : Backgrounds, optional
        Measured components; from simulated muscle when absent.
    initial : Model, optional
        A model of the same protocol and offsets to start from, whatever ``plan.sizes`` says.
    device : str
        torch device.
    command : str
        Kept in the card.
    report : callable, optional
        Gets (fraction done, one line); what it raises stops the training.
    checkpoint : Path, optional
        Folder that gets the model as it stands every tenth of the training.

    Raises
    ------
    MissingExtraError
        When torch is not installed.
    ModelMismatchError
        When the training of ``initial`` cannot go on for this protocol.
    ReaderError
        When the backgrounds are of other powers or another field.
    """
    rng = np.random.default_rng(plan.seed)
    if backgrounds is None:
        backgrounds = simulate_backgrounds(protocol, BACKGROUNDS_PER_FAMILY, rng)
    require_powers(backgrounds, protocol)
    source = Source(protocol, backgrounds)
    return train_from(
        source, name, plan, rng, initial=initial, device=device, command=command, report=report, checkpoint=checkpoint
    )


def train_from(
    source: Source,
    name: str,
    plan: TrainingPlan,
    rng: np.random.Generator,
    *,
    initial: Model | None = None,
    device: str = "cpu",
    command: str = "",
    report: Report | None = None,
    checkpoint: Path | None = None,
) -> Model:
    """Train on any source of spectra; ``rng`` draws the first layer and the starting weights. See `train_model`."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "training", "torch") from error
    started = time.monotonic()
    grid = source.offsets_ppm[0]
    torch.manual_seed(plan.seed)
    model = _untrained(name, source, grid, plan, rng) if initial is None else _restarted(name, source, initial)
    with _a_core_left_for_batches():
        model = _fit(model, source, plan, TorchBackend(device), report, checkpoint)
    return _finished(model, source, plan, command, time.monotonic() - started, initial)


@contextmanager
def _a_core_left_for_batches() -> Iterator[None]:
    """Keep torch off the core that makes the batches; its threads would wait for that one at every layer."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before - 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _untrained(
    name: str, source: Source, grid: np.ndarray, plan: TrainingPlan, rng: np.random.Generator
) -> Model:
    """Fit the fixed first layer (principal scores) and the target scaling; draw the other weights."""
    clean = source.clean(min(30_000, plan.pool), rng)
    spectra = source.scan(clean, np.full(len(clean), 1e-5, dtype=np.float32), rng)
    z = aligned(spectra, grid)
    local = local_indices(grid)
    n_powers = len(source.offsets_ppm)
    features = np.asarray(local_features(z, local, n_powers, NumpyBackend()))
    window = np.concatenate([z[:, p * len(grid) + local] for p in range(n_powers)], axis=1)
    noise_gain = float(np.mean(np.clip(window, 0.1, None) ** -4.0))
    # A quarter of the directions at least stay outside, where noise and what no tissue explains can be told apart.
    n_global = min(N_GLOBAL_SCORES, 3 * z.shape[1] // 4)
    params = initial_parameters(n_global, features.shape[1], plan.sizes, rng)
    for branch, x, count, gain in (
        ("global", z, n_global, 1.0),
        ("local", features, features.shape[1], noise_gain),
    ):
        params |= {f"{branch}.{k}": v for k, v in principal_scores(x, count, gain).items()}
    logs = np.log(np.stack([clean.fs, clean.ksw], axis=1))
    params["target.mean"] = logs.mean(axis=0).astype(np.float32)
    params["target.sd"] = logs.std(axis=0).astype(np.float32)
    return Model(_blank_card(name, source), grid, params)


def _blank_card(name: str, source: Source) -> ModelCard:
    prior = (Range(*USUAL_FS_RANGE).log_sd, Range(*USUAL_KSW_RANGE_PER_S).log_sd)
    return ModelCard(name, source.protocol, FS_RANGE, KSW_RANGE_PER_S, prior, {})


def _restarted(name: str, source: Source, initial: Model) -> Model:
    """Take over all of a model's parameters.

    The first layer too: its scores are the input that the trained weights know, and a basis fitted anew would make
    those weights worthless.
    """
    found = obstacles(initial.card.protocol, source.protocol)
    if found:
        raise ModelMismatchError(
            f"training cannot start from model {initial.card.name}: {'; '.join(found)}; start from another or none"
        )
    return Model(_blank_card(name, source), initial.grid_ppm, dict(initial.params))


def _fit(
    model: Model,
    source: Source,
    plan: TrainingPlan,
    backend: TorchBackend,
    report: Report | None,
    checkpoint: Path | None,
) -> Model:
    import torch

    # Copies: a tensor shares the memory of its array, and the model that training starts from must stay what it is.
    params = {k: backend.asarray(v.copy()) for k, v in model.params.items()}
    trained = [k for k in params if k.rsplit(".", 1)[1] not in FIXED_PARAMETERS]
    for k in trained:
        params[k].requires_grad_(True)
    steps = plan.samples // plan.batch
    optimizer = torch.optim.AdamW([params[k] for k in trained], lr=plan.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    average = {k: params[k].detach().clone() for k in trained}
    running = 0.0
    stream = batches(
        source, model.grid_ppm, plan.batch, plan.pool, round(plan.fresh * plan.batch), plan.seed + 1
    )
    for step, batch in enumerate(prefetched(stream)):
        if step == steps:
            break
        optimizer.zero_grad(set_to_none=True)
        loss = _loss(model, params, batch, backend)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([params[k] for k in trained], 5.0)
        optimizer.step()
        schedule.step()
        # The average of the last few hundred steps is steadier than the last step.
        keep = min(0.998, step / (step + 10))
        for k in trained:
            average[k].lerp_(params[k].detach(), 1 - keep)
        running = float(loss.detach()) if step == 0 else 0.99 * running + 0.01 * float(loss.detach())
        if report is not None and step % 50 == 0:
            report(step / steps, f"step {step} of {steps}, loss {running:.4f}")
        if checkpoint is not None and step and step % max(1, steps // 10) == 0:
            save_model(_with_weights(model, average, backend), checkpoint)
    return _with_weights(model, average, backend)


def _rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 200)
    return float(warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(1.0, step / steps)))))


def _loss(model: Model, params: dict[str, Any], batch: Batch, backend: TorchBackend) -> Any:
    """Negative log likelihood of the truth under the network's bivariate normal (logarithms, standardized)."""
    inputs = NetworkInput(
        backend.asarray(batch.z), backend.asarray(batch.sigma), backend.asarray(batch.conditions)
    )
    out = forward(inputs, params, model.local, model.n_powers, backend)
    target = (backend.asarray(np.log(batch.truth)) - params["target.mean"]) / params["target.sd"]
    error = target - out[:, :2]
    l11, l21, l22 = out[:, 2], out[:, 3], out[:, 4]
    u = error[:, 0] / l11
    v = (error[:, 1] - l21 * u) / l22
    return (0.5 * (u**2 + v**2) + l11.log() + l22.log()).mean()


def _with_weights(model: Model, weights: dict[str, Any], backend: TorchBackend) -> Model:
    return Model(
        model.card, model.grid_ppm, model.params | {k: backend.numpy(v).copy() for k, v in weights.items()}
    )


def _finished(
    model: Model, source: Source, plan: TrainingPlan, command: str, seconds: float, initial: Model | None
) -> Model:
    import torch

    rng = np.random.default_rng(plan.seed + 1_000_003)  # never used in training
    params = model.params | train_guard(model, source, rng, plan.seed, min(N_SPECTRA, plan.pool))
    model = replace(model, params=stored(params))
    clean = source.clean(MEASURED_SPECTRA, rng)
    training = {
        "command": command,
        "seed": plan.seed,
        "samples": plan.samples,
        "distinct_spectra": plan.pool + round(plan.fresh * plan.samples),
        "families": [f.name for f in source.families],
        "backgrounds": source.backgrounds.source,
        "seconds": round(seconds),
        "torch": str(torch.__version__),
        "pcrcest": __version__,
        "threshold_quantiles": THRESHOLD_QUANTILES,
    }
    if source.backgrounds.provenance:
        training["background_provenance"] = source.backgrounds.provenance
    if initial is not None:
        same = np.random.default_rng(plan.seed + 1_000_004)
        earlier = initial.card.training
        for count in ("samples", "seconds"):  # of all legs that led to the model this one starts from
            training[f"{count}_before"] = earlier.get(count, 0) + earlier.get(f"{count}_before", 0)
        training["initial"] = {
            "name": initial.card.name,
            "weights_sha256": initial.card.weights_sha256,
            "errors_on_these_spectra": measure_errors(initial, source, clean, same),
        }
    n_muscle = min(THRESHOLD_SPECTRA, max(plan.pool, MEASURED_SPECTRA))
    return measured(replace(model, card=replace(model.card, training=training)), source, clean, n_muscle, rng)
