"""PLOF: a polynomial in the relaxation rate beside the peaks, then Lorentzian lines over it.

Chen 2019, Magn Reson Med 81:69. In the steady state cos²θ/Z = R1ρ/R1, to which water adds a multiple of sin²θ, MT and
fast exchange the polynomial, and every slow pool a Lorentzian line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import MethodError
from PCrCESTLib.fitting.levenberg import solve
from PCrCESTLib.fitting.peaks import LEAST_Z, Curves, Peak, direct_peak
from PCrCESTLib.fitting.propagation import free_parameters, gain
from PCrCESTLib.physics.concentration import PCR_PPM
from PCrCESTLib.synthesis.backgrounds import spin_lock_angle


@dataclass(frozen=True)
class PlofWindow:
    """Where the background is fitted and which lines lie over it, ppm from water.

    The background is fitted inside ``range_ppm`` but outside ``peaks_ppm`` by a polynomial of ``degree`` and, for
    direct saturation, a multiple of sin²θ. ``lines`` are (name, center, lowest and highest half width), PCr the first.
    """

    range_ppm: tuple[float, float]
    peaks_ppm: tuple[float, float]
    degree: int
    lines: tuple[tuple[str, float, float, float], ...]

    def beside(self, offsets_ppm: np.ndarray) -> np.ndarray:
        """Tell which offsets (n_offsets,) belong to the background."""
        (low, high), (first, last) = self.range_ppm, self.peaks_ppm
        inside = (offsets_ppm >= low) & (offsets_ppm <= high)
        return inside & ((offsets_ppm <= first) | (offsets_ppm >= last))

    def fits(self, offsets_ppm: np.ndarray) -> bool:
        """Tell whether a scan has background on both sides of the peaks, and more of it than terms."""
        beside = self.beside(offsets_ppm)
        both = np.any(beside & (offsets_ppm < PCR_PPM)) and np.any(beside & (offsets_ppm > PCR_PPM))
        return bool(both and beside.sum() > self.degree + 2)


_PCR, _CR, _AMIDE = ("PCr", PCR_PPM, 0.1, 0.5), ("Cr", 2.0, 0.15, 0.6), ("amide", 3.5, 0.2, 0.8)
# In order of preference. A scan of the PCr region alone (ANNCEST's 1.3 to 3.5 ppm at 3 T) leaves a few points on each
# side: a parabola, on which Cr is no line of its own.
WINDOWS = (
    PlofWindow((0.8, 7.8), (1.5, 5.0), 3, (_PCR, _CR, _AMIDE)),
    PlofWindow((1.2, 3.6), (1.9, 3.2), 2, (("PCr", PCR_PPM, 0.15, 0.6),)),
)


def window_of(offsets_ppm: np.ndarray) -> PlofWindow:
    """Return the first window that the offsets sample.

    Raises
    ------
    MethodError
        When they sample none.
    """
    for window in WINDOWS:
        if window.fits(offsets_ppm):
            return window
    wanted = " or ".join(f"{w.range_ppm[0]:g} to {w.range_ppm[1]:g} ppm" for w in WINDOWS)
    raise MethodError(
        f"PLOF needs offsets on both sides of the peaks within {wanted}; the scan has {len(offsets_ppm)} from "
        f"{offsets_ppm.min():g} to {offsets_ppm.max():g} ppm; choose another method"
    )


def polynomial_and_lines(offsets_ppm: np.ndarray, z: np.ndarray, b1_ut: float, field_t: float) -> Peak:
    """Fit background and lines of water-aligned spectra (n, n_offsets) at one power (µT) and field (T).

    Raises
    ------
    MethodError
        See `window_of`.
    """
    window = window_of(offsets_ppm)
    low, high = window.range_ppm
    inside = (offsets_ppm >= low) & (offsets_ppm <= high)
    x, measured = offsets_ppm[inside], np.maximum(z[:, inside], LEAST_Z)
    cos2, _ = spin_lock_angle(x, np.array(b1_ut), field_t)
    rate = cos2 / measured
    beside = window.beside(x)
    terms = _terms(x, window, b1_ut, field_t)
    # The background at every offset of the window and at the peak, as weights of the measured rates.
    solver = np.zeros((terms.shape[1], len(x)))
    solver[:, beside] = np.linalg.pinv(terms[beside])
    projector, at_peak = terms @ solver, (_terms(np.array([PCR_PPM]), window, b1_ut, field_t) @ solver)[0]
    over = rate - rate @ projector.T
    heights, lines, answer, converged = _fit_lines(x, over, window)
    height_gain = answer - answer @ projector  # through the lines, and through the background under them
    cos2_peak = spin_lock_angle(np.array([PCR_PPM]), np.array(b1_ut), field_t)[0][0]
    background = rate @ at_peak
    total = background + heights[:, 0]
    to_rate = -cos2 / measured**2  # d(rate)/dZ
    with_pcr, without_pcr = (cos2_peak / np.maximum(r, LEAST_Z) for r in (total, background))
    up, down = (
        -(z_here**2 / cos2_peak)[:, None] * g * to_rate
        for z_here, g in ((with_pcr, at_peak + height_gain), (without_pcr, at_peak))
    )
    model = rate @ projector.T + np.sum(lines, axis=1)
    curves = _curves(inside, cos2, model, lines, window)
    residual = z[:, inside] - cos2 / model
    rms = np.sqrt(np.mean(residual**2, axis=1))
    peak = direct_peak(with_pcr, without_pcr, [(up, down)], curves)
    return Peak(with_pcr, without_pcr, peak.inverse_gain, rms, converged & peak.converged, curves)


def _terms(x: np.ndarray, window: PlofWindow, b1_ut: float, field_t: float) -> np.ndarray:
    """Terms of the background, (n_offsets, n_terms)."""
    terms = np.vander(x - PCR_PPM, window.degree + 1)
    return np.column_stack([terms, spin_lock_angle(x, np.array(b1_ut), field_t)[1]])


def _fit_lines(
    x: np.ndarray, over: np.ndarray, window: PlofWindow
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fit the lines to what stands ``over`` (n, n_offsets) the background.

    Returns heights (n, n_lines), the lines (n, n_lines, n_offsets), how the height of PCr answers to
    every datum (n, n_offsets), and whether the fit converged (n,).
    """
    centers, narrow, wide = (np.array([line[k] for line in window.lines]) for k in (1, 2, 3))
    n, n_lines = len(over), len(centers)

    def shapes(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, half = p[:, :n_lines, None], p[:, n_lines:, None]
        line = 1 / (1 + ((x - centers[:, None]) / half) ** 2)
        slope = np.concatenate([line, 2 * height * line * (1 - line) / half], axis=1)
        return height * line, np.swapaxes(slope, 1, 2)

    def model(p: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lines, slope = shapes(p)
        return np.sum(lines, axis=1) - over[rows], slope

    peaks = (x > window.peaks_ppm[0]) & (x < window.peaks_ppm[1])
    most = 2 * np.maximum(np.abs(over[:, peaks]).max(axis=1), 1e-6)[:, None] * np.ones(n_lines)
    low = np.concatenate([np.zeros((n, n_lines)), np.tile(narrow, (n, 1))], axis=1)
    high = np.concatenate([most, np.tile(wide, (n, 1))], axis=1)
    start = np.concatenate([most / 4, np.tile((narrow + wide) / 2, (n, 1))], axis=1)
    found = solve(model, start, low, high)
    lines, slope = shapes(found.x)
    free = free_parameters(found.x, low, high)
    free[:, 0] = True  # that the height cannot be negative does not make it known
    answer = gain(slope, free)[:, 0]
    return found.x[:, :n_lines], lines, answer, found.converged


def _curves(
    inside: np.ndarray, cos2: np.ndarray, model: np.ndarray, lines: np.ndarray, window: PlofWindow
) -> Curves:
    def everywhere(values: np.ndarray) -> np.ndarray:
        full = np.full((len(values), len(inside)), np.nan)
        full[:, inside] = values
        return full

    fit, without = cos2 / model, cos2 / (model - lines[:, 0])
    parts = {
        name: everywhere(cos2 / (model - lines[:, i]) - fit) for i, (name, *_) in enumerate(window.lines)
    }
    return Curves(everywhere(without), everywhere(fit), parts)
