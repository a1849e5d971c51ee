"""What fs and ksw of a region say its Z-spectrum must be (posterior predictive), to hold against the measured one.

The network tells fs and ksw and nothing else, so the rest of the spectrum is taken from the scan: Z without PCr,
smoothed across the window of PCr by a polynomial in 1/Z, in which slowly exchanging pools add
(Zaiss and Bachert 2013, Phys Med Biol 58:R221). The exact engine adds PCr of drawn fs and ksw. A fit predicts Z itself.
"""

from __future__ import annotations

import numpy as np

from PCrCESTLib.contribution import inverse_z_of_pcr
from PCrCESTLib.figures.predicted import WINDOW_PPM, Prediction
from PCrCESTLib.methods.method import FIT, WITHOUT_PCR
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.report.result import Result, SpectrumOfRegion
from PCrCESTLib.roi import RoiRow

DRAWS = 48
BAND = (5.0, 95.0)
_DEGREE = 4
_MIN_Z = 1e-3


def predictions(result: Result, protocol: Protocol, roi: str) -> list[Prediction]:
    """Return what is predicted of a region at every power it was measured with; ascending powers."""
    fs, ksw = result.row(roi, "fs"), result.row(roi, "ksw")
    own = sorted((s for s in result.spectra if s.roi == roi), key=lambda s: s.b1_ut)
    found = []
    for spectrum in own:
        if FIT in spectrum.curves or (fs is not None and ksw is None):
            found.append(_of_fit(spectrum, fs))
        elif fs is not None and ksw is not None and np.isfinite(spectrum.without_pcr).any():
            found.append(_of_network(spectrum, protocol, fs, ksw))
        else:
            found.append(_measured_only(spectrum))
    return found


def _measured_only(s: SpectrumOfRegion) -> Prediction:
    nothing = np.full(len(s.z), np.nan)
    band = np.full((2, len(s.z)), np.nan)
    return Prediction(s.b1_ut, s.offsets_ppm, s.z, nothing, band, nothing, nothing, band)


def _of_fit(s: SpectrumOfRegion, fs: RoiRow | None) -> Prediction:
    """Take the fit's own curves; the band is the relative SD of fs on the contribution."""
    nothing = np.full(len(s.z), np.nan)
    fit = s.curves.get(FIT, nothing)
    rest = s.curves.get(WITHOUT_PCR, s.without_pcr)
    effect = np.maximum(rest - np.where(np.isfinite(fit), fit, s.z), 0.0)
    relative = fs.sd / fs.value if fs is not None and fs.value > 0 else np.nan
    reach = 1.645 * relative
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
    draws_fs, draws_ksw = _draws(fs), _draws(ksw)
    engine = inverse_z_of_pcr(near, s.b1_ut, protocol.field_t, protocol.saturation, draws_fs, draws_ksw)
    # The folder's own contribution knew the region's R1; the engine here gives how it changes with fs and ksw.
    own = np.maximum(1 / np.maximum(s.z[inside], _MIN_Z) - rest, 0.0)
    scale = np.divide(own, engine[0], out=np.ones_like(own), where=engine[0] > 1e-6)
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


def _draws(row: RoiRow) -> np.ndarray:
    """Draw from the log-normal of a value and its SD, (1 + DRAWS,): first the value itself; the same ones every time.

    fs and ksw are drawn independently, as the table does not hold their correlation: the band is then rather too wide.
    """
    spread = np.sqrt(np.log1p((row.sd / row.value) ** 2)) if np.isfinite(row.sd) and row.value > 0 else 0.0
    rng = np.random.default_rng(1 if row.quantity == "fs" else 2)
    return np.asarray(row.value * np.exp(spread * np.concatenate([[0.0], rng.standard_normal(DRAWS)])))


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
