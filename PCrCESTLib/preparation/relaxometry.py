"""R1obs of every voxel from images at several recovery times or flip angles; inversion recovery has its own module.

With A the fully relaxed signal:

    saturation recovery    S(t) = A·(1 − e^(−t·R1))
    variable flip angle    S(α) = A·sin α·(1 − E)/(1 − E·cos α),  E = e^(−TR·R1)   (Deoni 2003, MRM 49:515)

All voxels are fitted at once, by least squares on the signals themselves, so every fit ends where a fit of that voxel
alone would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.fitting.levenberg import Model, solve
from PCrCESTLib.preparation.recovery_start import recovery_start

R1_RANGE = (0.05, 20.0)  # 1/s; a fit that ends there has found nothing
AMPLITUDE_RANGE = (0.0, 1e4)  # of the voxel's largest image
LARGEST_RELATIVE_SD = 0.5
FEWEST = {"inversion times": 4, "recovery times": 3, "flip angles": 2}
CHUNK_VOXELS = 4096


@dataclass(frozen=True)
class RelaxationFit:
    """R1obs of n voxels.

    Parameters
    ----------
    r1_obs, sd : ndarray
        (n_voxels,) s⁻¹; NaN where there is no value. The SD comes from the voxel's own residuals, and is NaN where
        there are no more images than parameters.
    valid : ndarray of bool
        (n_voxels,) False where the signal is missing, constant, negative in magnitude images, or R1 is known to no
        better than half of itself or stands at the end of its range (0.05–20 s⁻¹).
    inversion : ndarray or None
        (n_voxels,) ρ of an inversion recovery, 2 where it was perfect.
    """

    r1_obs: np.ndarray
    sd: np.ndarray
    valid: np.ndarray
    inversion: np.ndarray | None = None


@dataclass(frozen=True)
class Fitted:
    """Parameters of k voxels (amplitude, R1, …) with their SDs, (k, p), and the SD of the residuals, (k,)."""

    x: np.ndarray
    sd: np.ndarray
    noise: np.ndarray
    converged: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Where R1 is a value and no guess, (k,)."""
        r1, sd = self.x[:, 1], self.sd[:, 1]
        inside = (r1 > R1_RANGE[0] * 1.001) & (r1 < R1_RANGE[1] * 0.999)
        return self.converged & inside & (self.x[:, 0] > 0) & ~(sd > LARGEST_RELATIVE_SD * r1)


def fit_saturation_recovery(signals: np.ndarray, recovery_times_s: np.ndarray) -> RelaxationFit:
    """Fit R1 and the amplitude of every voxel after complete saturation, or at several repetition times of 90° pulses.

    Parameters
    ----------
    signals : ndarray
        (n_voxels, n_times), magnitudes.
    recovery_times_s : ndarray
        (n_times,) s.

    Raises
    ------
    ProtocolError
        When the times are too few, not one an image, or not positive.
    """
    times = checked(signals, recovery_times_s, "recovery times")
    usable, _, y = normalized(signals)
    amplitude, r1, _ = recovery_start(y, times, np.inf, 0, saturated=True)

    def model(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, r = x[:, :1], x[:, 1:2]
        decay = np.exp(-times * r)
        return a * (1 - decay) - y[rows], np.stack([1 - decay, a * times * decay], axis=2)

    return on_all_voxels(fit_voxels(model, np.column_stack([amplitude, r1])), usable)


def fit_variable_flip_angle(
    signals: np.ndarray,
    flip_angles_deg: np.ndarray,
    repetition_time_s: float,
    relative_b1: np.ndarray | None = None,
) -> RelaxationFit:
    """Fit R1 and the amplitude of every voxel of spoiled gradient echoes.

    The start is the weighted straight line through S/sin α over S/tan α (Deoni 2003; weights of Chang 2008, MRM
    60:496).

    Parameters
    ----------
    signals : ndarray
        (n_voxels, n_angles), magnitudes.
    flip_angles_deg : ndarray
        (n_angles,) nominal, degrees.
    repetition_time_s : float
        s.
    relative_b1 : ndarray, optional
        (n_voxels,) what multiplies the nominal angle; a voxel without a value (NaN) has no R1 either. R1 goes with its
        square: 1 % in B1 is 2 % in R1.

    Raises
    ------
    ProtocolError
        When fewer than two different angles are given, not one an image, or TR is not positive.
    """
    nominal = np.radians(checked(signals, flip_angles_deg, "flip angles"))
    if not 0 < repetition_time_s < np.inf:
        raise ProtocolError(f"RepetitionTime is {repetition_time_s:g} s; a positive time is expected")
    relative = np.ones(len(signals)) if relative_b1 is None else np.asarray(relative_b1, dtype=float)
    usable, _, y = normalized(np.where(relative[:, None] > 0, signals, np.nan))
    angle = relative[usable, None] * nominal
    sine, cosine = np.sin(angle), np.cos(angle)

    def model(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, e = x[:, :1], np.exp(-repetition_time_s * x[:, 1:2])
        below = 1 - e * cosine[rows]
        shape = sine[rows] * (1 - e) / below
        slope = a * sine[rows] * repetition_time_s * e * (1 - cosine[rows]) / below**2
        return a * shape - y[rows], np.stack([shape, slope], axis=2)

    return on_all_voxels(fit_voxels(model, _straight_line(y, sine, cosine, repetition_time_s)), usable)


def _straight_line(y: np.ndarray, sine: np.ndarray, cosine: np.ndarray, tr_s: float) -> np.ndarray:
    """Amplitude and R1, (n_voxels, 2), by the linear form S/sin α = E·S/tan α + A·(1 − E)."""
    e = np.full((len(y), 1), np.exp(-tr_s / 1.5))
    for _ in range(3):
        weight = (sine / (1 - e * cosine)) ** 2
        weight = weight / weight.sum(axis=1, keepdims=True)
        up, along = y / sine, y * cosine / sine
        mean_up, mean_along = ((weight * v).sum(axis=1, keepdims=True) for v in (up, along))
        spread = (weight * (along - mean_along) ** 2).sum(axis=1, keepdims=True)
        slope = (weight * (along - mean_along) * (up - mean_up)).sum(axis=1, keepdims=True)
        e = np.clip(
            slope / np.maximum(spread, 1e-30),
            np.exp(-tr_s * R1_RANGE[1] / 2),
            np.exp(-tr_s * R1_RANGE[0] * 2),
        )
    return np.hstack([(mean_up - e * mean_along) / (1 - e), -np.log(e) / tr_s])


def checked(signals: np.ndarray, values: np.ndarray, what: str) -> np.ndarray:
    """Return the times or angles as an array, one an image; `ProtocolError` if they cannot give R1."""
    values = np.asarray(values, dtype=float)
    if values.shape != signals.shape[1:]:
        raise ProtocolError(f"{values.size} {what} for {signals.shape[-1]} images; give one an image")
    listed = ", ".join(f"{v:g}" for v in values)
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ProtocolError(f"the {what} are {listed}; positive numbers are expected")
    different = len(np.unique(values))
    if different < FEWEST[what]:
        raise ProtocolError(
            f"{different} different {what} are given ({listed}); R1 needs {FEWEST[what]} or more"
        )
    return values


def normalized(signals: np.ndarray, signed: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Usable voxels (n,), and the largest magnitude (k,) and the signals in units of it (k, m) of those."""
    signals = np.asarray(signals, dtype=float)
    finite = np.isfinite(signals).all(axis=1)
    filled = np.where(finite[:, None], signals, 0.0)
    largest = np.abs(filled).max(axis=1)
    usable = finite & (np.ptp(filled, axis=1) > 1e-9 * largest)
    if not signed:
        usable &= (filled >= 0).all(axis=1)
    return usable, largest[usable], signals[usable] / largest[usable, None]


def fit_voxels(model: Model, start: np.ndarray, more: tuple[tuple[float, float], ...] = ()) -> Fitted:
    """Fit (amplitude, R1, …) of every voxel from ``start`` (k, p); ``more`` are the ranges of what follows R1."""
    low, high = np.array([AMPLITUDE_RANGE, R1_RANGE, *more]).T
    parts = [
        _fit_chunk(model, start, slice(i, i + CHUNK_VOXELS), low, high)
        for i in range(0, len(start), CHUNK_VOXELS)
    ]
    if not parts:
        return Fitted(start, start, np.empty(0), np.empty(0, dtype=bool))
    x, sd, noise, converged = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Fitted(x, sd, noise, converged)


def _fit_chunk(
    model: Model, start: np.ndarray, part: slice, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, ...]:
    rows = np.arange(len(start))[part]
    found = solve(lambda x, chosen: model(x, rows[chosen]), start[part], low, high)
    _, slope = model(found.x, rows)
    left_over = slope.shape[1] - slope.shape[2]
    noise = np.sqrt(2 * found.cost / left_over) if left_over > 0 else np.full(len(rows), np.nan)
    curvature = np.swapaxes(slope, 1, 2) @ slope
    size = np.sqrt(np.maximum(np.einsum("kpp->kp", curvature), 1e-30))
    # A direction that the images do not see at all gets a huge SD, not an exception.
    correlation = curvature / (size[:, :, None] * size[:, None, :]) + 1e-12 * np.eye(len(low))
    variance = np.einsum("kpp->kp", np.linalg.inv(correlation)) / size**2
    return found.x, noise[:, None] * np.sqrt(np.maximum(variance, 0)), noise, found.converged


def on_all_voxels(fitted: Fitted, usable: np.ndarray) -> RelaxationFit:
    """Spread the fits of the usable voxels (k,) over all (n,), NaN where R1 is not known."""
    valid = usable.copy()
    valid[usable] = fitted.known

    def spread(values: np.ndarray) -> np.ndarray:
        whole = np.full(len(usable), np.nan)
        whole[valid] = values[fitted.known]
        return whole

    inversion = spread(fitted.x[:, 2]) if fitted.x.shape[1] > 2 else None
    return RelaxationFit(spread(fitted.x[:, 1]), spread(fitted.sd[:, 1]), valid, inversion)
