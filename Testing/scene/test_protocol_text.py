"""A protocol as it is typed: what is shown can be typed again, and what makes no sense is said."""

from __future__ import annotations

import pytest

from PCrCESTLib.errors import ProtocolError
from PCrCESTLib.protocol_json import protocol_from_dict, protocol_to_dict
from PCrCESTLib.protocols import named_protocol, protocol_names
from PCrCESTLib.scene.protocol_text import LABELS, as_text, as_value, checked, keys_to_show


@pytest.mark.parametrize("name", protocol_names())
def test_what_is_shown_can_be_typed_again(name):
    protocol = named_protocol(name)
    document = protocol_to_dict(protocol)
    typed = {key: as_value(key, as_text(document.get(key))) for key in keys_to_show(document)}
    back = protocol_from_dict({key: value for key, value in typed.items() if value is not None})
    assert back.offsets_ppm == pytest.approx(protocol.offsets_ppm, rel=1e-5)
    assert back.b1_ut == pytest.approx(protocol.b1_ut)
    assert (back.field_t, back.saturation) == (protocol.field_t, protocol.saturation)
    assert (back.reference_frames, back.normalized) == (protocol.reference_frames, protocol.normalized)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("MagneticFieldStrength", " 4.7 ", 4.7),
        ("MagneticFieldStrength", "strong", "strong"),
        ("MagneticFieldStrength", "nan", "nan"),
        ("SaturationOffsets", "[none, 2.6; -2.6]", [None, 2.6, -2.6]),
        ("SaturationOffsets", "2.6", [2.6]),
        ("SaturationB1", "0.5 1", [0.5, 1]),
        ("ReferenceFrames", "0, 4.0", [0, 4]),
        ("ReferenceFrames", "", []),
        ("Normalized", "Yes", True),
        ("Normalized", "no", False),
        ("RepetitionTime", "", None),
        ("RepetitionTime", ",", None),
    ],
)
def test_what_is_typed_is_understood(key, text, value):
    found = as_value(key, text)
    assert found == value
    assert type(found) is type(value)


def test_usual_keys_come_first_and_units_of_b1_are_not_asked_for():
    keys = keys_to_show({"SaturationB1Units": "uT", "SaturationPulseShape": "gauss", "SaturationB1": 0.5})
    assert keys == [*LABELS, "SaturationPulseShape"]


def test_a_number_of_offsets_that_does_not_fit_the_series_is_said():
    document = protocol_to_dict(named_protocol("human-3T-0.6uT"))
    assert checked(document, 52).n_frames == 52
    assert checked(document).field_t == 3.0
    with pytest.raises(ProtocolError, match="52 offsets for 10 frames; give one offset a frame"):
        checked(document, 10)
