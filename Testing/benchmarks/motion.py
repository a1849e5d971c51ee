"""What motion does to fs of digital rat legs, what ``--motion rigid`` gives back, and what ``--denoise pca`` does.

Run: ``python Testing/benchmarks/motion.py [FOLDER]`` (about ten minutes; pictures go to FOLDER). The leg is simulated
on a grid four times as fine as the scan's (0.125 mm), moved there frame by frame, and only then sampled as a scanner
does: k-space of 64 x 64 with the usual Hamming filter, voxels of 0.5 mm. The receive coil stays at its place; B0 and B1
move with the leg. Noise is added last. So nothing of how the correction resamples is in the simulation.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from PCrCESTLib.commands.corrections import noise_before
from PCrCESTLib.figures.motion import save_motion_picture
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.methods.network import TwoBranch
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.device import choose_device
from PCrCESTLib.models.inference import predict
from PCrCESTLib.models.measure import Z90
from PCrCESTLib.models.registry import choose_model
from PCrCESTLib.preparation.denoise import denoise_series
from PCrCESTLib.preparation.motion import MotionReport, correct_motion
from PCrCESTLib.preparation.zseries import prepare_series, protocol_of
from PCrCESTLib.protocols import find_protocol
from PCrCESTLib.quantify import Companions, Maps, quantify
from PCrCESTLib.series import CestSeries
from PCrCESTLib.synthesis.phantom import Phantom, simulate_leg
from PCrCESTLib.synthesis.phantom_body import PhantomSettings
from PCrCESTLib.synthesis.phantom_fields import coil_sensitivity
from PCrCESTLib.synthesis.phantom_scan import SIGNAL_SCALE, rician
from PCrCESTLib.synthesis.phantom_shapes import grid_coordinates

SIZE, FINER = 64, 4
VOXEL_MM = 0.5
PROTOCOL = "rat-4.7T-dual"
COIL_STREAM = 7  # of phantom_body's random streams: the coil of an animal
Motion = np.ndarray
"""(n_frames, 3): shift along x and y, mm, and rotation, degrees."""


def sudden(n: int, mm: float, degrees: float, rng: np.random.Generator, jumps: int = 3) -> Motion:
    """Rest, then jumps to new places ``mm`` and ``degrees`` off the first, one of them each third of the scan."""
    at = np.sort(rng.choice(np.arange(n // 8, n), jumps, replace=False))
    places = np.zeros((jumps + 1, 3))
    for place in places[1:]:
        angle = rng.uniform(0, 2 * np.pi)
        place[:] = mm * np.cos(angle), mm * np.sin(angle), degrees * rng.choice([-1, 1])
    return places[np.searchsorted(at, np.arange(n), side="right")]


def slow(n: int, mm: float, degrees: float, rng: np.random.Generator) -> Motion:
    """A smooth walk that begins at rest and ends ``mm`` and ``degrees`` away."""
    t = np.linspace(0, 1, n)
    angle = rng.uniform(0, 2 * np.pi)
    away = (t + 0.15 * np.sin(2 * np.pi * t * rng.uniform(1, 3)))[:, None]
    return away * np.array([mm * np.cos(angle), mm * np.sin(angle), degrees * rng.choice([-1, 1])])


def fine_leg(seed: int, family: str) -> Phantom:
    """The animal without noise on the fine grid."""
    settings = PhantomSettings(family=family)
    return simulate_leg(
        find_protocol(PROTOCOL), seed=seed, noise_sd=0.0, size=FINER * SIZE, settings=settings
    )


def coil(phantom: Phantom) -> np.ndarray:
    """Receive sensitivity on the phantom's grid, (y, x)."""
    points = grid_coordinates(phantom.geometry)
    return coil_sensitivity(points, np.random.default_rng([phantom.seed, COIL_STREAM]))[0]


def moved(image: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Fine image (y, x) turned about the middle of the field of view, then shifted."""
    if not np.any(motion):
        return image
    turn = np.deg2rad(motion[2])
    forth = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])  # (y, x) axes
    back = forth.T
    center = (np.array(image.shape) - 1) / 2
    shift = motion[1::-1] / (VOXEL_MM / FINER)
    return ndimage.affine_transform(image, back, center - back @ (center + shift), order=1)


def sampled(image: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Fine image as the scanner sees it: the middle of its k-space, filtered, centers of voxels on the scan's grid."""
    k = np.fft.fftshift(np.fft.fft2(image))
    first = (len(image) - SIZE) // 2
    k = k[first : first + SIZE, first : first + SIZE]
    half_voxel = np.exp(2j * np.pi * np.arange(-SIZE // 2, SIZE // 2) * (FINER - 1) / 2 / len(image))
    filtered = k * np.outer(half_voxel * window, half_voxel * window)
    return np.fft.ifft2(np.fft.ifftshift(filtered)).real / FINER**2


def scan(
    fine: Phantom, geometry: Geometry, motion: Motion, noise: float, window: np.ndarray
) -> list[CestSeries]:
    """Scan the animal, all powers one after the other, while it moves."""
    rng = np.random.default_rng([fine.seed, 31])
    sensitivity = coil(fine)
    sigma = noise * SIGNAL_SCALE * float(np.median(sensitivity[fine.labels[0] > 0]))
    series, places = [], iter(motion)
    for clean in fine.series:
        frames = [sampled(moved(f[0] / sensitivity, next(places)) * sensitivity, window) for f in clean.data]
        data = rician(np.stack(frames)[:, None], sigma, rng).astype(np.float32)
        series.append(dataclasses.replace(clean, data=data, geometry=geometry))
    return series


def maps(series: list[CestSeries], truth: Phantom, noise_sd: np.ndarray | None = None) -> Maps:
    """The job's answer, R1 map given."""
    z = prepare_series(series)
    model, _ = choose_model(protocol_of(z), "")
    r1 = np.where(truth.r1_obs > 0, truth.r1_obs, np.nan)
    method = TwoBranch(model, choose_device("cpu"), protocol_of(z))
    return quantify(z, Companions(r1_obs=r1, noise_sd=noise_sd), method)


def fs_error(result: Maps, truth: Phantom) -> tuple[float, float]:
    """RMS and median relative error of fs in whole muscle voxels."""
    muscle = truth.labels > 0
    error = result.maps["fs"][muscle] / truth.fs[muscle] - 1
    error = error[np.isfinite(error)]
    return float(np.sqrt(np.mean(error**2))), float(np.median(np.abs(error)))


def coverage(result: Maps, truth: Phantom) -> float:
    """Share of muscle voxels whose 90 % interval of fs holds the truth."""
    muscle = truth.labels > 0
    inside = muscle[result.voxels.mask]
    log = np.log(truth.fs[result.voxels.mask][inside])
    model, _ = choose_model(find_protocol(PROTOCOL), "")
    posterior = predict(model, result.voxels.spectra, NumpyBackend())
    return float(np.mean(np.abs(log - posterior.log_fs[inside]) < Z90 * posterior.log_sd_fs[inside]))


def residual(report: MotionReport, motion: Motion) -> tuple[float, float]:
    """RMS errors of the estimated shift (mm, both axes together) and rotation (degrees)."""
    found = np.array([[*row.translation_mm[:2], row.rotation_deg[2]] for row in report.frames])
    error = found - (motion - np.median(motion[:5], axis=0))
    return float(np.sqrt(np.mean(np.sum(error[:, :2] ** 2, axis=1)))), float(
        np.sqrt(np.mean(error[:, 2] ** 2))
    )


def motion_row(
    name: str, fine: Phantom, truth: Phantom, motion: Motion, noise: float, folder: Path | None
) -> str:
    """One line: motion, residual, and errors of fs at rest, moved and corrected."""
    window = np.hamming(SIZE)
    still = fs_error(maps(scan(fine, truth.geometry, 0 * motion, noise, window), truth), truth)
    series = scan(fine, truth.geometry, motion, noise, window)
    moved_scan = fs_error(maps(series, truth), truth)
    started = time.monotonic()
    back, report = correct_motion(series)
    seconds = time.monotonic() - started
    if folder is not None:
        save_motion_picture(folder / f"{name.replace(' ', '-')}.png", report)
    corrected = fs_error(maps(back, truth), truth)
    mm, degrees = residual(report, motion)
    cells = "   ".join(f"{rms:6.1%} {median:6.1%}" for rms, median in (still, moved_scan, corrected))
    return (
        f"{name:<20} {noise:5.3f}  {mm:5.3f} ({mm / VOXEL_MM:.2f})  {degrees:5.2f}   {cells}   "
        f"{corrected[0] / still[0]:5.2f}  {seconds:3.0f} s  {'' if report.moved else 'left as it was'}"
    )


def denoise_rows(fine: Phantom, truth: Phantom, noise: float) -> list[str]:
    """Errors and interval coverage at rest with and without denoising, by the noise level told to the network."""
    series = scan(
        fine, truth.geometry, np.zeros((sum(s.n_frames for s in fine.series), 3)), noise, np.hamming(SIZE)
    )
    clean, how = denoise_series(series)
    results = {
        "as acquired": maps(series, truth),
        "pca, noise before": maps(clean, truth, noise_before(prepare_series(series))),
        "pca, noise estimated after": maps(clean, truth),
    }
    kept = ", ".join(f"{d.n_components} of {d.n_frames}" for d in how)
    return [
        f"{name:<28} {noise:5.3f}  kept {kept}  fs {fs_error(r, truth)[0]:6.1%}  90 % interval holds "
        f"{coverage(r, truth):4.0%}"
        for name, r in results.items()
    ]


def main() -> None:
    """Print both tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    seed, family = 11, "realistic"
    fine = fine_leg(seed, family)
    truth = simulate_leg(find_protocol(PROTOCOL), seed=seed, noise_sd=0.0, size=SIZE, settings=fine.settings)
    n = sum(s.n_frames for s in fine.series)
    print("fs in muscle: RMS and median relative error; 1 voxel = 0.5 mm")
    print(
        "motion               noise  residual mm (voxels), deg   at rest         uncorrected     corrected       ratio"
    )
    print(motion_row("none", fine, truth, np.zeros((n, 3)), 0.01, folder), flush=True)
    for kind, walk in (("sudden", sudden), ("slow", slow)):
        for mm, degrees in ((0.5, 1.0), (1.5, 3.0), (3.0, 5.0)):
            motion = walk(n, mm, degrees, np.random.default_rng(5))
            name = f"{kind} {mm:g} mm {degrees:g} deg"
            print(motion_row(name, fine, truth, motion, 0.01, folder), flush=True)
    for noise in (0.01, 0.02):
        print("\n".join(denoise_rows(fine, truth, noise)), flush=True)


if __name__ == "__main__":
    main()
