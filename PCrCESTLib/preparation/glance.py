"""A quick look at a series, whether the leg moved so much that the motion should be corrected."""

from __future__ import annotations

import numpy as np

from PCrCESTLib.preparation.mask import bright_voxels
from PCrCESTLib.preparation.motion import moves_per_slice, spacing_of
from PCrCESTLib.preparation.tracking import moved_mm, track
from PCrCESTLib.series import CestSeries

RECOMMENDED_VOXELS = 0.3  # motion from which the correction is recommended
_CHECKED_FRAMES, _CHECKED_SIDE = 10, 64  # frames, and voxels that a larger image is averaged to
_SMALLEST_SIDE = 8  # voxels; smaller images show no outline


def motion_advice(series: CestSeries) -> str | None:
    """Sentence that recommends the correction where a glance sees motion beyond `RECOMMENDED_VOXELS`."""
    displacement = motion_at_a_glance(series)
    voxel = min(series.geometry.spacing_mm[:2])
    if displacement is None or displacement <= RECOMMENDED_VOXELS * voxel:
        return None
    return (
        f"the leg moves by up to {displacement:.2g} mm ({displacement / voxel:.2g} voxels) during the scan; correct it "
        "with --motion rigid"
    )


def motion_at_a_glance(series: CestSeries) -> float | None:
    """Largest displacement of the leg between a few frames, mm, in a second; None where it cannot be told.

    Ten frames spread over the scan, of slices that move on their own only the one with most tissue.
    """
    if series.protocol.normalized or not series.protocol.reference_frames:
        return None
    reference = series.protocol.reference_frames[0]
    spread = np.linspace(0, series.n_frames - 1, min(_CHECKED_FRAMES, series.n_frames)).astype(int)
    chosen = np.unique([reference, *spread])
    frames = np.nan_to_num(series.data[chosen])
    alone = moves_per_slice(series.geometry)
    if alone:
        body = bright_voxels(series.data[reference])
        frames = frames[:, int(np.argmax(body.sum(axis=(1, 2))))]
    frames, averaged = _smaller(frames)
    spacing = spacing_of(series.geometry, alone)
    spacing[:2] *= averaged
    if len(chosen) < 3 or min(frames.shape[1:]) < _SMALLEST_SIDE or np.ptp(frames) == 0:
        return None
    found = track(frames, spacing, int(np.searchsorted(chosen, reference)), "rigid", lambda _: None, (2,))
    if np.sum(found.known) < 3:
        return None
    rest = np.eye(len(spacing) + 1)
    return max(moved_mm(p, rest, found.body, spacing) for p in found.poses)


def _smaller(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Frames averaged in the plane over squares, and the voxels along a square's side."""
    n = -(-max(frames.shape[-2:]) // _CHECKED_SIDE)
    ny, nx = (size // n for size in frames.shape[-2:])
    cut = frames[..., : ny * n, : nx * n]
    return cut.reshape(*frames.shape[:-2], ny, n, nx, n).mean(axis=(-3, -1)), n
