"""The one pipeline: prepared spectra and companion maps in, maps of fs and ksw with their SDs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.methods.method import Estimates, Method
from PCrCESTLib.models.inference import SIGMA_LIMITS, Spectra
from PCrCESTLib.preparation.b0 import samples_water_dip, shift_from_dip
from PCrCESTLib.preparation.mask import body_mask
from PCrCESTLib.preparation.noise import NoiseLevel, estimate_noise
from PCrCESTLib.preparation.zseries import ZSeries
from PCrCESTLib.quality import Quality, limits_of, scan_flags

MAP_NAMES = ("fs", "ksw", "fs_sd", "ksw_sd")
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Companions:
    """Maps that go with a series, each (z, y, x) on its grid, NaN where unknown; None where not given.

    ``r1_obs`` in s⁻¹, ``relative_b1`` and ``fm`` (MT pool-size ratio) dimensionless, ``b0_ppm`` in ppm, ``mask`` bool.
    ``noise_sd`` is the SD of Z at every power, (n_powers, z, y, x), for spectra that do not show it any more because
    they were denoised.
    """

    r1_obs: np.ndarray | None = None
    relative_b1: np.ndarray | None = None
    b0_ppm: np.ndarray | None = None
    mask: np.ndarray | None = None
    fm: np.ndarray | None = None
    noise_sd: np.ndarray | None = None


@dataclass(frozen=True)
class Voxels:
    """The tissue voxels of a series with everything a method takes.

    ``mask`` is bool (z, y, x) and its True voxels, in array order, are the rows of ``spectra``; ``dip_found`` (n,)
    tells where the water frequency is known.
    """

    mask: np.ndarray
    spectra: Spectra
    dip_found: np.ndarray
    noise_sd: tuple[float, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Maps:
    """Result on the series' grid.

    ``maps`` holds fs, ksw (s⁻¹), fs_sd, ksw_sd and the method's further maps, float32 (z, y, x), NaN outside tissue
    and where the method has no answer; ``quality`` uint8 the bits of `Quality`. ``voxels`` and ``estimates`` keep what
    ROI estimates and plots need.
    """

    maps: dict[str, np.ndarray]
    quality: np.ndarray
    voxels: Voxels
    estimates: Estimates
    warnings: tuple[str, ...] = field(default=())


def quantify(
    series: ZSeries, companions: Companions, method: Method, report: Report = lambda *_: None
) -> Maps:
    """Run the pipeline: mask, noise, B0, method.

    Parameters
    ----------
    series : ZSeries
        Normalized spectra of one subject.
    companions : Companions
        Maps on the same grid.
    method : Method
        Made for this scan.
    report : callable
        Gets (fraction, stage); what it raises stops the job.

    Raises
    ------
    ReaderError
        When there is no tissue voxel.
    """
    report(0.0, "preparing")
    voxels = prepare_voxels(series, companions)
    report(0.2, "inference")
    estimates = method.estimate(voxels.spectra, lambda f: report(0.2 + 0.8 * f, "inference"))
    found = {name: getattr(estimates, name) for name in MAP_NAMES} | estimates.further
    maps = {name: _on_grid(voxels.mask, values) for name, values in found.items()}
    quality = np.where(voxels.mask, 0, np.uint8(Quality.NO_VALUE)).astype(np.uint8)
    quality[voxels.mask] = scan_flags(voxels.spectra.sigma, voxels.dip_found) | estimates.flags
    warnings = (*method.notes(voxels.spectra), *_warnings(series, voxels, quality, estimates))
    return Maps(maps, quality, voxels, estimates, warnings)


def prepare_voxels(series: ZSeries, companions: Companions) -> Voxels:
    """Find tissue, its noise level and its water frequency.

    Raises
    ------
    ReaderError
        When no voxel of the mask has a usable spectrum.
    """
    notes = list(series.notes)
    mask = companions.mask if companions.mask is not None else body_mask(series)
    if companions.mask is None:
        notes.append(f"no mask was given; {int(mask.sum())} voxels were taken as tissue")
    finite = np.all(
        [np.all(np.isfinite(b.z), axis=0) & np.any(b.z != 0, axis=0) for b in series.blocks], axis=0
    )
    unusable = int(np.sum(mask & ~finite))
    if unusable:
        notes.append(f"{unusable} voxels of the mask have no usable spectrum (NaN or zero) and stay NaN")
    mask = mask & finite
    if not mask.any():
        raise ReaderError(
            "no voxel of the mask has a usable spectrum; check that mask and series belong together"
        )
    z = [np.ascontiguousarray(b.z[:, mask].T) for b in series.blocks]
    offsets = [b.offsets_ppm for b in series.blocks]
    levels = [estimate_noise(values, o) for values, o in zip(z, offsets, strict=True)]
    if companions.noise_sd is not None:
        levels = [_known_noise(sd[mask]) for sd in companions.noise_sd]
    sigma = np.sqrt(np.mean([level.voxel**2 for level in levels], axis=0))
    b0, found, b0_note = _water_frequency(z[0], offsets[0], companions.b0_ppm, mask)
    spectra = Spectra(
        offsets,
        z,
        sigma,
        b0,
        _values(companions.r1_obs, mask),
        _values(companions.relative_b1, mask),
        None if companions.fm is None else companions.fm[mask],
    )
    notes.append(b0_note)
    return Voxels(mask, spectra, found, tuple(level.scan for level in levels), tuple(notes))


def _known_noise(sd: np.ndarray) -> NoiseLevel:
    """Noise as given, the typical one where it is unknown."""
    scan = float(np.nanmedian(sd))
    return NoiseLevel(scan, np.where(np.isfinite(sd), sd, scan), 0)


def _water_frequency(
    z: np.ndarray, offsets_ppm: np.ndarray, b0_map: np.ndarray | None, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:
    """Shift per voxel, whether it is known, and a sentence that says where it comes from."""
    if b0_map is not None:
        given = b0_map[mask]
        return np.nan_to_num(given), np.isfinite(given), "B0 shifts were taken from the given map"
    if not samples_water_dip(offsets_ppm):
        nothing = np.zeros(len(z))
        return (
            nothing,
            nothing > 0,
            "the water dip was not sampled and no B0 map was given; no shift was corrected",
        )
    shift, found = shift_from_dip(z, offsets_ppm)
    return shift, found, "B0 shifts were taken from the water dip of the lowest power"


def _values(array: np.ndarray | None, mask: np.ndarray) -> np.ndarray:
    return np.full(int(mask.sum()), np.nan) if array is None else array[mask]


def _on_grid(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    grid = np.full(mask.shape, np.nan, dtype=np.float32)
    grid[mask] = values
    return grid


def _warnings(series: ZSeries, voxels: Voxels, quality: np.ndarray, estimates: Estimates) -> tuple[str, ...]:
    tells_ksw = bool(np.isfinite(estimates.ksw).any())
    found = [*voxels.notes, *(limits_of(series.powers_ut) if tells_ksw else ())]
    bits = quality[voxels.mask]
    texts = {
        Quality.KSW_NOT_IDENTIFIABLE: "ksw is not identifiable",
        Quality.FS_NOT_IDENTIFIABLE: "fs is not identifiable",
        Quality.OUTSIDE_TRAINING: "the spectrum is unlike the training spectra",
        Quality.HIGH_RESIDUAL: "the spectrum has structure the method does not know",
        Quality.NO_WATER_DIP: "the water frequency is unknown",
        Quality.LOW_SNR: f"the noise of Z is above {SIGMA_LIMITS[1]:g}",
        Quality.NOT_CONVERGED: "the fit did not converge",
    }
    for flag, text in texts.items():
        share = float(np.mean((bits & flag) > 0))
        if share > 0.02 and (tells_ksw or flag != Quality.KSW_NOT_IDENTIFIABLE):
            found.append(f"in {share:.0%} of the voxels {text}")
    return tuple(found)
