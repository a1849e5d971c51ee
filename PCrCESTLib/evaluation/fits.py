"""Fits as rows of the tables: those of ``pcrcest quantify`` themselves, on spectra with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import MethodError
from PCrCESTLib.evaluation.methods import Estimate
from PCrCESTLib.fitting.peak import STATED_KSW_PER_S
from PCrCESTLib.methods import METHODS, Method, make_fit
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.protocol import Protocol

SLOW = ("bm",)
_LEAST_FS = 1e-6


@dataclass(frozen=True, eq=False)
class Fit:
    """A fit with its name in tables and its ``--method``; ksw is what was stated where the fit cannot tell it."""

    name: str
    key: str
    method: Method

    def estimate(self, spectra: Spectra) -> Estimate:
        """Fit every spectrum."""
        e = self.method.estimate(spectra)
        tells_ksw = bool(np.isfinite(e.ksw).any())
        log_sd_fs = e.fs_sd / np.maximum(e.fs, _LEAST_FS)
        if tells_ksw:
            return Estimate(e.fs, e.ksw, log_sd_fs, e.ksw_sd / e.ksw)
        return Estimate(e.fs, np.full(len(e.fs), STATED_KSW_PER_S), log_sd_fs)


def fits_for(protocol: Protocol) -> list[Fit]:
    """Return all fast fits that a protocol allows."""
    fits = []
    for key, known in METHODS.items():
        if known.make is None or key in SLOW:
            continue
        try:
            method = make_fit(key, protocol)
        except MethodError:
            continue
        fits.append(Fit(known.title, key, method))
    return fits
