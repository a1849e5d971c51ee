"""Writing of images, with the system's own reason when it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from PCrCESTLib.errors import OutputError
from PCrCESTLib.geometry import Geometry


def write_image(array: np.ndarray, geometry: Geometry, path: Path) -> None:
    """Write an array (z, y, x) as NIfTI at its place; `OutputError` if the file cannot be written."""
    import SimpleITK as sitk

    try:
        sitk.WriteImage(geometry.to_image(array), str(path), useCompression=True)
    except RuntimeError as error:
        _raise_disk_error(path)
        raise OutputError(f"{path.name}: the image cannot be written; is the disk full?") from error
    if path.stat().st_size == 0:
        _raise_disk_error(path)


def _raise_disk_error(path: Path) -> None:
    """Ask the system itself why writing failed (the image library does not say)."""
    probe = path.with_name(path.name + ".probe")
    try:
        probe.write_bytes(b"\0" * 65536)
    finally:
        probe.unlink(missing_ok=True)
