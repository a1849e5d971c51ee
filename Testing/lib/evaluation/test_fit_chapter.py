"""The chapter on fits: the fit of the physics over the bound, and what every fit draws."""

from __future__ import annotations

import numpy as np
import pytest

from PCrCESTLib.evaluation import fit_chapter
from PCrCESTLib.evaluation.fit_chapter import fits_section, spectra_of_leg
from PCrCESTLib.evaluation.methods import PriorMean
from PCrCESTLib.evaluation.section import Effort
from PCrCESTLib.protocols import named_protocol

DUAL = named_protocol("rat-4.7T-dual")
SMALL = Effort("small", n_spectra=400, n_animals=2, n_studies=2)


def test_the_table_holds_both_fits_and_says_how_fast_they_are(monkeypatch):
    monkeypatch.setattr(fit_chapter, "NOISE", (0.002,))
    monkeypatch.setattr(fit_chapter, "MUSCLES", {"reference": fit_chapter.reference_set})
    monkeypatch.setattr(fit_chapter, "drawn", lambda *_: ())
    section = fits_section([PriorMean()], DUAL, SMALL)
    rows = {row["method"]: row for row in section.scores["bloch"]}
    assert len(rows) == 3
    fit = rows["Bloch–McConnell, reference muscle"]
    assert 0.6 < fit["fs over bound"] < 1.6  # 20 spectra
    assert fit["fs"] < rows["guessing the middle"]["fs"] / 2
    assert fit["spectra_per_s"] > 1
    assert "Bloch–McConnell, any muscle (bm)" in section.text


@pytest.mark.parametrize("row", [0, 1])
def test_every_fit_draws_one_voxel_and_one_muscle(row):
    name, panels = spectra_of_leg(DUAL, SMALL)[row]
    assert name == "one voxel" if row == 0 else name.endswith(" voxels")
    assert len(panels) == 6
    for panel in panels:
        assert panel.z.shape == panel.offsets_ppm.shape
        near = np.abs(panel.offsets_ppm - 2.6) < 0.2
        assert np.isfinite(panel.without_pcr[near]).all()
        assert "fs " in panel.title
