"""Backgrounds of six measured rat legs beside the reference paper's published components.

Run: ``python Testing/benchmarks/backgrounds.py RATS COMPONENTS [PICTURE.png]`` with the folder of
``sub-*/sub-*_cest.nii.gz`` (4.7 T, 0.25 µT, public data of the Vanderbilt CEST group) and that of
``sample_files_0p5uT.mat`` and ``sample_files_1p0uT.mat`` (public code of the reference paper).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import scipy.io

from PCrCESTLib.preparation.local_means import local_means
from PCrCESTLib.preparation.zseries import prepare_series
from PCrCESTLib.protocols import rat_offsets_ppm
from PCrCESTLib.readers import read_map, read_rois, read_series
from PCrCESTLib.synthesis.extraction import Extraction, extract_backgrounds, join_backgrounds

OFFSETS = np.array(rat_offsets_ppm())[::-1]
SHOWN_PPM = (-5.0, -3.5, -2.0, 2.0, 2.625, 3.5, 5.0)
B1_UT = 0.25


def extract(rat: Path) -> Extraction:
    """Backgrounds of one animal's legs."""
    series = prepare_series([read_series(rat / f"{rat.name}_cest.nii.gz")])
    rois = read_rois(rat / f"{rat.name}_legs.nii.gz", series.geometry)
    r1 = read_map(rat / f"{rat.name}_R1obs.nii.gz", "r1", series.geometry).values
    means = local_means(series, list(zip(rois.names, rois.masks, strict=True)), OFFSETS, r1)
    return extract_backgrounds(means, series.field_t, rat.name)


def published(path: Path, b1_ut: float) -> dict[str, np.ndarray]:
    """Components of the reference paper as they add to 1/Z, scaled by B1² to 0.25 µT; (n_offsets,) ascending."""
    arrays = scipy.io.loadmat(path)
    to_ours = (B1_UT / b1_ut) ** 2
    amine = arrays["sample_amine"].ravel() / (1 + float(arrays["sample_fm"].squeeze()))
    return {"amine": to_ours * amine[::-1], "mt": to_ours * arrays["sample_mt"].ravel()[::-1]}


def row(label: str, curve: np.ndarray) -> str:
    """Values at the shown offsets, 10⁻³ s⁻¹."""
    at = [np.argmin(np.abs(OFFSETS - ppm)) for ppm in SHOWN_PPM]
    return f"{label:<28}" + "".join(f"{1e3 * curve[i]:9.1f}" for i in at)


def main() -> None:
    """Print the tables; draw the curves if asked."""
    rats, components = Path(sys.argv[1]), Path(sys.argv[2])
    found = [extract(rat) for rat in sorted(p for p in rats.iterdir() if p.is_dir())]
    pooled = join_backgrounds([f.backgrounds for f in found], {})
    rms = [block["fit_rms"][0] for f in found for block in f.blocks]
    fits = f"RMS of the fit {np.median(rms):.4f} ({max(rms):.4f} at most)"
    print(f"{pooled.n_tissues} blocks of {len(found)} animals, {fits}")
    paper = {
        b1: published(components / f"sample_files_{b1:.1f}uT.mat".replace(".", "p", 1), b1)
        for b1 in (0.5, 1.0)
    }
    for name in ("mt", "amine"):
        print(f"\n{name}, 1e-3 1/s at ppm          " + "".join(f"{ppm:9g}" for ppm in SHOWN_PPM))
        curves = getattr(pooled, name)[:, 0]
        for extraction in found:
            mean = getattr(extraction.backgrounds, name)[:, 0].mean(axis=0)
            print(row("  " + extraction.backgrounds.source.split(" of ")[1][:24], mean))
        print(row("mean of all blocks", curves.mean(axis=0)))
        print(row("SD between blocks", curves.std(axis=0)))
        for b1, curve in paper.items():
            print(row(f"paper at {b1:g} uT, by B1^2", curve[name]))
    if len(sys.argv) > 3:
        draw(pooled.amine[:, 0], pooled.mt[:, 0], paper, Path(sys.argv[3]))


def draw(amine: np.ndarray, mt: np.ndarray, paper: dict[float, dict[str, np.ndarray]], path: Path) -> None:
    """Draw the curves of all blocks with the published ones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axes, name, curves in zip(figure.subplots(1, 2), ("amine", "mt"), (amine, mt), strict=True):
        axes.plot(OFFSETS, 1e3 * curves.T, color="0.75", linewidth=0.5)
        axes.plot(OFFSETS, 1e3 * curves.mean(axis=0), "k", label="six rats, mean")
        for b1, curve in paper.items():
            axes.plot(OFFSETS, 1e3 * curve[name], label=f"paper at {b1:g} µT, by B1²")
        axes.set(xlabel="offset (ppm)", ylabel="10⁻³ s⁻¹", title=name, xlim=(10, -10), ylim=(-20, 60))
        axes.legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
