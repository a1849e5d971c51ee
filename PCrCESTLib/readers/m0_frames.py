"""Images without saturation, of another scan, as the first frames of a series."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from PCrCESTLib.errors import GeometryError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import Protocol
from PCrCESTLib.series import CestSeries

# Saturation takes signal away. What remains farthest from water is this share of M0 at least and at most, with noise.
PLAUSIBLE_SHARE = (0.1, 1.05)
BRIGHT_SHARE = 0.2  # of the 99th percentile of M0: tissue


def put_before(series: CestSeries, m0: np.ndarray, grid: Geometry, name: str) -> CestSeries:
    """Put images without saturation before the frames of a series that has none.

    Parameters
    ----------
    series : CestSeries
        Without reference frames; that it is normalized already is not believed.
    m0 : ndarray
        (n_images, z, y, x).
    grid : Geometry
        Where they lie.
    name : str
        What to call them in messages.

    Raises
    ------
    GeometryError
        When they do not lie on the grid of the series.
    """
    if not grid.same_as(series.geometry):
        raise GeometryError(
            f"{name}: M0 has {grid.describe()}, but {series.source[0]} has {series.geometry.describe()}; both"
            " must be of the same slices: give the M0 of this scan, or resample it"
        )
    old, n = series.protocol, len(m0)
    protocol = replace(
        old,
        offsets_ppm=(*[math.inf] * n, *old.offsets_ppm),
        b1_ut=(*[0.0] * n, *old.b1_ut),
        reference_frames=tuple(range(n)),
        normalized=False,
    )
    data = np.concatenate([m0.astype(np.float32), series.data])
    frames = "1 image" if n == 1 else f"{n} images"
    notes = (*series.notes, f"M0 is {frames} of another scan, {name}", *_gain_note(data, n, protocol))
    return CestSeries(data, series.geometry, protocol, (*series.source, name), notes)


def _gain_note(data: np.ndarray, n: int, protocol: Protocol) -> tuple[str, ...]:
    """Tell where the images farthest from water are too bright or too dark to have the gain of M0."""
    farthest = max(abs(ppm) for ppm in protocol.offsets_ppm[n:])
    far = [i for i, ppm in enumerate(protocol.offsets_ppm) if i >= n and abs(ppm) == farthest]
    m0, saturated = data[:n].mean(axis=0), data[far].mean(axis=0)
    bright = m0 > BRIGHT_SHARE * np.nanpercentile(m0, 99)
    share = float(np.nanmedian(saturated[bright] / m0[bright])) if bright.any() else math.nan
    low, high = PLAUSIBLE_SHARE
    if low <= share <= high:
        return ("a receiver gain that differs between the two scans would scale all of Z",)
    return (
        f"the image at {farthest:g} ppm is {share:.3g} times M0, where {low:g} to 1 is expected: the receiver gain or"
        " the scaling of the two scans differs, and Z is wrong by that factor; measure M0 with the gain of the series",
    )
