"""The model-free bump of AREX at 2.6 ppm in measured rat legs, beside what the exact engine gives for known fs.

Run: ``python Testing/benchmarks/arex_bump.py FOLDER`` with the folder of ``sub-*/sub-*_cest.nii.gz`` (4.7 T, 0.25 µT).
`PCrCESTLib.evaluation.arex` says what the bump is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from PCrCESTLib.evaluation.arex import FM, arex_bump, region_bump
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.protocols import named_protocol
from PCrCESTLib.readers import read_map, read_rois, read_series
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue, observed_r1


def measured(rat: Path) -> list[float]:
    """Bump of the B0-aligned mean spectrum of every leg of one animal."""
    stem = rat / rat.name
    series = prepare_series([read_series(Path(f"{stem}_cest.nii.gz"))])
    block, rois = series.blocks[0], read_rois(Path(f"{stem}_legs.nii.gz"), series.geometry)
    r1 = read_map(Path(f"{stem}_R1obs.nii.gz"), "r1", series.geometry).values
    return [region_bump(block.z[:, mask].T, block.offsets_ppm, r1[mask]) for mask in rois.masks]


def simulated(fs: float, ksw: float) -> float:
    """Bump of the exact engine's muscle with the given PCr."""
    protocol = named_protocol("rat-4.7T-0.25uT")
    offsets = np.sort(protocol.offsets_ppm)
    one = np.ones(1)
    tissue = muscle_tissue(fs * one, ksw * one, 1.62 * one, 0.024 * one, FM * one)
    z = np.asarray(z_spectra(tissue, protocol.saturation, offsets, 0.25, protocol.field_t))[0]
    return arex_bump(z, offsets, float(observed_r1(1.62 * one, FM * one)[0]))


def main() -> None:
    """Print both tables."""
    legs = []
    for rat in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir()):
        values = measured(rat)
        legs += values
        print(f"{rat.name:<16}" + "  ".join(f"{v:.4f}" for v in values))
    print(f"mean {np.mean(legs):.4f}, SD {np.std(legs, ddof=1):.4f} 1/s")
    print("engine       ksw 70    105     150")
    for fs in (0.5e-3, 1.0e-3, 1.5e-3):
        print(f"fs {fs * 1e3:.1f}e-3    " + "  ".join(f"{simulated(fs, ksw):.4f}" for ksw in (70.0, 105.0, 150.0)))


if __name__ == "__main__":
    main()
