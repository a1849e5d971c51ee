"""The numbers to report, one row a muscle, and what must be known to read them."""

from __future__ import annotations

from PCrCESTLib.quality import limits_of
from PCrCESTLib.report.page import Section, notice, paragraph, table
from PCrCESTLib.report.references import ReferenceRange, range_of, verdict
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import NAMES, SCALES, UNITS, heading, joined, number, percent, with_sd
from PCrCESTLib.roi import RoiRow

NOT_IDENTIFIABLE = "not identifiable from this scan"
UNKNOWN = "no value"
MUCH_FLAGGED = 0.3


def findings_section(
    result: Result, powers_ut: tuple[float, ...], ranges: tuple[ReferenceRange, ...]
) -> Section:
    """Return the first section: the estimate from each region's mean spectrum, refusals in words."""
    if not result.rows:
        text = notice(
            "No regions were given to the quantification, so there is no number per muscle: see the maps."
        )
        return Section("Findings", text + "".join(notice(s) for s in limits(result, powers_ut)))
    quantities = ["fs", "PCr", *(q for q in ("ksw", "AREX") if _any(result, q))]
    judged = [q for q in quantities if any(range_of(ranges, roi, q) for roi in result.roi_names())]
    header = ["region", "voxels (volume)", *(heading(q) for q in quantities)]
    header += [f"{NAMES[q]} against reference" for q in judged] + ["voxels flagged"]
    rows = []
    for roi in result.roi_names():
        any_row = next(r for r in result.rows if r.roi == roi)
        rows.append(
            [
                roi,
                f"{any_row.n_voxels} ({any_row.volume_mm3:.0f}\u00a0mm³)",
                *(_cell(result.row(roi, q)) for q in quantities),
                *(_judgment(result.row(roi, q), range_of(ranges, roi, q)) for q in judged),
                percent(any_row.flagged_share),
            ]
        )
    caption = "Estimate from the mean spectrum of each region ± its standard deviation (SD)"
    text = "".join(notice(s) for s in limits(result, powers_ut)) + table(header, rows, caption)
    return Section("Findings", text + "".join(paragraph(s) for s in _explanations(result, judged)))


def limits(result: Result, powers_ut: tuple[float, ...]) -> list[str]:
    """Say what these data cannot tell: sentences that stand before the numbers."""
    found = []
    if not result.tells_ksw:
        fit = result.record.get("fit")
        stated = ""
        if isinstance(fit, dict) and "ksw_per_s" in fit:
            stated = (
                f" fs holds for an assumed ksw of {fit['ksw_per_s']:g} ± {fit.get('ksw_sd_per_s', 0):g} s⁻¹."
            )
        found.append(f"This method cannot tell the exchange rate ksw; no value is given.{stated}")
    else:
        found += [
            f"Limit of this scan: {sentence}. fs leans on the usual ksw, too: compare it with scans of the same "
            "protocol only."
            for sentence in limits_of(powers_ut)
        ]
    flagged = [r.roi for r in result.rows if r.quantity == "fs" and r.flagged_share > MUCH_FLAGGED]
    if flagged:
        names = joined(list(dict.fromkeys(flagged)))
        found.append(f"In {names} more than {MUCH_FLAGGED:.0%} of the voxels are flagged: see Quality.")
    return found


def _any(result: Result, quantity: str) -> bool:
    return any(row.quantity == quantity for row in result.rows)


def _cell(row: RoiRow | None) -> str:
    if row is None:
        return UNKNOWN
    if row.reason:
        return f"{UNKNOWN}: {row.reason}"
    return with_sd(row) if row.identifiable else NOT_IDENTIFIABLE


def _judgment(row: RoiRow | None, reference: ReferenceRange | None) -> str:
    if row is None or row.reason or reference is None:
        return "–" if row is not None and row.reason else "no reference"
    low, high = (number(v, row.quantity) for v in (reference.low, reference.high))
    times = "× " if row.quantity in SCALES else ""
    return f"{verdict(row, reference)} ({low} to {high} {times}{UNITS[row.quantity]})"


def _explanations(result: Result, judged: list[str]) -> list[str]:
    protons = result.record.get("pcr_protons")
    sentences = [
        "fs is the share of water-exchangeable protons that belong to phosphocreatine (PCr); ksw is how often a second "
        "such a proton changes over to water. SD: about two of three true values lie within ± 1 SD, 19 of 20 within "
        "± 2 SD.",
    ]
    if isinstance(protons, int | float):
        sentences.append(
            f"PCr in mM is fs × 111 000 / {protons:g}, with {protons:g} exchangeable protons a molecule; sources "
            "disagree on that number, so mM are comparable only where it is the same."
        )
    if judged:
        sentences.append(
            "Reference: “not certain” where the interval of ± 1.96 SD reaches into the range. The ranges are those "
            "given to this report; whether they suit this scanner and protocol was not checked."
        )
    return sentences
