"""The simpler networks to compare with: the state of the art (ANNCEST-like) and a single-branch MLP.

The single-branch CNN is ``ReferenceNetwork(local=False)``: the same network without its second branch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.rivals.architecture import FIXED, Output, regression_loss
from PCrCESTLib.rivals.layers import Arrays, Params, Tensor, dense_stack, initial_stack
from PCrCESTLib.rivals.samples import Samples, window

ANNCEST_WINDOW_PPM = (1.0, 4.5)
ANNCEST_HIDDEN_LAYERS = 7
_OUTPUTS = ("fs", "ksw")


@dataclass(frozen=True, eq=False)
class AnncestLike:
    """One sigmoid MLP per output, 29 → 29×7 → 1, as the reference paper rebuilt ANNCEST (Chen 2020).

    The published code does not say which 29 points it takes; here the 29 offsets 1.0…4.5 ppm of the lowest power,
    where the peaks are sharpest, because the method was made for one power. Inputs and outputs are standardized,
    the weights start at Glorot's width for sigmoids (times 4), and the learning rate is 1e-3: with the defaults of
    the other networks, seven sigmoid layers stay at the mean.
    """

    grid_ppm: np.ndarray
    n_powers: int

    name = "anncest"
    learning_rate = 1e-3

    @property
    def part(self) -> slice:
        """Part of the grid that goes in."""
        return window(self.grid_ppm, *ANNCEST_WINDOW_PPM)

    def initial(self, first: Samples, rng: np.random.Generator) -> Arrays:
        """Draw starting weights, and take the scales from the first samples."""
        x = first.ratio[:, 0, self.part]
        width = x.shape[1]
        arrays: Arrays = {}
        for output in _OUTPUTS:
            stack = initial_stack(output, (width,) * (ANNCEST_HIDDEN_LAYERS + 1) + (1,), rng)
            arrays |= {key: _for_sigmoids(key, values, rng) for key, values in stack.items()}
        return arrays | _scales(x, first.targets)

    def forward(self, params: Params, ratio: Tensor, *, half: bool = False) -> Output:
        """Run both networks on Z/R1obs (n, n_powers, n_grid); always in float32."""
        import torch

        x = (ratio[:, 0, self.part] - params[f"{FIXED}input.mean"]) / params[f"{FIXED}input.sd"]
        out = torch.cat([dense_stack(x, params, output, torch.sigmoid) for output in _OUTPUTS], dim=1)
        return Output(out * params[f"{FIXED}target.sd"] + params[f"{FIXED}target.mean"])

    def objectives(self, params: Params, output: Output, ratio: Tensor, targets: Tensor) -> list[Tensor]:
        """Return the MSE of each output in units of its spread; the two networks share nothing."""
        return [((output.targets - targets) / params[f"{FIXED}target.sd"]).square().mean(0).sum()]


@dataclass(frozen=True, eq=False)
class SingleBranchMlp:
    """A plain MLP on the whole spectrum at all powers: ReLU layers of 256, 128 and 64."""

    grid_ppm: np.ndarray
    n_powers: int

    name = "mlp"
    learning_rate = 1e-3
    hidden = (256, 128, 64)

    def initial(self, first: Samples, rng: np.random.Generator) -> Arrays:
        """Draw starting weights, and take the scales from the first samples."""
        x = first.ratio.reshape(len(first), -1)
        return initial_stack("mlp", (x.shape[1], *self.hidden, 2), rng) | _scales(x, first.targets)

    def forward(self, params: Params, ratio: Tensor, *, half: bool = False) -> Output:
        """Run the network on Z/R1obs (n, n_powers, n_grid); always in float32."""
        import torch

        x = (ratio.flatten(1) - params[f"{FIXED}input.mean"]) / params[f"{FIXED}input.sd"]
        out = dense_stack(x, params, "mlp", torch.relu)
        return Output(out * params[f"{FIXED}target.sd"] + params[f"{FIXED}target.mean"])

    def objectives(self, params: Params, output: Output, ratio: Tensor, targets: Tensor) -> list[Tensor]:
        """Return the reference network's regression loss."""
        return [regression_loss(output.targets, targets)]


def _for_sigmoids(key: str, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Glorot's uniform weights, four times as wide because a sigmoid's slope at zero is 1/4; zero biases."""
    if key.endswith("bias"):
        return np.zeros_like(values)
    bound = 4 * np.sqrt(6 / sum(values.shape))
    return rng.uniform(-bound, bound, values.shape).astype(np.float32)


def _scales(x: np.ndarray, targets: np.ndarray) -> Arrays:
    """Mean and SD of inputs and targets, fixed parameters."""
    return {
        f"{FIXED}input.mean": x.mean(0),
        f"{FIXED}input.sd": x.std(0),
        f"{FIXED}target.mean": targets.mean(0),
        f"{FIXED}target.sd": targets.std(0),
    }
