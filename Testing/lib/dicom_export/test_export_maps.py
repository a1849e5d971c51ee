"""Maps as DICOM parametric maps: every value, in its place, with its unit and meaning."""

from __future__ import annotations

import highdicom
import numpy as np
import pytest
from conftest import oblique, values_on
from pydicom import dcmread

from PCrCESTLib.dicom_export.quantities import MAPS
from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.image_files import write_image
from PCrCESTLib.quality import Quality
from PCrCESTLib.readers.image_io import read_volume


def frames_of(dataset):
    """Stored values, (frames, rows, columns)."""
    shape = (int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns)
    return np.frombuffer(dataset.FloatPixelData, "<f4").reshape(shape)


def positions_of(dataset):
    """Center of every stored pixel in the patient, mm, by the equation of PS3.3 section C.7.6.2.1.1."""
    shared = dataset.SharedFunctionalGroupsSequence[0]
    axes = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    down, right = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    rows, columns = np.mgrid[: dataset.Rows, : dataset.Columns]
    in_plane = columns[..., None] * right * axes[0] + rows[..., None] * down * axes[1]
    firsts = [
        np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        for group in dataset.PerFrameFunctionalGroupsSequence
    ]
    return np.stack([first + in_plane for first in firsts])


def on_nifti_grid(values, positions, grid):
    """Values put where their positions lie on the grid of the NIfTI file; they must hit the voxels' centers."""
    index = ((positions - grid.origin_mm) @ grid.matrix) / grid.spacing_mm
    whole = np.round(index).astype(int)
    assert np.abs(index - whole).max() < 1e-6
    placed = np.zeros(grid.shape, values.dtype)
    placed[tuple(whole[..., axis] for axis in (2, 1, 0))] = values
    return placed


def meaning(item):
    return (item.CodeValue, item.CodingSchemeDesignator)


@pytest.mark.parametrize("quantity", MAPS, ids=lambda q: q.name)
def test_every_kind_of_map_is_kept_bit_for_bit_in_its_place(result, quantity):
    result.add_map(quantity.name, values_on(result.grid, seed=4))
    result.export()
    dataset = result.dataset(quantity.name)
    stored = read_volume(result.folder / f"{quantity.name}.nii.gz")
    placed = on_nifti_grid(frames_of(dataset), positions_of(dataset), stored.geometry)
    assert placed.tobytes() == stored.array.tobytes() == result.maps[quantity.name].tobytes()
    assert np.isnan(placed).any()


@pytest.mark.parametrize(
    "grid",
    [
        oblique(right_handed=False),
        oblique((7, 1, 2)),
        oblique((4, 6, 1)),
        Geometry((3, 4, 2), (1.0, 1.0, 5.0), (0.0, 0.0, 0.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0)),
        Geometry((3, 4, 2), (1.0, 1.0, 5.0), (1e4, -3.123456789, 0.1), (0, 0, 1.0, 1.0, 0, 0, 0, 1.0, 0)),
    ],
    ids=["left-handed", "one row", "single slice", "turned axes", "permuted axes"],
)
def test_any_grid_is_kept(make_result, grid):
    result = make_result(grid)
    result.export()
    dataset = result.dataset()
    stored = read_volume(result.folder / "fs.nii.gz")
    placed = on_nifti_grid(frames_of(dataset), positions_of(dataset), stored.geometry)
    assert placed.tobytes() == result.maps["fs"].tobytes()


@pytest.mark.parametrize("right_handed", [True, False])
def test_frames_are_ordered_along_the_normal_of_their_plane(make_result, right_handed):
    """3D Slicer's reader (dcmqi) exchanges slices of a map otherwise."""
    result = make_result(oblique(right_handed=right_handed))
    result.export()
    dataset = result.dataset()
    axes = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    normal = np.cross(axes[:3], axes[3:])
    heights = [
        float(np.dot(normal, [float(v) for v in g.PlanePositionSequence[0].ImagePositionPatient]))
        for g in dataset.PerFrameFunctionalGroupsSequence
    ]
    assert np.diff(heights) == pytest.approx([2.5, 2.5])
    numbers = [
        g.FrameContentSequence[0].DimensionIndexValues for g in dataset.PerFrameFunctionalGroupsSequence
    ]
    assert numbers == [1, 2, 3]


def test_nan_is_declared_as_background(result):
    result.export()
    dataset = result.dataset()
    assert np.isnan(dataset.FloatPixelPaddingValue)
    assert np.isnan(dataset.FloatPixelPaddingRangeLimit)


def test_another_reader_gives_the_real_world_values(result):
    result.export()
    read = highdicom.pm.ParametricMap.from_dataset(result.dataset())
    volume = read.get_volume(apply_real_world_transform=False)
    inside = volume.match_geometry(
        highdicom.VolumeGeometry.from_components(
            spatial_shape=result.grid.shape,
            spacing=result.grid.spacing_mm[::-1],
            position=result.grid.origin_mm,
            direction=result.grid.matrix[:, ::-1],
            coordinate_system="PATIENT",
        )
    )
    assert np.array_equal(inside.array.astype(np.float32), result.maps["fs"], equal_nan=True)


def test_unit_and_quantity_are_coded(result):
    result.add_map("ksw_sd", values_on(result.grid, scale=30.0))
    result.export()
    found = {}
    for name in ("fs", "ksw_sd"):
        mapping = result.dataset(name).SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
        assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
        quantity = [
            (meaning(i.ConceptNameCodeSequence[0]), meaning(i.ConceptCodeSequence[0]))
            for i in mapping.QuantityDefinitionSequence
        ]
        found[name] = (meaning(mapping.MeasurementUnitsCodeSequence[0]), quantity)
    is_quantity = ("246205007", "SCT")
    assert found["fs"] == (("1", "UCUM"), [(is_quantity, ("fs", "99PCRCEST"))])
    deviation = (("121401", "DCM"), ("386136009", "SCT"))
    assert found["ksw_sd"] == (("/s", "UCUM"), [(is_quantity, ("ksw", "99PCRCEST")), deviation])
    assert result.dataset().CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99PCRCEST"


def test_the_mapped_range_is_that_of_the_values(result):
    result.export()
    mapping = result.dataset().SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.DoubleFloatRealWorldValueFirstValueMapped == np.nanmin(result.maps["fs"])
    assert mapping.DoubleFloatRealWorldValueLastValueMapped == np.nanmax(result.maps["fs"])


def test_a_viewer_opens_the_map_in_the_range_of_the_figures(result):
    result.export()
    window = result.dataset().SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0]
    assert float(window.WindowCenter) == pytest.approx(0.8e-3)
    assert float(window.WindowWidth) == pytest.approx(1.6e-3)
    assert window.VOILUTFunction == "LINEAR_EXACT"  # LINEAR has no width below 1


def test_a_radiologist_reads_what_the_series_is(result):
    result.export()
    dataset = result.dataset()
    assert dataset.SeriesDescription == "PCrCEST fs (PCr proton fraction)"
    assert dataset.ContentLabel == "PCR_FS"
    assert dataset.ContentQualification == "RESEARCH"
    assert dataset.Modality == "OT"


def test_method_model_and_checksums_are_stated(result):
    result.export()
    text = result.dataset().ContributingEquipmentSequence[0].ContributionDescription
    for part in (
        "PCrCEST 0.1.0",
        "two-branch",
        "rat-4.7T-dual",
        "a" * 64,
        "4.7 T",
        "B1 0.5 + 1 uT",
        "quantify.json",
    ):
        assert part in text


def test_an_empty_map_and_quality_flags_are_no_parametric_maps(result):
    result.add_map("ksw", np.full(result.grid.shape, np.nan, np.float32))
    flags = np.full(result.grid.shape, int(Quality.LOW_SNR), np.uint8)
    write_image(flags, result.grid, result.folder / "quality.nii.gz")
    exported = result.export()
    assert exported.files == ("fs.dcm",)
    assert any("ksw.nii.gz has no value anywhere" in note for note in exported.notes)
    assert [p.name for p in result.out.iterdir()] == ["fs.dcm"]


def test_a_map_of_another_grid_is_refused(result):
    other = oblique((6, 5, 4))
    write_image(values_on(other), other, result.folder / "ksw.nii.gz")
    with pytest.raises(
        GeometryError, match=r"ksw\.nii\.gz: 6 x 5 x 4 voxels.*all maps of a result lie on one grid"
    ):
        result.export()
    assert not result.out.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "quantify.json: this file is missing; give a folder that pcrcest quantify wrote"),
        ("{", "quantify.json: this file cannot be read"),
        ("[1]", "not a record of pcrcest quantify"),
        ("{}", "'finished' is 'None'; the time at which"),
        ('{"finished": "yesterday"}', "'finished' is 'yesterday'"),
    ],
)
def test_a_folder_that_is_no_result_gives_one_sentence(result, content, says):
    record = result.folder / "quantify.json"
    record.unlink() if content is None else record.write_text(content)
    with pytest.raises(ReaderError, match=r"^[^\n]*$") as caught:
        result.export()
    assert says in str(caught.value)
    assert not result.out.exists()


def test_strange_entries_of_the_record_do_not_matter(result):
    result.record.update(protocol=[1], model="none", inputs={"a": 1}, method=None, software=3)
    result.save_record()
    result.export()
    assert result.dataset().SeriesDescription.startswith("PCrCEST fs")


def test_a_result_without_maps_is_refused(result):
    (result.folder / "fs.nii.gz").unlink()
    with pytest.raises(ReaderError, match="no map with a value"):
        result.export()


def test_files_are_read_by_pydicom_as_they_are(result):
    """Nothing that pydicom would warn of: values and lengths are those the standard allows."""
    result.export()
    for path in result.out.iterdir():
        for element in dcmread(path).iterall():
            assert element is not None
