"""The regions as DICOM Segmentation: one binary segment each, so that overlapping regions stay whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.objects import derivation_text, finish, grid_arguments, series_arguments
from PCrCESTLib.dicom_export.packages import import_highdicom
from PCrCESTLib.dicom_export.quantities import REGIONS_SERIES
from PCrCESTLib.dicom_export.references import References, coded
from PCrCESTLib.dicom_export.regions import Region, Regions
from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.dicom_export.subject import Subject
from PCrCESTLib.dicom_export.text import SHORT_TEXT, fitted
from PCrCESTLib.muscles import Color

SEGMENTED = ("113076", "DCM", "Segmentation")
TITLE = "PCrCEST regions"
# Linear sRGB to XYZ, adapted to D50 (Bradford; ICC profile of sRGB).
SRGB_TO_XYZ_D50 = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)


def segmentation(result: Result, regions: Regions, subject: Subject, references: References) -> Any:
    """Return the regions as a ``pydicom.Dataset`` ready to be saved.

    Raises
    ------
    MissingExtraError
        When highdicom is not installed.
    """
    hd = import_highdicom()
    masks = np.stack([region.mask for region in regions.regions], axis=-1).astype(np.uint8)
    dataset = hd.seg.Segmentation(
        **series_arguments(subject, result.geometry, result, REGIONS_SERIES, TITLE),
        **grid_arguments(result.geometry),
        pixel_array=masks,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(n, region) for n, region in enumerate(regions.regions, start=1)],
        content_label="PCR_REGIONS",
        content_description="Regions of the PCrCEST maps",
    )
    dataset.ContentCreatorName = None
    finish(dataset, subject, result, references.key)
    references.set(dataset, SEGMENTED, derivation_text(result))
    return dataset


def _segment(number: int, region: Region) -> Any:
    """Segment as drawn: a person made it, or a program whose file does not say so."""
    hd = import_highdicom()
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=region.label,
        segmented_property_category=hd.sr.CodedConcept(*region.category),
        segmented_property_type=hd.sr.CodedConcept(*region.kind),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        anatomic_regions=None if region.anatomy is None else [hd.sr.CodedConcept(*region.anatomy)],
        display_color=_lab(region.color),
    )
    if region.name != region.label:
        segment.SegmentDescription = fitted(region.name, SHORT_TEXT)
    if region.side is not None:
        modified = segment.SegmentedPropertyTypeCodeSequence[0]
        modified.SegmentedPropertyTypeModifierCodeSequence = [coded(region.side)]
    return segment


def _lab(color: Color) -> Any:
    """CIELab color of the profile connection space that DICOM asks for (D50), from sRGB (IEC 61966-2-1)."""
    hd = import_highdicom()
    rgb = np.asarray(color)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    ratio = SRGB_TO_XYZ_D50 @ linear / SRGB_TO_XYZ_D50.sum(axis=1)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / 3 * (29 / 6) ** 2 + 4 / 29)
    return hd.color.CIELabColor(float(116 * y - 16), float(500 * (x - y)), float(200 * (y - z)))
