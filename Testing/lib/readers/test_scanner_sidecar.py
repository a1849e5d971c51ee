"""NIfTI as a DICOM converter (dcm2niix) leaves it: a JSON file of the scanner beside it, without CEST keys."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.protocol_json import load_protocol, protocol_to_dict
from PCrCESTLib.readers import read_series

SIDECAR = {
    "Modality": "MR",
    "MagneticFieldStrength": 3,
    "ImagingFrequency": 123.249,
    "Manufacturer": "Siemens",
    "PatientPosition": "FFS",
    "SeriesDescription": "cest_leg",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
    "SeriesNumber": 7,
    "AcquisitionTime": "10:11:12.500000",
    "EchoTime": 0.00214,
    "RepetitionTime": 0.0041,
    "FlipAngle": 10,
    "ImageOrientationPatientDICOM": [1, 0, 0, 0, 1, 0],
    "ConversionSoftware": "dcm2niix",
    "ConversionSoftwareVersion": "v1.0.20240202",
}
CEST_KEYS = ("SaturationOffsets", "SaturationOffsetsUnits", "SaturationB1", "SaturationDuration")


@pytest.fixture
def cest_keys(protocol_document):
    return {key: protocol_document[key] for key in CEST_KEYS}


@pytest.fixture
def converted(write, frames, grid):
    """``leg.nii.gz`` with its sidecar."""
    write("leg.json", SIDECAR)
    return write("leg.nii.gz", frames, grid)


def test_exactly_the_missing_keys_are_asked_for(converted):
    keys = "SaturationOffsets, SaturationOffsetsUnits, SaturationB1 and SaturationDuration are missing"
    with pytest.raises(
        ProtocolError, match=rf"leg\.json: {keys}; add them there, or write them to leg_protocol\.json"
    ):
        read_series(converted)


def test_a_pulsed_scan_is_asked_for_its_pulses(converted, write):
    write("leg.json", SIDECAR | {"SaturationType": "pulsed"})
    with pytest.raises(ProtocolError, match="SaturationPulseDuration and SaturationPulseCount are missing"):
        read_series(converted)


@pytest.mark.parametrize("how", ["added", "beside", "given", "parts"])
def test_the_sidecar_needs_only_the_missing_keys(converted, write, cest_keys, how):
    given = None
    if how == "added":
        write("leg.json", SIDECAR | cest_keys)
    elif how == "beside":
        write("leg_protocol.json", cest_keys)
    elif how == "given":
        given = write("mine/offsets.json", cest_keys)
    else:
        write("leg.json", SIDECAR | {"SaturationB1": 0.6})
        write("leg_protocol.json", {k: v for k, v in cest_keys.items() if k != "SaturationB1"})
    series = read_series(converted, given)
    assert series.protocol.field_t == 3
    assert series.protocol.repetition_time_s == 0.0041
    assert series.protocol.powers_ut == (0.6,)
    assert series.protocol.offsets_ppm[3] == 2.6
    assert str(converted.with_name("leg.json")) in series.source


def test_a_complete_protocol_file_is_not_mixed_with_another(nifti_series, write):
    expected = read_series(nifti_series).protocol
    write("leg_cest_protocol.json", {"SaturationB1": 3.0, "SaturationOffsets": [1]})
    assert read_series(nifti_series).protocol == expected


def test_a_given_file_keeps_its_own_references(converted, write, cest_keys):
    """Offsets, powers and references hold only together: none is taken from the file beside the images."""
    write("leg.json", SIDECAR | cest_keys | {"ReferenceFrames": [0, 1]})
    assert read_series(converted, write("p.json", cest_keys)).protocol.reference_frames == (0,)


def test_offsets_in_hz_go_by_the_frequency_of_the_scanner(converted, write, cest_keys):
    """A "3 T" scanner at 123.249 MHz: 2.6 ppm are 320.4 Hz, not the 332.1 Hz of three tesla."""
    hz = [o * 123.249 for o in cest_keys["SaturationOffsets"]]
    write("leg_protocol.json", cest_keys | {"SaturationOffsets": hz, "SaturationOffsetsUnits": "Hz"})
    protocol = read_series(converted).protocol
    assert protocol.offsets_ppm == pytest.approx(cest_keys["SaturationOffsets"])
    assert protocol.field_t == 3


def test_the_frequency_alone_gives_the_field(converted, write, cest_keys):
    write("leg.json", {k: v for k, v in SIDECAR.items() if k != "MagneticFieldStrength"} | cest_keys)
    assert read_series(converted).protocol.field_t == pytest.approx(2.8948, abs=1e-4)


def test_the_frequency_of_another_nucleus_is_refused(converted, write, cest_keys):
    write("leg.json", SIDECAR | cest_keys | {"ImagingFrequency": 49.9})
    with pytest.raises(ProtocolError, match=r"49\.9 MHz, but protons have 127\.729 MHz at 3 T"):
        read_series(converted)


def test_a_name_in_another_encoding_does_no_harm(converted, cest_keys):
    text = json.dumps(SIDECAR | cest_keys | {"InstitutionName": "Köln"}, ensure_ascii=False)
    converted.with_name("leg.json").write_bytes(text.encode("latin-1"))
    assert read_series(converted).protocol.field_t == 3


def test_a_damaged_sidecar_matters_only_where_it_is_needed(converted, write, cest_keys):
    converted.with_name("leg.json").write_text("{")
    with pytest.raises(ProtocolError, match=r"leg\.json: not a JSON file"):
        read_series(converted)
    complete = write("p.json", cest_keys | {"MagneticFieldStrength": 3.0})
    assert read_series(converted, complete).protocol == load_protocol(complete)


def test_a_file_too_large_to_be_a_protocol_is_not_read(converted):
    with converted.with_name("leg.json").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ProtocolError, match="1073741824 bytes are no protocol file"):
        read_series(converted)


@pytest.mark.parametrize(
    "keys",
    [
        {"SaturationOffsets": [10**400] * 6},
        {"SaturationOffsetsUnits": "x" * 10_000},
        {"ReferenceFrames": [0.5] * 10_000},
        {"SaturationType": "pulsed", "SaturationPulseDuration": 0.1, "SaturationPulseCount": 9}
        | {"SaturationPulseShape": "block", "SaturationPulseSamples": [0.5] * 10_000},
    ],
)
def test_absurd_values_get_a_sentence_of_sensible_length(converted, write, cest_keys, keys):
    write("leg.json", SIDECAR | cest_keys | keys)
    with pytest.raises(ProtocolError) as caught:
        read_series(converted)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "keys", "part"),
    [
        ("leg", {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "phase"),
        ("leg", {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"]}, "phase"),
        ("leg", {"ImageType": ["DERIVED", "SECONDARY", "IMAGINARY"]}, "imaginary part"),
        ("leg_ph", {}, "phase"),
        ("leg_e2_ph", {}, "phase"),
        ("leg_real", {"ImageType": None}, "real part"),
    ],
)
def test_the_phase_of_the_images_is_refused(write, frames, grid, cest_keys, name, keys, part):
    write(f"{name}.json", SIDECAR | cest_keys | keys)
    with pytest.raises(ReaderError, match=f"holds the {part} of the images; give the file of the magnitude"):
        read_series(write(f"{name}.nii.gz", frames, grid))


def test_a_name_alone_makes_no_phase(write, frames, grid, protocol_document):
    """``gel_ph`` may be a phantom."""
    write("gel_ph.json", protocol_document)
    assert read_series(write("gel_ph.nii.gz", frames, grid)).n_frames == 6


def test_one_echo_is_read_and_named(write, frames, grid, cest_keys):
    write("leg_e2.json", SIDECAR | cest_keys | {"EchoNumber": 2, "EchoTime": 0.0049})
    series = read_series(write("leg_e2.nii.gz", frames, grid))
    assert any(r"echo 2 (EchoTime 0.0049 s)" in note for note in series.notes)


@pytest.mark.parametrize("code", [0, 2, 8 | 2, 16 | 2, 24 | 2, 40 | 2])
def test_the_unit_of_time_changes_nothing(converted, write, cest_keys, frames, grid, code):
    """Seconds, milliseconds, microseconds, ppm or none along the fourth axis."""
    write("leg.json", SIDECAR | cest_keys)
    plain = write("leg.nii", frames, grid)
    content = bytearray(plain.read_bytes())
    content[123] = code
    struct.pack_into("<f", content, 92, 4100.0)  # step along the fourth axis
    plain.write_bytes(content)
    series = read_series(plain)
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)


class TestFolder:
    """One 3D file a frame, each with its sidecar."""

    @pytest.fixture
    def folder(self, write, frames, grid, tmp_path):
        for i, frame in enumerate(frames):
            write(f"scan/leg_{i}.nii.gz", frame, grid)
            write(f"scan/leg_{i}.json", SIDECAR)
        return tmp_path / "scan"

    def test_the_protocol_file_need_not_repeat_the_scanner(self, folder, write, cest_keys, frames):
        write("scan/protocol.json", cest_keys)
        series = read_series(folder)
        assert series.protocol.field_t == 3
        np.testing.assert_array_equal(series.data, frames)

    def test_the_missing_keys_are_named(self, folder):
        with pytest.raises(
            ProtocolError, match=r"SaturationDuration are missing; write them to protocol\.json"
        ):
            read_series(folder)

    def test_a_phase_among_the_frames(self, folder, write, cest_keys):
        write("scan/protocol.json", cest_keys)
        write("scan/leg_4.json", SIDECAR | {"ImageType": ["ORIGINAL", "PRIMARY", "P"]})
        with pytest.raises(ReaderError, match=r"leg_4\.nii\.gz: its JSON file says that it holds the phase"):
            read_series(folder)

    def test_two_echoes(self, folder, write, cest_keys):
        write("scan/protocol.json", cest_keys)
        write("scan/leg_3.json", SIDECAR | {"EchoTime": 0.0049})
        match = r"mixes echoes: EchoTime is 0\.00214 s for leg_0\.nii\.gz but 0\.0049 s for leg_3\.nii\.gz"
        with pytest.raises(ReaderError, match=match):
            read_series(folder)


def test_what_is_saved_again_is_complete(converted, write, cest_keys, tmp_path):
    write("leg_protocol.json", cest_keys)
    protocol = read_series(converted).protocol
    (tmp_path / "saved.json").write_text(json.dumps(protocol_to_dict(protocol)))
    assert load_protocol(tmp_path / "saved.json") == protocol
