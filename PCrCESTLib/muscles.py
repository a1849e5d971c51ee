"""The muscles of a leg as presets: names, abbreviations, colors and standard codes."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

Color = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""

SIDES = ("left", "right", "")
# Codes as DICOM's own dictionary gives them. It has none for single muscles, and none is invented here: the name says
# which muscle it is, the codes that it is a skeletal muscle of the lower limb, and its side.
CATEGORY = "SCT^123037004^Anatomical Structure"
TYPE = "SCT^127954009^Skeletal muscle"
REGION = "SCT^102292000^Skeletal muscle structure of lower limb"
SIDE_CODES = {"left": "SCT^7771000^Left", "right": "SCT^24028007^Right", "": "^^"}
_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"
_GOLDEN = 0.618034  # of the color circle from one color to the next: neighbors in a list differ most


@dataclass(frozen=True)
class Muscle:
    """A muscle and the abbreviation in common use."""

    name: str
    short: str


PRESETS = {
    "Rat hindlimb": (
        Muscle("Tibialis anterior", "TA"),
        Muscle("Extensor digitorum longus", "EDL"),
        Muscle("Peroneus", "PER"),
        Muscle("Gastrocnemius", "GAS"),
        Muscle("Plantaris", "PL"),
        Muscle("Soleus", "SOL"),
        Muscle("Biceps femoris", "BF"),
        Muscle("Whole leg", "leg"),
    ),
    "Human calf": (
        Muscle("Tibialis anterior", "TA"),
        Muscle("Extensor digitorum longus", "EDL"),
        Muscle("Peroneus", "PER"),
        Muscle("Tibialis posterior", "TP"),
        Muscle("Flexor digitorum longus", "FDL"),
        Muscle("Soleus", "SOL"),
        Muscle("Gastrocnemius medialis", "GM"),
        Muscle("Gastrocnemius lateralis", "GL"),
    ),
    "Human thigh": (
        Muscle("Rectus femoris", "RF"),
        Muscle("Vastus lateralis", "VL"),
        Muscle("Vastus intermedius", "VI"),
        Muscle("Vastus medialis", "VM"),
        Muscle("Sartorius", "SAR"),
        Muscle("Gracilis", "GRA"),
        Muscle("Adductor magnus", "AM"),
        Muscle("Semimembranosus", "SM"),
        Muscle("Semitendinosus", "ST"),
        Muscle("Biceps femoris", "BF"),
    ),
}


def muscle_named(name: str) -> tuple[Muscle, str] | None:
    """Return the preset muscle and the side that a region's name means; None where it is no preset's.

    ``soleus left``, ``Left Soleus`` and ``Soleus`` are known, whatever their case.
    """
    known = {m.name.lower(): m for group in PRESETS.values() for m in group}
    base, side = _split_side(name)
    muscle = known.get(base.lower())
    return None if muscle is None else (muscle, side)


def segment_name(muscle: Muscle, side: str) -> str:
    """Name of a muscle's segment, as it appears in the table."""
    return f"{muscle.name} {side}".strip()


def muscle_color(muscle: Muscle, side: str) -> Color:
    """Color of a muscle, the same everywhere; the two sides differ in brightness."""
    names = sorted({m.name for group in PRESETS.values() for m in group})
    hue = names.index(muscle.name) * _GOLDEN % 1.0
    return colorsys.hsv_to_rgb(hue, 0.75, 0.7 if side == "right" else 0.95)


def terminology(side: str) -> str:
    """Terms of a muscle of the leg, as Slicer stores them with a segment (tag ``TerminologyEntry``)."""
    return f"{_CONTEXT}~{CATEGORY}~{TYPE}~{SIDE_CODES[side]}~{_REGION_CONTEXT}~{REGION}~^^"


def region_color(name: str, index: int) -> Color:
    """Color of a region that came without one: that of its muscle, else one by its place in the list."""
    known = muscle_named(name)
    return muscle_color(*known) if known else colorsys.hsv_to_rgb(index * _GOLDEN % 1.0, 0.6, 0.9)


def region_terminology(name: str) -> str:
    """Terms of a region that came without them; empty where it is no preset's muscle."""
    known = muscle_named(name)
    return terminology(known[1]) if known else ""


def _split_side(name: str) -> tuple[str, str]:
    """Muscle and side of ``soleus left`` or ``left soleus``."""
    words = name.split()
    for words_left, side in ((words[:-1], words[-1:]), (words[1:], words[:1])):
        if words_left and side[0].lower() in ("left", "right"):
            return " ".join(words_left), side[0].lower()
    return name, ""
