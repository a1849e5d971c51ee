"""Speed of the iterative peak fits but the multi-pool one (see ``multipool.py``) beside scipy.optimize.curve_fit.

Run: ``python Testing/benchmarks/fits.py SERIES LABELS [--voxels 500]`` with one series and a label map of its muscle.
LD: two lines fitted to the quiet offsets. PLOF: the background by linear least squares, then three lines, both as our
code does it. One core, the same start and bounds; voxels per second of processor time, in turns.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}

import numpy as np
from multipool import model, voxels
from scipy.optimize import curve_fit

from PCrCESTLib.fitting import multipool
from PCrCESTLib.fitting.plof import polynomial_and_lines, window_of
from PCrCESTLib.fitting.pools import MT, WATER
from PCrCESTLib.fitting.references import LD_FAR_PPM, LD_NEAR_PPM, lorentzian_difference
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.synthesis.backgrounds import spin_lock_angle

B1_UT, FIELD_T, TURNS = 0.25, 4.7, 3


def scipy_ld(offsets: np.ndarray, row: np.ndarray) -> float:
    """Z without PCr by LD."""
    quiet = (np.abs(offsets) <= LD_NEAR_PPM) | (np.abs(offsets) >= LD_FAR_PPM)
    names = ("height", "position_ppm", "width_ppm")
    start, low, high = ([getattr(p, n)[k] for n in names for p in (WATER, MT)] for k in range(3))
    found, _ = curve_fit(model, offsets[quiet], row[quiet], start, bounds=(low, high), max_nfev=5000)
    return float(model(np.array([PCR_PPM]), *found)[0])


def scipy_plof(offsets: np.ndarray, row: np.ndarray) -> float:
    """Z without PCr by PLOF, and its lines fitted for Z with it."""
    window = window_of(offsets)
    inside = (offsets >= window.range_ppm[0]) & (offsets <= window.range_ppm[1])
    x, beside = offsets[inside], window.beside(offsets[inside])

    def terms(places: np.ndarray) -> np.ndarray:
        sin2 = spin_lock_angle(places, np.array(B1_UT), FIELD_T)[1]
        return np.column_stack([np.vander(places - PCR_PPM, window.degree + 1), sin2])

    rate = spin_lock_angle(x, np.array(B1_UT), FIELD_T)[0] / np.maximum(row[inside], 0.01)
    coefficients = np.linalg.lstsq(terms(x)[beside], rate[beside], rcond=None)[0]
    over = rate - terms(x) @ coefficients
    centers, narrow, wide = (np.array([line[k] for line in window.lines]) for k in (1, 2, 3))

    def lines(places: np.ndarray, *p: float) -> np.ndarray:
        height, half = np.reshape(p, (2, -1, 1))
        return np.asarray(np.sum(height / (1 + ((places - centers[:, None]) / half) ** 2), axis=0))

    most = 2 * np.abs(over[~beside]).max() * np.ones(len(centers))
    bounds = (np.append(0 * most, narrow), np.append(most, wide))
    curve_fit(lines, x, over, np.append(most / 4, (narrow + wide) / 2), bounds=bounds, max_nfev=5000)
    background = (terms(np.array([PCR_PPM])) @ coefficients)[0]
    return float(spin_lock_angle(np.array([PCR_PPM]), np.array(B1_UT), FIELD_T)[0][0] / background)


def rate_of(work: Callable[[], object], n: int) -> float:
    """Voxels per second of processor time."""
    began = time.process_time()
    work()
    return n / (time.process_time() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--voxels", type=int, default=500)
    args = parser.parse_args()
    offsets, z = voxels(args.series, args.labels, args.voxels)
    multipool.WORKERS = 1
    ours = {
        "LD": lambda: lorentzian_difference(offsets, z).without_pcr,
        "PLOF": lambda: polynomial_and_lines(offsets, z, B1_UT, FIELD_T).without_pcr,
    }
    for name, one in (("LD", scipy_ld), ("PLOF", scipy_plof)):
        some = z[:: max(1, len(z) // 100)]
        peer = lambda one=one, some=some: [one(offsets, row) for row in some]  # noqa: E731
        pairs = [(rate_of(ours[name], len(z)), rate_of(peer, len(some))) for _ in range(TURNS)]
        mine, theirs = np.median(pairs, axis=0)
        apart = np.abs(ours[name]()[:: max(1, len(z) // 100)] - peer())
        print(
            f"{name}: ours {mine:.0f} voxels/s, curve_fit {theirs:.1f}: {mine / theirs:.0f} times; Z without PCr "
            f"differs by {np.median(apart):.1e} (median), {np.max(apart):.1e} (most)"
        )


if __name__ == "__main__":
    main()
