"""``pcrcest convert``: any series as 4D NIfTI with its protocol, without loss, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from PCrCESTLib.cli import main
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.protocol_json import protocol_to_dict, save_protocol
from PCrCESTLib.readers import read_series
from PCrCESTLib.saturation import PULSE_SHAPES, PulseTrain, Saturation
from PCrCESTLib.series import CestSeries

times = st.floats(1e-3, 5.0)


@st.composite
def saturations(draw):
    timing = {"readout_delay_s": draw(st.floats(0, 1))}
    if draw(st.booleans()):
        timing |= {"recovery_s": draw(times), "initial_mz": draw(st.floats(-1, 1))}
    timing["b1_definition"] = draw(st.sampled_from(["cwpe", "rms", "peak"]))
    if draw(st.booleans()):
        return Saturation(draw(times), **timing)
    shape = draw(st.sampled_from(PULSE_SHAPES))
    samples = draw(st.lists(st.floats(0.01, 1), min_size=1, max_size=5)) if shape == "samples" else None
    train = PulseTrain(
        shape,
        draw(st.floats(1e-3, 0.1)),
        draw(st.floats(0, 0.1)),
        draw(st.integers(1, 100)),
        None if samples is None else tuple(samples),
        draw(st.booleans()),
    )
    return Saturation.pulsed(train, **timing)


@st.composite
def protocols(draw):
    """References without or with an offset, anywhere; repeated and unsorted offsets; one power or several."""
    n = draw(st.integers(2, 7))
    references = draw(st.sets(st.integers(0, n - 2)))
    normalized = not references or draw(st.booleans())
    near = st.floats(-10, 10)
    far = st.one_of(st.just(np.inf), st.floats(-300, 300), near)
    offsets = tuple(draw(far if i in references else near) for i in range(n))
    b1 = st.floats(0.01, 10)
    b1_ut = draw(st.one_of(b1.map(lambda power: (power,) * n), st.tuples(*[b1] * n)))
    # Five offsets within 0.05 ppm look like kHz and are refused.
    offsets = tuple(o if i in references else round(o, 6) + 1 for i, o in enumerate(offsets))
    field_t = draw(st.floats(0.5, 20))
    repetition = draw(st.one_of(st.none(), st.floats(1e-3, 100)))
    return Protocol(field_t, offsets, b1_ut, draw(saturations()), tuple(references), normalized, repetition)


@st.composite
def geometries(draw):
    """Rotated by any angles, mirrored or not."""
    a, b, c = (draw(st.floats(-np.pi, np.pi)) for _ in range(3))
    turn = [
        np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]),
        np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]),
        np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]),
    ]
    matrix = turn[0] @ turn[1] @ turn[2] @ np.diag([1, 1, draw(st.sampled_from([1, -1]))])
    spacing = tuple(draw(st.floats(0.1, 10)) for _ in range(3))
    origin = tuple(draw(st.floats(-200, 200)) for _ in range(3))
    size = tuple(draw(st.integers(1, 5)) for _ in range(3))
    return Geometry(size, spacing, origin, tuple(matrix.ravel()))


@st.composite
def any_series(draw):
    protocol, geometry = draw(protocols()), draw(geometries())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    data = (rng.normal(size=(protocol.n_frames, *geometry.shape)) * 10.0 ** rng.integers(-6, 6)).astype(
        np.float32
    )
    if data[0].size > 1:
        data[-1].flat[0] = draw(st.sampled_from([np.nan, np.inf, 0.0, 1.0]))
    return CestSeries(data, geometry, protocol)


def same(back: CestSeries, series: CestSeries) -> None:
    np.testing.assert_array_equal(back.data, series.data)
    assert back.data.dtype == series.data.dtype
    assert back.protocol == series.protocol
    assert back.geometry.size == series.geometry.size
    # NIfTI keeps positions as 32-bit floats.
    for name in ("spacing_mm", "origin_mm", "direction"):
        np.testing.assert_allclose(
            getattr(back.geometry, name), getattr(series.geometry, name), rtol=1e-5, atol=3e-5
        )


def convert(source, out, *options) -> CestSeries:
    assert main(["convert", str(source), "--out", str(out), "--progress", "none", *options]) == 0
    return read_series(out)


@pytest.fixture
def series() -> CestSeries:
    c, s = np.cos(0.4), np.sin(0.4)
    grid = Geometry((4, 3, 2), (0.5, 0.6, 2.0), (-3.0, 7.0, 11.0), (c, -s, 0, s, c, 0, 0, 0, 1))
    data = np.arange(1, 121, dtype=np.float32).reshape(5, *grid.shape)
    offsets = (np.inf, 2.6, -2.6, 2.6, 300.0)
    return CestSeries(data, grid, Protocol(4.7, offsets, (0.5,) * 5, Saturation(4.0), (0, 4)))


@pytest.fixture
def source(series, tmp_path):
    """``in/leg.nii.gz`` with its protocol."""
    (tmp_path / "in").mkdir()
    write_image(series.data, series.geometry, tmp_path / "in" / "leg.nii.gz")
    save_protocol(series.protocol, tmp_path / "in" / "leg.json")
    return tmp_path / "in" / "leg.nii.gz"


class TestNothingIsLost:
    @given(series=any_series(), suffix=st.sampled_from([".nii.gz", ".nii"]))
    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    def test_any_series(self, series, suffix, tmp_path_factory):
        """Written, converted and read again it is the same, whatever the protocol and however it lies."""
        folder = tmp_path_factory.mktemp("series")
        write_image(series.data, series.geometry, folder / "a.nii.gz")
        save_protocol(series.protocol, folder / "a.json")
        same(convert(folder / "a.nii.gz", folder / f"b{suffix}"), series)
        json.loads(
            (folder / "b.json").read_text(), parse_constant=pytest.fail
        )  # JSON has no NaN and no Infinity

    def test_a_folder_of_frames(self, series, tmp_path):
        (tmp_path / "in").mkdir()
        for i, frame in enumerate(series.data):
            write_image(frame, series.geometry, tmp_path / "in" / f"frame{i + 8}.nii.gz")  # 8, 9, 10 …
        save_protocol(series.protocol, tmp_path / "in" / "protocol.json")
        same(convert(tmp_path / "in", tmp_path / "leg.nii.gz"), series)

    @pytest.mark.parametrize("stored", [np.uint16, np.int32, np.float64])
    def test_a_matlab_file(self, series, tmp_path, stored):
        arrays = {
            "image": series.data.transpose(2, 3, 1, 0).astype(stored),
            "offsets_ppm": np.array(series.protocol.offsets_ppm),
            "VoxelSize": np.array(series.geometry.spacing_mm),
        }
        scipy.io.savemat(tmp_path / "leg.mat", arrays)
        document = protocol_to_dict(series.protocol)
        rest = {k: v for k, v in document.items() if not k.startswith("SaturationOffsets")}
        (tmp_path / "leg.json").write_text(json.dumps(rest))
        placed = replace(series, geometry=Geometry(series.geometry.size, series.geometry.spacing_mm))
        same(convert(tmp_path / "leg.mat", tmp_path / "out.nii.gz"), placed)

    def test_components_of_an_nrrd_file(self, series, tmp_path):
        image = sitk.GetImageFromArray(np.moveaxis(series.data, 0, -1), isVector=True)
        image.SetSpacing(series.geometry.spacing_mm)
        image.SetOrigin(series.geometry.origin_mm)
        image.SetDirection(series.geometry.direction)
        sitk.WriteImage(image, str(tmp_path / "leg.nrrd"))
        save_protocol(series.protocol, tmp_path / "p.json")
        same(
            convert(tmp_path / "leg.nrrd", tmp_path / "x.nii.gz", "--protocol", str(tmp_path / "p.json")),
            series,
        )

    def test_a_reference_whose_power_is_not_known(self, series, source, tmp_path):
        """NaN, which JSON does not have, is written as null; the power of a reference counts for nothing."""
        powers = (np.nan, 0.5, 0.5, 0.5, 0.5)
        save_protocol(replace(series.protocol, b1_ut=powers), source.with_name("leg.json"))
        back = convert(source, tmp_path / "x.nii.gz")
        assert back.protocol == replace(series.protocol, b1_ut=(0.0, *powers[1:]))
        json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)

    def test_the_file_that_completed_a_scanner_s_does_not_spoil_the_new_one(self, series, source, tmp_path):
        """``leg_protocol.json`` beside ``leg.nii.gz`` is not read over its complete protocol."""
        document = protocol_to_dict(series.protocol)
        partial = {k: v for k, v in document.items() if k != "MagneticFieldStrength"}
        source.with_name("leg.json").write_text(json.dumps({"MagneticFieldStrength": 4.7}))
        (tmp_path / "out").mkdir()
        given = tmp_path / "out" / "leg_protocol.json"
        given.write_text(json.dumps(partial))
        same(convert(source, tmp_path / "out" / "leg.nii.gz", "--protocol", str(given)), series)


class TestWholeOrNotAtAll:
    def test_an_existing_file_stops_it_before_it_reads(self, source, tmp_path, capsys):
        for name in ("out.nii.gz", "out.json"):
            (tmp_path / name).write_text("mine")
            assert main(["convert", str(source), "--out", str(tmp_path / "out.nii.gz")]) == 2
            assert (
                f"{name}: this file already exists; give another name, or --overwrite"
                in capsys.readouterr().err
            )
            assert (tmp_path / name).read_text() == "mine"
            assert len(list(tmp_path.iterdir())) == 2
            (tmp_path / name).unlink()

    def test_overwriting_replaces_both(self, series, source, tmp_path):
        (tmp_path / "out.nii.gz").write_text("old")
        (tmp_path / "out.json").write_text("old")
        same(convert(source, tmp_path / "out.nii.gz", "--overwrite"), series)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out.json", "out.nii.gz"]

    def test_a_failure_halfway_leaves_no_trace(self, source, tmp_path, monkeypatch, capsys):
        def full(*_args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("PCrCESTLib.commands.convert.save_protocol", full)
        assert main(["convert", str(source), "--out", str(tmp_path / "new" / "out.nii.gz")]) == 2
        assert "the disk is full" in capsys.readouterr().err
        assert [p.name for p in tmp_path.iterdir()] == ["in"]

    def test_a_series_that_cannot_be_read_leaves_no_trace(self, tmp_path, capsys):
        assert (
            main(["convert", str(tmp_path / "gone.nii.gz"), "--out", str(tmp_path / "new" / "out.nii.gz")])
            == 2
        )
        assert "gone.nii.gz" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())

    def test_what_is_read_is_never_written_over(self, series, source, capsys):
        for out in (source, source.with_name("leg.nii")):  # the second would replace the protocol
            assert main(["convert", str(source), "--out", str(out), "--overwrite"]) == 2
            assert "the series was read from there" in capsys.readouterr().err
        same(read_series(source), series)

    @pytest.mark.parametrize("name", ["out.nrrd", "out", "out.nii.gz.txt", ".nii.gz"])
    def test_another_ending_is_refused(self, source, tmp_path, capsys, name):
        assert main(["convert", str(source), "--out", str(tmp_path / name)]) == 2
        assert "a name that ends in .nii.gz" in capsys.readouterr().err

    def test_a_folder_of_that_name_is_refused_and_kept(self, source, tmp_path, capsys):
        (tmp_path / "out.nii.gz").mkdir()
        assert main(["convert", str(source), "--out", str(tmp_path / "out.nii.gz"), "--overwrite"]) == 2
        assert "this is a folder" in capsys.readouterr().err
        assert (tmp_path / "out.nii.gz").is_dir()


def test_progress_for_programs(source, tmp_path, capsys):
    assert main(["convert", str(source), "--out", str(tmp_path / "x.nii.gz"), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["event"] for e in events] == ["progress", "progress", "done"]
    assert events[-1]["files"] == ["x.nii.gz", "x.json"]
