"""A CEST series and its image without saturation as two DICOM series of one folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PCrCESTLib.protocol import REFERENCE_PPM, Protocol
from PCrCESTLib.readers.dicom.descriptions import describe
from PCrCESTLib.readers.dicom.headers import FileHeader
from PCrCESTLib.readers.offsets_file import OffsetList

Series = Sequence[FileHeader]


def is_unsaturated(description: str) -> bool:
    """Tell by the description of a series that its images are without saturation."""
    described = describe(description)
    return described is not None and _is_far(described.offset, described.units)


def cest_and_m0(every: Sequence[Series]) -> tuple[Series, Series] | None:
    """Tell two series apart of which one is the M0 of the other; None where they are not such."""
    m0 = [s for s in every if is_unsaturated(s[0].description)]
    others = [s for s in every if not is_unsaturated(s[0].description)]
    return (others[0], m0[0]) if len(m0) == len(others) == 1 else None


def without_m0(listed: OffsetList, n_images: int, n_m0: int) -> OffsetList:
    """Return the part of a list of offsets that is for the saturated series, where it lists both series."""
    for mine, its in ((slice(n_m0, None), slice(n_m0)), (slice(n_images), slice(n_images, None))):
        if len(listed.values) == n_images + n_m0 and all(_is_far(v, listed.units) for v in listed.values[its]):
            b1 = None if listed.b1_ut is None else listed.b1_ut[mine]
            return OffsetList(listed.values[mine], listed.units, b1, listed.note)
    return listed


def saturated_part(protocol: Protocol, n_images: int, n_m0: int) -> Protocol | None:
    """Return what a protocol of both series, M0 first, says of the saturated one; None where it is of that alone."""
    if protocol.n_frames != n_images + n_m0 or protocol.reference_frames != tuple(range(n_m0)):
        return None
    return replace(
        protocol,
        offsets_ppm=protocol.offsets_ppm[n_m0:],
        b1_ut=protocol.b1_ut[n_m0:],
        reference_frames=(),
        normalized=True,
    )


def _is_far(offset: float | None, units: str) -> bool:
    return offset is None or (units == "ppm" and abs(offset) >= REFERENCE_PPM)
