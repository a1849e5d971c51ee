"""Six-pool Lorentzian fit of measured voxels: ours against scipy.optimize.curve_fit, from the same start, in one run.

Run: ``python Testing/benchmarks/multipool.py SERIES LABELS [--voxels 500]`` with one series and a label map of its
muscle. Prints voxels a second of both on one core, their ratio, and how the sums of squares compare.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit

from PCrCESTLib.fitting import multipool
from PCrCESTLib.fitting.multipool import fit_pools
from PCrCESTLib.fitting.pools import POOL_SETS
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.readers import read_mask, read_series

POOLS, FARTHEST_PPM, SEED = POOL_SETS[6], 12.0, 1


def model(offsets: np.ndarray, *x: float) -> np.ndarray:
    """Z of six pools, as `curve_fit` takes it."""
    height, place, width = np.array(x).reshape(3, -1)
    center = np.concatenate([place[:1], place[0] + place[1:]])
    return np.asarray(
        1 - np.sum(height[:, None] / (1 + (2 * (offsets - center[:, None]) / width[:, None]) ** 2), axis=0)
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--voxels", type=int, default=500)
    args = parser.parse_args()
    series = prepare_series([read_series(args.series)])
    block = series.blocks[0]
    near = np.abs(block.offsets_ppm) <= FARTHEST_PPM
    inside = read_mask(args.labels, series.geometry).values
    z = block.z[near][:, inside].T.astype(float)
    z = z[np.random.default_rng(SEED).permutation(len(z))[: args.voxels]]
    offsets = block.offsets_ppm[near]
    start, low, high = (
        [getattr(p, n)[k] for n in ("height", "position_ppm", "width_ppm") for p in POOLS] for k in range(3)
    )
    multipool.WORKERS = 1
    began = time.perf_counter()
    ours = fit_pools(offsets, z, POOLS)
    ours_rate = len(z) / (time.perf_counter() - began)
    began, theirs = time.perf_counter(), []
    for row in z:
        found, _ = curve_fit(model, offsets, row, start, bounds=(low, high), max_nfev=5000)
        theirs.append(np.sum((model(offsets, *found) - row) ** 2))
    their_rate = len(z) / (time.perf_counter() - began)
    ratio = ours.rms**2 * len(offsets) / np.array(theirs) - 1
    print(f"ours {ours_rate:.0f} voxels/s, curve_fit {their_rate:.1f} voxels/s: {ours_rate / their_rate:.0f} times")
    print(f"converged {ours.converged.mean():.1%}; sums of squares, ours/theirs − 1:")
    print("  " + ", ".join(f"{q} %: {np.percentile(ratio, q):+.1e}" for q in (5, 50, 95)))
    print(f"  ours within 1e-6 or better: {np.mean(ratio <= 1e-6):.1%}; theirs: {np.mean(ratio >= -1e-6):.1%}")


if __name__ == "__main__":
    main()
