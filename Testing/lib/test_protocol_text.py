"""A protocol typed by hand comes out as it was meant, or is refused in words."""

from __future__ import annotations

import pytest

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol_json import protocol_to_dict
from PCrCESTLib.protocol_text import LABELS, as_text, as_value, check_document, keys_of, title_of

DOCUMENT = {
    "MagneticFieldStrength": 4.7, "SaturationB1": 0.5, "SaturationDuration": 5.0, "SaturationType": "continuous",
    "SaturationOffsets": [100.0, 3.0, 2.6, 0.0], "SaturationOffsetsUnits": "ppm", "ReferenceFrames": [0],
    "Normalized": False, "RepetitionTime": 6.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "typed", "meant"),
    [
        ("MagneticFieldStrength", " 4.7 ", 4.7),
        ("SaturationType", "continuous", "continuous"),
        ("SaturationOffsets", "100, 3; 2.6 -2", [100, 3, 2.6, -2]),
        ("SaturationOffsets", "[none, 3]", [None, 3]),
        ("SaturationOffsets", "2.6", [2.6]),
        ("SaturationB1", "0.5 1.0", [0.5, 1.0]),
        ("ReferenceFrames", "0 3", [0, 3]),
        ("ReferenceFrames", "0.5", [0.5]),
        ("ReferenceFrames", "", []),
        ("RepetitionTime", "", None),
        ("RepetitionTime", ",", None),
        ("ReferenceFrames", "[]", []),
        ("Normalized", "Yes", True),
        ("Normalized", "no", False),
        ("SaturationB1", "nan", "nan"),  # a text, which no protocol accepts
    ],
)
def test_what_is_typed_is_what_is_meant(key: str, typed: str, meant: object) -> None:
    assert as_value(key, typed) == meant


def test_every_value_is_shown_so_that_it_can_be_typed_again() -> None:
    typed = {key: as_value(key, as_text(value)) for key, value in DOCUMENT.items()}
    assert protocol_to_dict(check_document(typed, 4)) == protocol_to_dict(check_document(DOCUMENT, 4))


def test_keys_that_are_not_asked_for_are_kept_behind_the_usual_ones() -> None:
    further = {"SaturationPulseCount": 10, "SaturationB1Units": "uT"}
    assert keys_of(DOCUMENT | further) == [*LABELS, "SaturationPulseCount"]
    assert title_of("SaturationDuration") == "Saturation (s)"
    assert title_of("SaturationPulseCount") == "SaturationPulseCount"


def test_another_number_of_offsets_than_frames_is_refused() -> None:
    with pytest.raises(ProtocolError, match="4 offsets for 5 frames"):
        check_document(DOCUMENT, 5)
