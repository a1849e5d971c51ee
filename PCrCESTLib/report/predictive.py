"""What fs and ksw of a region say its Z-spectrum must be (posterior predictive), to hold against the measured one.

The network tells fs and ksw and nothing else, so the rest of the spectrum is taken from the scan: Z without PCr,
smoothed across the window of PCr by a polynomial in 1/Z, in which slowly exchanging pools add
(Zaiss and Bachert 2013, Phys Med Biol 58:R221). The exact engine adds PCr of drawn fs and ksw. A fit predicts Z itself.
Only PCr is drawn: how well the rest is known widens no band.
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.contribution import inverse_z_of_pcr
from PCrCESTLib.figures.predicted import WINDOW_PPM, Prediction
from PCrCESTLib.methods.method import FIT, WITHOUT_PCR
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.report.result import Result, SpectrumOfRegion
from PCrCESTLib.roi import RoiRow

DRAWS = 200
BAND = (5.0, 95.0)
NO_EFFECT = 1e-6
_DEGREE = 4
_MIN_Z = 1e-3


def predictions(result: Result, protocol: Protocol, roi: str) -> list[Prediction]:
    """Return what is predicted of a region at every power it was measured with; ascending powers."""
    fs, ksw = result.row(roi, "fs"), result.row(roi, "ksw")
    own = sorted((s for s in result.spectra if s.roi == roi), key=lambda s: s.b1_ut)
    found = []
    for spectrum in own:
        if FIT in spectrum.curves or (fs is not None and ksw is None):
            found.append(_of_fit(spectrum, protocol, fs, ksw))
        elif fs is not None and ksw is not None and np.isfinite(spectrum.without_pcr).any():
            found.append(_of_network(spectrum, protocol, fs, ksw))
        else:
            found.append(_measured_only(spectrum))
    return found


def _measured_only(s: SpectrumOfRegion) -> Prediction:
    nothing = np.full(len(s.z), np.nan)
    band = np.full((2, len(s.z)), np.nan)
    return Prediction(s.b1_ut, s.offsets_ppm, s.z, nothing, band, s.without_pcr, nothing, band)


def _of_fit(s: SpectrumOfRegion, protocol: Protocol, fs: RoiRow | None, ksw: RoiRow | None) -> Prediction:
    """Take the fit's own curves.

    The band is the drawn fs and ksw on the contribution, or, of a fit that states ksw, the relative SD of fs.
    """
    nothing = np.full(len(s.z), np.nan)
    fit = s.curves.get(FIT, nothing)
    rest = s.curves.get(WITHOUT_PCR, s.without_pcr)
    effect = np.maximum(rest - np.where(np.isfinite(fit), fit, s.z), 0.0)
    if fs is not None and ksw is not None and ksw.value > 0:
        drawn = _drawn_effect(s, s.offsets_ppm, protocol, fs, ksw)
        share = np.divide(drawn, drawn[0], out=np.ones_like(drawn), where=drawn[0] > NO_EFFECT)
        band = effect * np.percentile(share, BAND, axis=0)
    else:
        reach = 1.645 * (fs.sd / fs.value if fs is not None and fs.value > 0 else np.nan)
        band = np.stack([effect * max(1 - reach, 0.0), effect * (1 + reach)])
    predicted_band = np.stack([rest - band[1], rest - band[0]]) + (fit - (rest - effect))
    return Prediction(s.b1_ut, s.offsets_ppm, s.z, fit, predicted_band, rest, effect, band)


def _of_network(s: SpectrumOfRegion, protocol: Protocol, fs: RoiRow, ksw: RoiRow) -> Prediction:
    x = s.offsets_ppm
    inside = (
        (x >= WINDOW_PPM[0]) & (x <= WINDOW_PPM[1]) & np.isfinite(s.without_pcr) & (s.without_pcr > _MIN_Z)
    )
    if inside.sum() <= _DEGREE + 1:
        return _measured_only(s)
    near = x[inside]
    rest = 1 / s.without_pcr[inside]
    center = near.mean()
    smooth = np.polyval(np.polyfit(near - center, rest, _DEGREE), near - center)
    engine = _drawn_effect(s, near, protocol, fs, ksw)
    # The folder's own contribution knew the region's R1; the engine here gives how it changes with fs and ksw.
    own = np.maximum(1 / np.maximum(s.z[inside], _MIN_Z) - rest, 0.0)
    scale = np.divide(own, engine[0], out=np.ones_like(own), where=engine[0] > NO_EFFECT)
    added = engine * scale
    z = 1 / (smooth + added)
    effect = s.without_pcr[inside] - 1 / (rest + added)

    def spread(values: np.ndarray) -> np.ndarray:
        full = np.full((values.shape[0], len(x)), np.nan)
        full[:, inside] = values
        return full

    return Prediction(
        s.b1_ut,
        x,
        s.z,
        spread(z[:1])[0],
        spread(np.percentile(z, BAND, axis=0)),
        s.without_pcr,
        spread(effect[:1])[0],
        spread(np.percentile(effect, BAND, axis=0)),
    )


def _drawn_effect(
    s: SpectrumOfRegion, offsets_ppm: np.ndarray, protocol: Protocol, fs: RoiRow, ksw: RoiRow
) -> np.ndarray:
    """Return what PCr of drawn fs and ksw adds to 1/Z, (1 + DRAWS, n_offsets); first that of the values themselves."""
    drawn = draw(fs, ksw, s.log_correlation)
    return inverse_z_of_pcr(offsets_ppm, s.b1_ut, protocol.field_t, protocol.saturation, *drawn)


def draw(fs: RoiRow, ksw: RoiRow, log_correlation: float) -> np.ndarray:
    """Draw fs and ksw from the log-normal of their values, SDs and correlation, (2, 1 + DRAWS), always the same.

    First stand the values themselves. Where the correlation is not known (NaN) they are drawn independently.
    """
    rho = log_correlation if np.isfinite(log_correlation) else 0.0
    normal = np.random.default_rng(1).standard_normal((2, DRAWS))
    normal[1] = rho * normal[0] + np.sqrt(1 - rho**2) * normal[1]
    return np.stack([_log_normal(row, deviations) for row, deviations in zip((fs, ksw), normal, strict=True)])


def _log_normal(row: RoiRow, deviations: np.ndarray) -> np.ndarray:
    spread = np.sqrt(log_variance(row.sd / row.value)) if np.isfinite(row.sd) and row.value > 0 else 0.0
    return np.asarray(row.value * np.exp(spread * np.concatenate([[0.0], deviations])))


def log_variance(relative_sd: float) -> float:
    """Variance of the logarithm of a log-normal whose SD is so many times its median (`Posterior`)."""
    return float(np.log((1 + np.sqrt(1 + 4 * relative_sd**2)) / 2))


def contribution_at_peak(prediction: Prediction) -> tuple[float, float, float, float]:
    """Return offset (ppm) of the largest contribution of PCr, it, and its 90 % band, in % of M0; NaN if unknown."""
    x, effect = prediction.offsets_ppm, prediction.effect
    usable = np.isfinite(effect) & (x >= WINDOW_PPM[0]) & (x <= WINDOW_PPM[1])
    if not usable.any():
        return (float("nan"),) * 4
    at = int(np.argmax(np.where(usable, effect, -np.inf)))
    low, high = prediction.effect_band[:, at]
    return float(x[at]), 100 * float(effect[at]), 100 * float(low), 100 * float(high)


def misfit_over_noise(prediction: Prediction, noise_sd: float) -> float:
    """Return the RMS of measured minus predicted Z in the window of PCr over the noise SD; NaN if unknown."""
    x = prediction.offsets_ppm
    inside = (x >= WINDOW_PPM[0]) & (x <= WINDOW_PPM[1]) & np.isfinite(prediction.predicted)
    if not inside.any() or not noise_sd > 0:
        return float("nan")
    rest = prediction.z[inside] - prediction.predicted[inside]
    return float(np.sqrt(np.mean(rest**2)) / noise_sd)
