"""Voxels per second of the bundled network on this machine, beside the reference two-branch network.

Run: ``python Testing/benchmarks/inference.py`` (about a minute). Both get the same voxels in the same run. The
reference network (Magn Reson Med 2026, ``PCrCESTLib.rivals.reference_network``) carries random weights here, which
cost the same time as trained ones.
"""

from __future__ import annotations

import os
import time
from functools import partial

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line sets it

import numpy as np
import torch

from PCrCESTLib.models.backend import NumpyBackend, TorchBackend
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.models.registry import find_model
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.rivals.reference_network import ReferenceNetwork
from PCrCESTLib.rivals.samples import Samples, rival_grid_ppm

N_VOXELS = 60_000
N_REFERENCE = 2_000
REPEATS = 3


def spectra(n: int) -> Spectra:
    """Noisy Lorentzian dips at two powers: the time does not depend on what the spectra are."""
    rng = np.random.default_rng(0)
    offsets = np.array(find_model("rat-4.7T-dual").grid_ppm)
    b0 = rng.uniform(-0.3, 0.3, n)
    x = (offsets - b0[:, None]).astype(np.float32)
    z = [0.85 * x**2 / (x**2 + w) + rng.normal(0, 0.01, x.shape).astype(np.float32) for w in (0.05, 0.15)]
    unknown = np.full(n, np.nan)
    return Spectra([offsets, offsets], z, np.full(n, 0.01), b0, np.full(n, 0.62), unknown)


def reference_seconds(n: int) -> float:
    """Seconds the reference network takes for ``n`` voxels in batches of 256."""
    grid = rival_grid_ppm(named_protocol("rat-4.7T-dual"))
    network = ReferenceNetwork(grid, 2)
    nothing = Samples(np.empty((0, 2, len(grid))), np.empty((0, 2)), np.empty(0))
    weights = network.initial(nothing, np.random.default_rng(0))
    params = {key: torch.from_numpy(values) for key, values in weights.items()}
    x = torch.rand(n, 2, len(grid))
    with torch.no_grad():
        started = time.perf_counter()
        for i in range(0, n, 256):
            network.forward(params, x[i : i + 256])
        return time.perf_counter() - started


def seconds(run: object) -> float:
    """Return the shortest of a few runs, which is the one least disturbed by the machine."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()  # type: ignore[operator]
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Print the table."""
    model, voxels = find_model("rat-4.7T-dual"), spectra(N_VOXELS)
    backends = {"ours, numpy": NumpyBackend(), "ours, torch cpu": TorchBackend("cpu")}
    if torch.cuda.is_available():
        backends["ours, torch cuda"] = TorchBackend("cuda")
    rates = {
        f"{name} (alignment and network)": N_VOXELS / seconds(partial(predict, model, voxels, backend))
        for name, backend in backends.items()
    }
    reference = N_REFERENCE / min(reference_seconds(N_REFERENCE) for _ in range(REPEATS))
    print(f"{'reference two-branch network, torch cpu':<42} {reference:10.0f} voxels/s   1.0 x")
    for name, rate in rates.items():
        print(f"{name:<42} {rate:10.0f} voxels/s {rate / reference:5.1f} x")


if __name__ == "__main__":
    main()
