"""The reference paper's two-branch global–local network, the one to beat.

Source: Magn Reson Med 2026 (PMID 41964083) and its public code, written anew from its description. A branch is a
convolutional denoiser (2→128→128→128→2 channels, kernels 5, 3, 3, 3, ELU) and an encoder (32-64-64, kernel 3, ReLU,
average over all offsets, linear 128); the local branch takes the second difference (−1, 2, −1) of its denoised input,
zero-padded at the ends. Joined: 256 → 128 → 64 with ReLU, one linear output each for fs and ksw: 296 966 parameters.

The description leaves open over what the encoder averages; only the average over all offsets gives 297 k parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.rivals.architecture import Output, regression_loss
from PCrCESTLib.rivals.layers import (
    Arrays,
    Params,
    Tensor,
    as_image,
    convolution,
    dense,
    dense_stack,
    initial_layer,
    initial_stack,
)
from PCrCESTLib.rivals.samples import LOCAL_WINDOW_PPM, Samples, window

DENOISER_CHANNELS = 128
DENOISER_KERNELS = (5, 3, 3, 3)
ENCODER_CHANNELS = (32, 64, 64)
FEATURES = 128
HEAD = (128, 64)
REGRESSION_SHARE, DENOISING_SHARE = 0.9, 0.1


@dataclass(frozen=True, eq=False)
class ReferenceNetwork:
    """Two branches on Z/R1obs; ``local`` False leaves the global one alone (the single-branch CNN).

    Parameters
    ----------
    grid_ppm : ndarray
        (n_grid,) ascending.
    n_powers : int
        Number of saturation powers, one channel each.
    local : bool
        Whether there is a local branch on 1.5…3.5 ppm.
    """

    grid_ppm: np.ndarray
    n_powers: int
    local: bool = True

    learning_rate = 1e-4

    @property
    def name(self) -> str:
        """What the command line calls it."""
        return "reference" if self.local else "cnn"

    @property
    def branches(self) -> dict[str, slice]:
        """Branches and the part of the grid each sees."""
        parts = {"global": slice(0, len(self.grid_ppm))}
        return parts | ({"local": window(self.grid_ppm, *LOCAL_WINDOW_PPM)} if self.local else {})

    def initial(self, first: Samples, rng: np.random.Generator) -> Arrays:
        """Draw starting weights."""
        arrays: Arrays = {}
        for branch in self.branches:
            inner = (DENOISER_CHANNELS,) * (len(DENOISER_KERNELS) - 1)
            channels = (self.n_powers, *inner, self.n_powers)
            for i, kernel in enumerate(DENOISER_KERNELS):
                shape = (channels[i + 1], channels[i], kernel)
                arrays |= initial_layer(f"{branch}.denoiser.{i}", shape, rng)
            channels = (self.n_powers, *ENCODER_CHANNELS)
            for i in range(len(ENCODER_CHANNELS)):
                arrays |= initial_layer(f"{branch}.encoder.{i}", (channels[i + 1], channels[i], 3), rng)
            arrays |= initial_layer(f"{branch}.features", (FEATURES, ENCODER_CHANNELS[-1]), rng)
        return arrays | initial_stack("head", (FEATURES * len(self.branches), *HEAD, 2), rng)

    def forward(self, params: Params, ratio: Tensor, *, half: bool = False) -> Output:
        """Run the network on Z/R1obs (n, n_powers, n_grid)."""
        import torch

        denoised, features = [], []
        for branch, part in self.branches.items():
            with torch.autocast(ratio.device.type, dtype=torch.bfloat16, enabled=half):
                clean = _denoise(ratio[..., part], params, branch)
                encoded = _encode(clean, params, branch)
            denoised.append((clean, part))
            features.append(dense(encoded, params, f"{branch}.features"))
        out = dense_stack(torch.cat(features, dim=1), params, "head", torch.relu)
        return Output(out, tuple(denoised))

    def objectives(self, params: Params, output: Output, ratio: Tensor, targets: Tensor) -> list[Tensor]:
        """Return 0.9 of the regression loss, and 0.1 of the denoising MSE of each branch."""
        denoising = [
            DENOISING_SHARE * (denoised - ratio[..., part]).square().mean()
            for denoised, part in output.denoised
        ]
        return [REGRESSION_SHARE * regression_loss(output.targets, targets), *denoising]


def _denoise(x: Tensor, params: Params, branch: str) -> Tensor:
    """Denoise (n, n_powers, length); float32 whatever the precision of the layers."""
    import torch

    x = as_image(x)
    last = len(DENOISER_KERNELS) - 1
    for i in range(last):
        x = torch.nn.functional.elu(convolution(x, params, f"{branch}.denoiser.{i}"), inplace=True)
    return convolution(x, params, f"{branch}.denoiser.{last}").float().squeeze(2)


def _encode(x: Tensor, params: Params, branch: str) -> Tensor:
    """Encode denoised spectra (n, n_powers, length) to float32 (n, 64)."""
    import torch

    if branch == "local":
        padded = torch.nn.functional.pad(x, (1, 1))
        x = 2 * x - padded[..., :-2] - padded[..., 2:]
    x = as_image(x)
    for i in range(len(ENCODER_CHANNELS)):
        x = torch.relu_(convolution(x, params, f"{branch}.encoder.{i}"))
    return x.float().mean((2, 3))
