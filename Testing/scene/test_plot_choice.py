"""The list of plots offers what the scene can show, and nothing else."""

from __future__ import annotations

from PCrCESTLib.scene.plot_choice import BOXES, CROSSHAIR, MOTION, plots_offered, segment_of
from PCrCESTLib.scene.runs import Run


def run_with(rows=(), motion=None):
    return Run("1", "leg", {}, None, None, [*rows], {"motion": motion})


def keys(run, muscles=None):
    return [key for key, _title in plots_offered(run, muscles)]


def test_a_voxel_can_always_be_plotted():
    assert keys(None) == keys(run_with()) == [CROSSHAIR]


def test_boxes_need_a_result_with_muscles_and_motion_its_correction():
    assert keys(run_with(rows=[{"roi": "soleus"}])) == [CROSSHAIR, BOXES]
    assert keys(run_with(motion={"frames": []})) == [CROSSHAIR, MOTION]


def test_every_muscle_is_offered_by_its_name(scene):
    import slicer

    muscles = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "muscles")
    assert keys(run_with(), muscles) == [CROSSHAIR]  # none is drawn
    segment_id = muscles.GetSegmentation().AddEmptySegment("s1", "soleus left")
    offered = plots_offered(None, muscles)
    assert [title for _key, title in offered[1:]] == ["soleus left"]
    assert [segment_of(key) for key, _title in offered] == [None, segment_id]
    assert keys(run_with(), muscles)[-1] == BOXES  # of the muscles as drawn now
