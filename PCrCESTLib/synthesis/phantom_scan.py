"""Scan the digital animal: frames, coil noise and drift, one series a saturation power."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from PCrCESTLib.geometry import Geometry
from PCrCESTLib.physics import Tissue, z_spectra
from PCrCESTLib.protocol import POWER_TOLERANCE_UT, Protocol, ppm_from_hz
from PCrCESTLib.series import CestSeries
from PCrCESTLib.synthesis import phantom_tissue
from PCrCESTLib.synthesis.fat import FAT_LINES_PPM
from PCrCESTLib.synthesis.phantom_body import LegBody, PhantomSettings

REFERENCE_OFFSET_HZ = 100_000.0  # what scanners use for "no saturation"
SIGNAL_SCALE = 1000.0  # image units of pure muscle at unit coil sensitivity

Voxels = tuple[np.ndarray, ...]
"""Indices along z, y and x."""
Frames = tuple[Protocol, np.ndarray]
"""One power's protocol and the offsets (ppm) to acquire with it."""


def series_protocols(protocol: Protocol, *, normalized: bool) -> tuple[Protocol, ...]:
    """Split a protocol into one a power, as scanners give it.

    A protocol without reference frames gets three (first, middle and last frame, at +100 kHz), so that M0 and
    its drift can be measured; with ``normalized`` the reference frames are left out.
    """
    return tuple(_one_power(protocol, power, normalized) for power in protocol.powers_ut)


def _one_power(protocol: Protocol, power_ut: float, normalized: bool) -> Protocol:
    references = set(protocol.reference_frames)
    near = [abs(b1 - power_ut) <= POWER_TOLERANCE_UT for b1 in protocol.b1_ut]
    # References that were not acquired at any saturation power serve all powers.
    own = [i for i in references if near[i]] or list(references)
    frames = [i for i in range(protocol.n_frames) if (near[i] and i not in references) or i in own]
    if normalized:
        frames = [i for i in frames if i not in references]
    offsets = [protocol.offsets_ppm[i] for i in frames]
    reference_frames = tuple(n for n, i in enumerate(frames) if i in references)
    if not references and not normalized:
        offsets, reference_frames = _with_references(offsets, protocol.field_t)
    return dataclasses.replace(
        protocol,
        offsets_ppm=tuple(offsets),
        b1_ut=(power_ut,) * len(offsets),
        reference_frames=reference_frames,
        normalized=normalized,
    )


def _with_references(offsets: list[float], field_t: float) -> tuple[list[float], tuple[int, ...]]:
    far, half = ppm_from_hz(REFERENCE_OFFSET_HZ, field_t), len(offsets) // 2
    return [far, *offsets[:half], far, *offsets[half:], far], (0, half + 1, len(offsets) + 2)


def scan(
    body: LegBody,
    geometry: Geometry,
    protocol: Protocol,
    noise_sd: float,
    settings: PhantomSettings,
    rng: np.random.Generator,
) -> CestSeries:
    """Acquire the frames of one power.

    Noise is added to both channels of the complex image, M and M0 alike, and the magnitude is taken (Rician).
    A normalized series is divided by the mean of three noisy M0 images and is zero outside the body.
    """
    brightness = np.sum(list(body.weights.values()), axis=0)
    sigma = noise_sd * SIGNAL_SCALE * float(np.median(brightness[body.labels > 0]))
    drift = 1 + settings.m0_drift * np.linspace(0, 1, protocol.n_frames)
    frames = SIGNAL_SCALE * _signal(body, protocol, protocol.offsets_ppm, settings.family)
    images = rician(frames * drift[:, None, None, None], sigma, rng)
    if protocol.normalized:
        unsaturated = SIGNAL_SCALE * _signal(body, protocol, (math.inf,) * 3, settings.family)
        m0 = rician(unsaturated, sigma, rng).mean(axis=0)
        inside = body.composition.body & (m0 > 0)
        images = np.divide(images, m0, out=np.zeros_like(images), where=inside)
    return CestSeries(images.astype(np.float32), geometry, protocol, source=("digital phantom",))


def rician(signal: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Magnitude of ``signal`` with independent normal noise of SD ``sigma`` on both complex channels."""
    if sigma == 0:
        return np.array(signal)
    shape = signal.shape
    magnitude: np.ndarray = np.hypot(signal + rng.normal(0, sigma, shape), rng.normal(0, sigma, shape))
    return magnitude


def _signal(body: LegBody, protocol: Protocol, offsets_ppm: tuple[float, ...], family: str) -> np.ndarray:
    """Signal of every tissue together at these offsets and the protocol's one power, (n_frames, z, y, x)."""
    frames = np.zeros((len(offsets_ppm), *body.labels.shape))
    for name, weight in body.weights.items():
        voxels = np.nonzero(weight)
        z = _tissue_spectra(name, body, voxels, (protocol, np.array(offsets_ppm)), family)
        frames[:, weight != 0] += (weight[voxels][:, None] * z).T
    return frames


def _tissue_spectra(name: str, body: LegBody, voxels: Voxels, frames: Frames, family: str) -> np.ndarray:
    """Z of one tissue in the voxels, with their own B0 and B1, (n_voxels, n_frames)."""
    if name == "muscle":
        return _exact(body.tissue_of(voxels, family), body, voxels, frames)
    if name == "fat":
        fat, lines = phantom_tissue.fat_line_tissue(), FAT_LINES_PPM
        return np.sum([share * _exact(fat, body, voxels, frames, ppm) for ppm, share in lines], axis=0)
    tissue = phantom_tissue.blood_tissue() if name == "blood" else phantom_tissue.connective_tissue()
    return _exact(tissue, body, voxels, frames)


def _exact(
    tissue: Tissue, body: LegBody, voxels: Voxels, frames: Frames, shift_ppm: float = 0.0
) -> np.ndarray:
    protocol, offsets_ppm = frames
    return np.asarray(
        z_spectra(
            tissue,
            protocol.saturation,
            offsets_ppm,
            protocol.powers_ut[0],
            protocol.field_t,
            b0_shift_ppm=body.b0_ppm[voxels] + shift_ppm,
            relative_b1=body.relative_b1[voxels],
        )
    )
