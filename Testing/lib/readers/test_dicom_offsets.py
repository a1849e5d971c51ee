"""Where the offsets of a DICOM scan come from: a list, descriptions, Siemens' private header."""

from __future__ import annotations

import json
import re

import dicom_samples as samples
import numpy as np
import pytest
from pydicom import dcmread

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T
from PCrCESTLib.readers import read_series
from PCrCESTLib.readers.dicom.descriptions import describe, read_descriptions
from PCrCESTLib.readers.offsets_file import read_offsets

OFFSETS = [-300.0, -4.0, -2.0, 0.0, 2.0, 4.0]
REST = {"SaturationB1": 0.6, "SaturationDuration": 2.0}


@pytest.fixture
def scan(tmp_path, frames, grid):
    """Six images of two slices, and what the header does not say in a protocol file."""
    samples.write_classic(tmp_path / "scan", frames.astype(np.uint16), grid)
    (tmp_path / "scan" / "protocol.json").write_text(json.dumps(REST))
    return tmp_path / "scan"


def with_siemens_header(folder, fields):
    for path in folder.glob("IM*"):
        dataset = dcmread(path)
        samples.add_siemens_protocol(dataset, fields)
        dataset.save_as(path)


def revision_1485(**changes):
    fields = {
        "tSequenceFileName": '"%CustomerSeq%\\\\XXX_CEST_Rev1485"',
        "sWiPMemBlock.alFree[6]": 1,  # Gaussian pulses
        "sWiPMemBlock.alFree[7]": 1,  # regular sampling
        "sWiPMemBlock.alFree[9]": 6,
        "sWiPMemBlock.alFree[10]": 20,
        "sWiPMemBlock.alFree[12]": 50000,
        "sWiPMemBlock.alFree[13]": 50,
        "sWiPMemBlock.alFree[14]": 3000,
        "sWiPMemBlock.alFree[15]": 9000,
        "sWiPMemBlock.adFree[1]": 4.0,
        "sWiPMemBlock.adFree[2]": 0.6,
    }
    return fields | changes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("offsets.txt", "-300\n-4\n-2\n0\n2\n4\n"),
        ("LIST.txt", "-300\n-4\n-2\n0\n2\n4"),
        ("leg_offsets.csv", "frame,offset_ppm\n1,-300\n2,-4\n3,-2\n4,0\n5,2\n6,4\n"),
        ("offsets.txt", "# Hz\n" + "\n".join(f"{o * 123.2:.3f}" for o in OFFSETS)),
        ("leg_offsets.json", json.dumps(OFFSETS)),
        ("offsets.json", json.dumps({"SaturationOffsets": OFFSETS, "SaturationOffsetsUnits": "ppm"})),
    ],
)
def test_a_list_beside_the_images_is_found(scan, name, text):
    (scan / name).write_text(text)
    series = read_series(scan)
    np.testing.assert_allclose(series.protocol.offsets_ppm, OFFSETS, atol=1e-4)
    assert series.source == (str(scan), str(scan / "protocol.json"), str(scan / name))


def test_a_list_of_another_length_is_refused(scan):
    (scan / "offsets.txt").write_text("1 2 3 ppm")
    with pytest.raises(ProtocolError, match=r"offsets\.txt: 3 offsets for the 6 images"):
        read_series(scan)


def test_two_lists_are_not_chosen_from(scan):
    (scan / "offsets.txt").write_text("1 2 3 ppm")
    (scan / "LIST.txt").write_text("1 2 3 ppm")
    with pytest.raises(ProtocolError, match=r"LIST\.txt and offsets\.txt can both be"):
        read_series(scan)


def test_the_protocol_file_has_the_last_word(scan):
    (scan / "offsets.txt").write_text("1 2 3 ppm")
    document = {"SaturationOffsets": OFFSETS, "SaturationOffsetsUnits": "ppm", "MagneticFieldStrength": 2.9}
    (scan / "protocol.json").write_text(json.dumps(REST | document))
    assert read_series(scan).protocol.offsets_ppm == tuple(OFFSETS)
    assert read_series(scan).protocol.field_t == 2.9


@pytest.mark.parametrize(
    ("text", "values", "units"),
    [
        ("100\n1.0 2.6\t4", (100, 1, 2.6, 4), "ppm"),
        ("-2000, -500, 0, 500, 2000", (-2000, -500, 0, 500, 2000), "Hz"),
        ("M0; 1,5; 2,6; 3,5", (None, 1.5, 2.6, 3.5), "ppm"),
        ("offset (Hz)\n1\n2\n3", (1, 2, 3), "Hz"),
        ("2.6 ppm\n3.5ppm % amide", (2.6, 3.5), "ppm"),
        ("inf\n\N{MINUS SIGN}2.6\nnan\n2.6", (None, -2.6, None, 2.6), "ppm"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}2.6\r\n3.5\r\n", (2.6, 3.5), "ppm"),
    ],
)
def test_ppm_and_hz_are_told_apart(tmp_path, text, values, units):
    path = tmp_path / "offsets.txt"
    path.write_text(text, encoding="utf-8")
    listed = read_offsets(path, 3.0)
    assert (listed.values, listed.units) == (values, units)


@pytest.mark.parametrize("field_t", [1.0, 3.0, 11.7])
def test_no_list_of_a_z_spectrum_fits_both_units(tmp_path, field_t):
    """Lists that reach 0.7 to 18 ppm are told apart at every field."""
    path = tmp_path / "offsets.txt"
    for reach in (0.7, 3.0, 10.0, 18.0):
        ppm = np.linspace(-reach, reach, 41)
        for unit, scale in (("ppm", 1.0), ("Hz", GAMMA_MHZ_PER_T * field_t)):
            path.write_text("\n".join(f"{v:.4f}" for v in ppm * scale))
            assert read_offsets(path, field_t).units == unit


def test_b1_may_be_a_column(tmp_path):
    path = tmp_path / "x_offsets.csv"
    path.write_text("offset_ppm;B1_uT\nM0;\n2,6;0,6\n2,6;1,2\n")
    assert read_offsets(path, 3.0).b1_ut == (None, 0.6, 1.2)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("offsets.txt", "30\n40\n50", r"around 40 can be ppm or Hz at 3 T; write 'ppm' or 'Hz'"),
        ("offsets.txt", "", "no offset in this file"),
        ("offsets.txt", "M0 M0", "no offset in this file"),
        ("offsets.txt", "1 2 three 4", "'three' is no offset"),
        ("a_offsets.csv", "ppm,hz\n1,2", "2 columns can be the offsets"),
        ("a_offsets.csv", "n,offset_ppm\n1", "fewer columns"),
        ("offsets.json", "{", "not a JSON file"),
        ("offsets.json", "[" * 100_000, "not a JSON file"),
        ("offsets.json", '{"a": 1}', "SaturationOffsets, is expected"),
        ("offsets.json", "[[1], 2]", "is no offset"),
        ("offsets.txt", "\udcff\udcfe", "not a text file"),
        ("offsets.txt", "1 " * 600_000, "more than 1 MB"),
    ],
)
def test_a_list_that_is_none_says_what_is_wrong(tmp_path, name, text, sentence):
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ProtocolError, match=sentence):
        read_offsets(path, 3.0)


@pytest.mark.parametrize(
    ("text", "offset", "units", "b1_ut"),
    [
        ("CEST_+2.60ppm", 2.6, "ppm", None),
        ("CEST_-2.60ppm", -2.6, "ppm", None),
        ("cest 3.5 ppm B1 0.6uT", 3.5, "ppm", 0.6),
        ("cest 3.5 ppm 0.6 \N{MICRO SIGN}T", 3.5, "ppm", 0.6),
        ("z \N{MINUS SIGN}332 Hz", -332.0, "Hz", None),
        ("apt_2p6ppm_1p2uT", 2.6, "ppm", 1.2),
        ("M0", None, "", None),
        ("leg_S0_tra", None, "", None),
        ("CEST no sat", None, "", None),
    ],
)
def test_descriptions_are_understood(text, offset, units, b1_ut):
    found = describe(text)
    assert (found.offset, found.units, found.b1_ut) == (offset, units, b1_ut)


@pytest.mark.parametrize("text", ["t1_tse_tra", "localizer", "AM01", "B1 map 2uT", "ppmx", "", "kHz"])
def test_descriptions_without_an_offset_are_not_misread(text):
    assert describe(text) is None


def test_a_hyphen_is_a_minus_only_beside_a_plus():
    listed = read_descriptions("scan", ["M0", "cest-2.6ppm", "cest+2.6ppm"])
    assert listed.values == (None, -2.6, 2.6)
    with pytest.raises(ProtocolError, match="may mean a positive or a negative offset"):
        read_descriptions("scan", ["M0", "cest-2.6ppm", "cest-3.5ppm"])


@pytest.fixture
def series_an_offset(tmp_path, frames, grid):
    """Six series with one offset each, two of them at another power, and a localizer."""
    names = ["M0", "cest 1.5 ppm B1 0.6uT", "cest 2.6 ppm B1 0.6uT", "cest 3.5 ppm B1 0.6uT"]
    names += ["cest 2.6 ppm B1 1.2uT", "cest 3.5 ppm B1 1.2uT"]
    for number, (name, frame) in enumerate(zip(names, frames, strict=True), start=7):
        about = {"SeriesNumber": number, "SeriesDescription": name}
        samples.write_classic(
            tmp_path / "scan" / str(20 - number), frame[None].astype(np.uint16), grid, **about
        )
    other = Geometry((8, 8, 1))
    samples.write_classic(
        tmp_path / "scan" / "loc", np.ones((1, 1, 8, 8), np.uint16), other, SeriesDescription="localizer"
    )
    (tmp_path / "scan" / "protocol.json").write_text(json.dumps({"SaturationDuration": 2.0}))
    return tmp_path / "scan"


def test_one_series_an_offset_is_joined_in_the_order_of_their_numbers(series_an_offset, frames, grid):
    series = read_series(series_an_offset)
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)
    assert series.protocol.offsets_ppm == (np.inf, 1.5, 2.6, 3.5, 2.6, 3.5)
    assert series.protocol.powers_ut == (0.6, 1.2)
    assert any("6 series of one offset each were joined" in note for note in series.notes)
    assert any("left out: 0 'localizer'" in note for note in series.notes)


def test_a_series_on_another_grid_is_no_part_of_the_set(series_an_offset, grid):
    moved = Geometry(grid.size, grid.spacing_mm, (0.0, 0.0, 0.0), grid.direction)
    about = {"SeriesNumber": 30, "SeriesDescription": "cest 5 ppm B1 0.6uT"}
    samples.write_classic(series_an_offset / "moved", np.ones((1, *grid.shape), np.uint16), moved, **about)
    with pytest.raises(
        GeometryError, match=r"30 'cest 5 ppm B1 0\.6uT' has .* all offsets must lie on one grid"
    ):
        read_series(series_an_offset)


def test_a_whole_z_spectrum_is_not_one_offset_of_a_set(series_an_offset, frames, grid):
    about = {"SeriesNumber": 30, "SeriesDescription": "apt 3.5 ppm"}
    samples.write_classic(series_an_offset / "z", frames.astype(np.uint16), grid, **about)
    with pytest.raises(ReaderError, match=r"30 'apt 3\.5 ppm' names one offset but has 6 images"):
        read_series(series_an_offset)


def test_siemens_regular_sampling_and_pulses(scan):
    (scan / "protocol.json").unlink()
    with_siemens_header(scan, revision_1485())
    series = read_series(scan)
    assert series.protocol.offsets_ppm == (-300.0, -4.0, -2.0, 0.0, 2.0, 4.0)
    assert series.protocol.powers_ut == (0.6,)
    train = series.protocol.saturation.train
    assert (train.shape, train.count, train.pulse_duration_s, train.inter_pulse_delay_s) == (
        "gaussian",
        20,
        0.05,
        0.05,
    )
    assert any("does not say whether B1 is the mean" in note for note in series.notes)


def test_fields_move_between_revisions(scan):
    """Revision 1500 has one field more before the kind of pulse than 1485."""
    fields = {
        re.sub(r"alFree\[(\d+)\]", lambda m: f"alFree[{int(m[1]) + 1}]", name): value
        for name, value in revision_1485(tSequenceFileName='"%CustomerSeq%\\\\cest_Rev1500"').items()
    }
    with_siemens_header(scan, fields)
    protocol = read_series(scan).protocol
    assert protocol.offsets_ppm == tuple(OFFSETS)
    assert protocol.saturation.train.pulse_duration_s == 0.05


def test_siemens_block_pulse_is_continuous(scan):
    (scan / "protocol.json").unlink()
    block = {"sWiPMemBlock.alFree[6]": 3, "sWiPMemBlock.alFree[10]": 1, "sWiPMemBlock.alFree[12]": 2000000}
    with_siemens_header(scan, revision_1485(**block))
    saturation = read_series(scan).protocol.saturation
    assert saturation.is_continuous
    assert saturation.duration_s == 2.0


def test_siemens_list_sampling_needs_the_list(scan):
    with_siemens_header(scan, revision_1485(**{"sWiPMemBlock.alFree[7]": 3}))
    with pytest.raises(
        ProtocolError, match=r"header states list sampling of the offsets; LIST\.txt must list them"
    ):
        read_series(scan)
    (scan / "LIST.txt").write_text("-300\n-4\n-2\n0\n2\n4\n")
    assert read_series(scan).protocol.offsets_ppm == tuple(OFFSETS)


def test_alternating_sampling_is_not_guessed(scan):
    """Public programs disagree about its first sign, and the wrong one puts PCr on the other side of water."""
    with_siemens_header(scan, revision_1485(**{"sWiPMemBlock.alFree[7]": 2}))
    with pytest.raises(
        ProtocolError, match=r"alternating sampling of the offsets; offsets\.txt must list them"
    ):
        read_series(scan)


def test_a_header_that_counts_other_images_is_not_believed(scan):
    with_siemens_header(scan, revision_1485(**{"sWiPMemBlock.alFree[9]": 32}))
    with pytest.raises(ProtocolError, match="the Siemens header counts 32 images but there are 6"):
        read_series(scan)


def test_a_newer_revision_is_read_like_the_last_known_with_a_note(scan):
    with_siemens_header(scan, revision_1485(tSequenceFileName='"%CustomerSeq%\\\\CEST_Rev1600"'))
    series = read_series(scan)
    assert series.protocol.offsets_ppm == tuple(OFFSETS)
    assert any(
        "revision 1600 of the CEST sequence is not known; fields of revision 1583" in n for n in series.notes
    )


def test_another_siemens_sequence_is_no_cest_sequence(scan):
    with_siemens_header(scan, revision_1485(tSequenceFileName='"%SiemensSeq%\\\\gre"'))
    with pytest.raises(ProtocolError, match="SaturationOffsets and SaturationOffsetsUnits are missing"):
        read_series(scan)


def test_a_text_list_of_offsets_in_hz(scan):
    """Newer sequences keep the list itself, in Hz at the frequency beside it."""
    hz = "|".join(f"{round(o * 123.2)}" for o in OFFSETS)
    fields = {"sTXSPEC.asNucleusInfo[0].lFrequency": 123200000, "sWipMemBlock.tFree": f'"cest l:|{hz}|d:|1|"'}
    with_siemens_header(scan, fields)
    np.testing.assert_allclose(read_series(scan).protocol.offsets_ppm, OFFSETS, atol=0.005)


def test_comments_of_the_images_may_hold_the_offsets(scan):
    for path in scan.glob("IM*"):
        dataset = dcmread(path)
        dataset.ImageComments = f"offset {OFFSETS[dataset.AcquisitionNumber - 1]:g} ppm"
        dataset.save_as(path)
    assert read_series(scan).protocol.offsets_ppm == tuple(OFFSETS)
