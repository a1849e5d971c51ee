"""Print the table of the bound beside the one made by an independent program, and how long bound and search take.

The reference column is the Bayesian Cramér–Rao bound at 4.7 T computed by a separate engine (PyTorch, first-order
differences, Lorentzian semisolid pool). Usage: python Testing/benchmarks/bound.py
"""

from __future__ import annotations

import sys
import time

import numpy as np

from PCrCESTLib.advice.forecast import advise
from PCrCESTLib.physics.bound import Bound, bound
from PCrCESTLib.physics.library import reference_muscle
from PCrCESTLib.physics.prior import FS, KSW
from PCrCESTLib.protocols import named_protocol, protocol_names, rat_protocol

# powers µT, noise of Z, RMS relative SD of fs and of ksw in percent
REFERENCE = (
    ((0.25,), 0.01, 24.0, 32.0),
    ((0.5,), 0.01, 20.0, 31.0),
    ((0.5, 1.0), 0.01, 18.0, 29.0),
    ((0.5, 1.0), 0.005, 13.0, 25.0),
    ((0.5, 1.0), 0.002, 8.7, 17.0),
    ((0.5, 1.0), 0.0005, 3.4, 6.8),
    ((0.25, 0.5, 1.0), 0.0005, 2.5, 4.6),
    ((0.25,), 0.0005, 4.7, 20.0),
)


def main() -> int:
    """Print both tables; returns 1 when a value is off by more than a tenth."""
    fs, ksw = (g.ravel() for g in np.meshgrid([6e-4, 1e-3, 1.4e-3], [60.0, 105.0, 160.0], indexing="ij"))
    tissue = reference_muscle(fs, ksw)
    worst = 0.0
    print("powers µT        noise    fs %  (ref)   ksw %  (ref)   seconds")
    for powers, noise, fs_reference, ksw_reference in REFERENCE:
        started = time.perf_counter()
        found = bound(rat_protocol(powers), tissue, noise)
        seconds = time.perf_counter() - started
        fs_percent, ksw_percent = (_rms_percent(found, path) for path in (FS, KSW))
        worst = max(worst, abs(fs_percent / fs_reference - 1), abs(ksw_percent / ksw_reference - 1))
        name = " + ".join(f"{p:g}" for p in powers)
        print(
            f"{name:<16} {noise:<7g} {fs_percent:>5.2f} ({fs_reference:>4g})"
            f" {ksw_percent:>7.2f} ({ksw_reference:>4g}) {seconds:>8.2f}"
        )
    print(f"largest deviation {100 * worst:.1f} %\n")
    print("search at equal scan time        fs %           ksw %     seconds")
    for name in protocol_names():
        started = time.perf_counter()
        search = advise(named_protocol(name)).search
        seconds = time.perf_counter() - started
        assert search is not None
        before, after = search.alternatives[0], search.best
        other = advise(
            after.protocol, tissue_name="reference", search=False, noise_sd=(0.01,), roi_voxels=(64,)
        )
        given = advise(
            before.protocol, tissue_name="reference", search=False, noise_sd=(0.01,), roi_voxels=(64,)
        )
        print(
            f"{name:<26} {before.fs_percent:>6.1f} → {after.fs_percent:<5.1f}"
            f" {before.ksw_percent:>6.1f} → {after.ksw_percent:<5.1f} {seconds:>8.2f}  {after.label}"
        )
        was, now = given.table[0], other.table[0]
        print(
            f"{'  judged by another muscle':<26} {was.fs_percent:>6.1f} → {now.fs_percent:<5.1f}"
            f" {was.ksw_percent:>6.1f} → {now.ksw_percent:<5.1f}"
        )
    return int(worst > 0.1)


def _rms_percent(found: Bound, path: str) -> float:
    return 100 * float(np.sqrt(np.mean(found.relative_sd(path) ** 2)))


if __name__ == "__main__":
    sys.exit(main())
