"""The two packages that DICOM objects are made with; Slicer brings both."""

from __future__ import annotations

from typing import Any

from PCrCESTLib.errors import MissingExtraError


def import_highdicom() -> Any:
    """Return highdicom with the parts that are used here.

    Raises
    ------
    MissingExtraError
        When highdicom or pydicom is not installed.
    """
    try:
        import highdicom
        import highdicom.color
        import highdicom.pm
        import highdicom.seg
        import highdicom.sr
    except ImportError as error:
        raise MissingExtraError("highdicom", "DICOM objects", "dicom") from error
    return highdicom
