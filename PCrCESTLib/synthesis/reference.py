"""The bound that no method can beat on the reference paper's muscle over its own ranges.

Its prior is the spread of those ranges (fs 29 %, ksw 33 %), that of `physics.prior`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from PCrCESTLib.physics.bound import frame_jacobian, is_costly, posterior_covariance, usable_frames
from PCrCESTLib.physics.prior import REFERENCE_PRIOR as PAPER_PRIOR
from PCrCESTLib.physics.prior import Prior, prior_sds
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import REFERENCE, draw_muscle

NOISE_LEVELS = (0.01, 0.005, 0.002, 0.0005)
R1_KNOWN_TO = 0.03
# The same pools under the names they have here; the amine's fraction spreads as in the reference family.
_NAMES = {"pcr": "PCr", "creatine": "Cr"}
_AMINE_SD = 0.29


def reference_prior() -> tuple[Prior, ...]:
    """Return `physics.prior.REFERENCE_PRIOR` for the tissues of the reference family."""
    priors = []
    for prior in PAPER_PRIOR:
        part, dot, quantity = prior.path.rpartition(".")
        path = f"{_NAMES.get(part, part)}{dot}{quantity}"
        sd = _AMINE_SD if path == "amine.fraction" else prior.sd
        priors.append(replace(prior, path=path, sd=sd, tied=()))
    return tuple(priors)


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
    prior = reference_prior()
    jacobian = frame_jacobian(usable_frames(protocol), draw.tissue, prior)
    covariance = posterior_covariance(jacobian, np.array(noise_levels), prior_sds(prior))
    relative = np.sqrt(np.stack([covariance[..., 0, 0], covariance[..., 1, 1]]))  # (2, n_tissues, n_noise)
    truth = np.stack([draw.fs, draw.ksw])[..., None]
    rms = np.sqrt(np.mean((relative * truth) ** 2, axis=1)) / truth.mean(axis=1)
    return [BoundRow(noise, float(fs), float(ksw)) for noise, fs, ksw in zip(noise_levels, *rms, strict=True)]
