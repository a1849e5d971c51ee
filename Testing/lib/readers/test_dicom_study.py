"""A folder of several DICOM series: what each is, in the library and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

import dicom_samples as samples  # noqa: E402
from pydicom.uid import generate_uid  # noqa: E402

from PCrCESTLib.cli import main  # noqa: E402
from PCrCESTLib.geometry import Geometry  # noqa: E402
from PCrCESTLib.readers.dicom.study import list_scans  # noqa: E402
from PCrCESTLib.readers.scan_facts import facts_of  # noqa: E402
from PCrCESTLib.readers.study import list_study  # noqa: E402

GRID = Geometry((5, 4, 2), (1.0, 1.25, 3.0), (-12.0, 30.0, 7.0))
PPM = (-300.0, -4.0, -2.6, 0.0, 2.6, 4.0)


def write_series(
    folder: Path, number: int, name: str, n_images: int = 1, grid: Geometry = GRID, each=None, **elements
) -> list[Path]:
    """One series; ``each(t)`` gives the elements of image ``t``."""
    series = generate_uid()
    paths = []
    for t in range(n_images):
        for z in range(grid.size[2]):
            pixels = np.full(grid.shape[1:], 100 + 10 * t + z, np.uint16)
            stated = {
                "SeriesNumber": number,
                "SeriesDescription": name,
                **elements,
                **(each(t) if each else {}),
            }
            place = {"AcquisitionNumber": t + 1, "InstanceNumber": t * grid.size[2] + z + 1}
            dataset = samples.place(samples.image(pixels, series, **place, **stated), grid, z)
            paths.append(samples.write(dataset, folder / f"{number:03d}_{t:02d}_{z}.dcm"))
    return paths


def with_comments(t: int) -> dict[str, str]:
    return {"ImageComments": f"{PPM[t]:g} ppm"}


def only(folder: Path):
    (scan,) = list_scans(folder)
    return scan


def test_a_series_whose_comments_state_offsets_is_cest(tmp_path):
    write_series(tmp_path, 7, "leg", len(PPM), each=with_comments)
    scan = only(tmp_path)
    assert (scan.kind, scan.number, scan.size, scan.n_frames) == ("CEST", 7, (5, 4, 2), 6)
    assert scan.reason == "6 saturation offsets (comments of the images)"
    assert scan.geometry.same_as(GRID)


def test_offsets_around_water_only_are_a_map_of_b0(tmp_path):
    write_series(tmp_path, 7, "leg", 5, each=lambda t: {"ImageComments": f"{0.2 * (t - 2):g} ppm"})
    assert only(tmp_path).kind == "B0"


def test_a_list_of_offsets_makes_only_the_series_of_as_many_images_cest(tmp_path):
    write_series(tmp_path, 4, "leg", 4)
    write_series(tmp_path, 5, "other leg", 6)
    (tmp_path / "offsets.txt").write_text("M0 -4 0 4\n")
    assert [(s.number, s.kind) for s in list_scans(tmp_path)] == [(4, "CEST"), (5, "other")]


def test_a_list_of_offsets_does_not_make_cest_of_inversion_times(tmp_path):
    write_series(tmp_path, 4, "leg", 4, each=lambda t: {"InversionTime": 100.0 * 2**t})
    (tmp_path / "offsets.txt").write_text("M0 -4 0 4\n")
    assert only(tmp_path).kind == "T1"


def test_a_siemens_cest_header_makes_a_series_cest(tmp_path):
    fields = {
        "tSequenceFileName": '"x_cest_rev1485"', "sWipMemBlock.alFree[7]": 1,
        "sWipMemBlock.alFree[9]": 6, "sWipMemBlock.adFree[1]": 4.0,
    }  # fmt: skip
    paths = write_series(tmp_path, 3, "leg", 6)
    for path in paths:
        dataset = pydicom.dcmread(path)
        samples.add_siemens_protocol(dataset, fields)
        dataset.save_as(path)
    assert (only(tmp_path).kind, only(tmp_path).reason) == ("CEST", "6 saturation offsets (vendor header)")


@pytest.mark.parametrize(
    ("kind", "reason", "n_images", "each", "elements"),
    [
        ("T1", "5 inversion times", 5, lambda t: {"InversionTime": 50.0 * 3**t}, {}),
        ("T1", "3 flip angles", 3, lambda t: {"FlipAngle": 5.0 * (t + 1)}, {}),
        ("T1", "4 repetition times", 4, lambda t: {"RepetitionTime": 300.0 * 2**t}, {}),
        ("T2", "4 spin echoes", 4, lambda t: {"EchoTime": 10.0 * (t + 1)}, {"ScanningSequence": ["SE"]}),
        ("other", "4 gradient echoes, T2*", 4, lambda t: {"EchoTime": 3.0 * (t + 1)}, {"ScanningSequence": "GR"}),
        (
            "B0", "phase images of 2 echo times", 2,
            lambda t: {"EchoTime": 4.92 + 2.46 * t}, {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]},
        ),
        ("other", "phase images", 1, None, {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}),
        ("anatomy", "one image a slice", 1, None, {}),
        ("other", "40 images a slice", 40, None, {}),
    ],
)  # fmt: skip
def test_other_series_are_told_by_their_settings(tmp_path, kind, reason, n_images, each, elements):
    write_series(tmp_path, 2, "leg", n_images, each=each, **elements)
    scan = only(tmp_path)
    assert (scan.kind, scan.reason, scan.n_frames) == (kind, reason, n_images)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("B0", "gre_field_mapping"), ("B0", "WASSR 0.1uT"), ("B1", "tfl_B1map"), ("T1", "T1 map MOLLI"),
        ("T2", "T2_map"), ("anatomy", "t1_tse_tra"), ("anatomy", "T2 tse dixon"),
    ],
)  # fmt: skip
def test_a_name_tells_a_map_but_not_a_weighting(tmp_path, kind, name):
    write_series(tmp_path, 2, name)
    assert only(tmp_path).kind == kind


def test_a_series_named_cest_without_offsets_says_how_to_give_them(tmp_path):
    write_series(tmp_path, 2, "CEST_leg", 31)
    assert only(tmp_path).kind == "CEST"
    assert "put offsets.txt beside them" in only(tmp_path).reason


def test_the_unsaturated_image_of_a_cest_series_is_told(tmp_path):
    write_series(tmp_path, 5, "cest leg", 5, each=lambda t: with_comments(t + 1))
    write_series(tmp_path, 6, "cest leg M0")
    shifted = Geometry(GRID.size, GRID.spacing_mm, (0.0, 0.0, 0.0))
    write_series(tmp_path, 7, "cest leg M0", grid=shifted)
    kinds = [(s.number, s.kind) for s in list_scans(tmp_path)]
    assert kinds == [(5, "CEST"), (6, "M0"), (7, "anatomy")]


def test_series_of_one_offset_each_are_one_scan_among_others(tmp_path):
    for i, ppm in enumerate(PPM):
        write_series(tmp_path / f"s{i}", 10 + i, f"cest {ppm:+g}ppm")
    write_series(tmp_path / "anat", 3, "t1_tse")
    first, cest = list_scans(tmp_path)
    assert (first.number, first.kind, first.give) == (3, "anatomy", tmp_path / "anat")
    assert (cest.number, cest.kind, cest.n_frames, cest.give) == (10, "CEST", 6, tmp_path)
    assert cest.reason == "6 series of one offset each"


def test_series_of_one_offset_each_alone_are_no_study(tmp_path):
    for i, ppm in enumerate(PPM):
        write_series(tmp_path / f"s{i}", 10 + i, f"cest {ppm:+g}ppm")
    assert list_study(tmp_path) == []


def test_a_localizer_and_damaged_files_are_still_listed(tmp_path):
    turned = Geometry(GRID.size, GRID.spacing_mm, GRID.origin_mm, (0, 0, 1, 1, 0, 0, 0, 1, 0))
    one, other = write_series(tmp_path, 1, "loc"), write_series(tmp_path, 1, "loc", grid=turned)
    uid = pydicom.dcmread(one[0]).SeriesInstanceUID
    for n, path in enumerate(other):  # written over the first: put them elsewhere, into the same series
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = uid
        dataset.save_as(tmp_path / f"turned{n}.dcm")
    write_series(tmp_path, 1, "loc", grid=GRID, SeriesInstanceUID=uid)
    write_series(tmp_path, 2, "anat")
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "002_00_0.dcm").read_bytes()[:400])
    (tmp_path / "empty.dcm").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "notes.txt").write_text("no DICOM")
    scans = list_scans(tmp_path)
    assert [(s.number, s.kind) for s in scans] == [(1, "other"), (2, "anatomy"), (0, "unreadable")]
    assert "several sizes or directions" in scans[0].reason
    assert scans[0].size is None
    assert "damaged or cut short" in scans[2].reason
    assert len(scans[2].files) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SeriesDescription", "M0 " * 20), ("SeriesDescription", "\x1b[31mred\x07"), ("SeriesNumber", 2**31 - 1),
        ("InversionTime", "1e308"), ("FlipAngle", "0"), ("EchoTime", "-5"), ("RepetitionTime", None),
        ("MagneticFieldStrength", "0"), ("ImagingFrequency", "0"),
    ],
)  # fmt: skip
def test_strange_headers_are_listed_without_an_error(tmp_path, name, value, capsys):
    write_series(tmp_path, 1, "cest leg", 6, each=lambda t: with_comments(t) | {name: value})
    write_series(tmp_path, 2, "anat")
    assert len(list_scans(tmp_path)) == 2
    assert main(["info", str(tmp_path)]) == 0
    assert "\x1b" not in capsys.readouterr().out


class TestInfo:
    @pytest.fixture
    def patient(self, tmp_path):
        """Folders for two series, and a folder that two series share."""
        write_series(tmp_path / "patient" / "a", 2, "t1_tse_tra")
        write_series(
            tmp_path / "patient" / "b", 3, "T1 inversion", 4, each=lambda t: {"InversionTime": 90.0 * 2**t}
        )
        write_series(tmp_path / "patient" / "mixed", 11, "cest leg", len(PPM), each=with_comments)
        write_series(tmp_path / "patient" / "mixed", 12, "localizer")
        return tmp_path / "patient"

    def test_series_are_listed_by_number_with_what_to_give(self, patient, capsys):
        assert main(["info", str(patient)]) == 0
        out = capsys.readouterr().out
        table, paths = out.split("\nto read one, give:\n")
        lines = table.splitlines()
        assert lines[0] == f"study {patient}"
        assert lines[2].split()[:7] == ["2", "anatomy", "5", "x", "4", "x", "2"]
        assert lines[3].split()[:2] == ["3", "T1"]
        assert "4 inversion times" in lines[3]
        assert lines[4].split()[:8] == ["11", "CEST", "5", "x", "4", "x", "2", "6"]
        given = dict(line.split(maxsplit=1) for line in paths.split("\n\n")[0].splitlines())
        assert given["2"] == str(patient / "a")
        assert Path(given["11"]).parent == patient / "mixed"

    def test_json_has_the_shape_of_a_bruker_study(self, patient, capsys):
        assert main(["info", str(patient), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["study"] == str(patient)
        assert [(s["scan"], s["kind"]) for s in document["scans"]] == [
            (2, "anatomy"), (3, "T1"), (11, "CEST"), (12, "anatomy"),
        ]  # fmt: skip
        keys = {"scan", "path", "folder", "kind", "reason", "size", "frames", "name", "method"}
        assert set(document["scans"][0]) == keys

    def test_what_info_says_to_give_can_be_given(self, patient, tmp_path, capsys):
        protocol = {"SaturationB1": 0.6, "SaturationType": "continuous", "SaturationDuration": 2.0}
        (tmp_path / "p.json").write_text(json.dumps(protocol))
        assert main(["info", str(patient), "--json"]) == 0
        scans = json.loads(capsys.readouterr().out)["scans"]
        (cest,) = [s["path"] for s in scans if s["kind"] == "CEST"]
        assert main(["info", cest, "--protocol", str(tmp_path / "p.json")]) == 0
        out = capsys.readouterr().out
        assert "5 x 4 x 2 voxels" in out
        assert "5 from -4 to 4 ppm" in out

    def test_one_series_is_no_study(self, patient):
        assert list_study(patient / "b") == []


def test_a_graphical_interface_gets_the_scans_whole_from_another_process_and_hears_how_far_it_is(
    tmp_path, capsys
):
    write_series(tmp_path, 2, "T2w")
    write_series(tmp_path, 7, "leg", len(PPM), each=with_comments)
    (tmp_path / "damaged.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    assert main(["info", str(tmp_path), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events[:-1]] == ["progress"] * (len(events) - 1)
    fractions = [event["fraction"] for event in events[:-1]]
    assert len(fractions) >= 2
    assert fractions == sorted(fractions)
    assert events[-1]["event"] == "done"
    assert [facts_of(document) for document in events[-1]["scans"]] == list_study(tmp_path)


def test_of_a_single_series_a_graphical_interface_hears_that_it_is_no_study(tmp_path, capsys):
    write_series(tmp_path, 7, "leg", len(PPM), each=with_comments)
    assert main(["info", str(tmp_path), "--progress", "json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"event": "done", "scans": []}
