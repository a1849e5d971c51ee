"""What all rival networks have in common: what goes in, what comes out, what they are trained for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from PCrCESTLib.rivals.layers import Arrays, Params, Tensor
from PCrCESTLib.rivals.samples import Samples

FIXED = "fixed."  # prefix of parameters that training leaves alone


@dataclass(frozen=True)
class Output:
    """What a network says.

    ``targets`` (n, 2) estimates fs/1e-4 and ksw/(10 s⁻¹); ``denoised`` holds pairs of a denoised part of the input
    (n, n_powers, length) and the slice of the grid it belongs to.
    """

    targets: Tensor
    denoised: tuple[tuple[Tensor, slice], ...] = ()


class Architecture(Protocol):
    """One kind of network for a grid of offsets."""

    @property
    def name(self) -> str:
        """What the command line calls it."""
        ...

    @property
    def learning_rate(self) -> float:
        """Adam's step size."""
        ...

    def initial(self, first: Samples, rng: np.random.Generator) -> Arrays:
        """Draw starting weights; ``first`` are samples from which a network may take scales."""
        ...

    def forward(self, params: Params, ratio: Tensor, *, half: bool = False) -> Output:
        """Run the network on Z/R1obs (n, n_powers, n_grid); ``half`` lets convolutions run in bfloat16."""
        ...

    def objectives(self, params: Params, output: Output, ratio: Tensor, targets: Tensor) -> list[Tensor]:
        """Losses whose gradients are to be combined; ``ratio`` is the input without noise."""
        ...


def regression_loss(estimate: Tensor, targets: Tensor) -> Tensor:
    """MSE of fs/1e-4, of ksw/10 and of their product, summed: the reference paper's loss, dominated by the product."""
    error = (estimate - targets).square().mean(0).sum()
    return error + (estimate.prod(1) - targets.prod(1)).square().mean()
