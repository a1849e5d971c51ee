"""``pcrcest quantify --motion --denoise``: what is written beside the maps, and that SDs stay honest."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from PCrCESTLib.cli import main

from .conftest import powers


def quantified(scan, out, *options):
    assert main(["quantify", *powers(scan), "--out", str(out), "--progress", "none", *options]) == 0
    return json.loads((out / "quantify.json").read_text(encoding="utf-8"))


def fs(out, name="fs"):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(out / f"{name}.nii.gz")))


def test_motion_and_denoising_are_off_unless_asked_for(a_simulated_scan, tmp_path):
    record = quantified(a_simulated_scan, tmp_path / "out")
    assert "motion" not in record
    assert "denoise" not in record
    assert not (tmp_path / "out" / "motion.csv").exists()


def test_the_motion_is_recorded_and_a_resting_leg_keeps_its_maps(a_simulated_scan, tmp_path):
    record = quantified(a_simulated_scan, tmp_path / "rigid", "--motion", "rigid", "--motion-slices", "3d")
    quantified(a_simulated_scan, tmp_path / "none")
    with (tmp_path / "rigid" / "motion.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(record["motion"]["frames"]) == 2 * 92
    assert {"translation_x_mm", "rotation_z_deg", "similarity_before", "similarity_after"} <= set(rows[0])
    assert record["motion"]["resampled"] is False
    assert record["motion"]["per_slice"] is False
    assert any("at rest" in warning for warning in record["warnings"])
    assert (tmp_path / "rigid" / "motion.png").stat().st_size > 10_000
    np.testing.assert_array_equal(fs(tmp_path / "rigid"), fs(tmp_path / "none"))


def test_denoising_does_not_make_the_network_surer_than_the_noise_allows(a_simulated_scan, tmp_path):
    record = quantified(a_simulated_scan, tmp_path / "pca", "--denoise", "pca")
    plain = quantified(a_simulated_scan, tmp_path / "none")
    assert all(0 < d["n_components"] < 40 for d in record["denoise"])
    assert record["noise_sd"] == plain["noise_sd"]
    denoised, as_acquired = (fs(tmp_path / out, "fs_sd") for out in ("pca", "none"))
    assert np.nanmedian(denoised[as_acquired > 0]) == pytest.approx(
        np.nanmedian(as_acquired[as_acquired > 0]), rel=0.1
    )
