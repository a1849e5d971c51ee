"""The few array operations the network needs, on NumPy or on torch, so that it is written once."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = Any  # numpy.ndarray or torch.Tensor


class Backend(Protocol):
    """Operations that differ between array libraries."""

    def asarray(self, values: np.ndarray) -> Array:
        """Bring a NumPy array to the device as float32."""
        ...

    def numpy(self, values: Array) -> np.ndarray:
        """Bring an array back to NumPy."""
        ...

    def concatenate(self, parts: list[Array]) -> Array:
        """Join along the last axis."""
        ...

    def silu(self, x: Array) -> Array:
        """Return x·sigmoid(x)."""
        ...

    def softplus(self, x: Array) -> Array:
        """Return log(1 + exp(x))."""
        ...

    def sqrt(self, x: Array) -> Array:
        """Return the square root."""
        ...


class NumpyBackend:
    """The network on NumPy alone, for a computer without torch."""

    def asarray(self, values: np.ndarray) -> Array:
        """Return float32."""
        return np.asarray(values, dtype=np.float32)

    def numpy(self, values: Array) -> np.ndarray:
        """Return the array itself."""
        return np.asarray(values)

    def concatenate(self, parts: list[Array]) -> Array:
        """Join along the last axis."""
        return np.concatenate(parts, axis=-1)

    def silu(self, x: Array) -> Array:
        """Return x·sigmoid(x); the clip keeps exp from overflowing where the result is 0 anyway."""
        return x / (1 + np.exp(-np.maximum(x, np.float32(-80))))

    def softplus(self, x: Array) -> Array:
        """Return log(1 + exp(x)) without overflow."""
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def sqrt(self, x: Array) -> Array:
        """Return the square root."""
        return np.sqrt(x)


class TorchBackend:
    """The same on torch, on any of its devices."""

    def __init__(self, device: str) -> None:
        """Use ``device`` ('cpu', 'cuda', 'mps')."""
        import torch

        self._torch = torch
        self.device = torch.device(device)

    def asarray(self, values: np.ndarray) -> Array:
        """Return a float32 tensor on the device."""
        array = np.ascontiguousarray(values, dtype=np.float32)
        if not array.flags.writeable:
            array = array.copy()  # torch warns about memory it could not write
        return self._torch.from_numpy(array).to(self.device)

    def numpy(self, values: Array) -> np.ndarray:
        """Bring a tensor back."""
        return np.asarray(values.detach().cpu().numpy())

    def concatenate(self, parts: list[Array]) -> Array:
        """Join along the last axis."""
        return self._torch.cat(parts, dim=-1)

    def silu(self, x: Array) -> Array:
        """Return x·sigmoid(x)."""
        return self._torch.nn.functional.silu(x)

    def softplus(self, x: Array) -> Array:
        """Return log(1 + exp(x))."""
        return self._torch.nn.functional.softplus(x)

    def sqrt(self, x: Array) -> Array:
        """Return the square root."""
        return self._torch.sqrt(x)
