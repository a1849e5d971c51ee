"""Regions as DICOM segmentation: masks, names, colors and terms."""

from __future__ import annotations

import highdicom
import numpy as np
import pytest
from conftest import oblique
from test_export_maps import on_nifti_grid, positions_of

from PCrCESTLib.errors import ReaderError


@pytest.fixture
def masks(result):
    rng = np.random.default_rng(1)
    first = rng.random(result.grid.shape) < 0.5
    one_slice = np.zeros(result.grid.shape, bool)
    one_slice[1, 1:3, 2:5] = True
    whole = np.ones(result.grid.shape, bool)
    return {"Soleus left": first, "Tibialis anterior left": one_slice, "Whole leg": whole}


def segment_masks(dataset, grid):
    """Mask of each segment on the NIfTI grid, from the stored frames and their places."""
    read = highdicom.seg.Segmentation.from_dataset(dataset)
    frames = read.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    positions = positions_of(dataset)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    groups = [
        shared if "SegmentIdentificationSequence" in shared else group
        for group in dataset.PerFrameFunctionalGroupsSequence
    ]
    numbers = np.array([g.SegmentIdentificationSequence[0].ReferencedSegmentNumber for g in groups])
    return [
        on_nifti_grid(frames[numbers == n], positions[numbers == n], grid) > 0 for n in read.segment_numbers
    ]


@pytest.mark.parametrize("right_handed", [True, False])
def test_masks_are_kept_where_they_overlap_and_where_they_fill_one_slice(make_result, masks, right_handed):
    result = make_result(oblique(right_handed=right_handed), "other")
    result.add_regions(masks)
    result.export()
    found = segment_masks(result.dataset("rois"), result.stored_grid)
    assert len(found) == 3
    for mask, expected in zip(found, masks.values(), strict=True):
        assert np.array_equal(mask, expected)


def test_a_single_slice_with_one_region(make_result):
    result = make_result(oblique((5, 4, 1)))
    mask = np.arange(20).reshape(1, 4, 5) % 3 == 0
    result.add_regions({"Soleus": mask})
    result.export()
    assert np.array_equal(segment_masks(result.dataset("rois"), result.stored_grid)[0], mask)


def test_names_colors_and_terms_are_kept(result, masks):
    result.add_regions(masks)
    result.export()
    segment = result.dataset("rois").SegmentSequence[0]
    assert segment.SegmentLabel == "Soleus left"
    assert segment.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "123037004"
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodeMeaning) == ("127954009", "Skeletal muscle")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert segment.AnatomicRegionSequence[0].CodeValue == "102292000"
    lightness, red, yellow = np.array(segment.RecommendedDisplayCIELabValue) / 65535
    shown = (100 * lightness, 255 * red - 128, 255 * yellow - 128)  # PS3.3 section C.10.7.1.1
    assert shown == pytest.approx((54.29, 80.80, 69.89), abs=0.1)  # red of sRGB in CIELab D50


def test_the_side_of_the_regions_is_that_of_the_maps(result, masks):
    result.add_regions(masks)
    result.export()
    anatomy = result.dataset().SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0]
    assert anatomy.FrameLaterality == "L"
    assert anatomy.AnatomicRegionSequence[0].CodeMeaning == "Lower limb"


def test_a_region_without_terms_is_only_called_selected(result, masks):
    result.add_regions({"tube 1": masks["Whole leg"]}, tags="Segmentation.Status:inprogress|")
    result.export()
    segment = result.dataset("rois").SegmentSequence[0]
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Selected region"
    assert "AnatomicRegionSequence" not in segment


@pytest.mark.parametrize(
    "tags", ["TerminologyEntry:", "TerminologyEntry:a~b~c", "TerminologyEntry:a~^^~SCT^1^~", "|||~~~^^^"]
)
def test_damaged_terms_count_as_none(result, masks, tags):
    result.add_regions({"tube 1": masks["Whole leg"]}, tags=tags)
    result.export()
    assert (
        result.dataset("rois").SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue == "111099"
    )


def test_umlauts_are_kept_and_long_names_are_shortened_and_told(result, masks):
    long = "Musculus gastrocnemius caput mediale, zweite Messung nach dem Training, rechts außen"
    names = ["Großer Wadenmuskel µ", long, long + " oben"]
    result.add_regions(dict(zip(names, masks.values(), strict=True)))
    exported = result.export()
    segments = result.dataset("rois").SegmentSequence
    assert segments[0].SegmentLabel == names[0]
    labels = [str(s.SegmentLabel) for s in segments]
    assert len(set(labels)) == 3
    assert max(len(label.encode()) for label in labels) <= 64
    assert labels[1].endswith("…")
    assert segments[1].SegmentDescription == long
    assert any("names that DICOM cannot hold" in note and long in note for note in exported.notes)


def test_separators_and_control_characters_do_not_split_a_name(result, masks):
    result.add_regions({"a\\b\tc": masks["Soleus left"]})
    result.export()
    assert result.dataset("rois").SegmentSequence[0].SegmentLabel == "a/b c"


def test_without_regions_there_is_no_segmentation(result):
    exported = result.export()
    assert exported.files == ("fs.dcm",)
    assert any("no regions" in note for note in exported.notes)


def test_damaged_regions_leave_nothing_behind(result):
    (result.folder / "rois.seg.nrrd").write_bytes(b"NRRD0004\ntype: uchar\n\n")
    with pytest.raises(ReaderError, match=r"rois\.seg\.nrrd"):
        result.export()
    assert not result.out.exists()
