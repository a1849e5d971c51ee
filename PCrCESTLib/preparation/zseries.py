"""Normalized, sorted Z-spectra of one subject on one grid, all powers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import GeometryError, ProtocolError, ReaderError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.protocol import POWER_TOLERANCE_UT, Protocol
from PCrCESTLib.saturation import Saturation
from PCrCESTLib.series import CestSeries

SAME_OFFSET_PPM = 1e-3


@dataclass(frozen=True)
class PowerBlock:
    """The frames of one saturation power.

    Parameters
    ----------
    b1_ut : float
        Saturation amplitude, µT.
    offsets_ppm : ndarray
        (n_offsets,), strictly ascending.
    z : ndarray
        Z = M/M0, float32, (n_offsets, z, y, x); NaN where M0 is unusable.
    """

    b1_ut: float
    offsets_ppm: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class ZSeries:
    """All powers of one subject, ascending in B1, on one grid.

    Parameters
    ----------
    blocks : tuple of PowerBlock
        One a power.
    geometry : Geometry
        The grid all of them share.
    field_t : float
        B0, T.
    saturation : Saturation
        Duration and kind, common to all powers.
    m0 : ndarray or None
        Mean unsaturated image (z, y, x), None when the series came normalized.
    notes : tuple of str
        What was done that the user should know.
    """

    blocks: tuple[PowerBlock, ...]
    geometry: Geometry
    field_t: float
    saturation: Saturation
    m0: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def powers_ut(self) -> tuple[float, ...]:
        """Saturation amplitudes, µT, ascending."""
        return tuple(b.b1_ut for b in self.blocks)


def prepare_series(series: Sequence[CestSeries]) -> ZSeries:
    """Normalize every series by its own M0, join them, sort by power and offset, average repeats.

    Parameters
    ----------
    series : sequence of CestSeries
        One subject, the same slices; powers may be in one series or in several.

    Raises
    ------
    GeometryError, ProtocolError
        When the series do not share grid, field or saturation.
    ReaderError
        When M0 is zero everywhere.
    """
    first = series[0]
    for other in series[1:]:
        check_compatible(first, other)
    notes = [note for s in series for note in s.notes]
    frames: list[np.ndarray] = []
    m0s: list[np.ndarray] = []
    offsets: list[float] = []
    powers: list[float] = []
    for s in series:
        z, m0 = normalize(s)
        keep = list(s.protocol.saturated_frames)
        frames.append(z[keep])
        offsets.extend(s.protocol.offsets_ppm[i] for i in keep)
        powers.extend(s.protocol.b1_ut[i] for i in keep)
        if m0 is not None:
            m0s.append(m0)
    blocks, merge_notes = _blocks(np.concatenate(frames), np.array(offsets), np.array(powers))
    return ZSeries(
        blocks=blocks,
        geometry=first.geometry,
        field_t=first.protocol.field_t,
        saturation=first.protocol.saturation,
        m0=np.mean(m0s, axis=0) if m0s else None,
        notes=(*notes, *merge_notes),
    )


def normalize(series: CestSeries) -> tuple[np.ndarray, np.ndarray | None]:
    """Divide every frame by M0, interpolated in acquisition order between the reference frames.

    Before the first and after the last reference the nearest one is used, so slow drift between references
    is removed without extrapolation.

    Returns
    -------
    z : ndarray
        float32 (n_frames, z, y, x); NaN where M0 is not positive.
    m0 : ndarray or None
        Mean reference image (z, y, x); None if the series came normalized.

    Raises
    ------
    ReaderError
        When the reference frames are zero everywhere.
    """
    if series.protocol.normalized:
        return series.data.astype(np.float32, copy=False), None
    references = np.array(series.protocol.reference_frames)
    images = series.data[references].astype(np.float64)
    if not np.any(images > 0):
        frame = int(references[0])
        raise ReaderError(
            f"{series.source[0] if series.source else 'the series'}: the reference frames (first: {frame}) are zero "
            "everywhere, so Z = M/M0 cannot be formed; name the unsaturated frames in ReferenceFrames"
        )
    z = np.empty(series.data.shape, dtype=np.float32)
    for i, frame in enumerate(series.data):
        m0 = _m0_at(i, references, images)
        with np.errstate(divide="ignore", invalid="ignore"):
            z[i] = np.where(m0 > 0, frame / m0, np.nan)
    return z, images.mean(axis=0)


def _m0_at(frame: int, references: np.ndarray, images: np.ndarray) -> np.ndarray:
    after = int(np.searchsorted(references, frame))
    if after == 0 or references[min(after, len(references) - 1)] == frame:
        return images[min(after, len(references) - 1)]
    if after == len(references):
        return images[-1]
    before = after - 1
    weight = (frame - references[before]) / (references[after] - references[before])
    return (1 - weight) * images[before] + weight * images[after]


def check_compatible(a: CestSeries, b: CestSeries) -> None:
    """Refuse two series that are not the same slices at the same field, saturated alike but for B1.

    Raises
    ------
    GeometryError, ProtocolError
        Saying what differs.
    """
    names = f"{a.source[0] if a.source else 'series 1'} and {b.source[0] if b.source else 'series 2'}"
    if not a.geometry.same_as(b.geometry):
        raise GeometryError(
            f"{names} lie on different grids ({a.geometry.describe()} and {b.geometry.describe()}); the powers of "
            "one subject must share their slices: give series of the same slices, or resample one"
        )
    if abs(a.protocol.field_t - b.protocol.field_t) > 0.01 * a.protocol.field_t:
        raise ProtocolError(
            f"{names} were acquired at {a.protocol.field_t:g} and {b.protocol.field_t:g} T; "
            "one analysis takes one subject at one field"
        )
    if a.protocol.saturation != b.protocol.saturation:
        raise ProtocolError(
            f"{names} were saturated differently ({a.protocol.saturation.describe()} and "
            f"{b.protocol.saturation.describe()}); only B1 may differ: analyze them separately"
        )


def _blocks(
    z: np.ndarray, offsets: np.ndarray, powers: np.ndarray
) -> tuple[tuple[PowerBlock, ...], list[str]]:
    order = np.argsort(powers, kind="stable")
    groups: list[list[int]] = []
    for i in order:
        if groups and powers[i] - powers[groups[-1][0]] <= POWER_TOLERANCE_UT:
            groups[-1].append(int(i))
        else:
            groups.append([int(i)])
    blocks, notes = [], []
    for group in groups:
        b1 = float(np.mean(powers[group]))
        block, repeats = _sorted_block(b1, offsets[group], z[group])
        if repeats:
            notes.append(f"{b1:g} µT: {repeats} repeated offsets were averaged with their first occurrence")
        blocks.append(block)
    return tuple(blocks), notes


def _sorted_block(b1_ut: float, offsets: np.ndarray, z: np.ndarray) -> tuple[PowerBlock, int]:
    order = np.argsort(offsets, kind="stable")
    offsets, z = offsets[order], z[order]
    starts = np.concatenate([[True], np.diff(offsets) > SAME_OFFSET_PPM])
    index = np.cumsum(starts) - 1
    if starts.all():
        return PowerBlock(b1_ut, offsets, np.ascontiguousarray(z)), 0
    counts = np.bincount(index).astype(np.float32)
    merged = np.zeros((len(counts), *z.shape[1:]), dtype=np.float32)
    np.add.at(merged, index, z)
    merged /= counts[:, None, None, None]
    return PowerBlock(b1_ut, offsets[starts], merged), int(len(offsets) - len(counts))


def protocol_of(z: ZSeries) -> Protocol:
    """Protocol of the prepared spectra: normalized frames, power after power, ascending offsets."""
    offsets = tuple(float(o) for b in z.blocks for o in b.offsets_ppm)
    b1 = tuple(b.b1_ut for b in z.blocks for _ in b.offsets_ppm)
    return Protocol(z.field_t, offsets, b1, z.saturation, reference_frames=(), normalized=True)
