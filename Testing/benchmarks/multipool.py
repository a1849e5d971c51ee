"""Multi-pool Lorentzian fits of measured voxels: ours against scipy.optimize.curve_fit, on one core, in one run.

Run: ``python Testing/benchmarks/multipool.py SERIES LABELS [--voxels 500] [--pools 6]`` with one series and a label map
of its muscle. curve_fit gets (a) the documented start and (b) the fit of the mean spectrum, where our searches begin.
Prints voxels per second of processor time, ours and theirs in turns, since a shared machine is not equally fast all
the time, and how the sums of squares compare: two are the same within 1e-6 of their value.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}

import numpy as np
from scipy.optimize import curve_fit

from PCrCESTLib.fitting import multipool
from PCrCESTLib.fitting.multipool import fit_pools
from PCrCESTLib.fitting.pools import POOL_SETS, PoolBounds
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.readers import read_mask, read_series

FARTHEST_PPM, SEED, SAME, TURNS = 12.0, 1, 1e-6, 10


def model(offsets: np.ndarray, *x: float) -> np.ndarray:
    """Z of the pools, as `curve_fit` takes it."""
    height, place, width = np.array(x).reshape(3, -1)
    center = np.concatenate([place[:1], place[0] + place[1:]])
    return np.asarray(
        1 - np.sum(height[:, None] / (1 + (2 * (offsets - center[:, None]) / width[:, None]) ** 2), axis=0)
    )


def voxels(series_path: Path, labels: Path, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and the spectra of ``n`` voxels of muscle, drawn by chance."""
    series = prepare_series([read_series(series_path)])
    block = series.blocks[0]
    near = np.abs(block.offsets_ppm) <= FARTHEST_PPM
    inside = read_mask(labels, series.geometry).values
    z = block.z[near][:, inside].T.astype(float)
    return block.offsets_ppm[near], z[np.random.default_rng(SEED).permutation(len(z))[:n]]


def theirs(
    offsets: np.ndarray, z: np.ndarray, start: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Sums of squares of curve_fit, infinite where it gives up."""
    found = np.full(len(z), np.inf)
    for i, row in enumerate(z):
        try:
            x, _ = curve_fit(model, offsets, row, start, bounds=bounds, max_nfev=5000)
        except RuntimeError:
            continue
        found[i] = np.sum((model(offsets, *x) - row) ** 2)
    return found


def compare(
    offsets: np.ndarray, z: np.ndarray, pools: tuple[PoolBounds, ...], start: np.ndarray, name: str
) -> None:
    """Fit in turns, all voxels by us and a part of them by curve_fit, and print."""
    low, high = (as_parameters(pools, k) for k in (1, 2))
    our_time, their_time, found = 0.0, 0.0, []
    for part in np.array_split(z, TURNS):
        began = time.process_time()
        fit = fit_pools(offsets, z, pools)
        between = time.process_time()
        found.append(theirs(offsets, part, start, (low, high)))
        our_time, their_time = our_time + between - began, their_time + time.process_time() - between
    ours, other = fit.rms**2 * len(offsets), np.concatenate(found)
    rates = TURNS * len(z) / our_time, len(z) / their_time
    least, most = np.percentile(ours / other - 1, (1, 99))
    print(
        f"{name}: ours {rates[0]:.0f} voxels/s, curve_fit {rates[1]:.1f}: {rates[0] / rates[1]:.0f} times; "
        f"ours converged {fit.converged.mean():.1%}; same or lower sum of squares: ours "
        f"{np.mean(ours <= other * (1 + SAME)):.1%}, theirs {np.mean(other <= ours * (1 + SAME)):.1%}; "
        f"ours/theirs − 1, 98 % within {least:+.1e} and {most:+.1e}"
    )


def as_parameters(pools: tuple[PoolBounds, ...], k: int) -> np.ndarray:
    """Starts (0), lowest (1) or highest values (2) in the order of `model`."""
    return np.array([getattr(p, name)[k] for name in ("height", "position_ppm", "width_ppm") for p in pools])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--voxels", type=int, default=500)
    parser.add_argument("--pools", type=int, choices=POOL_SETS, default=6)
    args = parser.parse_args()
    pools, (offsets, z) = POOL_SETS[args.pools], voxels(args.series, args.labels, args.voxels)
    multipool.WORKERS = 1
    mean = fit_pools(offsets, np.mean(z, axis=0, keepdims=True), pools)
    place = np.append(mean.b0_ppm, mean.position_ppm[0, 1:])
    print(f"{args.series.name}, {args.pools} pools, {len(z)} voxels")
    compare(offsets, z, pools, as_parameters(pools, 0), "documented start")
    compare(offsets, z, pools, np.concatenate([mean.height[0], place, mean.width_ppm[0]]), "start of mean")


if __name__ == "__main__":
    main()
