"""What a reader returns: the images of one CEST series, where they lie, and how they were acquired."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from PCrCESTLib.errors import ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import Protocol


@dataclass(frozen=True)
class CestSeries:
    """One CEST series as acquired: no normalization, no sorting, nothing resampled.

    Parameters
    ----------
    data : ndarray
        Image intensities, float32, (n_frames, z, y, x), in acquisition order.
    geometry : Geometry
        Where the frames lie.
    protocol : Protocol
        One entry a frame, in the same order.
    source : tuple of str
        The files it came from, for provenance.
    notes : tuple of str
        What the reader wants the user to know (each a sentence).

    Raises
    ------
    ProtocolError
        When the number of frames differs from the protocol's.
    ReaderError
        When the data are not 4D, hold NaN or infinite frames, or are zero everywhere.
    """

    data: np.ndarray
    geometry: Geometry
    protocol: Protocol
    source: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        name = self.source[0] if self.source else "the series"
        if self.data.ndim != 4:
            raise ReaderError(
                f"{name}: the image has {self.data.ndim} dimensions; a CEST series has 4 (x, y, z and one "
                "frame an offset): give the 4D file, or the folder of its 3D files"
            )
        if self.data.shape[1:] != self.geometry.shape:
            raise ReaderError(f"{name}: frames of shape {self.data.shape[1:]} on {self.geometry.describe()}")
        self._check_frame_count(name)
        self._check_values(name)

    def _check_frame_count(self, name: str) -> None:
        if len(self.data) != self.protocol.n_frames:
            raise ProtocolError(
                f"{name}: the image has {len(self.data)} frames but the protocol lists"
                f" {self.protocol.n_frames} SaturationOffsets; list one offset a frame, reference frames"
                " included"
            )

    def _check_values(self, name: str) -> None:
        flat = self.data.reshape(len(self.data), -1)
        bad = [i for i, frame in enumerate(flat) if not np.any(np.isfinite(frame))]
        if bad:
            raise ReaderError(
                f"{name}: frame {bad[0]} ({self.protocol.offsets_ppm[bad[0]]:g} ppm) has no finite value"
                f" ({len(bad)} such frames); export the series again or remove these frames and their offsets"
            )
        # Frame by frame: a selection from all of them would be a second copy of the series.
        if not any(np.any(frame[np.isfinite(frame)]) for frame in flat):
            raise ReaderError(f"{name}: every voxel of every frame is zero; this is not an image of anything")

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.data)
