"""How the numbers were computed: the method, and the card of its model."""

from __future__ import annotations

from typing import Any

from PCrCESTLib.methods.choice import NETWORK
from PCrCESTLib.models.card import ModelCard
from PCrCESTLib.models.registry import bundled_cards
from PCrCESTLib.report.page import Section, paragraph, subheading, table
from PCrCESTLib.report.result import Result
from PCrCESTLib.report.words import UNKNOWN

_NETWORK = (
    "Two-branch neural network, trained on partially synthetic CEST spectra (Magn Reson Med 2026, PubMed 41964083). It "
    "answers with fs and ksw and the SD of each, voxel by voxel, and again for the mean spectrum of each region."
)
_FITS = "A fit of the field, not a neural network; what each fit is and needs stands in docs/fits.md of the software."


def method_section(result: Result) -> Section:
    """Return method, settings, and for a network its card: ranges, seed, measured errors, checksum."""
    record = result.record
    if record["method"] != NETWORK or not isinstance(record.get("model"), dict):
        return Section("Method", paragraph(_FITS) + _settings(record))
    model = record["model"]
    card = _card(model)
    html = paragraph(_NETWORK) + table(["item", "value"], _rows(model, card), "Card of the model")
    html += _errors(model.get("errors"))
    if card is None:
        html += paragraph(
            "The model is not one of those that come with this version of the software; ranges and seed stand in its "
            "own card, the .json file beside its weights."
        )
    return Section("Method", html)


def _card(model: dict[str, Any]) -> ModelCard | None:
    return next((c for c in bundled_cards() if c.weights_sha256 == model.get("sha256")), None)


def _rows(model: dict[str, Any], card: ModelCard | None) -> list[list[str]]:
    rows = [
        ["Model", str(model.get("name", UNKNOWN))],
        ["Chosen because", str(model.get("reason") or UNKNOWN)],
        ["Weights, SHA-256", str(model.get("sha256") or UNKNOWN)],
    ]
    if card is None:
        return rows
    training = card.training
    (fs_low, fs_high), (ksw_low, ksw_high) = card.fs_range, card.ksw_range
    return [
        *rows,
        ["Trained for", card.protocol.describe()],
        ["Range of fs", f"{1e3 * fs_low:g} to {1e3 * fs_high:g} ×10⁻³; no answer lies outside"],
        ["Range of ksw", f"{ksw_low:g} to {ksw_high:g} s⁻¹; no answer lies outside"],
        ["Training spectra", f"{training.get('samples', 0):,} drawn".replace(",", " ")],
        ["Seed", str(training.get("seed", UNKNOWN))],
        ["Backgrounds", str(training.get("backgrounds", UNKNOWN))],
    ]


def _errors(errors: Any) -> str:
    if not isinstance(errors, list) or not errors:
        return ""
    columns = ("fs_rmse", "fs_bias", "fs_coverage90", "ksw_rmse", "ksw_bias", "ksw_coverage90")
    rows = [
        [f"{e['noise_sd']:g}", *(f"{100 * e[c]:.0f} %" for c in columns)]
        for e in errors
        if isinstance(e, dict) and all(isinstance(e.get(c), int | float) for c in ("noise_sd", *columns))
    ]
    header = [
        "noise SD of Z",
        "fs: RMS error",
        "fs: bias",
        "fs: 90 % intervals that hold",
        "ksw: RMS error",
        "ksw: bias",
        "ksw: 90 % intervals that hold",
    ]
    return table(
        header, rows, "Errors of the model on simulated spectra it was never trained on, over its whole range"
    )


def _settings(record: dict[str, Any]) -> str:
    rows = {"Method": str(record["method"])}
    for key in ("fit", "settings"):
        found = record.get(key)
        if isinstance(found, dict):
            for name, v in found.items():  # a fit's own words come first, and hold
                rows.setdefault(_words(name), f"{v:g}" if isinstance(v, float) else str(v))
    return subheading("Settings") + table(["item", "value"], list(rows.items()), "Settings of the fit")


def _words(name: str) -> str:
    known = {
        "name": "Fit",
        "power_ut": "Power used, µT",
        "ksw_per_s": "Assumed ksw, s⁻¹",
        "ksw_sd_per_s": "SD of the assumed ksw, s⁻¹",
        "conversion": "Conversion of the peak to fs",
        "pcr_protons": "Exchangeable protons of PCr",
        "pools": "Pools",
    }
    return known.get(name, name.replace("_", " "))
