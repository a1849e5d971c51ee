"""M0 as a scan of its own: given with --m0 for every format, or as a DICOM series beside the CEST series."""

from __future__ import annotations

import json

import numpy as np
import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.errors import GeometryError, NoReferenceError, PCrCESTError, ProtocolError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.readers import read_powers, read_series

GRID = Geometry((5, 4, 2), (1.0, 1.25, 3.0), (-12.0, 30.0, 7.0))
PPM = (-4.0, -2.6, 0.0, 2.6, 4.0)
PROTOCOL = {
    "MagneticFieldStrength": 3.0, "SaturationB1": 0.6, "SaturationType": "continuous", "SaturationDuration": 2.0,
    "SaturationOffsets": list(PPM), "SaturationOffsetsUnits": "ppm",
}  # fmt: skip
SIGNALS = (80.0, 60.0, 10.0, 60.0, 80.0)


def write_cest(folder, grid=GRID, **changes):
    """A 4D NIfTI series without an unsaturated image."""
    folder.mkdir(exist_ok=True)
    frames = np.stack([np.full(grid.shape, s, np.float32) for s in SIGNALS])
    write_image(frames, grid, folder / "cest.nii.gz")
    (folder / "cest.json").write_text(json.dumps(PROTOCOL | changes))
    return folder / "cest.nii.gz"


def write_m0(folder, signals=(100.0,), grid=GRID, name="m0.nii.gz"):
    frames = np.stack([np.full(grid.shape, s, np.float32) for s in signals])
    write_image(frames if len(signals) > 1 else frames[0], grid, folder / name)
    return folder / name


def test_a_series_without_m0_says_how_to_give_it(tmp_path):
    cest = write_cest(tmp_path)
    with pytest.raises(NoReferenceError, match="give a scan of M0 with --m0") as caught:
        read_series(cest)
    assert str(caught.value).startswith(str(tmp_path / "cest.json"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("signals", [(100.0,), (99.0, 101.0)])
def test_m0_of_another_scan_becomes_the_first_frames(tmp_path, signals):
    cest, m0 = write_cest(tmp_path), write_m0(tmp_path, signals)
    series = read_series(cest, m0=m0)
    n = len(signals)
    assert series.protocol.reference_frames == tuple(range(n))
    assert not series.protocol.normalized
    assert series.protocol.offsets_ppm[n:] == PPM
    np.testing.assert_allclose(series.data[:, 0, 0, 0], [*signals, *SIGNALS])
    assert str(m0) in series.source
    assert str(tmp_path / "cest.json") in series.source


@pytest.mark.parametrize(("gain", "told"), [(1.0, False), (0.25, True), (20.0, True)])
def test_another_gain_of_m0_is_told_where_it_shows(tmp_path, gain, told):
    series = read_series(write_cest(tmp_path), m0=write_m0(tmp_path, (100.0 * gain,)))
    notes = " ".join(series.notes)
    assert ("Z is wrong by that factor" in notes) == told
    assert "gain" in notes


def test_only_the_unsaturated_images_of_a_scan_with_offsets_are_taken(tmp_path):
    cest, m0 = write_cest(tmp_path), write_m0(tmp_path, (100.0, 50.0))
    sidecar = {"SaturationOffsets": [-300, 2.6], "SaturationOffsetsUnits": "ppm"}
    (tmp_path / "m0.json").write_text(json.dumps(sidecar))
    assert read_series(cest, m0=m0).protocol.reference_frames == (0,)
    (tmp_path / "m0.json").write_text(json.dumps(sidecar | {"SaturationOffsets": [2.6, 3.5]}))
    with pytest.raises(ProtocolError, match="name no image without saturation"):
        read_series(cest, m0=m0)


def test_m0_of_other_slices_is_refused(tmp_path):
    shifted = Geometry(GRID.size, GRID.spacing_mm, (0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="both must be of the same slices"):
        read_series(write_cest(tmp_path), m0=write_m0(tmp_path, grid=shifted))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Normalized": True}, "already divided by M0"),
        ({"ReferenceFrames": [0]}, "without saturation itself"),
    ],
)
def test_m0_that_is_not_needed_is_refused(tmp_path, changes, why):
    with pytest.raises(ProtocolError, match=why):
        read_series(write_cest(tmp_path, **changes), m0=write_m0(tmp_path))


def test_of_two_powers_only_the_one_without_m0_takes_it(tmp_path):
    """And where no power needs it, that is said."""
    (tmp_path / "own").mkdir()
    apart, m0 = write_cest(tmp_path), write_m0(tmp_path)
    whole = tmp_path / "own" / "cest.nii.gz"
    assert main(["convert", str(apart), "--m0", str(m0), "--out", str(whole), "--progress", "none"]) == 0
    first, second = read_powers([apart, whole], m0=m0)
    np.testing.assert_array_equal(first.data, second.data)
    assert first.protocol.reference_frames == second.protocol.reference_frames == (0,)
    with pytest.raises(ProtocolError, match="every series has images without saturation itself"):
        read_powers([whole, whole], m0=m0)


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_an_m0_that_is_no_image_gives_one_sentence(tmp_path, content):
    path = tmp_path / "m0.nii.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PCrCESTError) as caught:
        read_series(write_cest(tmp_path), m0=path)
    assert "m0.nii.gz" in str(caught.value)
    assert "\n" not in str(caught.value)


class TestCommands:
    def test_info_and_convert_take_it(self, tmp_path, capsys):
        cest, m0 = str(write_cest(tmp_path)), str(write_m0(tmp_path))
        assert main(["info", cest]) == 2
        assert "--m0" in capsys.readouterr().err
        assert main(["info", cest, "--m0", m0]) == 0
        out = capsys.readouterr().out
        assert "frames 0 (unsaturated)" in out
        assert "5 from -4 to 4 ppm" in out
        assert f"--m0 {m0}" in out  # in the command that trains a model
        whole = tmp_path / "whole.nii.gz"
        assert main(["convert", cest, "--m0", m0, "--out", str(whole), "--progress", "none"]) == 0
        assert read_series(whole).protocol.reference_frames == (0,)  # and needs no --m0 any more

    def test_quantify_gives_the_maps_of_the_whole_series(self, tmp_path):
        leg = ["--out", str(tmp_path / "leg"), "--size", "24", "--noise", "0.002", "--seed", "1"]
        assert main(["simulate", *leg]) == 0
        whole = tmp_path / "leg" / "sub-sim_cest-0.5uT.nii.gz"
        series = read_series(whole)
        references = list(series.protocol.reference_frames)
        saturated = list(series.protocol.saturated_frames)
        document = json.loads(whole.with_name("sub-sim_cest-0.5uT.json").read_text())
        document["SaturationOffsets"] = [document["SaturationOffsets"][i] for i in saturated]
        document["ReferenceFrames"] = []
        write_image(series.data[saturated], series.geometry, tmp_path / "cest.nii.gz")
        (tmp_path / "cest.json").write_text(json.dumps(document))
        write_image(series.data[references], series.geometry, tmp_path / "m0.nii.gz")
        apart = read_series(tmp_path / "cest.nii.gz", m0=tmp_path / "m0.nii.gz")
        np.testing.assert_array_equal(apart.data, series.data[[*references, *saturated]])
        arguments = [
            str(tmp_path / "cest.nii.gz"),
            "--m0",
            str(tmp_path / "m0.nii.gz"),
            "--out",
            str(tmp_path / "out"),
        ]
        assert main(["quantify", *arguments, "--method", "mtrasym", "--progress", "none"]) == 0
        record = json.loads((tmp_path / "out" / "quantify.json").read_text())
        assert ("m0", str(tmp_path / "m0.nii.gz")) in [(i["role"], i["path"]) for i in record["inputs"]]


def test_m0_of_a_bruker_study_is_a_scan_beside_it(tmp_path):
    pytest.importorskip("brukerapi")
    from bruker_scans import images_of, write_scan

    off = {"PVM_MagTransOnOff": "Off", "PVM_ppgFreqList1": None}
    ppm = (-3.5, 0.0, 2.0, 2.6, 3.5)
    cest = write_scan(tmp_path / "4", images=images_of(5, 6, 4), offsets_ppm=ppm)
    m0 = write_scan(tmp_path / "5", images=images_of(1, 6, 4), method=off)
    with pytest.raises(NoReferenceError, match="--m0"):
        read_series(cest)
    series = read_series(cest, m0=m0)
    assert series.protocol.reference_frames == (0,)
    np.testing.assert_allclose(series.protocol.offsets_ppm[1:], ppm, atol=1e-6)


def test_m0_of_a_folder_of_images_is_an_image_elsewhere(tmp_path):
    (tmp_path / "cest").mkdir()
    for i, signal in enumerate(SIGNALS):
        write_image(np.full(GRID.shape, signal, np.float32), GRID, tmp_path / "cest" / f"{i}.nii.gz")
    (tmp_path / "cest" / "protocol.json").write_text(json.dumps(PROTOCOL))
    series = read_series(tmp_path / "cest", m0=write_m0(tmp_path))
    np.testing.assert_allclose(series.data[:, 0, 0, 0], [100.0, *SIGNALS])


class TestDicom:
    @pytest.fixture
    def write(self):
        pytest.importorskip("pydicom")
        import dicom_samples as samples
        from pydicom.uid import generate_uid

        def write(folder, number, name, signals, grid=GRID, comments=True, **elements):
            series = generate_uid()
            for t, signal in enumerate(signals):
                for z in range(grid.size[2]):
                    stated = {"ImageComments": f"{PPM[t]:g} ppm"} if comments else {}
                    stated |= {
                        "SeriesNumber": number,
                        "SeriesDescription": name,
                        "AcquisitionNumber": t + 1,
                    } | elements
                    stored = round(signal / elements.get("RescaleSlope", 1))
                    dataset = samples.image(np.full(grid.shape[1:], stored, np.uint16), series, **stated)
                    samples.write(samples.place(dataset, grid, z), folder / f"{number}_{t}_{z}.dcm")
            return folder / f"{number}_0_0.dcm"

        return write

    @pytest.fixture
    def saturation(self, tmp_path):
        """Give the protocol file without offsets, which the images have."""
        keys = ("SaturationB1", "SaturationType", "SaturationDuration")
        path = tmp_path / "p.json"
        path.write_text(json.dumps({k: PROTOCOL[k] for k in keys}))
        return path

    def test_a_folder_with_both_series_is_one_scan(self, write, tmp_path, saturation):
        write(tmp_path / "s", 5, "cest leg", SIGNALS)
        write(tmp_path / "s", 6, "cest leg M0", (100.0,), comments=False)
        series = read_series(tmp_path / "s", saturation)
        np.testing.assert_allclose(series.data[:, 0, 0, 0], [100.0, *SIGNALS])
        assert series.protocol.reference_frames == (0,)
        assert any("series 6 'cest leg M0'" in note for note in series.notes)

    def test_different_rescale_slopes_are_taken_out(self, write, tmp_path, saturation):
        write(tmp_path / "s", 5, "cest leg", SIGNALS, RescaleSlope=2.0, RescaleIntercept=0.0)
        write(
            tmp_path / "s", 6, "cest leg M0", (100.0,), comments=False, RescaleSlope=0.5, RescaleIntercept=0.0
        )
        series = read_series(tmp_path / "s", saturation)
        np.testing.assert_allclose(series.data[:, 0, 0, 0], [100.0, *SIGNALS])

    def test_a_series_file_and_an_m0_file_are_joined(self, write, tmp_path, saturation):
        cest = write(tmp_path / "s", 5, "cest leg", SIGNALS)
        m0 = write(tmp_path / "s", 6, "proton density", (100.0,), comments=False)
        write(tmp_path / "s", 7, "t1_tse", (100.0,), comments=False)
        with pytest.raises(NoReferenceError, match="--m0"):
            read_series(cest, saturation)
        assert read_series(cest, saturation, m0=m0).protocol.reference_frames == (0,)

    @pytest.mark.parametrize(
        "text", ["M0 -4 -2.6 0 2.6 4 ppm", "-4 -2.6 0 2.6 4 M0 ppm", "-4 -2.6 0 2.6 4 ppm"]
    )
    def test_a_list_of_offsets_may_count_m0_or_not(self, write, tmp_path, saturation, text):
        write(tmp_path / "s", 5, "leg", SIGNALS, comments=False)
        write(tmp_path / "s", 4, "leg unsat", (100.0,), comments=False)
        (tmp_path / "s" / "offsets.txt").write_text(text)
        series = read_series(tmp_path / "s", saturation)
        assert series.protocol.offsets_ppm == (np.inf, *PPM)
        np.testing.assert_allclose(series.data[:, 0, 0, 0], [100.0, *SIGNALS])

    def test_a_protocol_file_may_count_m0(self, write, tmp_path):
        write(tmp_path / "s", 5, "leg", SIGNALS, comments=False)
        write(tmp_path / "s", 4, "leg unsat", (100.0,), comments=False)
        (tmp_path / "p.json").write_text(json.dumps(PROTOCOL | {"SaturationOffsets": [None, *PPM]}))
        series = read_series(tmp_path / "s", tmp_path / "p.json")
        np.testing.assert_allclose(series.data[:, 0, 0, 0], [100.0, *SIGNALS])

    def test_a_series_that_is_divided_by_m0_is_left_alone(self, write, tmp_path):
        write(tmp_path / "s", 5, "leg", SIGNALS)
        write(tmp_path / "s", 4, "leg M0", (100.0,), comments=False)
        (tmp_path / "p.json").write_text(json.dumps(PROTOCOL | {"Normalized": True}))
        assert read_series(tmp_path / "s", tmp_path / "p.json").n_frames == len(SIGNALS)

    def test_m0_of_other_slices_is_not_joined(self, write, tmp_path, saturation):
        write(tmp_path / "s", 5, "leg", SIGNALS)
        shifted = Geometry(GRID.size, GRID.spacing_mm, (0.0, 0.0, 0.0))
        write(tmp_path / "s", 4, "leg M0", (100.0,), comments=False, grid=shifted)
        with pytest.raises(GeometryError, match="same slices"):
            read_series(tmp_path / "s", saturation)
