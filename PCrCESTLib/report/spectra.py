"""The Z-spectrum of every region with what its estimate predicts, and what PCr alone contributes."""

from __future__ import annotations

import math

from PCrCESTLib.figures.predicted import draw_prediction
from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.report.page import Section, paragraph, picture, subheading
from PCrCESTLib.report.predictive import contribution_at_peak, misfit_over_noise, predictions
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import with_unit

MOST_DRAWN = 16
_BY_NETWORK = (
    "Prediction: the estimated fs and ksw, put into the Bloch–McConnell equations, on the background of the same scan "
    "(Z without PCr, smoothed). Where points leave the band, the spectrum holds what these two numbers do not explain. "
    "Band: 5 to 95 % over the uncertainty of fs and ksw, taken as independent, so rather too wide."
)
_BY_FIT = (
    "Prediction: the curve of the fit. Band: ± 1.645 relative SD of fs on the contribution of PCr, which includes how "
    "well ksw is known."
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
    ) + paragraph(_BY_NETWORK if network else _BY_FIT)
    for roi in names[:MOST_DRAWN]:
        drawn = predictions(result, protocol, roi)
        figure = draw_prediction(drawn, "predicted from fs and ksw" if network else "fit")
        html += subheading(roi) + picture(figure, _in_words(result, protocol, roi), _caption(result, roi))
    if len(names) > MOST_DRAWN:
        html += paragraph(f"The first {MOST_DRAWN} of {len(names)} regions; all are in roi_spectra.csv.")
    return Section("Spectra", html)


def _caption(result: Result, roi: str) -> str:
    parts = []
    for quantity in ("fs", "ksw"):
        row = result.row(roi, quantity)
        if row is not None:
            text = with_unit(row) if row.identifiable else "not identifiable"
            parts.append(f"{quantity} {text}")
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
