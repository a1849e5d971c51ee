"""Bruker scans of ParaVision 5.1, 6 and 360: images, place and protocol."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from bruker_scans import AXIAL, BLOCK_PULSE, MHZ, OFFSETS_PPM, STYLES, images_of, numbers, scaled, write_scan

from PCrCESTLib.errors import GeometryError, MissingExtraError, ProtocolError, ReaderError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T
from PCrCESTLib.protocol_json import protocol_to_dict
from PCrCESTLib.readers import read_series

CORONAL = ((1, 0, 0), (0, 0, -1), (0, 1, 0))  # x to the left, y to the feet, slices from front to back


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "study" / "4"


class TestImages:
    @pytest.mark.parametrize("style", STYLES)
    def test_every_version_gives_the_same_series(self, folder, style):
        series = read_series(write_scan(folder, style))
        np.testing.assert_allclose(series.data[:, 0], scaled(images_of(6, 6, 4)))
        assert series.geometry.size == (4, 6, 1)
        assert series.geometry.spacing_mm == (2.0, 2.0, 2.0)
        assert series.geometry.origin_mm == (-4.0, -5.0, 1.5)
        assert series.protocol.field_t == pytest.approx(MHZ / GAMMA_MHZ_PER_T)
        assert series.protocol.offsets_ppm == pytest.approx(OFFSETS_PPM)
        assert series.protocol.powers_ut == (0.5,)
        assert series.protocol.saturation.is_continuous
        assert series.protocol.saturation.duration_s == pytest.approx(5.0)
        assert series.protocol.reference_frames == (0,)
        assert series.protocol.repetition_time_s == 8.0

    def test_slices_come_before_or_after_the_frames_as_their_groups_say(self, folder):
        places = [(-4, -5, 3.0 * k) for k in range(3)]
        stored = images_of(18, 6, 4)
        wanted = scaled(stored)
        first = read_series(
            write_scan(folder, images=stored, groups=[(3, "FG_SLICE"), (6, "FG_CYCLE")], positions=places)
        )
        np.testing.assert_allclose(first.data, wanted.reshape(6, 3, 6, 4))
        last = read_series(
            write_scan(folder, images=stored, groups=[(6, "FG_CYCLE"), (3, "FG_SLICE")], positions=places)
        )
        np.testing.assert_allclose(last.data, wanted.reshape(3, 6, 6, 4).swapaxes(0, 1))
        assert first.geometry.spacing_mm == (2.0, 2.0, 3.0)

    def test_frames_in_two_groups_count_through_the_faster_one_first(self, folder):
        stored = images_of(12, 6, 4)
        series = read_series(
            write_scan(folder, images=stored, groups=[(6, "FG_CYCLE"), (2, "FG_REPETITION")])
        )
        np.testing.assert_allclose(series.data[:, 0], scaled(stored))
        assert series.protocol.offsets_ppm == pytest.approx(OFFSETS_PPM * 2)

    def test_a_3d_scan_has_its_slices_in_every_frame(self, folder):
        stored = images_of(6, 5, 6, 4)
        series = read_series(write_scan(folder, images=stored, extent=(8.0, 12.0, 7.5)))
        np.testing.assert_allclose(series.data, scaled(stored))
        assert series.geometry.spacing_mm == (2.0, 2.0, 1.5)

    @pytest.mark.parametrize(
        ("shape", "options"),
        [
            ((6, 6, 4), {}),
            ((18, 6, 4), {"groups": [(3, "FG_SLICE"), (6, "FG_CYCLE")]}),
            ((18, 6, 4), {"groups": [(6, "FG_CYCLE"), (3, "FG_SLICE")]}),
            ((6, 5, 6, 4), {}),
            ((6, 6, 4), {"visu": {"VisuCoreTransposition": numbers([1] * 6)}}),
            ((6, 5, 5), {"visu": {"VisuCoreTransposition": numbers([1] * 6)}}),
            ((6, 5, 6, 4), {"visu": {"VisuCoreDiskSliceOrder": "disk_reverse_slice_order"}}),
        ],
    )
    @pytest.mark.parametrize("style", STYLES)
    def test_brukerapi_reads_the_same_voxels_at_the_same_place(self, folder, style, shape, options):
        from brukerapi.dataset import Dataset

        places = [(-4.0, -5.0, 3.0 * k) for k in range(3 if shape[0] == 18 else 1)]
        series = read_series(write_scan(folder, style, images_of(*shape), positions=places, **options))
        if style != "PV360":
            for file in (folder / "pdata" / "1").glob("*[os]"):  # visu_pars and reco; brukerapi wants UTF-8
                file.write_text(file.read_text(encoding="latin-1"), encoding="utf-8")
        theirs = Dataset(str(folder / "pdata" / "1" / "2dseq"))
        values = np.squeeze(theirs.data.T)  # last group first, x last
        if options.get("groups", [("",)])[0] == (6, "FG_CYCLE"):
            values = values.swapaxes(0, 1)
        np.testing.assert_allclose(np.squeeze(series.data), values, rtol=1e-6)
        geometry = series.geometry
        np.testing.assert_allclose(theirs.affine[:3, :3], geometry.matrix * geometry.spacing_mm, atol=1e-12)
        np.testing.assert_allclose(theirs.affine[:3, 3], geometry.origin_mm)


class TestPlace:
    def test_a_coronal_scan_lies_where_the_patient_lay(self, folder):
        places = [(-4, -6 + 2.5 * k, 11) for k in range(3)]
        series = read_series(
            write_scan(
                folder,
                images=images_of(18, 6, 4),
                groups=[(3, "FG_SLICE"), (6, "FG_CYCLE")],
                positions=places,
                orientation=CORONAL,
            )
        )
        geometry = series.geometry
        voxel = np.array(geometry.origin_mm) + geometry.matrix @ (np.array([1, 2, 2]) * geometry.spacing_mm)
        # One voxel of 2 mm to the left, two of 2 mm to the feet, two slices of 2.5 mm to the back.
        np.testing.assert_allclose(voxel, [-4 + 2, -6 + 5, 11 - 4])

    def test_slices_from_back_to_front_stay_in_their_order(self, folder):
        places = [(-4, -5, 9.0), (-4, -5, 6.0), (-4, -5, 3.0)]
        stored = images_of(18, 6, 4)
        series = read_series(
            write_scan(folder, images=stored, groups=[(3, "FG_SLICE"), (6, "FG_CYCLE")], positions=places)
        )
        geometry = series.geometry
        np.testing.assert_allclose(geometry.matrix[:, 2] * geometry.spacing_mm[2], [0, 0, -3])
        np.testing.assert_allclose(series.data[0], scaled(stored)[:3])

    def test_slices_with_a_position_each_have_no_other_order(self, folder):
        options = {
            "images": images_of(18, 6, 4),
            "groups": [(3, "FG_SLICE"), (6, "FG_CYCLE")],
            "positions": [(-4, -5, 3.0 * k) for k in range(3)],
        }
        normal = read_series(write_scan(folder, **options))
        reverse = {"VisuCoreDiskSliceOrder": "disk_reverse_slice_order"}
        reversed_ = read_series(write_scan(folder, **options, visu=reverse))
        np.testing.assert_array_equal(reversed_.data, normal.data)
        assert reversed_.geometry == normal.geometry

    def test_places_may_be_given_for_every_stored_frame(self, folder):
        places = [(-4, -5, 3.0 * k) for k in range(3)]
        by_frame = {
            "VisuCorePosition": numbers(np.tile(places, (6, 1)), 18, 3),
            "VisuCoreOrientation": numbers(np.tile(np.ravel(AXIAL), (18, 1)), 18, 9),
        }
        series = read_series(
            write_scan(
                folder, images=images_of(18, 6, 4), groups=[(3, "FG_SLICE"), (6, "FG_CYCLE")], visu=by_frame
            )
        )
        assert series.geometry.origin_mm == (-4.0, -5.0, 0.0)
        assert series.geometry.spacing_mm[2] == 3.0

    @pytest.mark.parametrize(
        ("places", "turned", "sentence"),
        [
            ([0.0, 3.0, 7.0], False, "equal distances"),
            ([0.0, 0.0, 0.0], False, "equal distances"),
            ([0.0, 3.0, 6.0], True, "several slice packages"),
        ],
    )
    def test_slices_that_are_no_regular_grid_are_refused(self, folder, places, turned, sentence):
        axes = [AXIAL, AXIAL, CORONAL if turned else AXIAL]
        write_scan(
            folder,
            images=images_of(18, 6, 4),
            groups=[(3, "FG_SLICE"), (6, "FG_CYCLE")],
            positions=[(-4, -5, z) for z in places],
            orientation=axes,
        )
        with pytest.raises(GeometryError, match=sentence):
            read_series(folder)

    def test_other_units_than_mm_are_refused(self, folder):
        with pytest.raises(GeometryError, match="not mm"):
            read_series(write_scan(folder, visu={"VisuCoreUnits": "( 2, 65 )\n<cm> <cm>"}))


class TestPath:
    def test_scan_reconstruction_and_file_are_the_same_series(self, folder, monkeypatch):
        wanted = read_series(write_scan(folder))
        monkeypatch.chdir(folder / "pdata" / "1")
        for path in (folder / "pdata" / "1", folder / "pdata" / "1" / "2dseq", "2dseq", "."):
            series = read_series(path)
            np.testing.assert_array_equal(series.data, wanted.data)
            assert series.protocol == wanted.protocol

    def test_the_lowest_reconstruction_with_images_is_taken(self, folder):
        write_scan(folder)
        (folder / "pdata" / "1").rename(folder / "pdata" / "10")
        (folder / "pdata" / "2").mkdir()
        assert read_series(folder).n_frames == 6

    def test_a_study_asks_for_one_of_its_scans(self, folder):
        write_scan(folder)
        write_scan(folder.with_name("10"))
        with pytest.raises(ReaderError, match=r"a study of 2 scans.*CEST scans: 4 \(Wade \(E4\)\), 10"):
            read_series(folder.parent)

    def test_a_study_without_cest_says_so(self, folder):
        write_scan(folder, method={"PVM_MagTransOnOff": "Off"})
        with pytest.raises(ReaderError, match="none of the 1 scans"):
            read_series(folder.parent)


class TestProtocol:
    def test_references_are_the_frames_far_from_water_in_every_repetition(self, folder):
        series = read_series(write_scan(folder, images=images_of(18, 6, 4)))
        assert series.protocol.reference_frames == (0, 6, 12)
        assert any("6 offsets of PVM_ppgFreqList1 are repeated 3 times" in note for note in series.notes)

    def test_the_first_image_of_a_reference_scan_is_unsaturated(self, folder):
        for field in ("PVM_SatTransFreqValues", "PVM_SatTransFL"):
            other = {"PVM_SatTransFL", "PVM_SatTransFreqValues"} - {field}
            listed = OFFSETS_PPM[1:] if field == "PVM_SatTransFreqValues" else np.array(OFFSETS_PPM) * MHZ
            changes = {"PVM_SatTransRefScan": "On", field: numbers(listed), other.pop(): None}
            protocol = read_series(write_scan(folder, "PV360", method=changes)).protocol
            assert protocol.offsets_ppm == pytest.approx((np.inf, *OFFSETS_PPM[1:]))
            assert protocol.reference_frames == (0,)

    def test_offsets_in_hz_are_ppm_of_the_scans_own_frequency(self, folder):
        changes = {
            "PVM_SatTransFreqUnit": "unit_hertz",
            "PVM_SatTransFreqValues": numbers(np.array(OFFSETS_PPM) * MHZ),
        }
        protocol = read_series(write_scan(folder, "PV360", method=changes)).protocol
        assert protocol.offsets_ppm == pytest.approx(OFFSETS_PPM)

    def test_a_site_list_without_a_module_lacks_only_the_pulse(self, folder):
        write_scan(folder, "PV5.1", method={"PVM_MagTransOnOff": None})
        with pytest.raises(ProtocolError, match=r"SaturationB1 and .* are missing.*no saturation module"):
            read_series(folder)
        (folder.parent / "4.json").write_text(json.dumps({"SaturationB1": 0.7, "SaturationDuration": 3.0}))
        series = read_series(folder)
        assert series.protocol.powers_ut == (0.7,)
        assert series.protocol.offsets_ppm == pytest.approx(OFFSETS_PPM)
        assert series.source[1].endswith("4.json")

    def test_a_protocol_file_corrects_the_scan(self, folder):
        write_scan(folder)
        (folder / "protocol.json").write_text(json.dumps({"SaturationB1": 0.45}))
        assert read_series(folder).protocol.powers_ut == (0.45,)
        given = protocol_to_dict(read_series(folder).protocol) | {"SaturationB1": 0.55}
        (folder.parent / "p.json").write_text(json.dumps(given))
        assert read_series(folder, folder.parent / "p.json").protocol.powers_ut == (0.55,)

    def test_offsets_of_a_protocol_file_bring_their_own_references(self, folder):
        write_scan(folder)
        listed = {"SaturationOffsets": [1.0, 2.0, 2.6, None, 3.5, 4.0], "SaturationOffsetsUnits": "ppm"}
        (folder / "protocol.json").write_text(json.dumps(listed))
        series = read_series(folder)
        assert series.protocol.reference_frames == (3,)
        assert any("the 6 offsets stored with the images differ" in note for note in series.notes)

    def test_without_a_stated_amplitude_the_flip_angle_gives_it(self, folder):
        series = read_series(write_scan(folder, method={"PVM_MagTransPower": None}))
        # 38327.4° in 5 s at full amplitude are 21.293 Hz.
        assert series.protocol.powers_ut[0] == pytest.approx(38327.4 / 360 / 5 / 42.5764, rel=1e-9)

    def test_an_amplitude_that_contradicts_the_flip_angle_is_told(self, folder):
        series = read_series(write_scan(folder, method={"PVM_MagTransPower": "0.6"}))
        assert series.protocol.powers_ut == (0.6,)
        assert any("0.6 µT" in note and "0.5 µT" in note for note in series.notes)

    def test_short_pulses_with_pauses_are_a_train(self, folder):
        pulse = "(50, 54.8, 1100, No, 3, 2740, 0.4, 0.3, 0, 50, 0.03, <gauss.exc>)"
        changes = {
            "PVM_MagTransPulse1": pulse,
            "PVM_MagTransPulse1Enum": "<gauss>",
            "PVM_MagTransPulsNumb": "20",
            "PVM_MagTransInterDelay": "25",
            "PVM_MagTransPower": "2",
        }
        saturation = read_series(write_scan(folder, method=changes)).protocol.saturation
        assert saturation.train.shape == "gaussian"
        assert saturation.train.count == 20
        assert saturation.duration_s == pytest.approx(20 * 0.05 + 19 * 0.025)
        assert saturation.b1_definition == "peak"
        assert not saturation.train.spoiled

    def test_block_pulses_one_after_another_are_continuous(self, folder):
        saturation = read_series(
            write_scan(folder, "PV5.1", method={"PVM_MagTransInterDelay": "0.01"})
        ).protocol.saturation
        assert saturation.is_continuous
        assert saturation.duration_s == pytest.approx(5.0 + 499 * 1e-5)

    def test_an_unknown_pulse_shape_is_named_and_can_be_given(self, folder):
        write_scan(
            folder,
            method={
                "PVM_MagTransPulse1": BLOCK_PULSE.replace("bp", "sech"),
                "PVM_MagTransPulse1Enum": "<sech>",
            },
        )
        with pytest.raises(ProtocolError, match=r"sech\.exc.*SaturationPulseShape in the protocol file"):
            read_series(folder)
        (folder / "protocol.json").write_text(json.dumps({"SaturationPulseShape": "fermi"}))
        assert read_series(folder).protocol.saturation.train.shape == "fermi"

    def test_the_time_between_two_lines_is_not_the_repetition_time(self, folder):
        assert (
            read_series(write_scan(folder, method={"PVM_RepetitionTime": "2.67"})).protocol.repetition_time_s
            is None
        )

    def test_offsets_that_do_not_divide_the_frames_are_asked_for(self, folder):
        write_scan(folder, images=images_of(8, 6, 4))
        with pytest.raises(ProtocolError, match=r"PVM_ppgFreqList1 lists 6 offsets for 8 frames"):
            read_series(folder)
        listed = [*OFFSETS_PPM, -10.0, 10.0]
        (folder / "protocol.json").write_text(
            json.dumps({"SaturationOffsets": listed, "SaturationOffsetsUnits": "ppm"})
        )
        assert read_series(folder).protocol.offsets_ppm == pytest.approx(listed)

    def test_a_scan_without_saturation_says_what_is_missing(self, folder):
        write_scan(folder, method={"PVM_MagTransOnOff": "Off"})
        with pytest.raises(
            ProtocolError, match=r"SaturationOffsets, .* are missing.*no list of 3 or more.*switched on"
        ):
            read_series(folder)

    def test_a_repeated_reference_scan_is_asked_for(self, folder):
        changes = {"PVM_SatTransRefScan": "On", "PVM_SatTransFreqValues": numbers(OFFSETS_PPM[1:])}
        write_scan(folder, "PV360", images_of(12, 6, 4), method=changes)
        with pytest.raises(ProtocolError, match="reference of PVM_SatTransRefScan repeats 2 times"):
            read_series(folder)


class TestRefused:
    @pytest.mark.parametrize(
        ("visu", "groups", "sentence"),
        [
            ({"VisuAcqImagedNucleus": "( 8 )\n<31P>"}, None, "scan of 31P"),
            ({"VisuCoreFrameType": "PHASE_IMAGE"}, None, "magnitude images"),
            ({}, [(2, "FG_COMPLEX"), (3, "FG_CYCLE")], "real and imaginary"),
            ({}, [(2, "FG_ECHO"), (3, "FG_CYCLE")], "several echoes"),
            ({}, [(6, "FG_ISA")], "fitted maps"),
            ({"VisuCoreDimDesc": "( 2 )\nspectroscopic spatial"}, None, "no images"),
            ({"VisuCoreWordType": "_64BIT_FLOAT"}, None, "_64BIT_FLOAT"),
        ],
    )
    def test_what_is_no_cest_series_of_protons(self, folder, visu, groups, sentence):
        with pytest.raises(ReaderError, match=sentence):
            read_series(write_scan(folder, visu=visu, groups=groups))

    def test_without_brukerapi_the_extra_is_named(self, folder, monkeypatch):
        write_scan(folder)
        monkeypatch.setitem(sys.modules, "brukerapi.jcampdx", None)
        with pytest.raises(MissingExtraError, match=r"'brukerapi'.*pip install 'pcrcest\[bruker\]'"):
            read_series(folder)


def test_the_measured_mouse_loads_fully(shared_data):
    """ParaVision 6.0.1 at 7 T with site fields: 4 repetitions of 44 offsets, a block pulse of 6 s at 3.5 µT."""
    series = read_series(shared_data / "bruker_pv6_cest" / "4")
    protocol = series.protocol
    assert series.data.shape == (176, 1, 64, 64)
    assert protocol.offsets_ppm[:44] == pytest.approx(protocol.offsets_ppm[132:])
    assert [abs(round(protocol.offsets_ppm[i])) for i in protocol.reference_frames] == [100] * 12
    assert protocol.field_t == pytest.approx(7.0537, abs=1e-4)
    assert protocol.powers_ut == (3.5,)
    assert protocol.saturation.is_continuous
    assert protocol.saturation.duration_s == pytest.approx(6.0)
    assert series.geometry.spacing_mm == pytest.approx((0.6, 0.6, 2.0))


def test_fat_of_the_measured_mouse_lies_upfield(shared_data):
    """The sign of the offsets: fat resonates 3.4 ppm upfield of water, and its voxels dip at −3 ppm, not at +3."""
    series = read_series(shared_data / "bruker_pv6_cest" / "4")
    mean = series.data[:, 0].reshape(4, 44, 64, 64).mean(axis=0)
    ppm = np.array(series.protocol.offsets_ppm[:44])
    m0 = mean[:3].mean(axis=0)
    z = mean / np.where(m0 > 0.3 * m0.max(), m0, np.nan)

    def dip(at: float) -> np.ndarray:
        near = [int(np.argmin(np.abs(ppm - p))) for p in (at - 1, at, at + 1)]
        return (z[near[0]] + z[near[2]]) / 2 - z[near[1]]

    assert np.nansum(dip(-3) > 0.15) > 40
    assert np.nansum(dip(3) > 0.15) == 0
    assert abs(ppm[3:][np.nanargmin(np.nanmean(z, axis=(1, 2))[3:])]) <= 0.5, "the water dip lies at 0 ppm"
