"""The striped gray that takes a color's place where a number means little."""

from __future__ import annotations

import numpy as np

HATCH_GRAY, HATCH_LINE = 0.42, 0.72
HATCH_SUBPIXELS, HATCH_PERIOD, HATCH_WIDTH = 8, 12, 4  # a stripe every one and a half voxels


def hatch_pixels(mask: np.ndarray) -> np.ndarray:
    """RGBA picture, eight pixels a voxel side: striped gray where ``mask``, else transparent."""
    fine = np.kron(mask.astype(bool), np.ones((HATCH_SUBPIXELS, HATCH_SUBPIXELS), dtype=bool))
    rows, columns = np.indices(fine.shape)
    stripe = (rows + columns) % HATCH_PERIOD < HATCH_WIDTH
    picture = np.ones((*fine.shape, 4))
    picture[..., :3] = np.where(stripe, HATCH_LINE, HATCH_GRAY)[..., None]
    picture[..., 3] = fine
    return picture
