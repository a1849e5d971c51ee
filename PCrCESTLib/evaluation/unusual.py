"""Whether spectra that are not muscle of the model's protocol are flagged, and muscle is left in peace."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from PCrCESTLib.evaluation.mistakes import (
    BONE_NOISE_SD,
    NOISE_SD,
    Case,
    Tissues,
    cases_of,
    realistic_tissues,
    reference_tissues,
)
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
from PCrCESTLib.preparation.b0 import samples_water_dip, shift_from_dip
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.quality import Quality, network_flags, scan_flags
from PCrCESTLib.synthesis.augment import add_noise
from PCrCESTLib.synthesis.families import BROAD, PAPER_LIKE, RICH

DETECTION_BAR, FALSE_ALARM_BAR = 0.95, 0.02
TOLD_R1_OBS = 0.62  # s⁻¹, of healthy muscle
BY_SPECTRUM = Quality.NO_WATER_DIP | Quality.OUTSIDE_TRAINING | Quality.HIGH_RESIDUAL
OBJECTIONS = BY_SPECTRUM | Quality.LOW_SNR


@dataclass(frozen=True)
class Detection:
    """Shares of spectra flagged: of the reference and of the realistic muscle, and without the flag for low SNR."""

    reference: float
    realistic: float
    by_spectrum: float
    learned: bool


def unusual_section(model: Model, protocol: Protocol, effort: Effort) -> Section:
    """Share of spectra flagged: kinds that must be (detection) and muscle that must not be (false alarms)."""
    source = source_of(protocol)
    found = {name: detected(model, source, case, effort) for name, case in cases_of(protocol).items()}
    alarms = false_alarms(model, source, effort)
    rows = [
        [k, "yes" if d.learned else "no", *(f"{v:.1%}" for v in (d.reference, d.realistic, d.by_spectrum))]
        for k, d in found.items()
    ]
    text = [
        f"Spectra with one of the flags *low SNR*, *no water dip*, *outside training* or *high residual*. "
        f"{_count(effort)} spectra a row at noise {NOISE_SD:g} (bone {BONE_NOISE_SD:g}, noise alone as it is), made of "
        "the reference muscle and of realistic muscle. The guard is trained on some of these mistakes; how it does on "
        "others is what to expect of a mistake nobody thought of. *Without low SNR* is what the spectrum itself gives "
        f"away (reference muscle). The bar is {DETECTION_BAR:.0%}.\n",
        markdown_table(
            [
                "not muscle of this protocol",
                "guard trained on it",
                "reference",
                "realistic",
                "without low SNR",
            ],
            rows,
        ),
        f"Muscle, by noise of Z; the bar is {FALSE_ALARM_BAR:.0%}.\n",
        markdown_table(
            ["muscle", *(f"{noise:g}" for noise in NOISE_LEVELS)],
            [[k, *(f"{v:.1%}" for v in values)] for k, values in alarms.items()],
        ),
        _verdict(found, alarms),
    ]
    detection = {name: asdict(d) for name, d in found.items()}
    return Section(
        "Unusual spectra", "\n".join(text), scores={"detection": detection, "false alarms": alarms}
    )


def detected(model: Model, source: Source, case: Case, effort: Effort) -> Detection:
    """Shares of one kind of spectra that are flagged."""
    muscles = (reference_tissues, realistic_tissues)
    reference, realistic = (_bits(model, _scan(source, case, muscle, effort)) for muscle in muscles)
    return Detection(
        _share(reference, OBJECTIONS),
        _share(realistic, OBJECTIONS),
        _share(reference, BY_SPECTRUM),
        case.learned,
    )


def _count(effort: Effort) -> int:
    return max(effort.n_spectra // 4, 50)


def _scan(source: Source, case: Case, muscle: Tissues, effort: Effort) -> Spectra:
    rng = np.random.default_rng(effort.seed)
    n = _count(effort)
    z = case.frames(source, n, rng, muscle).astype(np.float32)
    sigma = np.full(n, case.noise_sd, dtype=np.float32)
    blocks = source.blocks(z if case.ready else add_noise(z, sigma, rng))
    return source.prepared(blocks, sigma, np.full(n, TOLD_R1_OBS), np.full(n, np.nan))


def _bits(model: Model, spectra: Spectra) -> np.ndarray:
    """Quality bits (n,); the water dip counts as lost only where the offsets sample it."""
    dip_found = np.full(len(spectra), True)
    if samples_water_dip(spectra.offsets_ppm[0]):
        _, dip_found = shift_from_dip(spectra.z[0], spectra.offsets_ppm[0])
    own = network_flags(predict(model, spectra, NumpyBackend()), model.card)
    return scan_flags(spectra.sigma, dip_found) | own


def _share(bits: np.ndarray, wanted: Quality) -> float:
    return float(np.mean((bits & np.uint8(wanted)) > 0))


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
                spectra = scanned(
                    source, clean, noise, np.random.default_rng(effort.seed + 2), perfect=perfect
                )
                shares.append(_share(_bits(model, spectra), OBJECTIONS))
            found[f"{name}, {'perfect' if perfect else 'real'} scanner"] = shares
    return found


def _verdict(found: dict[str, Detection], alarms: dict[str, list[float]]) -> str:
    sentences = []
    for learned, kind in (
        (True, "mistakes that the guard was trained on"),
        (False, "what it was not trained on"),
    ):
        lowest = {k: min(d.reference, d.realistic) for k, d in found.items() if d.learned is learned}
        missed = ", ".join(f"{k} ({v:.1%})" for k, v in lowest.items() if v < DETECTION_BAR)
        sentences.append(f"Of {kind}, below the bar: {missed or 'none'}.")
    noisy = ", ".join(f"{k} ({max(v):.1%})" for k, v in alarms.items() if max(v) > FALSE_ALARM_BAR)
    sentences.append(f"Muscle with too many false alarms: {noisy or 'none'}.")
    return " ".join(sentences) + "\n"
