"""The guard: a small network on the spectrum's scores that tells muscle from muscle scanned otherwise than claimed.

Distance and residual find what no muscle looks like; a wrong power, field or sign of the offsets gives spectra that
some other muscle might nearly have given, and must be learned.
"""

from __future__ import annotations

import itertools

import numpy as np

from PCrCESTLib.models.inference import aligned, guard_input
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.stream import Source
from PCrCESTLib.synthesis.augment import draw_noise_levels
from PCrCESTLib.synthesis.families import REFERENCE
from PCrCESTLib.synthesis.spectra import CleanSpectra
from PCrCESTLib.synthesis.wrong_protocol import wrong_protocol

N_SPECTRA, REPLICATES = 40_000, 4  # each spectrum is scanned with several noise levels
STEPS, BATCH, HIDDEN, LEARNING_RATE = 10_000, 512, (96, 48), 2e-3
# Muscle must be left in peace: a false alarm counts as much as this many misses.
MUSCLE_WEIGHT = 3.0


def train_guard(
    model: Model, source: Source, rng: np.random.Generator, seed: int, n_spectra: int = N_SPECTRA
) -> dict[str, np.ndarray]:
    """Train the guard of a model on ``n_spectra`` of muscle and as many others; return its parameters (``guard.*``).

    About two minutes on one core; with fewer spectra in proportion less.
    """
    import torch

    families = (REFERENCE, *source.families)
    muscle = _inputs(model, source, source.clean(n_spectra, rng), rng)
    strange = _inputs(model, source, wrong_protocol(families, source.protocol, n_spectra, rng), rng)
    torch.manual_seed(seed)
    n_in = len(model.params["global.scale"]) + 1
    sizes = (n_in, *HIDDEN, 1)
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    optimizer = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=LEARNING_RATE)
    weight = torch.tensor([MUSCLE_WEIGHT] * (BATCH // 2) + [1.0] * (BATCH // 2))
    label = torch.tensor([0.0] * (BATCH // 2) + [1.0] * (BATCH // 2))
    steps = STEPS * n_spectra // N_SPECTRA
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / steps)
        batch = [kind[rng.integers(len(kind), size=BATCH // 2)] for kind in (muscle, strange)]
        x = torch.from_numpy(np.concatenate(batch))
        for layer in layers[:-1]:
            x = torch.nn.functional.silu(layer(x))
        logit = layers[-1](x)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, label, weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    params: dict[str, np.ndarray] = {}
    for i, layer in enumerate(layers):
        params[f"guard.{i}.weight"] = layer.weight.detach().numpy().T.copy()
        params[f"guard.{i}.bias"] = layer.bias.detach().numpy().copy()
    return params


def _inputs(model: Model, source: Source, clean: CleanSpectra, rng: np.random.Generator) -> np.ndarray:
    parts = []
    for _ in range(REPLICATES):
        spectra = source.scan(clean, draw_noise_levels(len(clean), rng), rng)
        parts.append(guard_input(model, aligned(spectra, model.grid_ppm), spectra.sigma))
    return np.concatenate(parts)
