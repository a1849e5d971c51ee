"""*Update table*: numbers of redrawn muscles without a whole run, beside those of the run."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core cannot be imported", exc_type=ImportError)
pytest.importorskip("PySide6.QtWidgets", reason="Qt cannot be imported", exc_type=ImportError)


def values(run, roi, estimator="ROI spectrum"):
    return {
        r["quantity"]: float(r["value"]) for r in run.rows if (r["roi"], r["estimator"]) == (roi, estimator)
    }


def test_the_table_follows_the_muscles(panel, scan_folder):
    import slicer

    from PCrCESTLib.scene.kept_files import kept_files
    from PCrCESTLib.scene.muscles import segment_mask, set_segment_mask

    panel.load(scan_folder, powers=("0.5",))
    panel.parameters.method = "ld"  # the quickest
    panel.ui.onlyMusclesBox.checked = True
    panel.run()
    first = panel.widget.shownRun()
    muscles = panel.parameters.muscles
    segment = muscles.GetSegmentation().GetSegmentIdBySegmentName("left soleus")
    mask = segment_mask(muscles, segment, first.maps["fs"])
    column = np.argwhere(mask)[:, 2]
    mask[..., : int(np.median(column))] = False  # about half is left
    set_segment_mask(muscles, segment, mask, first.maps["fs"])

    panel.click(panel.ui.updateTableButton)
    assert panel.ui.updateTableButton.text == "Cancel"
    panel.wait(lambda: not panel.widget.tableUpdate.control.running)
    assert panel.texts("error") == []
    second = panel.widget.shownRun()
    assert second.name == f"{first.name} redrawn"
    assert first.run_id in panel.widget.results.runs  # nothing is replaced
    assert values(second, "right soleus") == pytest.approx(values(first, "right soleus"), rel=1e-4)
    assert values(second, "left soleus")["fs"] != values(first, "left soleus")["fs"]
    of = next(r for r in second.rows if r["roi"] == "left soleus")
    assert int(of["n_total"]) == int(mask.sum())
    fs = [slicer.util.arrayFromVolume(run.maps["fs"]) for run in (first, second)]
    assert np.array_equal(*fs, equal_nan=True)
    assert "rois.seg.nrrd" in kept_files(second.run_id)
    assert "roi_spectra.csv" not in kept_files(second.run_id)  # those of the old muscles
    assert list(panel.temporary_folders("PCrCEST-")) == []
    panel.shot("table-updated")


def test_the_rules_are_handed_to_both_commands(panel, result, monkeypatch):
    run = result("thin")
    run.record["inputs"] = []
    panel.widget.results.runs[run.run_id] = run
    panel.ui.erodeBox.value = 2
    panel.ui.excludeFlaggedBox.checked = True
    sections = {
        panel.ui.applyButton: panel.widget.quantify,
        panel.ui.updateTableButton: panel.widget.tableUpdate,
    }
    for button, section in sections.items():
        asked = []
        monkeypatch.setattr(section.control, "start", asked.extend)
        panel.click(button)
        assert asked[asked.index("--erode") + 1] == "2"
        assert "--exclude-flagged" in asked
        section.onEnded()  # the job that would have used the files was not started


def test_a_result_of_another_scan_is_refused(panel, result):
    run = result("thin")
    run.record["inputs"] = [{"role": "series", "path": "gone/leg.nii.gz", "sha256": "0"}]
    panel.widget.results.runs[run.run_id] = run
    panel.click(panel.ui.updateTableButton)
    (sentence,) = panel.texts("error")
    assert sentence.startswith("leg.nii.gz, which thin was computed from, is not chosen")
    assert not panel.widget.tableUpdate.control.running
    assert list(panel.temporary_folders("PCrCEST-")) == []
