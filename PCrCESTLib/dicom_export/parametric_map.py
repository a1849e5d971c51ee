"""A map as DICOM Parametric Map Storage with float pixels: every value, NaN included, bit for bit.

NaN marks voxels without a value, as in the NIfTI files. PS3.5 chapter 8 allows every value of IEEE 754 in Float Pixel
Data, and PS3.3 section C.7.6.24 that padding is NaN, so the object also says that NaN is background. A number in its
place would be a fraction or rate that nobody measured; 3D Slicer, dcmqi and highdicom pass NaN on.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from PCrCESTLib.dicom_export.objects import derivation_text, finish, grid_arguments, series_arguments
from PCrCESTLib.dicom_export.packages import import_highdicom
from PCrCESTLib.dicom_export.quantities import MapQuantity, code
from PCrCESTLib.dicom_export.references import References, coded, slice_of
from PCrCESTLib.dicom_export.result import Result
from PCrCESTLib.dicom_export.subject import Subject
from PCrCESTLib.dicom_export.text import SHORT_TEXT, fitted
from PCrCESTLib.geometry import Geometry

# CID 7203 has no code for CEST; this one leaves the method to the description.
METHOD_IN_WORDS = ("112187", "DCM", "Unspecified method of calculation")
DERIVATION = ("121401", "DCM", "Derivation")
STANDARD_DEVIATION = ("386136009", "SCT", "Standard Deviation")
LOWER_LIMB = ("61685007", "SCT", "Lower limb")
BODY_STRUCTURE = ("123037004", "SCT", "Body structure")
LEG_WORDS = ("LEG", "CALF", "THIGH", "LIMB", "EXTREMITY", "KNEE", "ANKLE", "FOOT")


def parametric_map(
    result: Result, quantity: MapQuantity, subject: Subject, references: References, side: str
) -> Any:
    """Return one map as a ``pydicom.Dataset`` ready to be saved.

    ``side`` is ``"L"``, ``"R"``, ``"B"`` (both), or empty where it is not known.

    Raises
    ------
    MissingExtraError
        When highdicom is not installed.
    """
    hd = import_highdicom()
    values = result.maps[quantity]
    dataset = hd.pm.ParametricMap(
        **series_arguments(subject, result.geometry, result, quantity.series_number, quantity.title),
        **grid_arguments(result.geometry),
        **_window(quantity),
        pixel_array=values,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(quantity, values)],
        content_label=quantity.label,
        content_description=fitted(quantity.meaning),
    )
    _order_frames(dataset, values, result.geometry)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    # A window narrower than 1 has a meaning only with this function (PS3.3 section C.11.2.1.3.2).
    shared.FrameVOILUTSequence[0].VOILUTFunction = "LINEAR_EXACT"
    shared.FrameAnatomySequence = [_anatomy(subject, side)]
    dataset.FloatPixelPaddingValue = dataset.FloatPixelPaddingRangeLimit = float("nan")
    dataset.ContentCreatorName = None
    text = fitted(f"{quantity.meaning}; {derivation_text(result)}", SHORT_TEXT)
    finish(dataset, subject, result, references.key)
    references.set(dataset, METHOD_IN_WORDS, text)
    return dataset


def _order_frames(dataset: Any, values: np.ndarray, geometry: Geometry) -> None:
    """Put the frames in order along the normal of their plane.

    Versions of highdicom differ in their order. dcmqi 1.5, and so 3D Slicer, exchanges slices unless it is this one.
    """
    right_handed = np.linalg.det(geometry.matrix) > 0
    slices = range(len(values)) if right_handed else range(len(values))[::-1]
    at = {slice_of(group, geometry): group for group in dataset.PerFrameFunctionalGroupsSequence}
    dataset.PerFrameFunctionalGroupsSequence = [at[z] for z in slices]
    for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence, start=1):
        group.FrameContentSequence[0].DimensionIndexValues = [number]
    dataset.FloatPixelData = values[list(slices)].astype("<f4").tobytes()


def _mapping(quantity: MapQuantity, values: np.ndarray) -> Any:
    """Say that stored values are the quantity itself, from the smallest to the largest that occur."""
    hd = import_highdicom()
    finite = values[np.isfinite(values)]
    mapping = hd.pm.RealWorldValueMapping(
        lut_label=quantity.label,
        lut_explanation=fitted(quantity.meaning),
        unit=hd.sr.CodedConcept(*quantity.unit),
        value_range=(float(finite.min()), float(finite.max())),
        slope=1,
        intercept=0,
        quantity_definition=hd.sr.CodedConcept(*code(quantity.quantity)),
    )
    if quantity.is_sd:
        mapping.QuantityDefinitionSequence.append(_code_item(DERIVATION, STANDARD_DEVIATION))
    return mapping


def _anatomy(subject: Subject, side: str) -> Any:
    """Part of the body and side; dcmqi, and so 3D Slicer, reads no map without them.

    The program is for legs, so that is what an unnamed body part is. No value says that the side is not known; U, for
    what has no side, comes nearest.
    """
    from pydicom.dataset import Dataset

    item = Dataset()
    is_leg = not subject.body_part or any(word in subject.body_part.upper() for word in LEG_WORDS)
    item.AnatomicRegionSequence = [coded(LOWER_LIMB if is_leg else BODY_STRUCTURE)]
    item.FrameLaterality = subject.side or side or "U"
    return item


def _code_item(name: tuple[str, str, str], value: tuple[str, str, str]) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = [coded(name)]
    item.ConceptCodeSequence = [coded(value)]
    return item


def _window(quantity: MapQuantity) -> dict[str, Any]:
    """Return the fixed range of the figures; its keyword changed after highdicom 0.25, and Slicer may bring either."""
    hd = import_highdicom()
    low, high = quantity.window
    shown = {"window_center": (low + high) / 2, "window_width": high - low}
    if "voi_lut_transformations" in inspect.signature(hd.pm.ParametricMap.__init__).parameters:
        return {"voi_lut_transformations": [hd.VOILUTTransformation(**shown)]}
    return shown
