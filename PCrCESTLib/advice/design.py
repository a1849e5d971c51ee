"""The frames that a protocol could have, and what each of them is worth.

The exact derivatives of every candidate frame are computed once. After that a protocol is a list of indices,
and adding a frame or dropping one is a rank-one change of the posterior covariance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from PCrCESTLib.physics.bound import NEAREST_OFFSET_PPM, Frames, frame_jacobian
from PCrCESTLib.physics.prior import FS, KSW, Prior, prior_sds
from PCrCESTLib.physics.tissue import Tissue
from PCrCESTLib.protocol import Protocol

Progress = Callable[[float, str], None]

POWER_GRID_UT = (0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
# One frame in four stays where it was: a design that trusts the tissue model blindly puts every frame on a
# few offsets, and then a wrong model, the bigger enemy than noise, can no longer be noticed.
KEPT_FRAME_STRIDE = 4
JACOBIAN_SHARE = 0.95  # of the time of a search
TARGETS = {"both": (FS, KSW), "fs": (FS,), "ksw": (KSW,)}


@dataclass(frozen=True)
class FramePool:
    """Every frame that could be acquired, power by power.

    Parameters
    ----------
    powers_ut, offsets_ppm : np.ndarray
        The grid, ascending; frame number power·n_offsets + offset.
    rows : np.ndarray
        Derivatives of Z over the noise, per prior SD, (n_tissues, n_frames, n_parameters).
    """

    powers_ut: np.ndarray
    offsets_ppm: np.ndarray
    rows: np.ndarray

    @property
    def n_frames(self) -> int:
        """Number of candidate frames."""
        return self.rows.shape[1]

    def index(self, power: int, offset: int) -> int:
        """Frame number of the pair of grid positions."""
        return power * len(self.offsets_ppm) + offset

    def power_of(self, frame: np.ndarray) -> np.ndarray:
        """Grid position of each frame's power."""
        return np.asarray(frame) // len(self.offsets_ppm)

    def offset_of(self, frame: np.ndarray) -> np.ndarray:
        """Grid position of each frame's offset."""
        return np.asarray(frame) % len(self.offsets_ppm)

    def powers_of(self, design: np.ndarray) -> list[int]:
        """Grid positions of the powers that a design uses, ascending."""
        return sorted({int(p) for p in self.power_of(design)})

    def design_of(self, protocol: Protocol) -> np.ndarray:
        """Frame numbers of the protocol's frames that are far enough from water, (n,)."""
        frames = [i for i in protocol.saturated_frames if abs(protocol.offsets_ppm[i]) > NEAREST_OFFSET_PPM]
        return np.array(
            [
                self.index(
                    int(np.argmin(np.abs(self.powers_ut - protocol.b1_ut[i]))),
                    int(np.argmin(np.abs(self.offsets_ppm - protocol.offsets_ppm[i]))),
                )
                for i in frames
            ]
        )

    def protocol_of(self, design: np.ndarray, given: Protocol) -> Protocol:
        """Keep reference and near-water frames; the design's follow, power by power, offsets descending."""
        searched = {i for i in given.saturated_frames if abs(given.offsets_ppm[i]) > NEAREST_OFFSET_PPM}
        kept = [i for i in range(given.n_frames) if i not in searched]
        order = sorted(design.tolist(), key=lambda f: (self.power_of(f), -self.offset_of(f)))
        references = set(given.reference_frames)
        return replace(
            given,
            offsets_ppm=(
                *(given.offsets_ppm[i] for i in kept),
                *(float(self.offsets_ppm[self.offset_of(f)]) for f in order),
            ),
            b1_ut=(
                *(given.b1_ut[i] for i in kept),
                *(float(self.powers_ut[self.power_of(f)]) for f in order),
            ),
            reference_frames=tuple(n for n, i in enumerate(kept) if i in references),
        )


class Objective:
    """Mean over tissues of the squared relative SDs of the target parameters, and its rank-one changes."""

    def __init__(self, rows: np.ndarray, prior: Sequence[Prior], target: tuple[str, ...]) -> None:
        paths = [p.path for p in prior]
        self._rows = rows
        self._target = [paths.index(path) for path in target]
        self._reported = [paths.index(FS), paths.index(KSW)]
        self._sd = prior_sds(prior)

    def covariance(self, design: np.ndarray) -> np.ndarray:
        """Posterior covariance in prior SDs, (n_tissues, n_parameters, n_parameters)."""
        chosen = self._rows[:, design]
        information = np.einsum("tfp,tfq->tpq", chosen, chosen) + np.eye(chosen.shape[-1])
        return np.linalg.inv(information)

    def value(self, design: np.ndarray) -> float:
        """Return the objective of a design; smaller is better."""
        return self._of(self.covariance(design))

    def percent(self, design: np.ndarray) -> tuple[float, float]:
        """RMS relative SD over the tissues of fs and ksw, percent."""
        diagonal = np.einsum("tpp->tp", self.covariance(design)) * self._sd**2
        fs, ksw = 100.0 * np.sqrt(diagonal[:, self._reported].mean(axis=0))
        return float(fs), float(ksw)

    def gains(self, covariance: np.ndarray, sign: float) -> np.ndarray:
        """Drop of the objective when a frame is added (sign 1) or its rise when dropped (−1), (n_frames,)."""
        projected = np.einsum("tpq,tfq->tfp", covariance, self._rows)
        leverage = np.einsum("tfp,tfp->tf", projected, self._rows)
        change = (projected[..., self._target] * self._sd[self._target]) ** 2
        return np.asarray((change.sum(axis=-1) / (1.0 + sign * leverage)).mean(axis=0))

    def exchange(self, pool: FramePool, start: np.ndarray) -> np.ndarray:
        """Drop the least useful frame and add the most useful one while that helps; powers stay the same."""
        design = start.copy()
        allowed = np.isin(pool.power_of(np.arange(pool.n_frames)), pool.powers_of(start))
        movable = np.arange(len(design)) % KEPT_FRAME_STRIDE != 0
        for _ in range(4 * len(design)):
            covariance = self.covariance(design)
            loss = np.where(movable, self.gains(covariance, -1.0)[design], np.inf)
            dropped = int(np.argmin(loss))
            without = np.delete(design, dropped)
            gain = np.where(allowed, self.gains(self.covariance(without), 1.0), -np.inf)
            gain[without] = -np.inf
            if gain.max() <= loss[dropped] + 1e-4 * self._of(covariance):
                break
            design[dropped] = int(np.argmax(gain))
        return design

    def _of(self, covariance: np.ndarray) -> float:
        diagonal = np.einsum("tpp->tp", covariance)[:, self._target] * self._sd[self._target] ** 2
        return float(diagonal.sum(axis=1).mean())


def frame_pool(
    protocol: Protocol,
    tissue: Tissue,
    prior: Sequence[Prior],
    noise_sd: float,
    max_b1_ut: float,
    tell: Progress,
) -> FramePool:
    """Return every frame on the grids of powers (up to ``max_b1_ut``) and offsets, with the protocol's own.

    ``noise_sd`` is the SD of Z; ``tell`` hears the fraction done, up to ``JACOBIAN_SHARE``.
    """
    own_offsets = {protocol.offsets_ppm[i] for i in protocol.saturated_frames}
    offsets = _merged(own_offsets, _offset_grid(), tolerance=0.03)
    offsets = offsets[np.abs(offsets) > NEAREST_OFFSET_PPM]
    powers = _merged(protocol.powers_ut, (p for p in POWER_GRID_UT if p <= max_b1_ut), tolerance=0.02)
    rows = []
    for n, power in enumerate(powers):
        tell(JACOBIAN_SHARE * n / len(powers), f"derivatives at {power:g} µT")
        frames = Frames(offsets, np.full(len(offsets), power), protocol.saturation, protocol.field_t)
        rows.append(frame_jacobian(frames, tissue, prior) * prior_sds(prior) / noise_sd)
    return FramePool(powers_ut=powers, offsets_ppm=offsets, rows=np.concatenate(rows, axis=1))


def _offset_grid() -> np.ndarray:
    """Return steps of 0.125 ppm, half of that around both PCr peaks, and the rat protocols' far offsets."""
    inner = np.arange(-5.0, 5.01, 0.125)
    fine = np.arange(1.6875, 3.07, 0.125)
    far = [-10.0, -8.75, -7.5, -6.25, 6.25, 7.5, 8.75, 10.0]
    return np.concatenate([inner, fine, far])


def _merged(own: Iterable[float], grid: Iterable[float], tolerance: float) -> np.ndarray:
    """Join the protocol's own values and those of the grid that differ from them, ascending."""
    mine = np.array(sorted(own))
    extra = [g for g in grid if np.min(np.abs(mine - g)) > tolerance]
    return np.sort(np.concatenate([mine, extra]))
