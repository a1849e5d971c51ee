"""Maps in the scene: what they say of themselves, how they look, and that nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pytest
from slice_rendering import SliceView

from PCrCESTLib.errors import OutputError, ReaderError
from PCrCESTLib.image_files import write_image
from PCrCESTLib.readers.image_io import read_volume
from PCrCESTLib.scene.colors import color_node, lab_to_srgb, path, scale
from PCrCESTLib.scene.map_nodes import (
    KINDS,
    OF_FITS,
    certain_part,
    hide_legends,
    show_legend,
    shown_map,
    style,
)
from PCrCESTLib.scene.runs import add_run, export_run, find_runs, remove_run, restore_tables
from PCrCESTLib.scene.tables import read_rows
from PCrCESTLib.scene.volumes import add_volume, array_of, geometry_of


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colors, by the standard's own formulas."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126729, 0.7151522, 0.0721750]
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)


def test_the_color_scale_takes_even_steps_of_lightness():
    steps = np.diff(lightness(scale()))
    assert np.all(steps > 0)
    assert steps.std() / steps.mean() < 0.05


def test_equal_steps_of_the_scale_are_equal_steps_to_the_eye():
    steps = np.linalg.norm(np.diff(path(), axis=0), axis=1)  # CIE 1976 color difference
    assert steps.std() / steps.mean() < 0.03


def test_every_color_of_the_scale_can_be_shown():
    raw = lab_to_srgb(path())
    assert raw.min() > 0
    assert raw.max() < 1.01


def test_known_colors():
    """White, black and sRGB red by their published L*a*b* values (D65)."""
    lab = np.array([[100, 0, 0], [0, 0, 0], [53.2408, 80.0925, 67.2032]])
    assert np.allclose(lab_to_srgb(lab), [[1, 1, 1], [0, 0, 0], [1, 0, 0]], atol=2e-3)


def test_a_run_has_every_map_as_a_quantity(scene, results):
    run = add_run(results, "leg")
    assert set(run.maps) == set(KINDS) - set(OF_FITS)
    fs = run.maps["fs"]
    assert fs.GetVoxelValueQuantity().GetCodeMeaning() == "PCr proton fraction"
    assert run.maps["ksw"].GetVoxelValueUnits().GetCodeValue() == "/s"
    assert np.isnan(array_of(fs)).any()
    assert np.allclose(array_of(run.maps["pcr_mm"]), array_of(fs) * 55500, rtol=1e-3, equal_nan=True)


def test_a_run_that_is_removed_leaves_nothing_behind(scene, results):
    counts = []
    for _ in range(3):  # the first leaves what all runs share: colors, and the folder of a subject
        run = add_run(results, "leg")
        show_legend(run.maps["fs"], "fs")
        remove_run(run)
        counts.append(scene.GetNumberOfNodes())
    assert find_runs() == []
    assert counts[0] == counts[1] == counts[2]


def test_a_fit_of_a_peak_has_no_ksw_but_maps_of_its_own(scene, results):
    ksw = read_volume(results / "ksw.nii.gz")
    for kind in ("ksw", "ksw_sd"):
        write_image(np.full(ksw.array.shape, np.nan, np.float32), ksw.geometry, results / f"{kind}.nii.gz")
    for kind in OF_FITS:
        write_image(np.full(ksw.array.shape, 0.02, np.float32), ksw.geometry, results / f"{kind}.nii.gz")
    run = add_run(results, "fit")
    assert set(run.maps) == set(KINDS) - {"ksw", "ksw_sd"}
    assert run.maps["arex"].GetVoxelValueUnits().GetCodeValue() == "/s"


def test_numbers_of_the_table_are_exact(scene, results):
    table = add_run(results, "leg").table.GetTable()
    assert table.GetColumnByName("value").GetValue(0) == 0.000912345678901
    assert table.GetColumnByName("voxels used").GetValue(0) == 40
    assert table.GetColumnByName("identifiable").GetValue(1) == "no"


def test_what_was_exported_is_what_was_computed(scene, results, tmp_path):
    import json

    run = add_run(results, "leg")
    files = export_run(run, tmp_path / "out")
    assert {"fs.nii.gz", "pcr_mm.nii.gz", "roi_statistics.csv", "quantify.json"} <= set(files)
    for kind in ("fs", "ksw_sd", "quality"):
        first, second = (read_volume(f / f"{kind}.nii.gz") for f in (results, tmp_path / "out"))
        assert np.array_equal(first.array, second.array, equal_nan=True)
        assert first.geometry.same_as(second.geometry)
    before, after = (read_rows(f / "roi_statistics.csv") for f in (results, tmp_path / "out"))
    assert before == after
    assert json.loads((tmp_path / "out/quantify.json").read_text())["warnings"] == ["Überraschung"]
    with pytest.raises(OutputError, match="already holds the results"):
        export_run(run, tmp_path / "out")


def test_incomplete_results_add_nothing(scene, results):
    (results / "ksw.nii.gz").unlink()
    before = scene.GetNumberOfNodes()
    with pytest.raises(ReaderError, match=r"ksw\.nii\.gz is missing"):
        add_run(results, "leg")
    assert scene.GetNumberOfNodes() == before


def test_results_stand_beside_their_scan(scene, results, series):
    import slicer

    from PCrCESTLib.scene.hierarchy import gather
    from PCrCESTLib.scene.series_nodes import add_series

    scan = add_series(series, "scan")
    study = gather([scan], "leg")
    run = add_run(results, "two-branch", scan)
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = tree.GetItemParent(tree.GetItemByDataNode(run.maps["fs"]))
    assert tree.GetItemName(folder) == "two-branch"
    assert tree.GetItemParent(folder) == study


def test_a_saved_scene_brings_runs_back(scene, results, tmp_path):
    run = add_run(results, "leg")
    show_legend(run.maps["fs"], "fs")
    scene.SetRootDirectory(str(tmp_path))
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    values = array_of(run.maps["fs"]).copy()
    scene.Clear(False)
    assert find_runs() == []
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    (back,) = find_runs()
    assert back.name == "leg"
    assert back.record["warnings"] == ["Überraschung"]
    assert np.array_equal(array_of(back.maps["fs"]), values, equal_nan=True)
    assert float(back.rows[0]["value"]) == 0.000912345678901
    restore_tables()
    assert back.table.GetTable().GetColumnByName("value").GetValue(0) == 0.000912345678901
    display = back.maps["fs"].GetDisplayNode()
    assert display.GetColorNode().GetName() == color_node().GetName()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx(KINDS["fs"].shown)
    assert back.maps["fs"].GetVoxelValueUnits().GetCodeValue() == "1"
    assert scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 1


def test_doubtful_voxels_are_hidden_but_kept(scene, results):
    run = add_run(results, "leg")
    values, sd = array_of(run.maps["fs"]).copy(), array_of(run.maps["fs_sd"])
    left = certain_part(run.maps, "fs", 0.15)
    inside = np.isfinite(values)
    assert np.array_equal(np.isfinite(left), inside & (sd <= 0.15 * np.nan_to_num(values)))
    shown = shown_map(run.maps, "fs", 0.15)
    assert shown is not run.maps["fs"]
    assert np.array_equal(array_of(run.maps["fs"]), values, equal_nan=True)
    assert shown_map(run.maps, "fs", 0.9) is shown
    assert shown_map(run.maps, "fs", None) is run.maps["fs"]
    assert shown_map(run.maps, "quality", 0.1) is run.maps["quality"]


def test_what_a_user_sees(scene, results, oblique):
    """Low values are dark blue, high ones yellow; without a value the anatomy shows; the color bar has its title."""
    run = add_run(results, "leg")
    fs = run.maps["fs"]
    values = array_of(fs)
    values[:] = np.nan
    values[:, :5, :] = 0.0
    values[:, 5:, :6] = 1.6e-3
    fs.Modified()
    anatomy = add_volume(np.full(oblique.shape, 100, np.float32), oblique, "anatomy")
    display = anatomy.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, 200)
    style(fs, "fs")
    view = SliceView()
    try:
        view.node.RotateToVolumePlane(anatomy)
        view.show(anatomy, fs)
        bare = view.picture().astype(int)
        show_legend(fs, "fs")
        barred = view.picture().astype(int)
        view.show(anatomy, None)
        hide_legends()
        plain = view.picture().astype(int)
    finally:
        view.close()
    colors = (scale()[0] * 255, scale()[-1] * 255, np.full(3, 127))
    close = [np.abs(bare - color).max(axis=2) < 12 for color in colors]
    low, high, gray = (int(c.sum()) for c in close)
    assert low > 4000
    assert high > 2000
    assert gray > 2000
    assert abs(low / (high + gray) - 1) < 0.2  # half of the image each
    changed = np.abs(barred - bare).max(axis=2) > 40
    assert 500 < changed.sum() < 20000
    assert changed[:, 250:].sum() > 0.9 * changed.sum()  # the bar is at the right
    assert np.ptp(plain, axis=2).max() < 40  # with the map its bar is gone: nothing is colored any more
    assert geometry_of(fs).same_as(oblique)
