"""Layers on plain parameter dictionaries, so that weights go into an .npz file as they are.

Convolutions run as 2D convolutions of height one with channels last: on CPUs three times as fast, in bfloat16, as
``conv1d``. torch is imported inside: nobody needs it to import the library.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

Tensor = Any  # torch.Tensor
Params = dict[str, Tensor]
Arrays = dict[str, np.ndarray]


def initial_layer(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Draw weight and bias uniformly within ±1/√fan_in, the common default that the reference network starts from.

    Parameters
    ----------
    name : str
        Prefix of the two arrays.
    shape : tuple of int
        (n_out, n_in) of a dense layer, (n_out, n_in, kernel) of a convolution.
    """
    bound = 1 / np.sqrt(np.prod(shape[1:]))
    return {
        f"{name}.weight": rng.uniform(-bound, bound, shape).astype(np.float32),
        f"{name}.bias": rng.uniform(-bound, bound, shape[0]).astype(np.float32),
    }


def initial_stack(name: str, widths: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Draw dense layers ``name.0``, ``name.1``… between the given widths."""
    arrays: Arrays = {}
    for i, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        arrays |= initial_layer(f"{name}.{i}", (n_out, n_in), rng)
    return arrays


def dense(x: Tensor, params: Params, name: str) -> Tensor:
    """Dense layer, (n, n_in) to (n, n_out)."""
    import torch

    return torch.nn.functional.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])


def dense_stack(x: Tensor, params: Params, name: str, activation: Any) -> Tensor:
    """Dense layers ``name.0``, ``name.1``… with an activation between them, none after the last."""
    last = sum(key.startswith(f"{name}.") and key.endswith(".weight") for key in params) - 1
    for i in range(last):
        x = activation(dense(x, params, f"{name}.{i}"))
    return dense(x, params, f"{name}.{last}")


def convolution(x: Tensor, params: Params, name: str) -> Tensor:
    """Convolution that keeps the length, (n, n_in, 1, length) to (n, n_out, 1, length)."""
    import torch

    weight = params[f"{name}.weight"].unsqueeze(2)
    return torch.nn.functional.conv2d(
        x, weight, params[f"{name}.bias"], padding=(0, int(weight.shape[-1]) // 2)
    )


def as_image(x: Tensor) -> Tensor:
    """Turn (n, channels, length) into (n, channels, 1, length), channels last in memory."""
    import torch

    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
