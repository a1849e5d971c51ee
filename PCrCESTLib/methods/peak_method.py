"""Fits of the PCr peak as methods: the peak at the lowest power, turned into fs at a stated exchange rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.fitting.peak import (
    Circumstances,
    exchange_rate_term,
    fraction_with_sd,
    half_width_ppm,
    jhu_fraction,
)
from PCrCESTLib.fitting.peaks import Peak
from PCrCESTLib.fitting.references import flank_response
from PCrCESTLib.methods.chunked_fit import R1_MAP_SD, TYPICAL_R1_SD, ChunkedFit
from PCrCESTLib.methods.method import FIT, WITHOUT_PCR, Curve, Estimates
from PCrCESTLib.methods.settings import JHU, Settings
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.models.typical import FM, typical_t1
from PCrCESTLib.preparation.b0 import align
from PCrCESTLib.quality import fit_flags

FM_SD = 0.02  # between legs of control rats
STEADY = 0.1  # share of Z that has not decayed into the steady state, above which it is said

Sampled = Sequence[tuple[np.ndarray, np.ndarray]]
"""Offsets (n_offsets,) and water-aligned spectra (n, n_offsets), one a power."""


@dataclass(frozen=True, eq=False)
class PeakMethod(ChunkedFit):
    """A way to find the PCr peak, for one scan.

    ``find`` gets the spectra at all powers. ``local`` says that the peak is measured over its own flanks.
    """

    chunk = 1024

    name: str
    settings: Settings
    find: Callable[[Sampled], Peak]
    local: bool = False

    @property
    def title(self) -> str:
        """Name and how the peak becomes fs."""
        if self.settings.conversion == JHU:
            return f"{self.name} · JHU calibration"
        return f"{self.name} · ksw stated as {self.settings.ksw_per_s:g} s⁻¹"

    def fit_chunk(self, spectra: Spectra) -> Estimates:
        """Find the peaks and turn them into fs."""
        return self._of_peak(self.find(aligned_powers(spectra)), spectra)

    def curves(self, mean: Spectra, estimates: Estimates) -> list[Curve]:
        """Draw the fit, Z without PCr, and the pools, at the lowest power."""
        drawn = self.find(aligned_powers(mean)).curves
        b1 = self.protocol.powers_ut[0]
        curves = [] if drawn.fit is None else [Curve(b1, FIT, drawn.fit[0])]
        curves.append(Curve(b1, WITHOUT_PCR, drawn.without_pcr[0]))
        return [*curves, *(Curve(b1, name, part[0]) for name, part in drawn.parts.items())]

    def notes(self, spectra: Spectra) -> list[str]:
        """Say what was stated or assumed, and where the formula does not hold."""
        s, t1 = self.settings, typical_t1(self.protocol.field_t)
        notes = [f"{self.name} cannot tell ksw, whose map is empty"]
        if s.conversion == JHU:
            return [
                *notes,
                "PCr follows the JHU calibration of ΔZ; R1, fm and the stated ksw play no part in fs",
            ]
        notes[0] += f"; fs is for a stated {s.ksw_per_s:g} ± {s.ksw_sd_per_s:g} s⁻¹"
        if not np.isfinite(spectra.r1_obs).any():
            notes.append(
                f"no R1 or T1 map was given; R1 of {1 / t1:.2f} s⁻¹, typical of muscle at this field, is assumed"
            )
        if spectra.fm is None:
            notes.append(f"no fm map was given; an MT pool-size ratio of {FM:g} is assumed")
        left = float(np.exp(-self.protocol.saturation.duration_s / t1))
        if left > STEADY:
            notes.append(
                f"saturation of {self.protocol.saturation.duration_s:g} s leaves muscle short of the steady state that "
                "AREX assumes; AREX and fs are too low"
            )
        return notes

    def record(self) -> dict[str, Any]:
        """Name the method and its settings."""
        s = self.settings
        stated = {"ksw_per_s": s.ksw_per_s, "ksw_sd_per_s": s.ksw_sd_per_s, "conversion": s.conversion}
        return {
            "fit": {"name": self.name, "power_ut": self.protocol.powers_ut[0], **stated},
            "roi_estimator": "the same fit of the mean of the region's B0-aligned spectra",
        }

    def _of_peak(self, peak: Peak, spectra: Spectra) -> Estimates:
        misfit = peak.rms / spectra.sigma
        # Where the curve misses the spectrum by more than noise, the peak is known no better than that.
        sigma = spectra.sigma * np.fmax(misfit, 1.0)
        around = self._circumstances(spectra, sigma)
        rex, rex_sd = exchange_rate_term(peak, around)
        s = self.settings
        if s.conversion == JHU:
            fs, fs_sd = jhu_fraction(peak, sigma, s.pcr_protons)
        else:
            seen = np.ones(len(rex))
            if self.local:
                width = half_width_ppm(s.ksw_per_s, around.b1_ut, around.field_t)
                seen = flank_response(spectra.offsets_ppm[0], width)
            fs, fs_sd = fraction_with_sd(rex / seen, rex_sd / seen, around.b1_ut, s.ksw_per_s, s.ksw_sd_per_s)
        nothing = np.full(len(fs), np.nan)
        further = {"arex": rex, "arex_sd": rex_sd, "misfit": misfit}
        flags = fit_flags(fs_sd, nothing, misfit, peak.converged)
        return Estimates(fs, fs_sd, nothing, nothing, flags, further)

    def _circumstances(self, spectra: Spectra, sigma: np.ndarray) -> Circumstances:
        n, field_t = len(spectra), self.protocol.field_t
        r1_known = np.isfinite(spectra.r1_obs)
        r1 = np.where(r1_known, spectra.r1_obs, 1 / typical_t1(field_t))
        fm = np.full(n, np.nan) if spectra.fm is None else spectra.fm
        return Circumstances(
            sigma=sigma,
            b1_ut=self.protocol.powers_ut[0]
            * np.where(np.isfinite(spectra.relative_b1), spectra.relative_b1, 1.0),
            field_t=field_t,
            r1_obs=r1,
            r1_obs_sd=r1 * np.where(r1_known, R1_MAP_SD, TYPICAL_R1_SD),
            fm=np.where(np.isfinite(fm), fm, FM),
            fm_sd=np.full(n, FM_SD),
        )


def aligned_powers(spectra: Spectra) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return offsets and water-aligned spectra, float64, one a power."""
    return [
        (offsets, align(z, offsets, spectra.b0_ppm, offsets).astype(float))
        for z, offsets in zip(spectra.z, spectra.offsets_ppm, strict=True)
    ]
