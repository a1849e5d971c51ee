"""Sequences as 3D Slicer saves them and NRRD files whose frames are components; none of it needs Slicer."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.errors import PCrCESTError, ProtocolError, ReaderError
from PCrCESTLib.protocol_json import protocol_from_dict
from PCrCESTLib.readers import read_series
from PCrCESTLib.readers.companions import find_companions
from PCrCESTLib.readers.nrrd_series import offsets_of_index

MUTATIONS = 150


def nrrd_bytes(
    frames: np.ndarray,
    geometry,
    axis: int = 3,
    kind: str = "list",
    unit: str = "ppm",
    entries: Mapping[str, str] | None = None,
    encoding: str = "raw",
    space: bool = True,
) -> bytes:
    """A file with the frames along ``axis``, laid out as Slicer does it (3; older versions: 0)."""

    def around(inner: str, others: Sequence[str]) -> str:
        axes = list(others)
        axes.insert(axis, inner)
        return " ".join(axes)

    columns = (np.asarray(geometry.matrix) * np.asarray(geometry.spacing_mm)).T
    directions = ["({!r},{!r},{!r})".format(*map(float, column)) for column in columns]
    x, y, z = map(str, geometry.size)
    fields = {
        "type": {"f": "float", "i": "short"}[frames.dtype.kind],
        "dimension": "4",
        **({"space": "left-posterior-superior"} if space else {}),
        "sizes": around(str(len(frames)), (x, y, z)),
        **({"space directions": around("none", directions)} if space else {}),
        **({"kinds": around(kind, ("domain",) * 3)} if kind else {}),
        "labels": around('"offset"', ('""',) * 3),
        "units": around(f'"{unit}"', ('""',) * 3),
        "endian": "little",
        "encoding": encoding,
        **({"space origin": "({!r},{!r},{!r})".format(*map(float, geometry.origin_mm))} if space else {}),
    }
    head = ["NRRD0004", *(f"{key}: {value}" for key, value in fields.items())]
    head += [f"{key}:={value}" for key, value in (entries or {}).items()]
    voxels = np.ascontiguousarray(np.moveaxis(frames, 0, 3 - axis)).tobytes()
    return "\n".join([*head, "", ""]).encode() + (gzip.compress(voxels) if encoding == "gzip" else voxels)


@pytest.fixture
def place(tmp_path, frames, grid):
    """Write such a file as ``leg_cest.seq.nrrd``."""

    def writer(name: str = "leg_cest.seq.nrrd", data: np.ndarray = frames, **how) -> Path:
        path = tmp_path / name
        path.write_bytes(nrrd_bytes(data, grid, **how))
        return path

    return writer


@pytest.fixture
def rest(write, protocol_document):
    """Protocol file beside it with everything but the offsets."""
    kept = {k: v for k, v in protocol_document.items() if not k.startswith("SaturationOffsets")}
    return write("leg_cest.json", kept)


def index(values: str, axis: int = 3, kind: str = "text") -> dict[str, str]:
    return {f"axis {axis} index type": kind, f"axis {axis} index values": values}


@pytest.mark.parametrize("axis", [0, 3])
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_offsets_are_the_index_and_all_else_lies_beside(place, rest, frames, grid, axis, encoding):
    path = place(axis=axis, encoding=encoding, entries=index("100 1 1.75 2.6 3.25 4", axis))
    series = read_series(path)
    np.testing.assert_array_equal(series.data, frames)
    assert series.data.dtype == np.float32
    assert series.geometry.same_as(grid)
    assert series.protocol.offsets_ppm == (100, 1, 1.75, 2.6, 3.25, 4)
    assert series.protocol.reference_frames == (0,)
    assert series.source == (str(path), str(rest))


def test_an_index_in_hz_is_converted_by_the_field(place, rest):
    path = place(unit="Hz", entries=index("12773 128 256 384 512 640"))
    assert read_series(path).protocol.offsets_ppm[1] == pytest.approx(128 / (3 * 42.5764))


def test_the_index_of_a_repeated_or_unsaturated_frame_is_understood(place, rest):
    """PCrCEST numbers a repeated text index, and Slicer writes a blank as %20."""
    path = place(entries=index("unsaturated 2.6 -2.6 2.6%20(4) unsaturated%20(5) 0"))
    protocol = read_series(path).protocol
    assert protocol.offsets_ppm == (np.inf, 2.6, -2.6, 2.6, np.inf, 0)
    assert protocol.reference_frames == (0, 4)


def test_a_protocol_stored_with_the_sequence_needs_no_file_beside_it(place, protocol_document):
    document = protocol_document | {"Normalized": False, "ReferenceFrames": [0], "Operator": "a\\b"}
    stored = json.dumps(document).replace("\\", "\\\\")  # as the format escapes a backslash
    path = place(entries=index("7 7 7 7 7 7") | {"PCrCEST.Protocol": stored})
    series = read_series(path)
    assert series.protocol == protocol_from_dict(document)
    assert series.source == (str(path),)


def test_a_file_beside_it_corrects_the_stored_protocol(place, write, protocol_document):
    write("leg_cest.json", {"SaturationB1": 1.1})
    path = place(entries={"PCrCEST.Protocol": json.dumps(protocol_document)})
    assert read_series(path).protocol.powers_ut == (1.1,)


@pytest.mark.parametrize("kind", ["vector", "list", "covariant-vector"])
def test_plain_components_are_frames(place, protocol_document, write, frames, kind):
    write("leg.json", protocol_document)
    path = place("leg.nrrd", frames.astype(np.int16), axis=0, kind=kind)
    np.testing.assert_array_equal(read_series(path).data, frames)


def test_four_axes_without_kinds_are_taken_as_x_y_z_and_frames(place, protocol_document, write, frames):
    write("leg.json", protocol_document)
    series = read_series(place("leg.nrrd", kind="", space=False))
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.spacing_mm == (1, 1, 1)


def test_a_simpleitk_vector_image_is_a_series(tmp_path, write, protocol_document, frames, grid):
    image = sitk.GetImageFromArray(np.moveaxis(frames, 0, -1), isVector=True)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(grid.direction)
    sitk.WriteImage(image, str(tmp_path / "leg.nrrd"))
    write("leg.json", protocol_document)
    series = read_series(tmp_path / "leg.nrrd")
    np.testing.assert_array_equal(series.data, frames)
    assert series.geometry.same_as(grid)


def test_isolated_nan_voxels_are_kept(place, rest, frames):
    frames[2, 0, 1, 1] = np.nan
    assert np.isnan(read_series(place(data=frames, entries=index("100 1 2 3 4 5"))).data[2, 0, 1, 1])


def test_a_numeric_index_says_that_time_order_is_lost(place, rest):
    path = place(entries=index("-1 1 2 3 4 100", kind="numeric"))
    assert any("sorted by it, not by time" in note for note in read_series(path).notes)
    path = place(entries=index("-1 1 2 3 4 100", kind="text"))
    assert not read_series(path).notes


def test_maps_beside_a_sequence_are_found(place, write, frames, grid):
    r1 = write("leg_R1obs.nii.gz", frames[0], grid)
    assert find_companions(place()) == {"r1": r1}


def test_index_values_that_are_no_numbers_are_no_offsets():
    assert offsets_of_index(["2.6", "inf", "unsaturated"]) == [2.6, None, None]
    assert offsets_of_index(["2.6", "before"]) is None


class TestRefusals:
    """Each sentence says what was found and how to go on."""

    def test_all_missing_keys_are_named(self, place):
        path = place(entries=index("100 1 2 3 4 5"))
        missing = "MagneticFieldStrength, SaturationB1 and SaturationDuration are missing"
        with pytest.raises(ProtocolError, match=rf"{missing}; write them to leg_cest\.json"):
            read_series(path)

    @pytest.mark.parametrize("unit", ["s", "", "mm"])
    def test_another_unit_gives_no_offsets(self, place, rest, unit):
        with pytest.raises(ProtocolError, match="SaturationOffsets and SaturationOffsetsUnits are missing"):
            read_series(place(unit=unit, entries=index("0 1 2 3 4 5")))

    def test_fewer_index_values_than_frames(self, place, rest):
        with pytest.raises(ProtocolError, match="6 frames but the protocol lists 3"):
            read_series(place(entries=index("100 1 2")))

    def test_a_single_volume(self, place, rest, frames):
        with pytest.raises(ReaderError, match=r"holds one image.*save the sequence"):
            read_series(place(data=frames[:1]))

    def test_a_scalar_volume(self, tmp_path, frames, grid):
        path = tmp_path / "one.nrrd"
        sitk.WriteImage(grid.to_image(frames[0]), str(path))
        with pytest.raises(ReaderError, match="holds one image"):
            read_series(path)
        path.write_bytes(path.read_bytes().replace(b"kinds: domain domain domain\n", b""))
        with pytest.raises(ReaderError, match="holds one image"):
            read_series(path)

    def test_a_segmentation(self, place):
        with pytest.raises(ReaderError, match="segmentation; give it with --rois"):
            read_series(place(entries={"Segment0_Name": "soleus"}))

    @pytest.mark.parametrize("kind", ["RGB-color", "complex", "quaternion", "???", "domain", "time"])
    def test_axes_that_count_no_frames(self, place, rest, kind):
        with pytest.raises(ReaderError, match="do not say which one counts the frames"):
            read_series(place(kind=kind))

    @pytest.mark.parametrize("stored", ["{", "[1]", "null", "[" * 100_000])
    def test_a_damaged_stored_protocol(self, place, stored):
        with pytest.raises(ProtocolError, match=r"header entry PCrCEST\.Protocol is no JSON object"):
            read_series(place(entries={"PCrCEST.Protocol": stored}))

    def test_a_stored_protocol_of_absurd_keys(self, place):
        with pytest.raises(ProtocolError, match="itself gives only xxx") as caught:
            read_series(place(entries={"PCrCEST.Protocol": json.dumps({"x" * 5000: 1})}))
        assert len(str(caught.value)) < 1000

    def test_data_in_another_file(self, place, rest):
        path = place(entries=index("100 1 2 3 4 5"))
        path.write_bytes(path.read_bytes().replace(b"encoding: raw", b"encoding: raw\ndata file: leg.raw"))
        with pytest.raises(ReaderError, match="in another file"):
            read_series(path)

    def test_a_header_that_promises_terabytes(self, place, rest):
        path = place(entries=index("100 1 2 3 4 5"))
        path.write_bytes(path.read_bytes().replace(b"sizes: 4 5 2 6", b"sizes: 99999 99999 99 6"))
        with pytest.raises(ReaderError, match="its header promises 237595248"):
            read_series(path)

    @pytest.mark.parametrize(
        ("found", "put", "sentence"),
        [
            (b"dimension", b"[" * 3000, "header has no field 'dimension'"),
            (b"labels", b"x" * 3000, "header field 'x{40}' is unknown"),
            (b"sizes: 4 5 2 6", b"sizes: 4 5 2 six", "its value '4 5 2 six' makes no sense"),
            (b"kinds: domain", b"kinds: " + b"domain" * 100, "its value 'domaindomain"),
            (b"endian: little", b"little" * 100, "has the line 'littlelittle"),
        ],
    )
    def test_a_header_that_would_crash_itk(self, place, rest, found, put, sentence):
        """Its parser copies long words into error texts of fixed length."""
        path = place(entries=index("100 1 2 3 4 5"))
        path.write_bytes(path.read_bytes().replace(found, put, 1))
        with pytest.raises(ReaderError, match=sentence) as caught:
            read_series(path)
        assert len(str(caught.value)) < 400


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Change bytes, mostly of the header, or one of its numbers or lines."""
    end = content.index(b"\n\n")
    data = bytearray(content)
    kind = rng.randrange(4)
    if kind == 0:
        at = rng.randrange(end if rng.random() < 0.8 else len(data))
        data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(4))
    elif kind == 1:
        lines = content[:end].split(b"\n")
        at = rng.randrange(len(lines))
        lines[at : at + 1] = rng.choice([[], [lines[at]] * 2, [rng.choice(lines)]])
        return b"\n".join(lines) + content[end:]
    elif kind == 2:
        words = content[:end].split(b" ")
        words[rng.randrange(len(words))] = rng.choice(
            [b"-1", b"0", b"1e308", b"nan", b"none", b"9" * 25, b""]
        )
        return b" ".join(words) + content[end:]
    else:
        del data[rng.randrange(len(data)) :]
    return bytes(data)


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_damage_never_escapes_the_error_family(place, rest, encoding, capfd):
    path = place(encoding=encoding, entries=index("100 1 1.75 2.6 3.25 4"))
    original = path.read_bytes()
    rng = random.Random(encoding)
    sentences = []
    for _ in range(MUTATIONS):
        path.write_bytes(damaged(original, rng))
        try:
            read_series(path)
        except PCrCESTError as error:
            sentences.append(str(error))
    assert len(sentences) > MUTATIONS // 4
    assert not [s for s in sentences if "leg_cest" not in s or "\n" in s or "itk::" in s]
    assert capfd.readouterr().err == ""
