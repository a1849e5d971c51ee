"""What was acquired: refused with a reason where it makes no sense, never lost on the way through JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import Protocol, ppm_from_hz
from PCrCESTLib.protocol_json import load_protocol, protocol_from_dict, protocol_to_dict, save_protocol
from PCrCESTLib.saturation import PulseTrain, Saturation
from PCrCESTLib.series import CestSeries

DOCUMENT = {
    "MagneticFieldStrength": 4.7,
    "SaturationOffsets": [300.0, -3.5, -2.0, 0.0, 2.6, 3.5],
    "SaturationOffsetsUnits": "ppm",
    "SaturationB1": 0.5,
    "SaturationDuration": 5.0,
}
PULSED = DOCUMENT | {
    "SaturationType": "pulsed",
    "SaturationPulseShape": "gaussian",
    "SaturationPulseDuration": 0.05,
    "SaturationInterPulseDelay": 0.05,
    "SaturationPulseCount": 20,
    "SaturationDuration": 1.95,
}


def without(key, document=DOCUMENT):
    return {k: v for k, v in document.items() if k != key}


positive = st.floats(1e-3, 10.0)


@st.composite
def saturations(draw):
    common = {
        "b1_definition": draw(st.sampled_from(["cwpe", "rms", "peak"])),
        "readout_delay_s": draw(st.floats(0, 0.1)),
    }
    if draw(st.booleans()):
        common |= {"recovery_s": draw(positive), "initial_mz": draw(st.floats(-1, 1))}
    if draw(st.booleans()):
        return Saturation(duration_s=draw(positive), **common)
    samples = draw(st.none() | st.lists(st.floats(0.1, 1), min_size=1, max_size=4).map(tuple))
    shape = draw(st.sampled_from(["block", "gaussian", "fermi"])) if samples is None else "samples"
    train = PulseTrain(
        shape, draw(st.floats(1e-3, 0.1)), draw(st.floats(0, 0.1)), draw(st.integers(1, 50)), samples,
        draw(st.booleans()),
    )  # fmt: skip
    return Saturation.pulsed(train, **common)


@st.composite
def protocols(draw):
    offsets = draw(
        st.lists(st.floats(-15, 15), min_size=5, max_size=20).filter(lambda o: max(map(abs, o)) > 1)
    )
    references = draw(st.lists(st.sampled_from([math.inf, 300.0, -100.0]), max_size=3))
    n = len(offsets) + len(references)
    return Protocol(
        field_t=draw(st.floats(0.5, 21)),
        offsets_ppm=(*references, *offsets),
        b1_ut=tuple(draw(st.lists(st.floats(0.01, 10), min_size=n, max_size=n))),
        saturation=draw(saturations()),
        reference_frames=tuple(range(len(references))),
        normalized=not references or draw(st.booleans()),
        repetition_time_s=draw(st.none() | positive),
    )


@given(protocols())
def test_json_gives_back_the_same_protocol(protocol):
    document = json.loads(json.dumps(protocol_to_dict(protocol), allow_nan=False))
    assert protocol_from_dict(document) == protocol


def test_a_file_gives_back_the_same_protocol(tmp_path):
    protocol = protocol_from_dict(PULSED)
    save_protocol(protocol, tmp_path / "p.json")
    assert load_protocol(tmp_path / "p.json") == protocol


@given(st.floats(-2000, 2000), st.floats(0.5, 21))
def test_hz_and_ppm_describe_the_same_offset(hz, field_t):
    assert ppm_from_hz(hz, field_t) * 42.5764 * field_t == pytest.approx(hz, abs=1e-9)


def test_hz_are_converted_with_the_field():
    protocol = protocol_from_dict(
        DOCUMENT | {"SaturationOffsets": [60000, 520.3, -700, 0, 100], "SaturationOffsetsUnits": "Hz"}
    )
    assert protocol.offsets_ppm[1] == pytest.approx(2.6, abs=1e-4)
    assert protocol.reference_frames == (0,)


def test_order_and_sign_of_the_frames_are_kept():
    assert protocol_from_dict(DOCUMENT).offsets_ppm == tuple(DOCUMENT["SaturationOffsets"])


def test_a_null_offset_is_an_image_without_saturation():
    protocol = protocol_from_dict(
        DOCUMENT | {"SaturationOffsets": [None, 1.0, 2.6], "SaturationB1": [None, 0.5, 0.5]}
    )
    assert protocol.offsets_ppm[0] == math.inf
    assert protocol.reference_frames == (0,)


def test_powers_are_counted_on_the_saturated_frames_only():
    protocol = protocol_from_dict(
        DOCUMENT | {"SaturationOffsets": [300, 1, 2.6, 1, 2.6], "SaturationB1": [0, 0.5, 0.5, 1.0, 1.001]}
    )
    assert protocol.powers_ut == (0.5, 1.0)


def test_named_reference_frames_overrule_the_offsets():
    protocol = protocol_from_dict(DOCUMENT | {"ReferenceFrames": [5, 0, 5]})
    assert protocol.reference_frames == (0, 5)
    assert protocol.saturated_frames == (1, 2, 3, 4)


def test_a_description_names_field_power_offsets_and_references():
    text = protocol_from_dict(DOCUMENT).describe()
    for part in ("4.7 T", "0.5 µT", "5 offsets -3.5 to 3.5 ppm", "1 reference"):
        assert part in text


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (without("MagneticFieldStrength"), "MagneticFieldStrength is missing"),
        (DOCUMENT | {"MagneticFieldStrength": 0}, "a positive field in tesla"),
        (DOCUMENT | {"MagneticFieldStrength": "4.7 T"}, "a number is expected"),
        (DOCUMENT | {"MagneticFieldStrength": 200.1}, r"looks like MHz.*4\.7 T"),
        (without("SaturationOffsets"), "SaturationOffsets is missing"),
        (DOCUMENT | {"SaturationOffsets": []}, "SaturationOffsets is missing"),
        (DOCUMENT | {"SaturationOffsets": [1, "2.6"]}, "holds '2.6'"),
        (without("SaturationOffsetsUnits"), "'ppm' or 'Hz' is expected"),
        (DOCUMENT | {"SaturationOffsets": [60000, -700, -400, 0, 520, 700]}, "looks like Hz"),
        (DOCUMENT | {"SaturationOffsetsUnits": "Hz"} | {"SaturationOffsets": [1, 2, 3, 4]}, "look like ppm"),
        (DOCUMENT | {"SaturationOffsets": [300, 400, 2.6, 500, 600]}, "looks like Hz"),
        (DOCUMENT | {"SaturationOffsets": [300, 0.01, 0.02, 0.026, 0.03, 0.035]}, "kHz or a fraction"),
        (DOCUMENT | {"SaturationOffsets": [1.0, 2.6, 3.5]}, "no reference frame.*Normalized: true"),
        (DOCUMENT | {"SaturationOffsets": [300.0, 200.0], "ReferenceFrames": [0, 1]}, "all 2 frames count"),
        (DOCUMENT | {"ReferenceFrames": [6]}, "frames are numbered 0 to 5"),
        (DOCUMENT | {"ReferenceFrames": 0}, "a list of frame indices"),
        (without("SaturationB1"), "SaturationB1 is missing"),
        (DOCUMENT | {"SaturationB1": [0.5, 0.5]}, "2 values for 6 frames"),
        (DOCUMENT | {"SaturationB1": 5e-7}, r"looks like tesla.*0\.5"),
        (DOCUMENT | {"SaturationB1": 500}, r"looks like nT.*0\.5 if it is nT"),
        (DOCUMENT | {"SaturationB1": 0}, "a positive number"),
        (DOCUMENT | {"SaturationB1": float("inf")}, "a positive number"),
        (DOCUMENT | {"SaturationB1Units": "T"}, "only 'uT'"),
        (without("SaturationDuration"), "SaturationDuration is missing"),
        (DOCUMENT | {"SaturationDuration": 5000}, "looks like milliseconds"),
        (DOCUMENT | {"SaturationDuration": -5}, "no possible saturation"),
        (DOCUMENT | {"RepetitionTime": 10000}, "milliseconds divided by 1000"),
        (DOCUMENT | {"Normalized": "yes"}, "true or false"),
        (DOCUMENT | {"SaturationType": "laser"}, "'continuous' or 'pulsed'"),
        (PULSED | {"SaturationDuration": 5.0}, r"last 1\.95 s"),
        (PULSED | {"SaturationPulseCount": 2.5}, "a whole number"),
        (PULSED | {"SaturationPulseShape": "triangle"}, "no possible saturation"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(document, reason):
    with pytest.raises(ProtocolError, match=reason):
        protocol_from_dict(document)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{not json", "not a JSON file"),
        ("[1, 2]", "a JSON object"),
        ("", "not a JSON file"),
        ('{"MagneticFieldStrength": 3}', "SaturationOffsets is missing"),
        ("[" * 100_000, "not a JSON file"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, reason):
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(ProtocolError, match=reason) as refused:
        load_protocol(path)
    assert str(refused.value).startswith(str(path))


hostile = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.just(10**400), st.text("a7 µ", max_size=3),
    st.lists(st.none() | st.floats() | st.integers() | st.text("a7", max_size=2), max_size=6),
    st.sampled_from(["ppm", "Hz", "pulsed", "continuous", "gaussian", "samples"]),
)  # fmt: skip


KEYS = (
    *PULSED,
    "ReferenceFrames",
    "Normalized",
    "RepetitionTime",
    "SaturationB1Units",
    "SaturationB1Definition",
    "SaturationPulseSamples",
    "SaturationReadoutDelay",
    "SaturationRecovery",
    "SaturationInitialMz",
    "SaturationSteadyStateInterval",
)


@given(st.dictionaries(st.sampled_from(KEYS), hostile, max_size=4), st.sampled_from([DOCUMENT, PULSED]))
def test_any_document_gives_a_protocol_or_a_protocol_error(changes, base):
    try:
        protocol = protocol_from_dict(base | changes)
    except ProtocolError:
        return
    assert protocol_from_dict(protocol_to_dict(protocol)) == protocol


class TestSeries:
    """Images and protocol belong together frame by frame."""

    @pytest.fixture
    def series(self):
        data = np.ones((6, 2, 3, 4), np.float32)
        return CestSeries(data, Geometry((4, 3, 2)), protocol_from_dict(DOCUMENT), ("leg.nii.gz",))

    def test_it_counts_its_frames(self, series):
        assert series.n_frames == 6

    @pytest.mark.parametrize(
        ("change", "error", "reason"),
        [
            (lambda d: d[:5], ProtocolError, "5 frames but the protocol lists 6 SaturationOffsets"),
            (lambda d: d[0], ReaderError, "3 dimensions; a CEST series has 4"),
            (lambda d: d[:, :1], ReaderError, "frames of shape"),
            (lambda d: d * 0, ReaderError, "zero"),
            (lambda d: np.where(np.arange(6)[:, None, None, None] == 4, np.nan, d), ReaderError, "frame 4"),
            (lambda d: np.where(np.arange(6)[:, None, None, None] == 1, np.inf, d), ReaderError, "frame 1"),
        ],
    )
    def test_unusable_images_are_refused_by_name(self, series, change, error, reason):
        with pytest.raises(error, match=reason) as refused:
            replace(series, data=change(series.data))
        assert str(refused.value).startswith("leg.nii.gz")

    def test_isolated_nan_voxels_are_allowed(self, series):
        series.data[:, 0, 0, 0] = np.nan
        assert replace(series, data=series.data).n_frames == 6
