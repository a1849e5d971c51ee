"""Z as it would be without PCr, by the ways in common use that need few or no iterations.

Every function takes water-aligned spectra (n, n_offsets) on ascending ``offsets_ppm`` and returns their `Peak`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from PCrCESTLib.fitting.multipool import PoolFit, fit_pools
from PCrCESTLib.fitting.peaks import LEAST_Z, Curves, Peak, at, direct_peak, linear_weights, point_weights
from PCrCESTLib.fitting.pool_gain import curve_gain
from PCrCESTLib.fitting.pools import MT, WATER, PoolBounds
from PCrCESTLib.physics.concentration import PCR_PPM

# Offsets that hold neither CEST nor NOE: near water, and far from it.
LD_NEAR_PPM, LD_FAR_PPM = 0.6, 6.0
# Beside the peak, on its foot: the sum of amine, amide and Cr is straight on this scale.
FLANKS_PPM = ((2.12, 2.30), (2.90, 3.15))


def asymmetry(offsets_ppm: np.ndarray, z: np.ndarray) -> Peak:
    """MTRasym: the other side of water (Guivel-Scharen 1998, J Magn Reson 133:36)."""
    here, there = point_weights(offsets_ppm, PCR_PPM), point_weights(offsets_ppm, -PCR_PPM)
    mirrored = z @ linear_weights(offsets_ppm, -offsets_ppm)
    curves = Curves(np.where(offsets_ppm > 0, mirrored, np.nan))
    return direct_peak(z @ here, z @ there, [(here, there)], curves)


def lorentzian_difference(offsets_ppm: np.ndarray, z: np.ndarray) -> Peak:
    """LD: water and MT fitted where neither CEST nor NOE is (Jones 2013, NeuroImage 77:114)."""
    quiet = (np.abs(offsets_ppm) <= LD_NEAR_PPM) | (np.abs(offsets_ppm) >= LD_FAR_PPM)
    pools = (WATER, MT)
    fit = fit_pools(offsets_ppm[quiet], z[:, quiet], pools)
    here = np.broadcast_to(point_weights(offsets_ppm, PCR_PPM), z.shape)
    answer = np.zeros(z.shape)
    answer[:, quiet] = curve_gain(fit, pools, offsets_ppm[quiet], PCR_PPM, fit.names)
    parts = {name: fit.curve(offsets_ppm, name) for name in fit.names}
    curves = Curves(1 - fit.curve(offsets_ppm), None, parts)
    without = 1 - fit.curve(np.array([PCR_PPM]))[:, 0]
    return _of_fit(direct_peak(np.sum(z * here, axis=1), without, [(here, answer)], curves), fit)


def multi_pool(offsets_ppm: np.ndarray, z: np.ndarray, pools: Sequence[PoolBounds]) -> Peak:
    """MPLF: the fitted spectrum with and without its PCr line (Zaiss 2011, J Magn Reson 211:149)."""
    fit = fit_pools(offsets_ppm, z, pools)
    others = tuple(name for name in fit.names if name != "PCr")
    parts = {name: fit.curve(offsets_ppm, name) for name in fit.names}
    curves = Curves(1 - fit.curve(offsets_ppm, *others), 1 - fit.curve(offsets_ppm), parts)
    place = np.array([PCR_PPM])
    with_pcr, without_pcr = (1 - fit.curve(place, *names)[:, 0] for names in (fit.names, others))
    up, down = (curve_gain(fit, pools, offsets_ppm, PCR_PPM, names) for names in (fit.names, others))
    return _of_fit(direct_peak(with_pcr, without_pcr, [(up, down)], curves), fit)


def _of_fit(peak: Peak, fit: PoolFit) -> Peak:
    return replace(peak, rms=fit.rms, converged=fit.converged & peak.converged)


def local_line(offsets_ppm: np.ndarray, z: np.ndarray) -> Peak:
    """AREX over a straight line in 1/Z through both flanks of the peak, which needs no tissue model.

    The flanks lie on the peak's own foot: `flank_response` tells how much of it is left.
    """
    inverse = 1 / np.maximum(z, LEAST_Z)
    flanks = in_flanks(offsets_ppm)
    line = _line_weights(offsets_ppm, flanks, PCR_PPM)
    without = 1 / (inverse @ line)
    here = point_weights(offsets_ppm, PCR_PPM)
    down = without[:, None] ** 2 * line * inverse**2  # d(1/line)/dZ
    low, high = FLANKS_PPM[0][0], FLANKS_PPM[1][1]
    drawn = np.full(z.shape, np.nan)
    for i in np.nonzero((offsets_ppm >= low) & (offsets_ppm <= high))[0]:
        drawn[:, i] = 1 / (inverse @ _line_weights(offsets_ppm, flanks, offsets_ppm[i]))
    return direct_peak(z @ here, without, [(np.broadcast_to(here, z.shape), down)], Curves(drawn))


def in_flanks(offsets_ppm: np.ndarray) -> np.ndarray:
    """Tell which offsets (n_offsets,) the line of `local_line` goes through."""
    return np.any([(offsets_ppm >= low) & (offsets_ppm <= high) for low, high in FLANKS_PPM], axis=0)


def flank_response(offsets_ppm: np.ndarray, half_width_ppm: np.ndarray) -> np.ndarray:
    """Share of a Lorentzian peak of 1/Z that stands out of the line through its flanks, (n,) for half widths (n,)."""
    shape = 1 / (1 + ((offsets_ppm - PCR_PPM) / half_width_ppm[:, None]) ** 2)
    return 1 - shape @ _line_weights(offsets_ppm, in_flanks(offsets_ppm), PCR_PPM)


def _line_weights(offsets_ppm: np.ndarray, chosen: np.ndarray, place_ppm: float) -> np.ndarray:
    """Weights (n_offsets,) that give a straight line through the chosen offsets at one place."""
    terms = np.stack([np.ones(int(chosen.sum())), offsets_ppm[chosen] - PCR_PPM], axis=1)
    weights = np.zeros(len(offsets_ppm))
    weights[chosen] = np.array([1.0, place_ppm - PCR_PPM]) @ np.linalg.pinv(terms)
    return weights


def double_power(
    low: tuple[np.ndarray, np.ndarray],
    high: tuple[np.ndarray, np.ndarray],
    b1_low_ut: float,
    b1_high_ut: float,
) -> Peak:
    """DSP: Z at the low power as the high one predicts it without the peak (Zu 2022, as in the reference paper).

    Direct saturation and MT grow with B1²; PCr at high power is saturated already and hardly grows. ``low`` and
    ``high`` are offsets and spectra at each power.
    """
    ratio = (b1_low_ut / b1_high_ut) ** 2

    def predicted(z: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + (1 / np.maximum(z, LEAST_Z) - 1) * ratio))

    (offsets_ppm, z), (offsets_high, z_high) = low, high
    here, there = point_weights(offsets_ppm, PCR_PPM), point_weights(offsets_high, PCR_PPM)
    at_high = at(offsets_high, z_high)
    without = predicted(at_high)
    slope = ratio * (without / np.maximum(at_high, LEAST_Z)) ** 2
    on_low = z_high @ linear_weights(offsets_high, offsets_ppm)
    gains = [(here, np.zeros_like(here)), (np.zeros_like(there), slope[:, None] * there)]
    return direct_peak(z @ here, without, gains, Curves(predicted(on_low)))
