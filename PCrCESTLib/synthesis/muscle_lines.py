"""The Lorentzian lines of muscle in the rotating frame, with limits from what the training families contain.

A line may take out of a measured spectrum only what training puts back: the limits of its height and width are those
of Rex = f·k·ω1²/[ω1² + (R2+k)·k + Δω²·k/(R2+k)] over the families' ranges of f, k and T2 (half width
√[ω1²(R2+k)/k + (R2+k)²]; Zaiss 2013, NMR Biomed 26:507). A third of every range is the SD of what is known beforehand:
without it a noise of Z of 0.001 moved the background under PCr by half of the PCr effect at worst, with it by a fifth.
"""

from __future__ import annotations

import itertools

import numpy as np

from PCrCESTLib.fitting.lorentzian import Bounded, Line, fixed
from PCrCESTLib.physics import GAMMA
from PCrCESTLib.synthesis.families import PAPER_LIKE, RICH, PoolPrior

KEPT_LINES = ("amine", "hydroxyl")  # these stay in the background, as the pools of that name do in training
_SLACK = 1.3  # of the height, because the heights of neighbors do not add up exactly
_KNOWN_TO = 1 / 3
_R2_WATER = (25.0, 8.0, 100.0)
_MT_PER_UT2 = 0.4  # s⁻¹ µT⁻², rat muscle at 4.7 T; only where the fit starts
_MT_CENTER_PPM = (-1.0, -4.0, 1.0)
_MT_T2_S = (6e-6, 8e-5)  # of the families; below 20 ppm at 4.7 T the line would compete with amine and NOE
_FREE_CENTERS = {"PCr", "Cr", "amide", "NOE -3.3"}


def muscle_lines(b1_ut: float, field_t: float) -> tuple[Line, ...]:
    """Lines of S(Δ), s⁻¹, at one power: water, MT, amide, amine, PCr, Cr, NOE −3.3, hydroxyl and NOE −1.6.

    Water, R2w·sin²θ, is a line of half width γB1. PCr, Cr, amide and the NOE at −3.3 ppm may move within the families'
    ranges.
    """
    water = Line("water", _known(*_R2_WATER), fixed(0.0), fixed(2 * b1_ut / field_t))
    mt_width = _bounded(*(2 / (t2 * GAMMA * field_t) for t2 in reversed(_MT_T2_S)))
    usual_mt = _MT_PER_UT2 * b1_ut**2
    mt = Line("MT", Bounded(usual_mt, 0.0, 100 * usual_mt), _known(*_MT_CENTER_PPM), mt_width)
    rich = {prior.name: prior for prior in RICH.pools}
    solutes = [*PAPER_LIKE.pools, rich["hydroxyl"], rich["NOE -1.6"]]
    return (water, mt, *(_line(prior, b1_ut, field_t) for prior in solutes))


def _line(prior: PoolPrior, b1_ut: float, field_t: float) -> Line:
    w1 = GAMMA * b1_ut
    heights, widths = [], []
    k_range = np.geomspace(prior.k_per_s.low, prior.k_per_s.high, 9)
    for k, t2 in itertools.product(k_range, (prior.t2_s.low, prior.t2_s.high)):
        total = 1 / t2 + k
        heights.append(prior.fraction.high * k * w1**2 / (w1**2 + total * k))
        widths.append(2 * np.sqrt(w1**2 * total / k + total**2) / (GAMMA * field_t))
    low, high = prior.shift_ppm.low, prior.shift_ppm.high
    middle = (low + high) / 2
    center = _known(middle, low, high) if prior.name in _FREE_CENTERS else fixed(middle)
    highest = _SLACK * max(heights)
    return Line(prior.name, _known(highest / 4, 0.0, highest), center, _bounded(min(widths), max(widths)))


def _bounded(low: float, high: float) -> Bounded:
    return _known(float(np.sqrt(low * high)), float(low), float(high))


def _known(start: float, low: float, high: float) -> Bounded:
    return Bounded(start, low, high, _KNOWN_TO * (high - low))
