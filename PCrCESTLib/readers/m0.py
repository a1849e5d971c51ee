"""A CEST series whose image without saturation is a scan of its own, of any format that can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PCrCESTLib.errors import NoReferenceError, ProtocolError
from PCrCESTLib.protocol import GAMMA_MHZ_PER_T, REFERENCE_PPM, Protocol
from PCrCESTLib.protocol_json import protocol_from_dict, saturation_offsets_ppm
from PCrCESTLib.readers.image_series import ImageSeries, read_image_series
from PCrCESTLib.readers.m0_frames import put_before
from PCrCESTLib.series import CestSeries

Read = Callable[[Path, "Protocol | Path | None"], CestSeries]


def read_with_m0(read: Read, path: Path, protocol: Protocol | Path | None, m0: Path) -> CestSeries:
    """Read a series that lacks an image without saturation, and put those of another scan before its frames.

    Both are in the units of the scanner's signal: slopes and offsets of the stored values are taken out by the readers.
    A receiver gain that was changed between the scans is not known; it is told where it shows.

    Parameters
    ----------
    read : callable
        Reads a series, as `PCrCESTLib.readers.read_series`.
    path : Path
        The series.
    protocol : Protocol, Path or None
        As for ``read``.
    m0 : Path
        The images without saturation: a 3D or 4D image, or a scan, on the same grid.

    Raises
    ------
    ProtocolError
        When the series has such an image itself or is divided by M0 already, or the images of ``m0`` are saturated.
    GeometryError
        When the two do not lie on one grid.
    ReaderError
        When a file is missing or damaged.
    """
    try:
        series = read(path, protocol)
    except NoReferenceError as error:
        stated = protocol_from_dict({**error.document, "Normalized": True})
        series = read(path, stated)
        series = replace(series, source=(*series.source, *error.files))
    else:
        reason = (
            "is already divided by M0"
            if series.protocol.normalized
            else "has images without saturation itself"
        )
        raise ProtocolError(f"{path}: this series {reason}; leave --m0 out")
    images = _unsaturated(read_image_series([m0]), series.protocol.field_t)
    return put_before(series, images.data, images.geometry, str(m0))


def _unsaturated(images: ImageSeries, field_t: float) -> ImageSeries:
    """Leave out the images that are saturated by what is said of them."""
    document = next((d for d in images.documents if d.get("SaturationOffsets") is not None), None)
    if document is None or len(images.documents) > 1:
        return images
    offsets = saturation_offsets_ppm(document, GAMMA_MHZ_PER_T * field_t)
    kept = [i for i, ppm in enumerate(offsets) if not abs(ppm) < REFERENCE_PPM]
    if not kept or len(offsets) != len(images.data):
        raise ProtocolError(
            f"{images.name}: its offsets ({len(offsets)} for {len(images.data)} images) name no image without"
            f" saturation (null, or {REFERENCE_PPM:g} ppm and more); give the scan of M0 with --m0"
        )
    return replace(images, data=images.data[kept])
