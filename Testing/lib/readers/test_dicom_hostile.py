"""DICOM files that lie, end early or never end: one sentence, quickly, and little memory."""

from __future__ import annotations

import os
import struct
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import dicom_samples as samples
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from PCrCESTLib.errors import MissingExtraError, PCrCESTError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.readers import read_series
from PCrCESTLib.readers.dicom import folder as dicom_folder

FUZZ = Path(__file__).resolve().parents[2] / "tools" / "fuzz_dicom.py"
MUTATIONS = 300
FEW_BYTES = 8 << 20


@pytest.fixture
def protocol(protocol_document):
    return protocol_from_dict(protocol_document)


@pytest.fixture
def scan(tmp_path, frames, grid):
    samples.write_classic(tmp_path / "scan", frames.astype(np.uint16), grid)
    return tmp_path / "scan"


@pytest.fixture
def one(scan):
    """A file of the scan."""
    return scan / "IM0003"


def refusal(path, protocol) -> str:
    """Sentence with which a path is refused, within little time and memory."""
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(PCrCESTError) as caught:
        read_series(path, protocol)
    assert time.perf_counter() - started < 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < FEW_BYTES
    assert "\n" not in str(caught.value)
    return str(caught.value)


def overwrite(path, tag, content):
    """Replace the value of an element (explicit, short length) without touching its length."""
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<HH", *tag)) + 8
    data[at : at + len(content)] = content
    path.write_bytes(data)


def test_absurd_rows_and_columns_allocate_nothing(scan, one, protocol):
    overwrite(one, (0x28, 0x10), b"\xff\xff")
    overwrite(one, (0x28, 0x11), b"\xff\xff")
    assert "promises 8589672450 bytes of pixels but the file holds at most 40" in refusal(scan, protocol)


def test_two_billion_frames_allocate_nothing(scan, one, protocol):
    dataset = dcmread(one)
    dataset.NumberOfFrames = 2**31 - 1
    dataset.save_as(one)
    assert "promises" in refusal(one, protocol)


def test_pixels_shorter_than_the_header_says_are_refused(scan, one, protocol):
    one.write_bytes(one.read_bytes()[:-10])
    assert "holds at most 30" in refusal(scan, protocol)


@pytest.mark.parametrize("kept", [140, 300, 500, 0.6, 0.8, 0.95])
def test_a_file_cut_short_is_not_left_out_silently(scan, one, protocol, kept):
    content = one.read_bytes()
    one.write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    assert str(one) in refusal(scan, protocol)


def test_a_length_of_four_gigabytes_is_read_to_the_end_of_the_file_only(scan, one, protocol):
    element = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, 0xFFFFFFFE)
    content = one.read_bytes()
    at = content.index(struct.pack("<HH", 0x18, 0x81))
    one.write_bytes(content[:at] + element + content[at:])
    assert str(one) in refusal(scan, protocol)


@pytest.mark.parametrize("depth", [50, 5000])
def test_sequences_without_end_inside_each_other(scan, one, protocol, depth):
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HH2sHI", 0x0018, 0x9112, b"SQ", 0, 0xFFFFFFFF)
    content = one.read_bytes()
    at = content.index(struct.pack("<HH", 0x20, 0x12))
    one.write_bytes(content[:at] + (sequence + item) * depth + content[at:])
    assert str(one) in refusal(scan, protocol)


def test_a_deflated_file_is_not_inflated(scan, one, protocol):
    """A megabyte of it may become a gigabyte."""
    dataset = dcmread(one)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(one)
    head = one.read_bytes()[:400]
    end = head.index(DeflatedExplicitVRLittleEndian.encode()) + len(DeflatedExplicitVRLittleEndian)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    one.write_bytes(head[:end] + squeeze.compress(bytes(1 << 28)) + squeeze.flush())
    assert "deflated" in refusal(scan, protocol)


def test_compressed_pixels_without_a_decoder_are_named(scan, one, protocol):
    dataset = dcmread(one)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.save_as(one)
    assert "compressed pixels (JPEG 2000 Image Compression (Lossless Only)) cannot be decoded" in refusal(
        scan, protocol
    )


def test_a_mosaic_of_a_million_slices_is_refused(tmp_path, protocol):
    grid = Geometry((4, 4, 4))
    dataset = samples.mosaic(np.ones((4, 4, 4), np.uint16), grid, "1.2.3")
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER")
    for count in ("1000000", "0", "-4", "9", "4.5", "many"):
        block[0x10].value = samples.csa({"NumberOfImagesInMosaic": [count]})
        path = samples.write(dataset, tmp_path / "scan" / "a.dcm")
        assert str(path) in refusal(path.parent, protocol)


def test_a_damaged_csa_table_is_no_trap(tmp_path, protocol):
    dataset = samples.mosaic(np.ones((4, 4, 4), np.uint16), Geometry((4, 4, 4)), "1.2.3")
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER")
    whole = block[0x10].value
    for table in (
        b"",
        b"SV10",
        whole[:90],
        whole[:120],
        whole[:16] + b"\xff" * 84 + whole[100:],
        b"SV10" + b"\xff" * 400,
    ):
        block[0x10].value = table + b"\0" * (len(table) % 2)
        path = samples.write(dataset, tmp_path / "scan" / "a.dcm")
        assert str(path) in refusal(path.parent, protocol)


def test_texts_made_to_be_slow_are_not(scan, protocol_document, write):
    names = ("cest" * 500_000, "unsat" * 400_000, "1" * 2_000_000, "1 " * 1_000_000)
    del protocol_document["SaturationOffsets"]
    for name in names:
        for path in scan.iterdir():
            dataset = dcmread(path)
            dataset.ImageComments = name[:10_000]
            if path.name == "IM0000":  # whose private header counts
                samples.add_siemens_protocol(dataset, {"tSequenceFileName": name, "sWipMemBlock.tFree": name})
            dataset.save_as(path)
        started = time.perf_counter()
        with pytest.raises(PCrCESTError, match="SaturationOffsets is missing"):
            read_series(scan, write("p.json", protocol_document))
        assert time.perf_counter() - started < 20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_pipes_and_links_in_a_folder_do_not_hang(scan, protocol, frames):
    os.mkfifo(scan / "pipe")
    (scan / "loop").symlink_to(scan, target_is_directory=True)
    (scan / "nowhere").symlink_to(scan / "missing")
    np.testing.assert_array_equal(read_series(scan, protocol).data, frames)


def test_a_folder_of_a_whole_disk_is_not_walked(scan, protocol, monkeypatch):
    monkeypatch.setattr(dicom_folder, "MAX_FILES", 10)
    with pytest.raises(ReaderError, match="more than 10 files in this folder"):
        read_series(scan, protocol)


def test_without_pydicom_the_extra_is_named(scan, protocol, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pcrcest\[dicom\]'"):
        read_series(scan, protocol)


def test_reading_takes_less_than_three_times_the_files(tmp_path):
    grid = Geometry((128, 128, 4), (2.0, 2.0, 3.0))
    frames = np.random.default_rng(0).integers(1, 4000, (30, *grid.shape)).astype(np.uint16)
    offsets = [100.0, *np.linspace(-4, 4, 29)]
    document = {"MagneticFieldStrength": 3.0, "SaturationOffsets": offsets, "SaturationOffsetsUnits": "ppm"}
    protocol = protocol_from_dict(document | {"SaturationB1": 0.6, "SaturationDuration": 2.0})
    path = samples.write(samples.enhanced(frames, grid), tmp_path / "enhanced.dcm")
    read_series(path, protocol)  # imports
    tracemalloc.start()
    read_series(path, protocol)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * path.stat().st_size
