"""Amine and MT components of measured muscle, with PCr, Cr, amide and NOE taken out.

After the reference paper (Magn Reson Med 2026, PMID 41964083), which fits Lorentzian lines to Z, forms
AREX = (1/Z_lab − 1/Z_ref)·R1·(1+fm), and bridges the PCr window with a cubic polynomial. Here the lines are fitted to
1/Z itself, where they add up: MT is then A/(1−A)·R1 without the dilution by the other pools. The factor 1+fm is left
out because ``Backgrounds`` holds what adds to 1/Z, Rex/(1+fm).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.errors import ReaderError
from PCrCESTLib.fitting.lorentzian import LineFit, fit_lines, rates
from PCrCESTLib.preparation.b0 import samples_water_dip
from PCrCESTLib.preparation.local_means import LocalMeans
from PCrCESTLib.synthesis.backgrounds import WATER_WINDOW_PPM, Backgrounds, spin_lock_angle
from PCrCESTLib.synthesis.muscle_lines import KEPT_LINES, muscle_lines

UNKNOWN_R1_PER_S = 0.65  # the middle of the training range
PEAK_WINDOW_PPM = (1.2, 3.3)  # PCr and Cr with their second peak
FLANK_PPM = 1.7  # with 0.7 the cubic magnified the noise three times as much
LARGEST_GAP_PPM = 0.3
REACH_PPM = 5.0  # the spectrum must go as far on both sides to tell MT from the rest
LARGEST_RMS = 0.012
_MIN_Z = 1e-3
# SD of a point, lack of fit included (real legs: 0.003). Frames beyond 5.5 ppm miss every smooth curve by 0.003–0.01
# (measured), and the bottom of the dip depends on B0 within the block.
_SD, _OUTER, _BOTTOM = 0.003, (5.5, 0.005), (0.3, 0.02)


@dataclass(frozen=True)
class Components:
    """What one spectrum gives.

    ``amine`` and ``mt`` (n_offsets,) and the fitted ``r2w``, all s⁻¹; ``fit_rms`` is the fit's RMS error in Z over 0.3
    to 5.5 ppm on both sides.
    """

    amine: np.ndarray
    mt: np.ndarray
    r2w: float
    fit_rms: float


@dataclass(frozen=True)
class Extraction:
    """Backgrounds of one scan with ``blocks``, one record a background (region, voxels, R1obs, RMS a power)."""

    backgrounds: Backgrounds
    blocks: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def extract_backgrounds(means: LocalMeans, field_t: float, scan: str) -> Extraction:
    """Extract one background from every local mean whose fit is good at every power.

    Parameters
    ----------
    means : LocalMeans
        Of one subject.
    field_t : float
        T.
    scan : str
        Name of the scan, for messages and the background's source.

    Raises
    ------
    ReaderError
        When the offsets leave out the PCr window, the water dip or the far ends, or when no spectrum looks like muscle.
    """
    _check_sampling(means.offsets_ppm, scan)
    notes = [f"{scan}: {note}" for note in means.notes]
    if not np.all(np.isfinite(means.r1_obs)):
        notes.append(
            f"{scan}: R1obs is unknown and taken as {UNKNOWN_R1_PER_S:g} 1/s; give its map with --r1"
        )
    r1_obs = np.where(np.isfinite(means.r1_obs), means.r1_obs, UNKNOWN_R1_PER_S)
    parts = [
        [
            components(means.offsets_ppm, z, float(r1), float(b1), field_t)
            for z, b1 in zip(spectra, means.b1_ut, strict=True)
        ]
        for spectra, r1 in zip(means.z, r1_obs, strict=True)
    ]
    rms = np.array([[c.fit_rms for c in powers] for powers in parts])
    good = np.nonzero(np.all(rms <= LARGEST_RMS, axis=1))[0]
    if not len(good):
        raise ReaderError(
            f"{scan}: muscle does not explain these spectra (RMS error of Z {rms.max(axis=1).min():.3f}, at most "
            f"{LARGEST_RMS:g} is expected); draw regions in muscle only, and check the protocol's offsets and B1"
        )
    if len(good) < len(parts):
        lost = len(parts) - len(good)
        notes.append(f"{scan}: {lost} of {len(parts)} blocks do not look like muscle and are left out")
    backgrounds = Backgrounds(
        offsets_ppm=means.offsets_ppm,
        b1_ut=means.b1_ut,
        amine=np.array([[c.amine for c in parts[i]] for i in good]).astype(np.float32),
        mt=np.array([[c.mt for c in parts[i]] for i in good]).astype(np.float32),
        source=f"{len(good)} blocks of {scan}",
    )
    blocks = tuple(
        {
            "region": means.regions[i],
            "voxels": int(means.n_voxels[i]),
            "r1_obs_per_s": round(float(r1_obs[i]), 4),
            "fit_rms": [round(float(v), 5) for v in rms[i]],
        }
        for i in good
    )
    return Extraction(backgrounds, blocks, tuple(notes))


def join_backgrounds(parts: Sequence[Backgrounds], provenance: dict[str, Any]) -> Backgrounds:
    """Join the backgrounds of several scans, all on one grid and of the same powers."""
    first = parts[0]
    n = sum(part.n_tissues for part in parts)
    return Backgrounds(
        first.offsets_ppm,
        first.b1_ut,
        np.concatenate([part.amine for part in parts]),
        np.concatenate([part.mt for part in parts]),
        f"{n} blocks of measured muscle from {len(parts)} subjects",
        provenance,
    )


def components(
    offsets_ppm: np.ndarray, z: np.ndarray, r1_obs: float, b1_ut: float, field_t: float
) -> Components:
    """Take one water-aligned spectrum of one power apart.

    The fitted lines of water, MT, amide, NOE, PCr and Cr are taken from (1/Z − 1)·R1obs·cos²θ; what is left, the
    amine with all that no line explains, is bridged by a cubic polynomial from 1.2 to 3.3 ppm and by a straight line
    within 1 ppm of water.

    Parameters
    ----------
    offsets_ppm, z : ndarray
        (n_offsets,) ascending offsets from water, and the spectrum.
    r1_obs, b1_ut, field_t : float
        s⁻¹, µT, T.

    Raises
    ------
    PCrCESTError
        When there are too few offsets for the lines.
    """
    cos2, _ = spin_lock_angle(offsets_ppm, np.full(len(offsets_ppm), b1_ut), field_t)
    unit = r1_obs * cos2
    far = np.abs(offsets_ppm)
    weight = np.where(far > _OUTER[0], _OUTER[1], np.where(far < _BOTTOM[0], _BOTTOM[1], _SD))
    fit = fit_lines(offsets_ppm, z, weight, muscle_lines(b1_ut, field_t), rates(unit))
    taken = [name for name in fit.names if name not in KEPT_LINES]
    left = (1 / np.maximum(z, _MIN_Z) - 1) * unit - fit.curve(offsets_ppm, *taken)
    judged = fit.residual[(far >= _BOTTOM[0]) & (far <= _OUTER[0])]
    return Components(
        amine=_bridged_at_water(_without_peaks(left, offsets_ppm), offsets_ppm),
        mt=fit.curve(offsets_ppm, "MT"),
        r2w=_amplitude(fit, "water"),
        fit_rms=float(np.sqrt(np.mean(judged**2))),
    )


def _amplitude(fit: LineFit, name: str) -> float:
    return float(fit.amplitude[fit.names.index(name)])


def _without_peaks(curve: np.ndarray, offsets_ppm: np.ndarray) -> np.ndarray:
    """Replace the window of PCr and Cr by the cubic polynomial through its flanks."""
    low, high = PEAK_WINDOW_PPM
    inside = (offsets_ppm >= low - 1e-6) & (offsets_ppm <= high + 1e-6)
    flanks = ~inside & (offsets_ppm >= WATER_WINDOW_PPM - 1e-6) & (offsets_ppm <= high + FLANK_PPM + 1e-6)
    x = offsets_ppm - (low + high) / 2
    bridged = curve.copy()
    bridged[inside] = np.polyval(np.polyfit(x[flanks], curve[flanks], 3), x[inside])
    return bridged


def _bridged_at_water(curve: np.ndarray, offsets_ppm: np.ndarray) -> np.ndarray:
    """Draw a straight line through water, where 1/Z diverges and magnifies every error of Z."""
    kept = np.abs(offsets_ppm) >= WATER_WINDOW_PPM - 1e-6
    return np.asarray(np.interp(offsets_ppm, offsets_ppm[kept], curve[kept]))


def _check_sampling(offsets_ppm: np.ndarray, scan: str) -> None:
    low, high = WATER_WINDOW_PPM, PEAK_WINDOW_PPM[1] + FLANK_PPM
    if offsets_ppm[0] > -REACH_PPM or offsets_ppm[-1] < REACH_PPM:
        raise ReaderError(
            f"{scan}: the offsets reach from {offsets_ppm[0]:g} to {offsets_ppm[-1]:g} ppm; a background needs them "
            f"from -{REACH_PPM:g} to {REACH_PPM:g} ppm"
        )
    near = offsets_ppm[(offsets_ppm >= low - LARGEST_GAP_PPM) & (offsets_ppm <= high + LARGEST_GAP_PPM)]
    edges = np.concatenate([[low - LARGEST_GAP_PPM], near, [high + LARGEST_GAP_PPM]])
    if np.max(np.diff(edges)) > LARGEST_GAP_PPM + 1e-6:
        raise ReaderError(
            f"{scan}: the PCr window ({low:g} to {high:g} ppm) has gaps of {np.max(np.diff(edges)):.2g} ppm; "
            f"a background needs an offset every {LARGEST_GAP_PPM:g} ppm or closer there"
        )
    if not samples_water_dip(offsets_ppm):
        raise ReaderError(
            f"{scan}: the water dip is not sampled; a background needs offsets every 0.3 ppm or closer across 0 ppm"
        )
