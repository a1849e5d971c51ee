"""The few array functions that the physics needs, the same for NumPy and torch.

Arithmetic, comparison, indexing and ``@`` are written with operators and work on both kinds; only what the
two libraries spell differently is here. torch is looked at only when a tensor comes in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

Array = Any
"""A NumPy array, a torch tensor, or a plain number that broadcasts against them."""


class NumpyBackend:
    """NumPy arrays of one floating-point type."""

    is_torch = False
    on_accelerator = False

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    floor = staticmethod(np.floor)
    where: Any = staticmethod(np.where)
    isfinite = staticmethod(np.isfinite)
    solve = staticmethod(np.linalg.solve)
    stack = staticmethod(np.stack)
    nonzero = staticmethod(np.nonzero)
    broadcast_to = staticmethod(np.broadcast_to)

    @property
    def epsilon(self) -> float:
        """Spacing of the numbers next to 1."""
        return float(np.finfo(self.dtype).eps)

    def double(self) -> NumpyBackend:
        """Return the same kind of array in float64."""
        return NumpyBackend(np.float64)

    def array(self, value: Any) -> Array:
        """Convert ``value`` to this kind and type of array."""
        return np.asarray(value, self.dtype)

    def zeros(self, shape: Sequence[int]) -> Array:
        """Make an array of zeros."""
        return np.zeros(tuple(shape), self.dtype)

    def eye(self, size: int) -> Array:
        """Make an identity matrix."""
        return np.eye(size, dtype=self.dtype)

    def clip(self, value: Array, low: float, high: float) -> Array:
        """Limit ``value`` to ``low`` ... ``high``."""
        return np.minimum(np.maximum(value, low), high)

    def as_index(self, value: Array) -> Array:
        """Round non-negative ``value`` down to whole numbers that can index an array."""
        return value.astype(np.intp)

    def table(self, values: np.ndarray) -> Array:
        """Convert a constant table."""
        return values.astype(self.dtype, copy=False)

    def flags(self, value: Array) -> Array:
        """Convert an array of truth values."""
        return value

    def without_warnings(self) -> AbstractContextManager[Any]:
        """Let divisions by zero and overflows pass as infinities and NaN."""
        return np.errstate(divide="ignore", invalid="ignore", over="ignore")

    def detach(self, value: Array) -> Array:
        """Return ``value``; NumPy keeps no derivatives."""
        return value

    def is_differentiable(self, value: Array) -> bool:
        """Whether derivatives of ``value`` are recorded: never."""
        return False


class TorchBackend:
    """Tensors of one floating-point type on one device."""

    is_torch = True

    def __init__(self, dtype: Any, device: Any) -> None:
        self.torch = sys.modules["torch"]
        self.dtype, self.device = dtype, device
        for name in ("exp", "log", "floor", "where", "isfinite", "stack", "broadcast_to"):
            setattr(self, name, getattr(self.torch, name))
        self.solve = self.torch.linalg.solve
        self.on_accelerator = device.type != "cpu"

    exp: Any
    log: Any
    floor: Any
    where: Any
    isfinite: Any
    stack: Any
    broadcast_to: Any

    @property
    def epsilon(self) -> float:
        """Spacing of the numbers next to 1."""
        return float(self.torch.finfo(self.dtype).eps)

    def double(self) -> TorchBackend:
        """Return the same kind of array in float64, on the CPU where the device knows no float64."""
        device = "cpu" if self.device.type == "mps" else self.device
        return TorchBackend(self.torch.float64, self.torch.device(device))

    def array(self, value: Any) -> Array:
        """Convert ``value`` to this kind and type of array, derivatives included."""
        return self.torch.as_tensor(value, dtype=self.dtype, device=self.device)

    def zeros(self, shape: Sequence[int]) -> Array:
        """Make an array of zeros."""
        return self.torch.zeros(tuple(shape), dtype=self.dtype, device=self.device)

    def eye(self, size: int) -> Array:
        """Make an identity matrix."""
        return self.torch.eye(size, dtype=self.dtype, device=self.device)

    def nonzero(self, mask: Array) -> tuple[Array, ...]:
        """Give the indices of the true entries, one array an axis."""
        return self.torch.nonzero(mask, as_tuple=True)

    def clip(self, value: Array, low: float, high: float) -> Array:
        """Limit ``value`` to ``low`` ... ``high``."""
        return self.torch.clamp(value, low, high)

    def as_index(self, value: Array) -> Array:
        """Round non-negative ``value`` down to whole numbers that can index an array."""
        return value.detach().to(self.torch.int64)

    def table(self, values: np.ndarray) -> Array:
        """Convert a constant table."""
        return self.torch.as_tensor(values, dtype=self.dtype, device=self.device)

    def flags(self, value: Array) -> Array:
        """Convert an array of truth values."""
        return value.to(self.device)

    def without_warnings(self) -> AbstractContextManager[Any]:
        """Let divisions by zero and overflows pass, as torch always does."""
        return nullcontext()

    def detach(self, value: Array) -> Array:
        """Return ``value`` without its derivatives."""
        return value.detach() if self.torch.is_tensor(value) else value

    def is_differentiable(self, value: Array) -> bool:
        """Whether derivatives of ``value`` are recorded, backward or forward."""
        torch = self.torch
        if not torch.is_tensor(value):
            return False
        if torch.is_grad_enabled() and value.requires_grad:
            return True
        return torch.autograd.forward_ad.unpack_dual(value).tangent is not None


def _arrays(values: list[Any]) -> list[Any]:
    return [value for value in values if getattr(value, "ndim", 0) > 0]


Backend = NumpyBackend | TorchBackend


def is_tensor(value: Any) -> bool:
    """Whether ``value`` is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.is_tensor(value)


def backend_of(primary: Iterable[Any], secondary: Iterable[Any] = ()) -> Backend:
    """Choose kind, precision and device of the result.

    Parameters
    ----------
    primary : iterable of float or array
        Inputs that decide the precision: torch if any is a tensor, else NumPy; float32 if every floating
        array among them is float32. Plain numbers and zero-dimensional arrays have no say in the precision.
    secondary : iterable of float or array
        Inputs asked for kind and precision only where ``primary`` has no arrays.
    """
    first, second = list(primary), list(secondary)
    tensors = [value for value in first + second if is_tensor(value)]
    voters = _arrays(first) or _arrays(second)
    names = {str(v.dtype).removeprefix("torch.") for v in voters if "float" in str(v.dtype)}
    precision = "float32" if names == {"float32"} else "float64"
    if not tensors:
        return NumpyBackend(precision)
    devices = {tensor.device for tensor in tensors if tensor.ndim} or {tensors[0].device}
    accelerators = [device for device in devices if device.type != "cpu"]
    if not voters:
        precision = str(tensors[0].dtype).removeprefix("torch.")
    device = accelerators[0] if accelerators else next(iter(devices))
    return TorchBackend(getattr(sys.modules["torch"], precision), device)
