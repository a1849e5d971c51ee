"""A small subject with two regions, drawn without any simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from PCrCESTLib.figures import FigureInput, MeanSpectra
from PCrCESTLib.geometry import Geometry

FS, KSW = 1.2e-3, 200.0


def make_subject(geometry: Geometry | None = None, **changes) -> FigureInput:
    """Two rectangular muscles, left and right of the middle of each slice, on a dim body."""
    geometry = geometry or Geometry((40, 30, 1), (0.5, 0.5, 2.0))
    _, ny, nx = geometry.shape
    left, right, body = (np.zeros(geometry.shape, dtype=bool) for _ in range(3))
    rows = slice(ny // 4, max(3 * ny // 4, ny // 4 + 1))
    left[:, rows, nx // 8 : nx // 2 - 2] = True
    right[:, rows, nx // 2 + 2 : nx - nx // 8] = True
    body[:, 1:-1, 1:-1] = True
    muscle = left | right
    offsets = np.linspace(5, -5, 41)
    z = 1 - 0.9 / (1 + offsets**2) - 0.05 / (1 + ((offsets - 2.6) / 0.3) ** 2)
    fields = {
        "anatomy": np.where(muscle, 300.0, 100.0 * body),
        "fs": np.where(muscle, FS, np.nan),
        "ksw": np.where(muscle, KSW, np.nan),
        "fs_sd": np.where(muscle, 0.1e-3, np.nan),
        "ksw_sd": np.where(muscle, 30.0, np.nan),
        "rois": (("left leg", left), ("right leg", right)),
        "spectra": tuple(MeanSpectra(b1, offsets, np.stack([z, 0.98 * z]) ** b1) for b1 in (1.0, 0.5)),
        "title": "sub-01",
        "footer": "two-branch, rat-4.7T-dual, PCrCEST 0.1",
    }
    return FigureInput(geometry, **(fields | changes))


@pytest.fixture(scope="session")
def subject() -> Callable[..., FigureInput]:
    """Makes the subject, on any grid and with any field changed."""
    return make_subject


@pytest.fixture(scope="session")
def two_legs() -> FigureInput:
    return make_subject()
