"""The Z-spectrum of every region with what its estimate predicts, and what PCr alone contributes."""

from __future__ import annotations

import math

from PCrCESTLib.figures.predicted import draw_prediction
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.report.page import Section, paragraph, picture, subheading
from PCrCESTLib.report.predictive import contribution_at_peak, misfit_over_noise, predictions
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import signed, with_unit

MOST_DRAWN = 16
_BY_NETWORK = (
    "Prediction: the estimated fs and ksw, put into the Bloch–McConnell equations, on the background of the same scan "
    "(Z without PCr, smoothed). Where points leave the band, the spectrum holds what these two numbers do not explain."
)
_BY_FIT = "Prediction: the curve of the fit."
_BAND = (
    "Band: 5 to 95 % of what PCr of fs and ksw as uncertain as they are estimated takes from Z, {together}; noise of "
    "the points and doubt about the background are not in it."
)
_CORRELATED = "with the correlation of their errors, which stands below each figure"
_INDEPENDENT = (
    "taken as independent, as this result does not tell their correlation: what one takes from the other without "
    "changing the spectrum then counts as change, so the band is rather too wide"
)
_BAND_OF_FS = (
    "Band: ± 1.645 relative SD of fs on the contribution of PCr. This SD includes doubt about ksw, which this method "
    "does not estimate and which the curve does not depend on: for the curve the band is rather too wide."
)
_NOTHING = (
    "Nothing is predicted: as no regions were given to the quantification, the result has no fs and ksw of this "
    "spectrum."
)


def spectra_section(result: Result, protocol: Protocol) -> Section:
    """Return one picture a region.

    Raises
    ------
    MissingExtraError
        When matplotlib is not installed.
    """
    network = result.record["method"] == NETWORK
    names = list(dict.fromkeys(s.roi for s in result.spectra))
    html = paragraph(
        "Dots: mean spectrum of the region, aligned to its own water. Below: the contribution of PCr alone."
        if result.rows
        else "Dots: mean spectrum, aligned to its own water."
    ) + paragraph(_about(result, network=network))
    for roi in names[:MOST_DRAWN]:
        drawn = predictions(result, protocol, roi)
        figure = draw_prediction(drawn, "predicted from fs and ksw" if network else "fit")
        html += subheading(roi) + picture(figure, _in_words(result, protocol, roi), _caption(result, roi))
    if len(names) > MOST_DRAWN:
        html += paragraph(f"The first {MOST_DRAWN} of {len(names)} regions; all are in roi_spectra.csv.")
    return Section("Spectra", html)


def _about(result: Result, *, network: bool) -> str:
    """Say what prediction and band rest on."""
    if not result.rows:
        return _NOTHING
    if not any(row.quantity == "ksw" for row in result.rows):
        return f"{_BY_FIT} {_BAND_OF_FS}"
    known = all(math.isfinite(s.log_correlation) for s in result.spectra)
    band = _BAND.format(together=_CORRELATED if known else _INDEPENDENT)
    return f"{_BY_NETWORK if network else _BY_FIT} {band}"


def _caption(result: Result, roi: str) -> str:
    parts = []
    for quantity in ("fs", "ksw"):
        row = result.row(roi, quantity)
        if row is not None:
            text = with_unit(row) if row.identifiable else "not identifiable"
            parts.append(f"{quantity} {text}")
    together = next((s.log_correlation for s in result.spectra if s.roi == roi), math.nan)
    if len(parts) > 1 and math.isfinite(together):
        parts.append(f"correlation of their errors (of the logarithms) {signed(together)}")
    return ", ".join(parts) + ("." if parts else "")


def _in_words(result: Result, protocol: Protocol, roi: str) -> str:
    sentences = [f"Z-spectrum of {roi}."]
    noise = {s.b1_ut: s.noise_sd for s in result.spectra if s.roi == roi}
    for p in predictions(result, protocol, roi):
        offset, effect, low, high = contribution_at_peak(p)
        if math.isfinite(effect):
            band = f" (90 % band {low:.2f} to {high:.2f} %)" if math.isfinite(low) else ""
            sentences.append(
                f"At {p.b1_ut:g} µT PCr takes at most {effect:.2f} % of M0{band}, at {offset:.2f} ppm."
            )
        misfit = misfit_over_noise(p, noise.get(p.b1_ut, math.nan))
        if math.isfinite(misfit):
            sentences.append(
                f"Measured and predicted differ by {misfit:.1f} times the noise of the mean spectrum."
            )
    return " ".join(sentences)
