"""Whether spectra that are not muscle of the model's protocol are flagged, and muscle is left in peace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from PCrCESTLib.evaluation.section import Effort, Section, markdown_table
from PCrCESTLib.evaluation.testsets import (
    NOISE_LEVELS,
    family_set,
    realistic_set,
    reference_set,
    scanned,
    source_of,
)
from PCrCESTLib.models.backend import NumpyBackend
from PCrCESTLib.models.inference import Spectra, predict
from PCrCESTLib.models.model import Model
from PCrCESTLib.models.stream import Source
from PCrCESTLib.physics import SemisolidPool, Tissue, Water, z_spectra
from PCrCESTLib.preparation.b0 import samples_water_dip, shift_from_dip
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quality import Quality, flags
from PCrCESTLib.synthesis.augment import add_noise
from PCrCESTLib.synthesis.families import BROAD, PAPER_LIKE, REFERENCE, RICH, draw_muscle
from PCrCESTLib.synthesis.spectra import fat_spectra, frames_of

NOISE_SD, BONE_NOISE_SD = 0.005, 0.04
DETECTION_BAR, FALSE_ALARM_BAR = 0.95, 0.02
WATER_FAT_SHIFT_PPM = 3.4
OBJECTIONS = Quality.LOW_SNR | Quality.NO_WATER_DIP | Quality.OUTSIDE_TRAINING | Quality.HIGH_RESIDUAL
Frames = Callable[[Source, int, np.random.Generator], np.ndarray]


def unusual_section(model: Model, protocol: Protocol, effort: Effort) -> Section:
    """Share of spectra flagged: kinds that must be (detection) and muscle that must not be (false alarms)."""
    source = source_of(protocol)
    detection = {name: detected(model, source, make, effort) for name, make in CASES.items()}
    alarms = false_alarms(model, source, effort)
    text = [
        f"Spectra with one of the flags *low SNR*, *no water dip*, *outside training* or *high residual*. "
        f"{effort.n_spectra // 4} spectra a row at noise {NOISE_SD:g} (bone {BONE_NOISE_SD:g}, noise alone as it is). "
        f"The bar is {DETECTION_BAR:.0%}.\n",
        markdown_table(["not muscle of this protocol", "flagged"], [[k, f"{v:.1%}"] for k, v in detection.items()]),
        f"Muscle, by noise of Z; the bar is {FALSE_ALARM_BAR:.0%}.\n",
        markdown_table(
            ["muscle", *(f"{noise:g}" for noise in NOISE_LEVELS)],
            [[k, *(f"{v:.1%}" for v in values)] for k, values in alarms.items()],
        ),
        _verdict(detection, alarms),
    ]
    return Section("Unusual spectra", "\n".join(text), scores={"detection": detection, "false alarms": alarms})


def detected(model: Model, source: Source, make: Frames, effort: Effort) -> float:
    """Share of one kind of spectra that is flagged."""
    rng = np.random.default_rng(effort.seed)
    n = max(effort.n_spectra // 4, 50)
    z, sigma = make(source, n, rng), np.full(n, NOISE_SD)
    if make is noise_alone or make is bone:
        sigma = np.full(n, 0.4 if make is noise_alone else BONE_NOISE_SD)
    if make is not noise_alone:
        z = add_noise(z.astype(np.float32), sigma.astype(np.float32), rng)
    blocks = source.blocks(z)
    shift, found = np.zeros(n), np.full(n, not samples_water_dip(source.offsets_ppm[0]))
    if samples_water_dip(source.offsets_ppm[0]):
        shift, found = shift_from_dip(blocks[0], source.offsets_ppm[0])
    unknown = np.full(n, np.nan)
    return flagged(model, Spectra(source.offsets_ppm, blocks, sigma, shift, np.full(n, 0.62), unknown), found)


def flagged(model: Model, spectra: Spectra, dip_found: np.ndarray) -> float:
    """Share of spectra with an objection."""
    posterior = predict(model, spectra, NumpyBackend())
    bits = flags(posterior, spectra.sigma, dip_found, model.card)
    return float(np.mean((bits & np.uint8(OBJECTIONS)) > 0))


def false_alarms(model: Model, source: Source, effort: Effort) -> dict[str, list[float]]:
    """Share of muscle flagged, one number a noise level."""
    draws = {
        "reference": reference_set,
        "realistic": realistic_set,
        "paper-like": lambda *a: family_set(PAPER_LIKE, *a),
        "rich": lambda *a: family_set(RICH, *a),
        "broad": lambda *a: family_set(BROAD, *a),
    }
    found: dict[str, list[float]] = {}
    for name, draw in draws.items():
        clean = draw(source.protocol, effort.n_spectra, np.random.default_rng(effort.seed + 1))
        for perfect in (True, False):
            shares = []
            for noise in NOISE_LEVELS:
                spectra = scanned(source, clean, noise, np.random.default_rng(effort.seed + 2), perfect=perfect)
                shares.append(flagged(model, spectra, np.full(len(clean), True)))
            found[f"{name}, {'perfect' if perfect else 'real'} scanner"] = shares
    return found


def muscle_frames(
    source: Source,
    n: int,
    rng: np.random.Generator,
    *,
    power_factor: float = 1.0,
    field_t: float = 0.0,
    shift: float = 0.0,
) -> np.ndarray:
    """Noise-free Z (n, n_frames) of the reference muscle, at other powers, field or shift than the protocol says."""
    protocol = source.protocol
    offsets, b1_ut = frames_of(protocol)
    draw = draw_muscle(REFERENCE, n, rng)
    return np.asarray(
        z_spectra(
            draw.tissue,
            protocol.saturation,
            offsets,
            b1_ut * power_factor,
            field_t or protocol.field_t,
            b0_shift_ppm=rng.uniform(-0.2, 0.2, n) + shift,
            relative_b1=rng.uniform(0.9, 1.1, n),
        )
    )


def powers_swapped(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Give the series of the lowest power as that of the highest, and the other way round."""
    z = muscle_frames(source, n, rng)
    _, b1_ut = frames_of(source.protocol)
    first, last = (np.nonzero(np.abs(b1_ut - p) < 0.01)[0] for p in (min(b1_ut), max(b1_ut)))
    swapped = z.copy()
    swapped[:, first], swapped[:, last] = z[:, last], z[:, first]
    return swapped


def mirrored(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Give the offsets the wrong sign."""
    z = muscle_frames(source, n, rng)
    offsets, b1_ut = frames_of(source.protocol)
    order = np.lexsort((offsets, b1_ut))
    back = np.lexsort((-offsets, b1_ut))
    turned = np.empty_like(z)
    turned[:, order] = z[:, back]
    return turned


def fat(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Fat with a tenth of water."""
    b0, b1 = rng.uniform(-0.2, 0.2, n), rng.uniform(0.9, 1.1, n)
    water = muscle_frames(source, n, rng)
    return np.asarray(0.9 * fat_spectra(source.protocol, b0, b1, rng) + 0.1 * water)


def bone(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Water with a T2 of a millisecond in much macromolecule; its signal is weak, so its noise is high."""
    tissue = Tissue(Water(np.full(n, 0.6), rng.uniform(5e-4, 2e-3, n)), (), SemisolidPool(0.5, 40.0, 1.5, 1e-5))
    offsets, b1_ut = frames_of(source.protocol)
    return np.asarray(z_spectra(tissue, source.protocol.saturation, offsets, b1_ut, source.protocol.field_t))


def moved_to_fat(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Muscle in the first half of the frames of each power, fat in the second."""
    z, other = muscle_frames(source, n, rng), fat(source, n, rng)
    second = _second_half(source.protocol)
    return np.where(second, other, z)


def jumped(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Let the signal rise by 30 % in the middle of the frames of each power."""
    return np.asarray(muscle_frames(source, n, rng) * np.where(_second_half(source.protocol), 1.3, 1.0))


def _second_half(protocol: Protocol) -> np.ndarray:
    _, b1_ut = frames_of(protocol)
    second = np.zeros(len(b1_ut), dtype=bool)
    for power in protocol.powers_ut:
        frames = np.nonzero(np.abs(b1_ut - power) < 0.01)[0]
        second[frames[len(frames) // 2 :]] = True
    return second


def noise_alone(source: Source, n: int, rng: np.random.Generator) -> np.ndarray:
    """Air: a frame and M0 are noise of the same kind."""
    n_frames = len(frames_of(source.protocol)[0])
    signal = np.hypot(*rng.standard_normal((2, n, n_frames)))
    return np.asarray(signal / np.hypot(*rng.standard_normal((2, n, 1))).clip(0.3), dtype=np.float32)


CASES: dict[str, Frames] = {
    "powers of the two series swapped": powers_swapped,
    "twice the power": lambda *a: muscle_frames(*a, power_factor=2.0),
    "half the power": lambda *a: muscle_frames(*a, power_factor=0.5),
    "9.4 T": lambda *a: muscle_frames(*a, field_t=9.4),
    "offsets with the wrong sign": mirrored,
    "fat": fat,
    "bone": bone,
    "motion: fat in half of the frames": moved_to_fat,
    "motion: signal jumps by 30 %": jumped,
    "water and fat swapped": lambda *a: muscle_frames(*a, shift=-WATER_FAT_SHIFT_PPM),
    "noise alone": noise_alone,
}


def _verdict(detection: dict[str, float], alarms: dict[str, list[float]]) -> str:
    missed = [f"{k} ({v:.0%})" for k, v in detection.items() if v < DETECTION_BAR]
    noisy = [f"{k} ({max(v):.1%})" for k, v in alarms.items() if max(v) > FALSE_ALARM_BAR]
    sentences = [
        f"Detection is below the bar for: {', '.join(missed)}." if missed else "Every kind is detected.",
        f"Too many false alarms on: {', '.join(noisy)}." if noisy else "No muscle has too many false alarms.",
    ]
    return " ".join(sentences) + "\n"
