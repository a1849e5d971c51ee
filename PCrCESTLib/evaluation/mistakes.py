"""Spectra that are not muscle scanned as the protocol says: wrong acquisition, other tissue, motion, noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.evaluation.testsets import realistic_draw
from PCrCESTLib.models.stream import Source
from PCrCESTLib.physics import SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.synthesis.families import REFERENCE, draw_muscle
from PCrCESTLib.synthesis.spectra import at_power, fat_spectra, frames_of

NOISE_SD, BONE_NOISE_SD, AIR_NOISE_SD = 0.005, 0.04, 0.4
WATER_FAT_SHIFT_PPM = 3.4
Tissues = Callable[[int, np.random.Generator], Tissue]
Frames = Callable[[Source, int, np.random.Generator, Tissues], np.ndarray]


@dataclass(frozen=True)
class Case:
    """One kind of spectra that must be flagged.

    ``frames`` makes them of a muscle, noise-free; ``learned`` says that the guard was trained on this very mistake;
    ``ready`` that they hold their noise already.
    """

    frames: Frames
    learned: bool = False
    noise_sd: float = NOISE_SD
    ready: bool = False


def reference_tissues(n: int, rng: np.random.Generator) -> Tissue:
    """Draw the reference muscle."""
    return draw_muscle(REFERENCE, n, rng).tissue


def realistic_tissues(n: int, rng: np.random.Generator) -> Tissue:
    """Draw muscle set by hand to measured rats."""
    return realistic_draw(n, rng).tissue


def muscle_frames(
    source: Source,
    n: int,
    rng: np.random.Generator,
    muscle: Tissues,
    *,
    power_factor: float = 1.0,
    field_t: float = 0.0,
    shift: float = 0.0,
) -> np.ndarray:
    """Noise-free Z (n, n_frames) of muscle at other powers, field (T) or shift (ppm) than the protocol says."""
    protocol = source.protocol
    offsets, b1_ut = frames_of(protocol)
    return np.asarray(
        z_spectra(
            muscle(n, rng),
            protocol.saturation,
            offsets,
            b1_ut * power_factor,
            field_t or protocol.field_t,
            b0_shift_ppm=rng.uniform(-0.2, 0.2, n) + shift,
            relative_b1=rng.uniform(0.9, 1.1, n),
        )
    )


def powers_swapped(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
    """Give the series of the lowest power as that of the highest, and the other way round."""
    z = muscle_frames(source, n, rng, muscle)
    _, b1_ut = frames_of(source.protocol)
    first, last = (at_power(b1_ut, p) for p in (min(b1_ut), max(b1_ut)))
    swapped = z.copy()
    swapped[:, first], swapped[:, last] = z[:, last], z[:, first]
    return swapped


def mirrored(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
    """Give the offsets the wrong sign."""
    z = muscle_frames(source, n, rng, muscle)
    offsets, b1_ut = frames_of(source.protocol)
    order = np.lexsort((offsets, b1_ut))
    back = np.lexsort((-offsets, b1_ut))
    turned = np.empty_like(z)
    turned[:, order] = z[:, back]
    return turned


def fat(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
    """Fat with a tenth of water."""
    b0, b1 = rng.uniform(-0.2, 0.2, n), rng.uniform(0.9, 1.1, n)
    water = muscle_frames(source, n, rng, muscle)
    return np.asarray(0.9 * fat_spectra(source.protocol, b0, b1, rng) + 0.1 * water)


def bone(source: Source, n: int, rng: np.random.Generator, _: Tissues) -> np.ndarray:
    """Water with a T2 of a millisecond in much macromolecule; its signal is weak, so its noise is high."""
    tissue = Tissue(
        Water(np.full(n, 0.6), rng.uniform(5e-4, 2e-3, n)), (), SemisolidPool(0.5, 40.0, 1.5, 1e-5)
    )
    offsets, b1_ut = frames_of(source.protocol)
    return np.asarray(z_spectra(tissue, source.protocol.saturation, offsets, b1_ut, source.protocol.field_t))


def moved_to_fat(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
    """Muscle in the first half of the frames of each power, fat in the second."""
    z, other = muscle_frames(source, n, rng, muscle), fat(source, n, rng, muscle)
    second = _second_half(source.protocol)
    return np.where(second, other, z)


def jumped(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
    """Let the signal rise by 30 % in the middle of the frames of each power."""
    return np.asarray(
        muscle_frames(source, n, rng, muscle) * np.where(_second_half(source.protocol), 1.3, 1.0)
    )


def _second_half(protocol: Protocol) -> np.ndarray:
    _, b1_ut = frames_of(protocol)
    second = np.zeros(len(b1_ut), dtype=bool)
    for power in protocol.powers_ut:
        frames = at_power(b1_ut, power)
        second[frames[len(frames) // 2 :]] = True
    return second


def noise_alone(source: Source, n: int, rng: np.random.Generator, _: Tissues) -> np.ndarray:
    """Air: a frame and M0 are noise of the same kind."""
    n_frames = len(frames_of(source.protocol)[0])
    signal = np.hypot(*rng.standard_normal((2, n, n_frames)))
    return np.asarray(signal / np.hypot(*rng.standard_normal((2, n, 1))).clip(0.3), dtype=np.float32)


def moved_to_air(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
    """Muscle in the first half of the frames of each power, hardly any signal in the second."""
    return np.asarray(
        muscle_frames(source, n, rng, muscle) * np.where(_second_half(source.protocol), 0.02, 1.0)
    )


def _scanned_as(**changes: float) -> Frames:
    """Make muscle scanned otherwise than the protocol says; ``field_factor`` multiplies its field."""
    factor = changes.pop("field_factor", 1.0)

    def make(source: Source, n: int, rng: np.random.Generator, muscle: Tissues) -> np.ndarray:
        return muscle_frames(source, n, rng, muscle, field_t=factor * source.protocol.field_t, **changes)

    return make


SWAPPED = "powers of the two series swapped"
# The guard learned factors from 0.3 to 0.7 and from 1.4 to 3, of the field and (besides B1 errors of ±25 %) the power.
CASES = {
    SWAPPED: Case(powers_swapped, learned=True),
    "twice the power": Case(_scanned_as(power_factor=2.0), learned=True),
    "half the power": Case(_scanned_as(power_factor=0.5), learned=True),
    "twice the field": Case(_scanned_as(field_factor=2.0), learned=True),
    "offsets with the wrong sign": Case(mirrored, learned=True),
    "1.5 times the power": Case(_scanned_as(power_factor=1.5), learned=True),
    "two thirds of the power": Case(_scanned_as(power_factor=2 / 3), learned=True),
    "1.5 times the field": Case(_scanned_as(field_factor=1.5), learned=True),
    "two thirds of the field": Case(_scanned_as(field_factor=2 / 3), learned=True),
    "fat": Case(fat),
    "bone": Case(bone, noise_sd=BONE_NOISE_SD),
    "motion: fat in half of the frames": Case(moved_to_fat),
    "motion: air in half of the frames": Case(moved_to_air),
    "motion: signal jumps by 30 %": Case(jumped),
    "water and fat swapped": Case(_scanned_as(shift=-WATER_FAT_SHIFT_PPM)),
    "noise alone": Case(noise_alone, noise_sd=AIR_NOISE_SD, ready=True),
}


def cases_of(protocol: Protocol) -> dict[str, Case]:
    """All cases that can happen with this protocol: one power cannot be swapped."""
    return {k: case for k, case in CASES.items() if k != SWAPPED or len(protocol.powers_ut) > 1}
