"""The session without a window is enough for Slicer's own utilities."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.scene.headless import start


def test_there_is_one_session_a_process(scene):
    import slicer

    assert start() is slicer.app
    assert slicer.app.mrmlScene() is scene
    assert slicer.app.layoutManager() is None
    slicer.app.processEvents()


def test_utilities_of_slicer_work_on_it(scene):
    import slicer

    node = slicer.util.addVolumeFromArray(np.arange(24.0).reshape(2, 3, 4), name="numbers")
    assert slicer.util.getNode("numbers") is node
    assert slicer.util.arrayFromVolume(node).sum() == 276
    assert slicer.app.applicationLogic().GetMRMLScene() is scene
