"""The bound that no method can beat on the reference paper's muscle over its own ranges.

Its prior is the spread of those ranges (fs 29 %, ksw 33 %), as in `physics.prior`, whose pools have other names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.physics.bound import frame_jacobian, is_costly, posterior_covariance, usable_frames
from PCrCESTLib.physics.prior import Prior
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import REFERENCE, draw_muscle

NOISE_LEVELS = (0.01, 0.005, 0.002, 0.0005)
R1_KNOWN_TO = 0.03
# Relative, but for B0 (ppm): the spread of the reference family's own ranges.
REFERENCE_PRIOR = (
    Prior("PCr.fraction", 0.29),
    Prior("PCr.k_per_s", 0.33),
    Prior("PCr.t2_s", 0.165),
    Prior("Cr.fraction", 0.165),
    Prior("Cr.k_per_s", 0.33),
    Prior("Cr.t2_s", 0.165),
    Prior("amide.fraction", 0.165),
    Prior("amine.fraction", 0.29),
    Prior("amine.k_per_s", 0.33),
    Prior("semisolid.fraction", 0.41),
    Prior("water.t1_s", R1_KNOWN_TO),
    Prior("water.t2_s", 0.45),
    Prior("b0_shift_ppm", 0.3, relative=False),
    Prior("relative_b1", 0.14),
)
_TISSUES, _TISSUES_IF_COSTLY = 200, 9


@dataclass(frozen=True)
class BoundRow:
    """RMS over tissues of the smallest possible SD at one noise level, relative to the mean of the quantity."""

    noise_sd: float
    fs: float
    ksw: float


def reference_bound(
    protocol: Protocol, noise_levels: tuple[float, ...] = NOISE_LEVELS, seed: int = 5
) -> list[BoundRow]:
    """Bayesian Cramér–Rao bound over the reference muscle, one row a noise level (SD of Z)."""
    n = _TISSUES_IF_COSTLY if is_costly(protocol.saturation) else _TISSUES
    draw = draw_muscle(REFERENCE, n, np.random.default_rng(seed))
    jacobian = frame_jacobian(usable_frames(protocol), draw.tissue, REFERENCE_PRIOR)
    sds = np.array([p.sd for p in REFERENCE_PRIOR])
    covariance = posterior_covariance(jacobian, np.array(noise_levels), sds)
    relative = np.sqrt(np.stack([covariance[..., 0, 0], covariance[..., 1, 1]]))  # (2, n_tissues, n_noise)
    truth = np.stack([draw.fs, draw.ksw])[..., None]
    rms = np.sqrt(np.mean((relative * truth) ** 2, axis=1)) / truth.mean(axis=1)
    return [BoundRow(noise, float(fs), float(ksw)) for noise, fs, ksw in zip(noise_levels, *rms, strict=True)]
