"""Multi-pool Lorentzian fits of measured voxels: ours against scipy.optimize.curve_fit, on one core, in one run.

Run: ``python Testing/benchmarks/multipool.py SERIES LABELS [--voxels 500] [--pools 6]`` with one series and a label map
of its muscle. curve_fit gets (a) the documented start and (b) the fit of the mean spectrum, where our searches begin.
Prints voxels per second of processor time, of ours the median of runs before, between and after theirs, and how the
sums of squares compare: two are the same within 1e-6 of their value.
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
from PCrCESTLib.fitting.multipool import PoolFit, fit_pools
from PCrCESTLib.fitting.pools import POOL_SETS, PoolBounds
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.readers import read_mask, read_series

FARTHEST_PPM, SEED, SAME = 12.0, 1, 1e-6


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


def ours(offsets: np.ndarray, z: np.ndarray, pools: tuple[PoolBounds, ...]) -> tuple[PoolFit, float]:
    """Our fit, and its voxels per second."""
    began = time.process_time()
    return fit_pools(offsets, z, pools), len(z) / (time.process_time() - began)


def theirs(
    offsets: np.ndarray, z: np.ndarray, start: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, float]:
    """Sums of squares of curve_fit, infinite where it gives up, and its voxels per second."""
    began, found = time.process_time(), np.full(len(z), np.inf)
    for i, row in enumerate(z):
        try:
            x, _ = curve_fit(model, offsets, row, start, bounds=bounds, max_nfev=5000)
        except RuntimeError:
            continue
        found[i] = np.sum((model(offsets, *x) - row) ** 2)
    return found, len(z) / (time.process_time() - began)


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
    documented, low, high = (
        np.array([getattr(p, name)[k] for name in ("height", "position_ppm", "width_ppm") for p in pools])
        for k in range(3)
    )
    mean = fit_pools(offsets, np.mean(z, axis=0, keepdims=True), pools)
    place = np.concatenate([mean.b0_ppm, mean.position_ppm[0, 1:]])
    fit, rate = ours(offsets, z, pools)
    rates, squares = [rate], fit.rms**2 * len(offsets)
    compared = []
    for start in (documented, np.concatenate([mean.height[0], place, mean.width_ppm[0]])):
        compared.append(theirs(offsets, z, start, (low, high)))
        rates.append(ours(offsets, z, pools)[1])
    rate = float(np.median(rates))
    print(f"{args.series.name}, {args.pools} pools, {len(z)} voxels")
    print(
        f"ours {rate:.0f} voxels/s ({min(rates):.0f} to {max(rates):.0f}), converged {fit.converged.mean():.1%}"
    )
    for name, (found, their_rate) in zip(("documented start", "start of mean"), compared, strict=True):
        shares = np.mean(squares <= found * (1 + SAME)), np.mean(found <= squares * (1 + SAME))
        least, most = np.percentile(squares / found - 1, (1, 99))
        print(
            f"curve_fit, {name}: {their_rate:.1f} voxels/s, ours {rate / their_rate:.0f} times; same or lower sum of "
            f"squares: ours {shares[0]:.1%}, theirs {shares[1]:.1%}; ours/theirs − 1: {least:+.1e} to {most:+.1e}"
        )


if __name__ == "__main__":
    main()
