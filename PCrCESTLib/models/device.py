"""Where the network runs, and why there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from PCrCESTLib.errors import MissingExtraError, PCrCESTError
from PCrCESTLib.models.backend import Backend, NumpyBackend, TorchBackend

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Device:
    """A backend with its name (``numpy``, ``torch cpu``, ``torch cuda``…) and the reason it was chosen."""

    backend: Backend
    name: str
    reason: str


def choose_device(requested: str) -> Device:
    """Choose where to compute.

    ``auto`` takes a GPU that torch offers, else NumPy (for networks this small, as fast as torch on a CPU). ``cpu``
    is NumPy. ``cuda`` and ``mps`` are taken or refused, never silently replaced.

    Raises
    ------
    MissingExtraError
        When a GPU is asked for and torch is not installed.
    PCrCESTError
        When the asked device is not there.
    """
    if requested == "cpu":
        return Device(NumpyBackend(), "numpy", "cpu was asked for")
    if find_spec("torch") is None:
        if requested == "auto":
            return Device(NumpyBackend(), "numpy", "torch is not installed, so no GPU was looked for")
        raise MissingExtraError("torch", f"--device {requested}", "torch")
    available = _torch_devices()
    if requested in available:
        return Device(TorchBackend(requested), f"torch {requested}", f"{requested} was asked for")
    if requested == "auto":
        if available:
            return Device(TorchBackend(available[0]), f"torch {available[0]}", "torch offers this GPU")
        return Device(NumpyBackend(), "numpy", "torch sees no GPU")
    raise PCrCESTError(
        f"device {requested} was asked for but torch sees no such GPU here; use --device auto or cpu"
    )


def available_devices() -> dict[str, str]:
    """Return the devices that can be asked for here, each with what it is; importing torch takes some seconds."""
    found = {"cpu": "NumPy on the CPU"}
    if find_spec("torch") is not None:
        import torch

        for name in _torch_devices():
            found[name] = torch.cuda.get_device_name(0) if name == "cuda" else "Apple GPU (Metal)"
    return found


def _torch_devices() -> list[str]:
    import torch

    devices = []
    if torch.cuda.is_available():
        devices.append("cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices
