"""R1obs of every voxel from images at several inversion times.

With A the fully relaxed signal, TI the inversion time and TR the time from one inversion to the next (Barral 2010, MRM
64:1057), in magnitude images:

    S(TI) = A·|1 − ρ·e^(−TI·R1) + (ρ − 1)·e^(−TR·R1)|

where TR may differ from image to image (a constant pause after each readout).

ρ = 1 − cos θ is 2 after a perfect inversion θ of 180°. To leave it free costs much precision: with 8 inversion times a
voxel's R1 can be known to 1.5 % at SNR 100, with ρ known to 0.9 % (Cramér–Rao bounds, T1 0.8–2.5 s). But one pulse
inverts all voxels of a scan much alike, so their distribution of ρ is the prior of each (empirical Bayes): narrow where
they agree, wide and without effect where B1 makes them differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.preparation.recovery_start import recovery_start
from PCrCESTLib.preparation.relaxometry import (
    Fitted,
    RelaxationFit,
    checked,
    fit_voxels,
    normalized,
    on_all_voxels,
)

INVERSION_RANGE = (0.5, 2.5)
MIN_SHARING_VOXELS = 50
LEAST_SPREAD = 0.003
OUTLIER_SD = 4.0
MEDIAN_TO_SD = 1.4826  # a Gaussian's SD over its median absolute deviation


@dataclass(frozen=True)
class _Prior:
    """Mean and SD of ρ over a scan, and the noise of each voxel in the unit of its largest image, (k,)."""

    mean: float
    spread: float
    noise: np.ndarray


def fit_inversion_recovery(
    signals: np.ndarray,
    inversion_times_s: np.ndarray,
    repetition_time_s: float | np.ndarray | None = None,
    *,
    signed: bool = False,
    share_inversion: bool = True,
) -> RelaxationFit:
    """Fit R1, the inversion and the amplitude of every voxel.

    Parameters
    ----------
    signals : ndarray
        (n_voxels, n_times).
    inversion_times_s : ndarray
        (n_times,) s, in any order.
    repetition_time_s : float or ndarray, optional
        From one inversion to the next, s, one for all or (n_times,); by default the magnetization is taken as fully
        relaxed before each.
    signed : bool
        The images are real-valued (negative before the null), not magnitudes.
    share_inversion : bool
        Let the distribution of ρ over the voxels (50 or more) inform each of them; a voxel that lies outside of it
        keeps its own.

    Raises
    ------
    ProtocolError
        When the times are too few, not one an image, not positive, or longer than TR.
    """
    times = checked(signals, inversion_times_s, "inversion times")
    tr = np.broadcast_to(np.inf if repetition_time_s is None else repetition_time_s, times.shape)
    short = ~(tr >= times)
    if short.any():
        raise ProtocolError(
            f"RepetitionTime is {tr[short].min():g} s, shorter than the longest inversion time of "
            f"{times[short].max():g} s; the time from one inversion to the next is expected"
        )
    order = np.argsort(times)
    times, tr, signals = times[order], tr[order], np.asarray(signals)[:, order]
    usable, largest, y = normalized(signals, signed)
    fitted = _fit(y, times, tr, signed)
    if share_inversion and fitted.known.sum() >= MIN_SHARING_VOXELS and len(times) > 3:
        fitted = _shared(fitted, y, largest, times, tr, signed)
    return on_all_voxels(fitted, usable)


def _shared(
    own: Fitted, y: np.ndarray, largest: np.ndarray, times: np.ndarray, tr: np.ndarray, signed: bool
) -> Fitted:
    """Fit again with the prior that the fits of single voxels give, but for outliers of it."""
    prior = _prior(own, largest, len(times) - 3)
    fitted = _fit(y, times, tr, signed, prior)
    distance = np.abs(own.x[:, 2] - prior.mean)
    follows = own.known & (distance <= OUTLIER_SD * np.hypot(prior.spread, own.sd[:, 2]))
    return Fitted(
        np.where(follows[:, None], fitted.x, own.x),
        np.where(follows[:, None], fitted.sd, own.sd),
        np.where(follows, fitted.noise, own.noise),
        np.where(follows, fitted.converged, own.converged),
    )


def _prior(own: Fitted, largest: np.ndarray, left_over: int) -> _Prior:
    known = own.known
    rho, sd = own.x[known, 2], own.sd[known, 2]
    mean = float(np.median(rho))
    seen = MEDIAN_TO_SD * float(np.median(np.abs(rho - mean)))
    beyond_noise = np.sqrt(max(seen**2 - float(np.median(sd**2)), 0.0))
    # The median of χ² with few degrees of freedom lies below its mean.
    shortfall = np.sqrt(2 * gammaincinv(left_over / 2, 0.5) / left_over)
    noise = float(np.median((own.noise * largest)[known])) / shortfall
    return _Prior(mean, max(beyond_noise, LEAST_SPREAD), noise / largest)


def _fit(y: np.ndarray, times: np.ndarray, tr: np.ndarray, signed: bool, prior: _Prior | None = None) -> Fitted:
    """Fit amplitude, R1 and ρ to signals (k, n_times) in units of their largest."""
    start = np.column_stack(recovery_start(y, times, tr, 0 if signed else len(times)))

    def model(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        signal, slope = _signal(x, times, tr)
        if not signed:
            # √(S² + σ²) is the mean of a magnitude to first order (Rician noise), also near the null.
            magnitude = np.hypot(signal, 0.0 if prior is None else prior.noise[rows, None])
            signal, slope = magnitude, slope * (signal / np.maximum(magnitude, 1e-30))[:, :, None]
        if prior is None:
            return signal - y[rows], slope
        pull = (prior.noise[rows] / prior.spread)[:, None]
        pull_slope = np.zeros((len(x), 1, 3))
        pull_slope[:, 0, 2] = pull[:, 0]
        residual = np.hstack([signal - y[rows], pull * (x[:, 2:3] - prior.mean)])
        return residual, np.concatenate([slope, pull_slope], axis=1)

    return fit_voxels(model, start, (INVERSION_RANGE,))


def _signal(x: np.ndarray, times: np.ndarray, tr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed signals (k, n_times) and their derivatives (k, n_times, 3) by amplitude, R1 and ρ."""
    a, r1, rho = x[:, :1], x[:, 1:2], x[:, 2:3]
    early, late = np.exp(-times * r1), np.exp(-tr * r1)
    late_slope = np.where(np.isfinite(tr), tr, 0.0) * late
    shape = 1 - rho * early + (rho - 1) * late
    slope = [shape, a * (rho * times * early - (rho - 1) * late_slope), a * (late - early)]
    return a * shape, np.stack(slope, axis=2)
