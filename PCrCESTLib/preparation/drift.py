"""Drift of M0 over a scan, from its reference frames.

The division by M0 already follows it: `zseries.normalize` interpolates M0 linearly in acquisition order between the
reference frames, voxel by voxel. What is left to tell is how large the drift was, and whether the scan shows it at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PCrCESTLib.preparation.mask import bright_voxels
from PCrCESTLib.series import CestSeries

LARGE_DRIFT = 0.03  # of M0 from one reference frame to the next: as much as PCr takes from Z
CURVED_DRIFT = 0.01  # of M0: what linear interpolation between references may miss


@dataclass(frozen=True)
class Drift:
    """M0 of tissue at each reference frame relative to the first.

    Parameters
    ----------
    frames : tuple of int
        The reference frames.
    relative_m0 : tuple of float
        Median over tissue of M0 divided by that of the first.
    n_frames : int
        Frames of the series.
    """

    frames: tuple[int, ...]
    relative_m0: tuple[float, ...]
    n_frames: int

    @property
    def largest_step(self) -> float:
        """Largest relative change from one reference frame to the next."""
        return float(np.max(np.abs(np.diff(self.relative_m0)))) if len(self.frames) > 1 else 0.0

    @property
    def curvature(self) -> float:
        """Largest distance of an inner reference frame from the line between its neighbors."""
        x, y = self.frames, self.relative_m0
        inner = [
            abs(y[i] - np.interp(x[i], x[i - 1 : i + 2 : 2], y[i - 1 : i + 2 : 2]))
            for i in range(1, len(x) - 1)
        ]
        return float(max(inner, default=0.0))

    @property
    def unseen_frames(self) -> int:
        """Frames before the first and after the last reference, where M0 is only continued."""
        return self.frames[0] + self.n_frames - 1 - self.frames[-1]

    @property
    def note(self) -> str | None:
        """What the user should know of it; None where the drift is small and seen."""
        text = None
        if self.largest_step > LARGE_DRIFT:
            change = self.relative_m0[-1] - 1
            text = f"M0 drifts by up to {self.largest_step:.1%} between reference frames ({change:+.1%} over the scan)"
            seen = "; it is interpolated between them, so the drift is divided out"
            curved = (
                "; it does so unevenly, so interpolation leaves some: acquire reference frames more often"
            )
            text += curved if self.curvature > CURVED_DRIFT else seen
            if self.unseen_frames > self.n_frames / 4:
                text += f", except in the {self.unseen_frames} frames beyond them"
        return text


def m0_drift(series: CestSeries) -> Drift | None:
    """Measure the drift; None for a series that came normalized, or whose references show no tissue."""
    references = series.protocol.reference_frames
    if series.protocol.normalized or not references:
        return None
    images = np.nan_to_num(series.data[list(references)]).astype(np.float64)
    tissue = bright_voxels(images.mean(axis=0)) & (images[0] > 0)
    if not tissue.any():
        return None
    ratios = np.median(images[:, tissue] / images[0, tissue], axis=1)
    return Drift(tuple(references), tuple(float(r) for r in ratios), series.n_frames)
