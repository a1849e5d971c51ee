"""The Bloch–McConnell fit as a method: fs and ksw from all powers, with the muscle of `physics.library`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.errors import MethodError
from PCrCESTLib.fitting.bloch import BlochFit, Start, fit_tissue, fitted_spectra
from PCrCESTLib.methods.chunked_fit import R1_MAP_SD, TYPICAL_R1_SD, ChunkedFit
from PCrCESTLib.methods.method import FIT, WITHOUT_PCR, Curve, Estimates
from PCrCESTLib.methods.settings import Settings
from PCrCESTLib.models.inference import Spectra
from PCrCESTLib.models.typical import FM, typical_t1
from PCrCESTLib.physics import Tissue
from PCrCESTLib.physics.bound import NEAREST_OFFSET_PPM, Frames, is_costly
from PCrCESTLib.physics.library import usual_muscle
from PCrCESTLib.physics.prior import FS, KSW, Prior, default_prior
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quality import fit_flags
from PCrCESTLib.synthesis.phantom_tissue import R1_SEMISOLID

B1_MAP_SD = 0.03  # relative
# What the bound takes as known, and muscle other than the tabulated one does not keep to. 30 and 50 % are assumptions.
BACKGROUND_PRIOR = (
    Prior("semisolid.t2_s", 0.3),
    Prior("amine.t2_s", 0.3),
    Prior("noe_m3p3.fraction", 0.5),
    Prior("noe_m3p3.t2_s", 0.5),
)


@dataclass(frozen=True, eq=False)
class BlochMethod(ChunkedFit):
    """The fit for one scan, with the tissue it takes muscle for and what is free in it."""

    chunk = 16  # progress moves every few seconds

    tissue: Tissue
    prior: tuple[Prior, ...]
    name: str = "Bloch–McConnell fit"

    @property
    def title(self) -> str:
        """Its name."""
        return self.name

    def curves(self, mean: Spectra, estimates: Estimates) -> list[Curve]:
        """Draw the fit and the same tissue without PCr, at every power."""
        frames, _ = self._frames(mean, nearest_ppm=0.0)
        start = self._start(mean)
        fit = self._fit(mean, start)
        curves = []
        for name, pool in ((FIT, None), (WITHOUT_PCR, "pcr")):
            drawn = np.split(
                fitted_spectra(frames, fit, start, pool)[0],
                np.cumsum([len(o) for o in mean.offsets_ppm])[:-1],
            )
            curves += [Curve(b1, name, part) for b1, part in zip(self.protocol.powers_ut, drawn, strict=True)]
        return curves

    def notes(self, spectra: Spectra) -> list[str]:
        """Say what the fit rests on."""
        told = [
            f"the {self.name} takes every voxel for muscle with {len(self.tissue.pools)} known pools; where the curve "
            "misses the spectrum, the SDs are widened by as much, but a bias remains"
        ]
        if not np.isfinite(spectra.r1_obs).any():
            told.append(
                f"no R1 or T1 map was given; T1 is known to {TYPICAL_R1_SD:.0%} around the typical one of the field"
            )
        return told

    def record(self) -> dict[str, Any]:
        """Pools and what is known of the free parameters."""
        return {
            "fit": {
                "name": self.name,
                "pools": [pool.name for pool in self.tissue.pools],
                "prior_sd": {p.path: p.sd for p in self.prior},
            },
            "roi_estimator": "the same fit of the mean of the region's B0-aligned spectra",
        }

    def fit_chunk(self, spectra: Spectra) -> Estimates:
        """Fit all powers together."""
        fit = self._fit(spectra, self._start(spectra))
        fs, ksw = (
            float(getattr(self.tissue.pool("pcr"), f)) * fit.factor(p)
            for f, p in (("fraction", FS), ("k_per_s", KSW))
        )
        fs_sd, ksw_sd = fs * fit.sd(FS), ksw * fit.sd(KSW)
        widened = np.maximum(fit.misfit, 1.0)
        fs_sd, ksw_sd = fs_sd * widened, ksw_sd * widened
        flags = fit_flags(fs_sd, ksw_sd, fit.misfit, fit.converged)
        return Estimates(fs, fs_sd, ksw, ksw_sd, flags, {"misfit": fit.misfit}, fit.correlation(FS, KSW))

    def _frames(self, spectra: Spectra, nearest_ppm: float = NEAREST_OFFSET_PPM) -> tuple[Frames, np.ndarray]:
        """Return the frames of all powers that are no nearer to water, and their Z."""
        offsets = np.concatenate(list(spectra.offsets_ppm))
        b1 = np.repeat(self.protocol.powers_ut, [len(o) for o in spectra.offsets_ppm])
        used = np.abs(offsets) >= nearest_ppm
        frames = Frames(offsets[used], b1[used], self.protocol.saturation, self.protocol.field_t)
        z = np.concatenate([np.asarray(part, dtype=float) for part in spectra.z], axis=1)[:, used]
        return frames, z

    def _fit(self, spectra: Spectra, start: Start) -> BlochFit:
        frames, z = self._frames(spectra)
        return fit_tissue(frames, z, spectra.sigma, start, self.prior)

    def _start(self, spectra: Spectra) -> Start:
        r1 = np.where(np.isfinite(spectra.r1_obs), spectra.r1_obs, 1 / typical_t1(self.protocol.field_t))
        # R1obs = (R1w + fm·R1m)/(1 + fm)
        t1 = 1 / np.maximum(r1 * (1 + FM) - FM * R1_SEMISOLID, 0.05)
        b1_known = np.isfinite(spectra.relative_b1)
        b1 = np.where(b1_known, spectra.relative_b1, 1.0)
        usual_b1_sd = next(p.sd for p in self.prior if p.path == "relative_b1")
        return Start(
            self.tissue,
            {"water.t1_s": t1, "b0_shift_ppm": spectra.b0_ppm, "relative_b1": b1},
            {
                "water.t1_s": np.where(np.isfinite(spectra.r1_obs), R1_MAP_SD, TYPICAL_R1_SD),
                "relative_b1": np.where(b1_known, B1_MAP_SD, usual_b1_sd),
            },
        )


def bloch_method(protocol: Protocol, settings: Settings) -> BlochMethod:
    """Return the fit with all pools of muscle that the library knows.

    Raises
    ------
    MethodError
        For pulsed or very short saturation, which the engine has to propagate: a voxel would take minutes.
    """
    if is_costly(protocol.saturation):
        raise MethodError(
            f"the Bloch–McConnell fit is for continuous saturation of 1 s or more; the scan has "
            f"{protocol.saturation.describe()}: choose another method"
        )
    tissue = usual_muscle(protocol.field_t)
    return BlochMethod(protocol, tissue, (*default_prior(tissue), *BACKGROUND_PRIOR))
