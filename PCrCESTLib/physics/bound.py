"""The best that any method can do: Bayesian Cramér–Rao bound of fs and ksw for a protocol.

With the Jacobian J of Z with respect to the free parameters, noise of SD σ and prior SDs p, the posterior
covariance of the parameters is bounded by (JᵀJ/σ² + diag(1/p²))⁻¹ (van Trees 1968). J comes from the exact
Bloch–McConnell engine by five-point central differences, every perturbed tissue in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.physics.prior import (
    FS,
    KSW,
    SCANNER_PATHS,
    Prior,
    default_prior,
    get_value,
    prior_sds,
    with_values,
)
from PCrCESTLib.physics.tissue import Tissue
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.saturation import Saturation

# Frames closer to water say much about B0 and little about PCr, and the tissue model is at its worst there.
NEAREST_OFFSET_PPM = 0.2
# In ln(parameter), or in ppm for B0. No derivative then differs from automatic differentiation by more than
# 2e-10, but for B0 where a super-Lorentzian's cut begins: its curvature jumps there, and 1e-6 is left (tested).
STEP = 3e-4
FIVE_POINTS = ((-2.0, 1 / 12), (-1.0, -8 / 12), (1.0, 8 / 12), (2.0, -1 / 12))
# Where the engine has to propagate (see is_costly) half the points must do; they leave 1e-6 of the derivative.
TWO_POINTS = ((-1.0, -1 / 2), (1.0, 1 / 2))


@dataclass(frozen=True)
class Frames:
    """Saturated frames: offsets (ppm) and B1 (µT), both (n_frames,), with what they share."""

    offsets_ppm: np.ndarray
    b1_ut: np.ndarray
    saturation: Saturation
    field_t: float


@dataclass(frozen=True)
class Bound:
    """Smallest possible spread of every parameter after the scan.

    Parameters
    ----------
    prior : tuple of Prior
        The free parameters in order.
    noise_sd : np.ndarray
        Noise of Z, (n_noise,).
    covariance : np.ndarray
        Bound on the posterior covariance, (n_tissues, n_noise, n_parameters, n_parameters), in the units of
        the priors: relative where those are relative.
    fs, ksw : np.ndarray
        Proton fraction and exchange rate (s⁻¹) of each tissue, (n_tissues,).
    """

    prior: tuple[Prior, ...]
    noise_sd: np.ndarray
    covariance: np.ndarray
    fs: np.ndarray
    ksw: np.ndarray

    def relative_sd(self, path: str) -> np.ndarray:
        """SD of the parameter at ``path`` in its prior's unit, (n_tissues, n_noise)."""
        i = self._index(path)
        return np.sqrt(self.covariance[..., i, i])

    @property
    def fs_sd(self) -> np.ndarray:
        """SD of fs (dimensionless), (n_tissues, n_noise)."""
        return self.relative_sd(FS) * self.fs[:, None]

    @property
    def ksw_sd(self) -> np.ndarray:
        """SD of ksw, s⁻¹, (n_tissues, n_noise)."""
        return self.relative_sd(KSW) * self.ksw[:, None]

    @property
    def correlation(self) -> np.ndarray:
        """Correlation of fs and ksw after the scan, −1 to 1, (n_tissues, n_noise)."""
        covariance = self.covariance[..., self._index(FS), self._index(KSW)]
        return covariance / (self.relative_sd(FS) * self.relative_sd(KSW))

    def narrowing(self, path: str) -> np.ndarray:
        """SD after the scan over SD before it, (n_tissues, n_noise); 1 where the scan taught nothing."""
        return self.relative_sd(path) / self.prior[self._index(path)].sd

    def _index(self, path: str) -> int:
        return [p.path for p in self.prior].index(path)


def bound(
    protocol: Protocol,
    tissue: Tissue,
    noise_sd: float | Sequence[float],
    prior: Sequence[Prior] | None = None,
) -> Bound:
    """Return the bound on fs, ksw and every other free parameter of ``tissue`` scanned with ``protocol``.

    Parameters
    ----------
    protocol : Protocol
        Its frames farther than 0.2 ppm from water are used.
    tissue : Tissue
        One or many tissues (n_tissues) that hold a pool named ``pcr``.
    noise_sd : float or (n_noise,)
        Standard deviation of Z in one voxel or ROI mean.
    prior : sequence of Prior, optional
        The free parameters; by default ``default_prior(tissue)``. Everything else counts as known exactly.

    Raises
    ------
    PhysicsError
        When a noise level is not positive, a prior names what the tissue lacks, or no frame is left.
    """
    priors = tuple(default_prior(tissue) if prior is None else prior)
    missing = {FS, KSW} - {p.path for p in priors}
    if missing:
        raise PhysicsError(f"the bound of {' and '.join(sorted(missing))} needs a prior; none was given")
    jacobian = frame_jacobian(usable_frames(protocol), tissue, priors)
    noise = np.atleast_1d(np.asarray(noise_sd, dtype=float))
    n = jacobian.shape[0]
    return Bound(
        prior=priors,
        noise_sd=noise,
        covariance=posterior_covariance(jacobian, noise, prior_sds(priors)),
        fs=np.broadcast_to(np.asarray(get_value(tissue, FS), dtype=float), (n,)),
        ksw=np.broadcast_to(np.asarray(get_value(tissue, KSW), dtype=float), (n,)),
    )


def usable_frames(protocol: Protocol) -> Frames:
    """Return the saturated frames of ``protocol`` farther than 0.2 ppm from water.

    Raises
    ------
    PhysicsError
        When there is none.
    """
    index = [i for i in protocol.saturated_frames if abs(protocol.offsets_ppm[i]) > NEAREST_OFFSET_PPM]
    if not index:
        raise PhysicsError(f"no saturated frame lies farther than {NEAREST_OFFSET_PPM:g} ppm from water")
    offsets, b1 = np.array(protocol.offsets_ppm)[index], np.array(protocol.b1_ut)[index]
    return Frames(offsets, b1, protocol.saturation, protocol.field_t)


def is_costly(saturation: Saturation) -> bool:
    """Whether the engine propagates pulse by pulse or mode by mode, 20 times slower or more (measured)."""
    return (
        saturation.train is not None
        or saturation.repetition_time_s is not None
        or saturation.duration_s < 1.0
    )


def frame_jacobian(frames: Frames, tissue: Tissue, prior: Sequence[Prior]) -> np.ndarray:
    """Differentiate Z, (n_tissues, n_frames, n_parameters), by ln(parameter), or by B0 in ppm.

    Raises
    ------
    PhysicsError
        When a prior names what the tissue lacks.
    """
    n = tissue.n_tissues
    stencil = np.array(TWO_POINTS if is_costly(frames.saturation) else FIVE_POINTS)
    shifts, weights = stencil[:, 0] * STEP, stencil[:, 1] / STEP
    steps = np.kron(np.eye(len(prior)), shifts)
    z = _perturbed_spectra(frames, tissue, prior, steps)
    z = z.reshape(len(prior), len(stencil), n, -1)
    return np.einsum("ps...,s->...p", z, weights)


def _perturbed_spectra(
    frames: Frames, tissue: Tissue, prior: Sequence[Prior], steps: np.ndarray
) -> np.ndarray:
    """Z of every variant of every tissue; ``steps`` is (n_parameters, n_variants)."""
    n, n_variants = tissue.n_tissues, steps.shape[1]
    scanner = {"b0_shift_ppm": np.zeros(n_variants), "relative_b1": np.ones(n_variants)}
    values: dict[str, np.ndarray] = {}
    for p, step in zip(prior, steps, strict=True):
        if p.path in SCANNER_PATHS:
            scanner[p.path] = scanner[p.path] * np.exp(step) if p.relative else scanner[p.path] + step
            continue
        for path in (p.path, *p.tied):
            value = np.broadcast_to(np.asarray(get_value(tissue, path), dtype=float), (n,))
            varied = value * np.exp(step)[:, None] if p.relative else value + step[:, None]
            values[path] = varied.reshape(-1)
    return np.asarray(
        z_spectra(
            with_values(_tiled(tissue, n_variants), values),
            frames.saturation,
            frames.offsets_ppm,
            frames.b1_ut,
            frames.field_t,
            b0_shift_ppm=np.repeat(scanner["b0_shift_ppm"], n),
            relative_b1=np.repeat(scanner["relative_b1"], n),
        )
    )


def _tiled(tissue: Tissue, times: int) -> Tissue:
    """Repeat every array of ``tissue`` so that variant v of tissue t is entry v·n + t."""

    def tile(part: Any) -> Any:
        values = {f.name: getattr(part, f.name) for f in fields(part)}
        return replace(part, **{name: np.tile(v, times) for name, v in values.items() if np.ndim(v) == 1})

    return Tissue(
        water=tile(tissue.water),
        pools=tuple(tile(pool) for pool in tissue.pools),
        semisolid=None if tissue.semisolid is None else tile(tissue.semisolid),
    )


def posterior_covariance(jacobian: np.ndarray, noise_sd: np.ndarray, prior_sd: np.ndarray) -> np.ndarray:
    """Bound on the covariance, (n_tissues, n_noise, n_parameters, n_parameters).

    ``jacobian`` is (n_tissues, n_frames, n_parameters). The information is diagonalized once in units of the
    prior, so every further noise level costs nothing.

    Raises
    ------
    PhysicsError
        When a noise level is not positive.
    """
    if not np.all(noise_sd > 0):
        raise PhysicsError(f"the noise SD is {noise_sd[~(noise_sd > 0)][0]:g}; a positive number is expected")
    scaled = jacobian * prior_sd
    information = np.einsum("tfp,tfq->tpq", scaled, scaled)
    eigenvalues, vectors = np.linalg.eigh(information)
    shrink = 1.0 / (np.maximum(eigenvalues, 0.0)[:, None, :] / noise_sd[None, :, None] ** 2 + 1.0)
    covariance = np.einsum("tpk,tnk,tqk->tnpq", vectors, shrink, vectors)
    return covariance * prior_sd[:, None] * prior_sd[None, :]
