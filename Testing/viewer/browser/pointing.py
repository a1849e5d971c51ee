"""Where the voxels of a scan lie in the page, found as a user finds out: by pointing and reading the plot's heading."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np

VOXEL = re.compile(r"voxel (\d+), (\d+), (\d+)")
POINTS = [(0.3, 0.35), (0.42, 0.62), (0.55, 0.31), (0.71, 0.58), (0.62, 0.77), (0.36, 0.73), (0.48, 0.45), (0.75, 0.4)]


class Voxels:
    """Place of voxels of the first slice view in the page, and the other way round.

    The view shows the grid unturned or mirrored: voxel = scale · place + offset in each direction.
    """

    def __init__(self, viewer: Any) -> None:
        """Let the plot follow the mouse, and point at some places of the view."""
        box = viewer.view()
        viewer.choose(".plot-of", "voxel under the mouse")
        viewer.until_state("plot_title", "/^(point at a|no)? ?voxel/.test(it)")
        places, voxels = [], []
        for across, down in POINTS:
            x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
            found = VOXEL.match(viewer.title_at(x, y))
            if found:
                places.append((x, y))
                voxels.append([int(n) for n in found.groups()])
        assert len(places) >= 5, "the scan does not fill the view"
        (self._scale, self._offset), self._rest = _fitted(np.array(places), np.array(voxels)[:, :2])
        assert self._rest < 1.0, "the heading names another voxel than the one under the mouse"
        self.k = voxels[0][2]

    @property
    def pixels(self) -> float:
        """Pixels a voxel."""
        return float(1 / np.abs(self._scale).mean())

    def place(self, i: float, j: float) -> tuple[float, float]:
        """Place of the center of a voxel in the page."""
        x, y = (np.array([i, j]) - self._offset) / self._scale
        return float(x), float(y)

    def voxel(self, x: float, y: float) -> tuple[float, float]:
        """Voxel at a place of the page, with its fraction."""
        i, j = self._scale * np.array([x, y]) + self._offset
        return float(i), float(j)


def _fitted(places: np.ndarray, voxels: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    lines = [np.polyfit(places[:, axis], voxels[:, axis], 1) for axis in (0, 1)]
    rest = max(np.abs(np.polyval(lines[axis], places[:, axis]) - voxels[:, axis]).max() for axis in (0, 1))
    scale, offset = np.array(lines).T
    return (scale, offset), float(rest)


def eventually(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Repeat a check until its assertions hold; returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
