"""The figure of fitted spectra shows every curve it is given, and the residual below."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from PCrCESTLib.figures.components import SpectrumPanel, draw_components

X = np.linspace(-5, 5, 81)
WATER, PCR = 0.8 / (1 + (2 * X) ** 2), 0.03 / (1 + (4 * (X - 2.6)) ** 2)
FIT = 1 - WATER - PCR


def test_curves_and_residuals_are_drawn_in_the_columns_of_their_methods():
    fitted = SpectrumPanel("MPLF", X, FIT + 0.004, FIT, 1 - WATER, {"water": WATER, "PCr": PCR})
    direct = SpectrumPanel("MTRasym", X, FIT, None, FIT[::-1], {})
    figure = draw_components([("one voxel", [fitted, direct]), ("muscle", [fitted])])
    axes = np.array(figure.axes).reshape(4, 2)
    assert axes[0, 0].get_title() == "MPLF"
    assert {line.get_label() for line in axes[0, 0].lines} >= {"measured", "fit", "without PCr", "water", "PCr"}
    assert "fit" not in {line.get_label() for line in axes[0, 1].lines}
    dots = axes[1, 0].lines[-1].get_ydata()
    np.testing.assert_allclose(dots, 0.004)
    effect = axes[1, 0].lines[1].get_ydata()
    assert np.nanmax(effect) == pytest.approx(PCR.max())
    low, high = axes[0, 0].get_xlim()
    assert low > high  # ppm fall to the right
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"measured", "fit", "without PCr", "water", "PCr"} <= legend
