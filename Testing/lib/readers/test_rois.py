"""Regions of interest from label maps and Slicer segmentations."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.errors import GeometryError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.muscles import Muscle, muscle_color, terminology
from PCrCESTLib.readers import read_rois
from PCrCESTLib.segment_file import Region, write_segments


@pytest.fixture
def labels(grid):
    array = np.zeros(grid.shape, np.uint8)
    array[0, 1:3, 1] = 1
    array[1, 2:4, 2:4] = 7
    return array


@pytest.fixture
def write_segmentation(tmp_path, grid):
    """Write layers (n, z, y, x) as Slicer does: one layer a component, segments in the header."""

    def writer(layers, segments, geometry=grid):
        path = tmp_path / "muscles.seg.nrrd"
        if len(layers) == 1:
            image = geometry.to_image(layers[0])
        else:
            image = sitk.Compose([geometry.to_image(layer) for layer in layers])
        for number, segment in enumerate(segments):
            for key, value in segment.items():
                image.SetMetaData(f"Segment{number}_{key}", str(value))
        sitk.WriteImage(image, str(path), useCompression=True)
        return path

    return writer


@pytest.mark.parametrize("name", ["rois.nii.gz", "rois.nrrd"])
def test_each_label_is_a_region(write, labels, grid, name):
    rois = read_rois(write(name, labels, grid), grid)
    assert rois.names == ("label 1", "label 7")
    assert rois.label_values == (1, 7)
    np.testing.assert_array_equal(rois.masks[0], labels == 1)
    np.testing.assert_array_equal(rois.masks[1], labels == 7)
    np.testing.assert_array_equal(rois.union, labels > 0)


def test_a_bids_table_beside_the_label_map_names_the_regions(write, labels, grid, tmp_path):
    (tmp_path / "leg_dseg.tsv").write_text("index\tname\n7\tSoleus\n1\tTibialis anterior\n9\tunused\n")
    assert read_rois(write("leg_dseg.nii.gz", labels, grid), grid).names == ("Tibialis anterior", "Soleus")


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".tsv", "index\tname\tcolor\n7\tmy muscle\t#336699\n1\tSoleus left\tn/a\n"),
        (".label", '# ITK-SNAP\n  7  51 102 153  1  1 1  "my muscle"\n  1  0 0 999  1 1 1  "Soleus left"\n'),
        (".txt", 'notes of mine\n7 51 102 153 0.5 1 1 "my muscle"\n1 0 0 999 1 1 1 "Soleus left"\n'),
        (".ctbl", "# Color table\n7 my_muscle 51 102 153 255\n1 Soleus_left 300 0 0 255\n"),
    ],
)
def test_tables_of_other_programs_name_and_color_the_regions(write, labels, grid, tmp_path, suffix, text):
    """A color that is none is replaced by that of the muscle of the name."""
    (tmp_path / f"leg{suffix}").write_text(text, encoding="utf-8")
    rois = read_rois(write("leg.nii.gz", labels, grid), grid)
    assert rois.names == ("Soleus left", "my muscle")
    assert rois.colors[1] == pytest.approx((0.2, 0.4, 0.6))
    assert rois.colors[0] == muscle_color(Muscle("Soleus", "SOL"), "left")
    assert "SCT^7771000^Left" in rois.terminology[0]
    assert rois.terminology[1] == ""


def test_what_is_written_comes_back(grid, tmp_path):
    """Regions that overlap, one color and terms each, and a name that would break the header's line."""
    masks = np.zeros((3, *grid.shape), bool)
    masks[0, 0, :2, :3] = masks[1, 0, 1:, 2:] = masks[2, -1] = True
    regions = [
        Region("Soleus left", masks[0], (0.1, 0.2, 0.3), terminology("left")),
        Region("müscle\nof mine", masks[1], (1.0, 0.0, 0.5)),
        Region("third", masks[2], (0.0, 0.0, 0.0), "a~b|c~^^"),
    ]
    write_segments(regions, grid, tmp_path / "rois.seg.nrrd")
    rois = read_rois(tmp_path / "rois.seg.nrrd", grid)
    assert rois.names == ("Soleus left", "müscle of mine", "third")
    np.testing.assert_array_equal(rois.masks, masks)
    np.testing.assert_allclose(rois.colors, [r.color for r in regions])
    assert rois.terminology == (terminology("left"), "", "a~b c~^^")


def test_a_broken_table_is_refused(write, labels, grid, tmp_path):
    (tmp_path / "leg_dseg.tsv").write_text("value,label\n1,Soleus\n")
    with pytest.raises(ReaderError, match="the columns 'index' and 'name'"):
        read_rois(write("leg_dseg.nii.gz", labels, grid), grid)


def test_slicer_segments_keep_their_names_and_label_values(write_segmentation, labels, grid):
    path = write_segmentation(
        [labels],
        [
            {"Name": "Soleus", "LabelValue": 7, "Layer": 0, "Extent": "2 3 2 3 1 1"},
            {"Name": "Tibialis", "LabelValue": 1, "Layer": 0},
        ],
    )
    rois = read_rois(path, grid)
    assert rois.names == ("Soleus", "Tibialis")
    np.testing.assert_array_equal(rois.masks[0], labels == 7)


def test_overlapping_segments_on_layers_keep_their_overlap(write_segmentation, labels, grid):
    whole = np.ones(grid.shape, np.uint8)
    path = write_segmentation(
        [labels, whole],
        [
            {"Name": "Soleus", "LabelValue": 7, "Layer": 0},
            {"Name": "Leg", "LabelValue": 1, "Layer": 1},
            {"Name": "Tibialis", "LabelValue": 1, "Layer": 0},
        ],
    )
    rois = read_rois(path, grid)
    assert rois.names == ("Soleus", "Leg", "Tibialis")
    assert rois.masks.sum(axis=(1, 2, 3)).tolist() == [4, 40, 2]


def test_old_segmentations_hold_one_segment_a_layer(write_segmentation, labels, grid):
    path = write_segmentation(
        [(labels == v).astype(np.uint8) for v in (1, 7)], [{"Name": "a"}, {"Name": "b"}]
    )
    np.testing.assert_array_equal(read_rois(path, grid).masks[1], labels == 7)


def test_a_cropped_segmentation_lands_where_it_was_drawn(write_segmentation, labels, grid):
    corner = np.array(grid.origin_mm) + grid.matrix @ (np.array([1, 1, 0]) * grid.spacing_mm)
    cropped = Geometry((3, 3, 2), grid.spacing_mm, tuple(corner), grid.direction)
    path = write_segmentation([labels[:, 1:4, 1:4]], [{"Name": "S", "LabelValue": 7, "Layer": 0}], cropped)
    np.testing.assert_array_equal(read_rois(path, grid).masks[0], labels == 7)


def test_a_file_with_the_header_that_slicer_writes(tmp_path):
    """Layers are the first axis, of kind "list"; names are UTF-8; the grid is cropped to the segments."""
    layers = np.zeros((2, 3, 4, 2), np.uint8)  # z, y, x, layer
    layers[0, 1, 1, 0] = 1
    layers[0, 2, 3, 0] = 2
    layers[1, :, 2, 1] = 1
    segments = [("Tibialis anterior", 1, 0), ("Soléus", 2, 0), ("Leg", 1, 1)]
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "type: unsigned char",
        "dimension: 4",
        "space: left-posterior-superior",
        "sizes: 2 4 3 2",
        "space directions: none (0.5,0,0) (0,0.5,0) (0,0,2)",
        "kinds: list domain domain domain",
        "encoding: gzip",
        "space origin: (1,2,3)",
    ]
    for number, (name, value, layer) in enumerate(segments):
        lines += [
            f"Segment{number}_ID:=Segment_{number}",
            f"Segment{number}_LabelValue:={value}",
            f"Segment{number}_Layer:={layer}",
            f"Segment{number}_Name:={name}",
        ]
    lines += ["Segmentation_MasterRepresentation:=Binary labelmap", "", ""]
    path = tmp_path / "s.seg.nrrd"
    path.write_bytes("\n".join(lines).encode() + gzip.compress(layers.tobytes()))

    rois = read_rois(path, Geometry((6, 5, 2), (0.5, 0.5, 2.0), (0.5, 1.5, 3.0)))
    assert rois.names == ("Tibialis anterior", "Soléus", "Leg")
    voxels = [np.argwhere(mask).tolist() for mask in rois.masks]
    assert voxels == [[[0, 2, 2]], [[0, 3, 4]], [[1, 1, 3], [1, 2, 3], [1, 3, 3]]]


def test_equal_names_are_told_apart(write_segmentation, labels, grid):
    segments = [{"Name": "Soleus", "LabelValue": value, "Layer": 0} for value in (1, 7)]
    assert read_rois(write_segmentation([labels], segments), grid).names == ("Soleus", "Soleus (2)")


def test_a_region_outside_the_images_is_left_out_and_said(write_segmentation, labels, grid):
    segments = [
        {"Name": "Soleus", "LabelValue": 7, "Layer": 0},
        {"Name": "Gastrocnemius", "LabelValue": 5, "Layer": 0},
    ]
    rois = read_rois(write_segmentation([labels], segments), grid)
    assert rois.names == ("Soleus",)
    assert "no voxel on the CEST grid for Gastrocnemius" in rois.notes[-1]


class TestRefusals:
    """What is no set of regions."""

    def test_an_empty_label_map(self, write, grid):
        with pytest.raises(ReaderError, match="the label map is empty"):
            read_rois(write("r.nii.gz", np.zeros(grid.shape, np.uint8), grid), grid)

    def test_regions_drawn_elsewhere(self, write, labels, grid):
        far = Geometry(grid.size, grid.spacing_mm, (300.0, 0, 0), grid.direction)
        with pytest.raises(GeometryError, match="does not overlap"):
            read_rois(write("r.nii.gz", labels, far), grid)

    def test_an_anatomical_image(self, write, grid):
        with pytest.raises(ReaderError, match="fractions or NaN"):
            read_rois(write("r.nii.gz", np.linspace(0, 1, 40).reshape(grid.shape), grid), grid)

    def test_an_image_of_many_values(self, write):
        wide = Geometry((60, 60, 1))
        with pytest.raises(ReaderError, match="3599 different values"):
            read_rois(write("r.nii.gz", np.arange(3600, dtype=np.int16).reshape(wide.shape), wide), wide)

    def test_segment_fields_that_are_no_numbers(self, write_segmentation, labels, grid):
        path = write_segmentation([labels], [{"Name": "S", "LabelValue": "seven", "Layer": 0}])
        with pytest.raises(ReaderError, match="label value 'seven'"):
            read_rois(path, grid)
