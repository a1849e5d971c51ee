"""Muscles in the scene, and the charts that show what lies behind a number."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.contribution import without_pcr
from PCrCESTLib.errors import ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.muscles import PRESETS, SIDES, muscle_color, terminology
from PCrCESTLib.physics import z_spectra
from PCrCESTLib.preparation.zseries import PowerBlock, ZSeries
from PCrCESTLib.readers import RoiSet, read_rois
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.scene.charts import EFFECT
from PCrCESTLib.scene.muscles import (
    add_muscle,
    add_segmentation,
    copy_to_next_slice,
    segment_mask,
    segment_names,
    segmentation_from_rois,
    set_segment_mask,
    write_segmentation,
)
from PCrCESTLib.scene.plots import show_spectra
from PCrCESTLib.scene.spectra import one_voxel, spectra_in
from PCrCESTLib.scene.volumes import add_volume
from PCrCESTLib.segment_file import Region, write_segments
from PCrCESTLib.synthesis.phantom_tissue import muscle_tissue

CALF = PRESETS["Human calf"]


@pytest.fixture
def anatomy(scene, oblique):
    return add_volume(np.zeros(oblique.shape, np.float32), oblique, "anatomy")


def test_a_preset_muscle_has_its_name_color_and_terms(scene, anatomy):
    import slicer
    import vtk

    segmentation = add_segmentation(anatomy, "muscles")
    segment_id = add_muscle(segmentation, CALF[0], "left")
    segment = segmentation.GetSegmentation().GetSegment(segment_id)
    assert segment.GetName() == "Tibialis anterior left"
    assert segment.GetColor() == pytest.approx(muscle_color(CALF[0], "left"))
    entry = vtk.reference("")
    assert segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    category, kind, side, _, part = str(entry).split("~")[1:6]
    assert (category, kind) == ("SCT^123037004^Anatomical Structure", "SCT^127954009^Skeletal muscle")
    assert side == "SCT^7771000^Left"
    assert part == "MDC^7:892^Musculus tibialis anterior"
    assert add_muscle(segmentation, CALF[0], "left") == segment_id
    assert segment_names(segmentation) == ["Tibialis anterior left"]


def test_muscles_of_a_preset_can_be_told_apart_by_color():
    for group in PRESETS.values():
        colors = np.array([muscle_color(m, s) for m in group for s in SIDES[:2]])
        distance = np.linalg.norm(colors[:, None] - colors[None], axis=2)
        assert distance[np.triu_indices(len(colors), 1)].min() > 0.08


def test_copy_to_next_slice(scene, anatomy, oblique):
    segmentation = add_segmentation(anatomy, "muscles")
    segment_id = add_muscle(segmentation, CALF[5], "right")
    with pytest.raises(ReaderError, match="Soleus right is empty in slice 1"):
        copy_to_next_slice(segmentation, segment_id, anatomy, 0)
    mask = np.zeros(oblique.shape, bool)
    mask[0, 2:5, 3:6] = True
    set_segment_mask(segmentation, segment_id, mask, anatomy)
    assert copy_to_next_slice(segmentation, segment_id, anatomy, 0) == 1
    after = segment_mask(segmentation, segment_id, anatomy)
    assert np.array_equal(after[1], mask[0])
    assert not after[2].any()
    with pytest.raises(ReaderError, match="last one in this direction"):
        copy_to_next_slice(segmentation, segment_id, anatomy, 0, step=-1)


def test_the_job_reads_the_muscles_that_were_drawn(scene, anatomy, oblique, tmp_path):
    """Names and voxels survive the file between scene and job, overlaps included; empty ones are named."""
    masks = np.zeros((2, *oblique.shape), bool)
    masks[0, 0, 2:5, 3:6] = True
    masks[1, 0, 4:7, 3:6] = True
    colors = (muscle_color(CALF[5], "left"), (0.25, 0.5, 1.0))
    drawn = RoiSet(("Soleus left", "my own"), masks, (1, 2), colors, (terminology("left", CALF[5]), ""))
    node = segmentation_from_rois(drawn, anatomy, "muscles")
    add_muscle(node, CALF[0], "left")
    assert write_segmentation(node, anatomy, tmp_path / "m.seg.nrrd") == ["Tibialis anterior left"]
    rois = read_rois(tmp_path / "m.seg.nrrd", oblique)
    assert rois.names == drawn.names
    assert np.array_equal(rois.masks, masks)
    assert np.allclose(rois.colors, colors)
    assert rois.terminology[0] == drawn.terminology[0]
    assert "^Tissue~" in rois.terminology[1]  # Slicer's own default


def test_slicer_opens_the_regions_of_a_result(scene, oblique, tmp_path):
    """Slicer's own reader finds names, colors, terms and voxels of what the library wrote, overlap included."""
    import slicer
    import vtk

    masks = np.zeros((3, *oblique.shape), bool)
    masks[0, 0, 2:5, 3:6] = masks[1, 1, 4:7, 3:6] = masks[2, 0, 3:8, 3:6] = True
    regions = [
        Region("Soleus left", masks[0], (0.9, 0.5, 0.25), terminology("left", CALF[5])),
        Region("mine", masks[1], (0.25, 0.5, 1.0)),
        Region("over", masks[2], (0, 1, 0)),
    ]
    write_segments(regions, oblique, tmp_path / "rois.seg.nrrd")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "rois.seg.nrrd"))
    assert storage.ReadData(node)
    reference = add_volume(np.zeros(oblique.shape, np.float32), oblique, "anatomy")
    assert segment_names(node) == [r.name for r in regions]
    for i, region in enumerate(regions):
        segment = node.GetSegmentation().GetNthSegment(i)
        assert segment.GetColor() == pytest.approx(region.color)
        terms = vtk.reference("")
        segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), terms)
        assert (str(terms) == region.terminology) or not region.terminology
        segment_id = node.GetSegmentation().GetNthSegmentID(i)
        assert np.array_equal(segment_mask(node, segment_id, reference), region.mask)


def test_nothing_drawn_is_said(scene, anatomy, tmp_path):
    segmentation = add_segmentation(anatomy, "muscles")
    add_muscle(segmentation, CALF[0], "left")
    with pytest.raises(ReaderError, match="muscles: no muscle has a voxel"):
        write_segmentation(segmentation, anatomy, tmp_path / "m.seg.nrrd")
    assert not (tmp_path / "m.seg.nrrd").exists()


def muscle_z(
    fs: float, offsets: np.ndarray, b1: float, shift: float = 0.0, without: bool = False
) -> np.ndarray:
    tissue = muscle_tissue(*(np.array([v]) for v in (fs, 120.0, 1.55, 0.026, 0.09)))
    tissue = tissue.without("PCr") if without else tissue
    z = z_spectra(tissue, Saturation(duration_s=4.0), offsets, b1, 4.7, b0_shift_ppm=np.array([shift]))
    return np.asarray(z)[0]


@pytest.mark.parametrize("b1", [0.25, 0.5, 1.0])
def test_the_contribution_is_that_of_the_exact_engine(b1):
    """On muscle of other T1, T2 and MT than is assumed: within 2 % of the effect of PCr."""
    offsets = np.arange(-5, 5.01, 0.125)
    z, truth = (muscle_z(1e-3, offsets, b1, without=w) for w in (False, True))
    r1 = (1 / 1.55 + 0.09 / 1.5) / 1.09
    rest = without_pcr(z, offsets, b1, 4.7, Saturation(duration_s=4.0), 1e-3, 120.0, r1)
    assert np.abs(rest - truth).max() < 0.02 * np.abs(truth - z).max()
    assert np.all(rest >= z)


@pytest.fixture
def legs() -> ZSeries:
    """Two voxels with different water frequencies and one without a spectrum."""
    offsets = np.arange(-6, 6.01, 0.25)
    z = np.stack(
        [muscle_z(1e-3, offsets, 0.5, s) for s in (0.0, 0.25)] + [np.full(len(offsets), np.nan)], axis=1
    )
    block = PowerBlock(0.5, offsets, z.reshape(len(offsets), 1, 1, 3).astype(np.float32))
    return ZSeries((block,), Geometry((3, 1, 1)), 4.7, Saturation(duration_s=4.0))


def test_voxels_are_moved_to_their_own_water(legs):
    maps = {
        "b0": np.array([[[0.0, 0.25, np.nan]]]),
        "fs": np.full((1, 1, 3), 1e-3),
        "ksw": np.full((1, 1, 3), 120.0),
    }
    (mean,) = spectra_in(legs, np.ones((1, 1, 3), bool), maps)
    (first,) = spectra_in(legs, one_voxel((1, 1, 3), (0, 0, 0)), maps)
    near = np.abs(mean.offsets_ppm) < 5
    assert np.abs(mean.z - first.z)[near].max() < 0.01
    assert 0.02 < (mean.rest - mean.z).max() < 0.05
    assert spectra_in(legs, one_voxel((1, 1, 3), (2, 0, 0)), maps) == []


def test_without_maps_there_is_no_contribution(legs):
    (spectrum,) = spectra_in(legs, one_voxel((1, 1, 3), (0, 0, 0)), {})
    assert np.isnan(spectrum.rest).all()


def test_the_spectrum_chart_follows_without_growing(scene, legs):
    maps = {"fs": np.full((1, 1, 3), 1e-3), "ksw": np.full((1, 1, 3), 120.0)}
    chart = show_spectra(spectra_in(legs, one_voxel((1, 1, 3), (0, 0, 0)), maps), "voxel 1")
    names = [chart.GetNthPlotSeriesNode(i).GetName() for i in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == ["0.5 µT", "0.5 µT without PCr", "PCr 2.6 ppm"]
    count = scene.GetNumberOfNodes()
    assert show_spectra(spectra_in(legs, one_voxel((1, 1, 3), (1, 0, 0)), maps), "voxel 2") is chart
    assert chart.GetTitle() == "voxel 2"
    assert scene.GetNumberOfNodes() == count
    effect = show_spectra(spectra_in(legs, one_voxel((1, 1, 3), (0, 0, 0)), maps), "voxel 1", EFFECT)
    table = effect.GetNthPlotSeriesNode(0).GetTableNode().GetTable()
    values = [table.GetValue(r, 1).ToDouble() for r in range(table.GetNumberOfRows())]
    peak = table.GetValue(int(np.argmax(values)), 0).ToDouble()
    assert 2 < max(values) < 5
    assert abs(peak - 2.6) < 0.3
    show_spectra([], "nothing here")
    assert chart.GetNumberOfPlotSeriesNodes() == 0
    assert scene.GetNumberOfNodes() < count
