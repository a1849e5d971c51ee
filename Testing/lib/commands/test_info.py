"""``pcrcest info``: a summary for people, and the same as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from PCrCESTLib.cli import main
from PCrCESTLib.geometry import Geometry


@pytest.fixture
def series(tmp_path):
    import SimpleITK as sitk

    grid = Geometry((4, 3, 2), (0.5, 0.5, 2.0), (1.0, 2.0, 3.0))
    sitk.WriteImage(grid.to_image(np.ones((5, *grid.shape), np.float32)), str(tmp_path / "leg_cest.nii.gz"))
    sitk.WriteImage(grid.to_image(np.ones(grid.shape, np.float32)), str(tmp_path / "leg_R1obs.nii.gz"))
    document = {
        "MagneticFieldStrength": 3.0,
        "SaturationOffsets": [None, 1.0, 2.6, 1.0, 2.6],
        "SaturationOffsetsUnits": "ppm",
        "SaturationB1": [None, 0.5, 0.5, 1.0, 1.0],
        "SaturationDuration": 2.0,
    }
    (tmp_path / "leg_cest.json").write_text(json.dumps(document))
    return tmp_path / "leg_cest.nii.gz"


def test_the_summary_names_what_a_scientist_checks_first(series, capsys):
    assert main(["info", str(series)]) == 0
    text = capsys.readouterr().out
    for fact in (
        "4 x 3 x 2 voxels of 0.5 x 0.5 x 2 mm",
        "3 T",
        "0.5 µT (2 frames), 1 µT (2 frames)",
        "4 from 1 to 2.6 ppm",
        "frames 0 (unsaturated); frames are raw intensities",
        "leg_R1obs.nii.gz",
        "leg_cest.json",
    ):
        assert fact in text


def test_json_holds_the_same_in_numbers(series, capsys):
    assert main(["info", str(series), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["geometry"]["origin_mm"] == [1.0, 2.0, 3.0]
    assert facts["powers_ut"] == [{"b1_ut": 0.5, "frames": 2}, {"b1_ut": 1.0, "frames": 2}]
    assert facts["reference_frames"] == [{"frame": 0, "offset_ppm": None}]
    assert facts["companions"] == {"r1": str(series.with_name("leg_R1obs.nii.gz"))}
    assert facts["protocol"]["SaturationOffsets"] == [None, 1.0, 2.6, 1.0, 2.6]


def test_an_unreadable_series_ends_with_code_2_and_one_line(tmp_path, capsys):
    assert main(["info", str(tmp_path / "gone.nii.gz")]) == 2
    error = capsys.readouterr().err
    assert "gone.nii.gz" in error
    assert error.count("\n") == 1
