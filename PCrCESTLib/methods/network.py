"""The two-branch network as a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from PCrCESTLib.contribution import without_pcr
from PCrCESTLib.methods.method import WITHOUT_PCR, Curve, Estimates, Progress
from PCrCESTLib.models.device import Device
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.region import at_likely_noise, mean_spectrum
from PCrCESTLib.models.registry import interpolation_note
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quality import network_flags


@dataclass(frozen=True, eq=False)
class TwoBranch:
    """A model on a device, for scans that match it (`require_match`); ``reason`` says why this model."""

    model: Model
    device: Device
    protocol: Protocol
    reason: str = ""

    @property
    def title(self) -> str:
        """Model and device."""
        return f"model {self.model.card.name} · {self.device.name}"

    @property
    def grid_ppm(self) -> np.ndarray:
        """The model's own grid."""
        return self.model.grid_ppm

    def estimate(self, spectra: Spectra, progress: Progress | None = None) -> Estimates:
        """Run the network."""
        p = predict(self.model, spectra, self.device.backend, progress)
        flags = network_flags(p, self.model.card)
        return Estimates(p.fs, p.fs_sd, p.ksw, p.ksw_sd, flags, log_correlation=p.log_correlation)

    def region(self, voxels: Spectra) -> tuple[Spectra, Estimates]:
        """Run it on the mean of the B0-aligned spectra at the noise level of that mean (`likely_noise`)."""
        mean = at_likely_noise(self.model, mean_spectrum(voxels, self.grid_ppm))
        return mean, self.estimate(mean)

    def curves(self, mean: Spectra, estimates: Estimates) -> list[Curve]:
        """Take what PCr does out of the measured spectrum; the network draws no curve of its own."""
        fs, ksw, r1 = (float(v[0]) for v in (estimates.fs, estimates.ksw, mean.r1_obs))
        p = self.protocol
        return [
            Curve(b1, WITHOUT_PCR, without_pcr(z[0], offsets, b1, p.field_t, p.saturation, fs, ksw, r1))
            for b1, z, offsets in zip(p.powers_ut, mean.z, mean.offsets_ppm, strict=True)
        ]

    def notes(self, spectra: Spectra) -> list[str]:
        """Say what the interpolation to the model's offsets costs."""
        note = interpolation_note(self.model, self.protocol, float(np.median(spectra.sigma)))
        unknown = "no R1 or T1 map was given; R1 is treated as unknown within the training range"
        return [*([note] if note else []), *([] if np.isfinite(spectra.r1_obs).any() else [unknown])]

    def record(self) -> dict[str, Any]:
        """Model with its checksum and errors, and the device."""
        card = self.model.card
        return {
            "model": {
                "name": card.name,
                "sha256": card.weights_sha256,
                "reason": self.reason,
                "errors": card.measured_errors,
            },
            "device": {"used": self.device.name, "reason": self.device.reason},
            "roi_estimator": "the network on the mean of the region's B0-aligned spectra at its own noise",
        }
