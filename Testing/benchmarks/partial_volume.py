"""How much neighbors and fat weigh in a region's fs, by the share of its voxels at its edge.

Run: ``python Testing/benchmarks/partial_volume.py`` (about half a minute). A digital rat leg without noise is simulated
on a grid of 0.125 mm and sampled as a scanner does, by the middle of its k-space under a Hamming filter, at 0.25, 0.5
and 1 mm. The ROI-spectrum fs of every muscle, whole, eroded, and rim only, is divided by the one of the same muscle on
the fine grid, so that only partial volume is left of the error.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.methods.network import TwoBranch
from PCrCESTLib.models.device import choose_device
from PCrCESTLib.models.registry import choose_model
from PCrCESTLib.preparation.zseries import prepare_series, protocol_of
from PCrCESTLib.protocols import find_protocol
from PCrCESTLib.quantify import Companions, prepare_voxels
from PCrCESTLib.selection import Selection, edge_share
from PCrCESTLib.series import CestSeries
from PCrCESTLib.synthesis.phantom import Phantom, simulate_leg
from PCrCESTLib.synthesis.phantom_body import PhantomSettings

FINE, PROTOCOL = 256, "rat-4.7T-dual"


def sampled(image: np.ndarray, size: int) -> np.ndarray:
    """Image (y, x) by the middle of its k-space, centers of voxels on the coarser grid."""
    k = np.fft.fftshift(np.fft.fft2(image))
    first, factor = (len(image) - size) // 2, len(image) // size
    k = k[first : first + size, first : first + size]
    window = np.hamming(size) * np.exp(
        2j * np.pi * np.arange(-size // 2, size // 2) * (factor - 1) / 2 / len(image)
    )
    return np.fft.ifft2(np.fft.ifftshift(k * np.outer(window, window))).real / factor**2


def blocks(image: np.ndarray, size: int) -> np.ndarray:
    """Fine voxels (size, size, factor²) of each coarse one."""
    factor = len(image) // size
    return image.reshape(size, factor, size, factor).swapaxes(1, 2).reshape(size, size, factor**2)


def coarse(leg: Phantom, size: int) -> tuple[list[CestSeries], np.ndarray, np.ndarray]:
    """Series, labels (by the majority of fine voxels) and R1 map on a grid of ``size``."""
    x, y, z = leg.geometry.spacing_mm
    factor = FINE // size
    grid = Geometry(
        (size, size, 1), (x * factor, y * factor, z), leg.geometry.origin_mm, leg.geometry.direction
    )
    series = []
    for fine in leg.series:
        data = np.stack([sampled(f[0], size) for f in fine.data])[:, None].astype(np.float32)
        series.append(dataclasses.replace(fine, data=data, geometry=grid))
    parts = blocks(leg.labels[0], size)
    values = np.unique(leg.labels)
    labels = values[np.argmax([(parts == v).sum(axis=2) for v in values], axis=0)][None]
    r1 = blocks(leg.r1_obs[0], size)
    known = (r1 > 0).sum(axis=2)
    mean_r1 = np.where(known > 0, r1.sum(axis=2) / np.maximum(known, 1), np.nan)
    return series, labels, mean_r1[None]


def fs_of(series: list[CestSeries], r1: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, float]:
    """ROI-spectrum fs of masks (z, y, x)."""
    z = prepare_series(series)
    everywhere = np.any(list(masks.values()), axis=0)
    voxels = prepare_voxels(z, Companions(r1_obs=np.where(r1 > 0, r1, np.nan), mask=everywhere))
    model, _ = choose_model(protocol_of(z), "")
    method = TwoBranch(model, choose_device("cpu"), protocol_of(z))
    found = {}
    for name, mask in masks.items():
        inside = np.nonzero(mask[voxels.mask])[0]
        found[name] = float(method.region(voxels.spectra.rows(inside))[1].fs[0])
    return found


def main() -> None:
    """Print one line a region."""
    leg = simulate_leg(
        find_protocol(PROTOCOL),
        seed=11,
        noise_sd=0.0,
        size=FINE,
        settings=PhantomSettings(family="realistic"),
    )
    values = [int(v) for v in np.unique(leg.labels) if v]
    reference = fs_of(leg.series, leg.r1_obs, {str(v): leg.labels == v for v in values})
    print("voxel mm  muscle  part      voxels  at the edge  error of fs by partial volume")
    rows = []
    for size in (128, 64, 32):
        series, labels, r1 = coarse(leg, size)
        masks = {}
        for v in values:
            drawn = labels == v
            core = Selection(erode=1).of(drawn, np.zeros(drawn.shape, np.uint8))
            parts = {"whole": drawn, "eroded": core, "rim": drawn & ~core}
            masks |= {f"{v} {part}": mask for part, mask in parts.items() if mask.sum() >= 4}
        for name, fs in fs_of(series, r1, masks).items():
            v, part = name.split()
            share = {"whole": edge_share(masks[name]), "eroded": 0.0, "rim": 1.0}[part]
            error = fs / reference[v] - 1
            rows.append((share, error))
            print(
                f"{0.125 * FINE / size:8.2f}  {v:>6}  {part:<8}  {masks[name].sum():6d}  {share:11.0%}  {error:+.1%}"
            )
    print("\nshare at the edge   regions   RMS error   largest")
    for low, high in ((0, 0.001), (0.001, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.999), (0.999, 1.01)):
        errors = np.array([e for share, e in rows if low <= share < high])
        if len(errors):
            rms, most = np.sqrt(np.mean(errors**2)), np.abs(errors).max()
            print(f"{low:4.0%} to {min(high, 1):4.0%}       {len(errors):7d}   {rms:9.1%}   {most:7.1%}")


if __name__ == "__main__":
    main()
