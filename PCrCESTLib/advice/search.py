"""Better protocols of the same scan time: other powers, other offsets, the same number of frames.

Frames of one protocol take equally long, so equal scan time means equally many frames. Two moves are tried:
divide the frames over one more power, and exchange the least useful frame for the most useful one as long as
that helps (Fedorov 1972, Theory of Optimal Experiments).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.advice.design import (
    JACOBIAN_SHARE,
    TARGETS,
    FramePool,
    Objective,
    Progress,
    frame_pool,
)
from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.physics.prior import Prior
from PCrCESTLib.physics.tissue import Tissue
from PCrCESTLib.protocol import Protocol

MAX_POWERS = 3  # a fourth brings 0 (rat, 4.7 T) to 7 % (human, 3 T), measured, for an unwieldy scan
# A further power that lowers the objective by less is not worth the longer protocol card.
WORTHWHILE_GAIN = 0.01


@dataclass(frozen=True)
class Alternative:
    """One protocol and its bound: RMS relative SD of fs and ksw over the tissues considered, in percent."""

    label: str
    protocol: Protocol
    fs_percent: float
    ksw_percent: float


@dataclass(frozen=True)
class UsefulFrame:
    """One frame more at ``offset_ppm`` and ``b1_ut`` shrinks the target's RMS SD by ``gain_percent``."""

    offset_ppm: float
    b1_ut: float
    gain_percent: float


@dataclass(frozen=True)
class SearchResult:
    """Alternatives of equal scan time, the given one first, the best last; the most useful single frames."""

    alternatives: tuple[Alternative, ...]
    useful_frames: tuple[UsefulFrame, ...]

    @property
    def best(self) -> Alternative:
        """The alternative with the smallest target."""
        return self.alternatives[-1]


def search_protocols(
    protocol: Protocol,
    tissue: Tissue,
    prior: Sequence[Prior],
    noise_sd: float,
    *,
    target: str = "both",
    max_b1_ut: float = 2.0,
    progress: Progress | None = None,
) -> SearchResult:
    """Compare protocols of the scan time of ``protocol`` by the bound at ``noise_sd`` (SD of Z).

    Parameters
    ----------
    tissue : Tissue
        The tissues, (n_tissues,), over which the squared relative SDs are averaged.
    prior : sequence of Prior
        Free parameters, fs and ksw among them.
    target : str
        ``both`` (sum of the squared relative SDs of fs and ksw), ``fs`` or ``ksw``.
    max_b1_ut : float
        No power above this, µT (heating, amplifier), other than those of the protocol.
    progress : callable, optional
        Receives the fraction done and a phrase; may raise to cancel.

    Raises
    ------
    PhysicsError
        When ``target`` is unknown or ``max_b1_ut`` is not positive.
    """
    if target not in TARGETS:
        raise PhysicsError(f"the target of the search is {target!r}; one of {', '.join(TARGETS)} is expected")
    if not max_b1_ut > 0:
        raise PhysicsError(f"the highest B1 to try is {max_b1_ut:g} µT; a positive number is expected")
    tell = progress or (lambda fraction, phrase: None)
    pool = frame_pool(protocol, tissue, prior, noise_sd, max_b1_ut, tell)
    objective = Objective(pool.rows, prior, TARGETS[target])
    given = pool.design_of(protocol)
    tell(JACOBIAN_SHARE, "comparing protocols of equal scan time")
    found = [
        (label, design)
        for label, design in _candidates(pool, objective, given)
        if objective.value(design) < (1 - 1e-6) * objective.value(given)
    ]
    found.sort(key=lambda item: -objective.value(item[1]))
    result = SearchResult(
        alternatives=tuple(
            Alternative(label, candidate, *objective.percent(design))
            for label, candidate, design in [
                ("as given", protocol, given),
                *((label, pool.protocol_of(design, protocol), design) for label, design in found),
            ]
        ),
        useful_frames=_useful_frames(pool, objective, given),
    )
    tell(1.0, "protocols compared")
    return result


def _candidates(pool: FramePool, objective: Objective, given: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Protocols of equal length with a label each: more powers, moved offsets, both."""
    candidates = [("same powers, offsets moved", objective.exchange(pool, given))]
    split = given
    while len(pool.powers_of(split)) < MAX_POWERS:
        further = _best_split(pool, objective, split)
        if further is None or objective.value(further) > (1 - WORTHWHILE_GAIN) * objective.value(split):
            break
        split = further
        candidates.append((f"{_powers_text(pool, split)}, offsets thinned out", split))
        candidates.append((f"{_powers_text(pool, split)}, offsets moved", objective.exchange(pool, split)))
    return candidates


def _best_split(pool: FramePool, objective: Objective, design: np.ndarray) -> np.ndarray | None:
    """Divide the frames evenly over the present powers and the best further one; None if there is none."""
    present = pool.powers_of(design)
    offsets = sorted({int(o) for o in pool.offset_of(design)})
    further = [p for p in range(len(pool.powers_ut)) if p not in present]
    splits = [_divided(pool, [*present, p], offsets, len(design)) for p in further]
    return min(splits, key=objective.value, default=None)


def _divided(pool: FramePool, powers: list[int], offsets: list[int], n_frames: int) -> np.ndarray:
    """``n_frames`` frames over the powers, each with evenly spaced members of ``offsets``."""
    shares = [n_frames // len(powers) + (i < n_frames % len(powers)) for i in range(len(powers))]
    frames = []
    for power, share in zip(powers, shares, strict=True):
        chosen = np.round(np.linspace(0, len(offsets) - 1, share)).astype(int)
        frames += [pool.index(power, offsets[i]) for i in chosen]
    return np.array(frames)


def _useful_frames(pool: FramePool, objective: Objective, design: np.ndarray) -> tuple[UsefulFrame, ...]:
    """Find the six added frames that help most, no two of one power within 0.3 ppm."""
    gains = objective.gains(objective.covariance(design), 1.0)
    before = objective.value(design)
    chosen: list[UsefulFrame] = []
    for frame in np.argsort(-gains):
        offset = float(pool.offsets_ppm[pool.offset_of(frame)])
        power = float(pool.powers_ut[pool.power_of(frame)])
        if all(abs(offset - u.offset_ppm) > 0.3 or power != u.b1_ut for u in chosen):
            percent = 100.0 * (1.0 - np.sqrt(1.0 - gains[frame] / before))
            chosen.append(UsefulFrame(offset, power, float(percent)))
        if len(chosen) == 6:
            break
    return tuple(chosen)


def _powers_text(pool: FramePool, design: np.ndarray) -> str:
    return " + ".join(f"{pool.powers_ut[p]:g}" for p in pool.powers_of(design)) + " µT"
