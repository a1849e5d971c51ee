"""The muscles of a leg as presets: names, abbreviations, colors and standard codes."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

Color = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""

SIDES = ("left", "right", "")
# Codes as DICOM prints them (PS3.16): of SNOMED CT it lists no single muscle of the leg, and none is invented here; of
# ISO/IEEE 11073 it does, in context group 3031, without side (the side has a code of its own). A muscle that is not
# listed there is a skeletal muscle of the lower limb, and its name says the rest.
CATEGORY = "SCT^123037004^Anatomical Structure"
TYPE = "SCT^127954009^Skeletal muscle"
REGION = "SCT^102292000^Skeletal muscle structure of lower limb"
SIDE_CODES = {"left": "SCT^7771000^Left", "right": "SCT^24028007^Right", "": "^^"}
_SIDE_WORDS = {"left": "left", "l": "left", "right": "right", "r": "right"}
_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"
_GOLDEN = 0.618034  # of the color circle from one color to the next: neighbors in a list differ most


@dataclass(frozen=True)
class Muscle:
    """A muscle, its usual abbreviation, and its code in PS3.16 CID 3031 (``"7:932^Musculus soleus"``), or ``""``.

    Codes are those of human anatomy, which a rat's muscles of the same name share.
    """

    name: str
    short: str
    code: str = ""


PRESETS = {
    "Rat hindlimb": (
        Muscle("Tibialis anterior", "TA", "7:892^Musculus tibialis anterior"),
        Muscle("Extensor digitorum longus", "EDL", "7:896^Musculus extensor digitorum longus"),
        Muscle("Peroneus", "PER"),
        Muscle("Gastrocnemius", "GAS", "7:920^Musculus gastrocnemius"),
        Muscle("Plantaris", "PL", "7:936^Musculus plantaris"),
        Muscle("Soleus", "SOL", "7:932^Musculus soleus"),
        Muscle("Biceps femoris", "BF", "7:872^Musculus biceps femoris"),
        Muscle("Whole leg", "leg"),
    ),
    "Human calf": (
        Muscle("Tibialis anterior", "TA", "7:892^Musculus tibialis anterior"),
        Muscle("Extensor digitorum longus", "EDL", "7:896^Musculus extensor digitorum longus"),
        Muscle("Peroneus", "PER"),
        Muscle("Tibialis posterior", "TP", "7:944^Musculus tibialis posterior"),
        Muscle("Flexor digitorum longus", "FDL", "7:948^Musculus flexor digitorum longus"),
        Muscle("Soleus", "SOL", "7:932^Musculus soleus"),
        Muscle("Gastrocnemius medialis", "GM", "7:928^Musculus gastrocnemius Caput mediale"),
        Muscle("Gastrocnemius lateralis", "GL", "7:924^Musculus gastrocnemius Caput laterale"),
    ),
    "Human thigh": (
        Muscle("Rectus femoris", "RF", "7:836^Musculus rectus femoris"),
        Muscle("Vastus lateralis", "VL", "7:840^Musculus vastus lateralis"),
        Muscle("Vastus intermedius", "VI", "7:844^Musculus vastus intermedius"),
        Muscle("Vastus medialis", "VM", "7:848^Musculus vastus medialis"),
        Muscle("Sartorius", "SAR", "7:828^Musculus sartorius"),
        Muscle("Gracilis", "GRA", "7:868^Musculus gracilis"),
        Muscle("Adductor magnus", "AM", "7:864^Musculus adductor magnus"),
        Muscle("Semimembranosus", "SM", "7:888^Musculus semimembranosus"),
        Muscle("Semitendinosus", "ST", "7:884^Musculus semitendinosus"),
        Muscle("Biceps femoris", "BF", "7:872^Musculus biceps femoris"),
    ),
}


def muscle_named(name: str) -> tuple[Muscle, str] | None:
    """Return the preset muscle and the side that a region's name means; None where it is no preset's.

    ``soleus left``, ``Left Soleus``, ``soleus_l``, ``SOL R`` and ``Soleus`` are known; abbreviations only as listed.
    """
    muscles = [m for group in PRESETS.values() for m in group]
    known = {m.name.lower(): m for m in muscles}
    short = {m.short: m for m in muscles}
    base, side = _split_side(name)
    muscle = known.get(base.lower()) or short.get(base)
    return None if muscle is None else (muscle, side)


def segment_name(muscle: Muscle, side: str) -> str:
    """Name of a muscle's segment, as it appears in the table."""
    return f"{muscle.name} {side}".strip()


def muscle_color(muscle: Muscle, side: str) -> Color:
    """Color of a muscle, the same everywhere; the two sides differ in brightness."""
    names = sorted({m.name for group in PRESETS.values() for m in group})
    hue = names.index(muscle.name) * _GOLDEN % 1.0
    return colorsys.hsv_to_rgb(hue, 0.75, 0.7 if side == "right" else 0.95)


def terminology(side: str, muscle: Muscle | None = None) -> str:
    """Terms of a muscle of the leg, as Slicer stores them with a segment (tag ``TerminologyEntry``)."""
    region = f"MDC^{muscle.code}" if muscle and muscle.code else REGION
    return f"{_CONTEXT}~{CATEGORY}~{TYPE}~{SIDE_CODES[side]}~{_REGION_CONTEXT}~{region}~^^"


def region_color(name: str, index: int) -> Color:
    """Color of a region that came without one: that of its muscle, else one by its place in the list."""
    known = muscle_named(name)
    return muscle_color(*known) if known else colorsys.hsv_to_rgb(index * _GOLDEN % 1.0, 0.6, 0.9)


def region_terminology(name: str) -> str:
    """Terms of a region that came without them; empty where it is no preset's muscle."""
    known = muscle_named(name)
    return terminology(known[1], known[0]) if known else ""


def _split_side(name: str) -> tuple[str, str]:
    """Muscle and side of ``soleus left``, ``left soleus`` or ``soleus_l``."""
    words = re.split(r"[\s_,.-]+", name.strip())
    for rest, side in ((words[:-1], words[-1]), (words[1:], words[0])):
        if rest and side.lower() in _SIDE_WORDS:
            return " ".join(rest), _SIDE_WORDS[side.lower()]
    return " ".join(words), ""
