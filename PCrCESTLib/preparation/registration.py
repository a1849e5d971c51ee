"""Where one image lies relative to another: rigid or affine, in the plane or in space, by SimpleITK.

A pose is a homogeneous matrix (d+1, d+1) in mm along the image's own axes (x, y[, z]; the first voxel's center is the
origin). It takes a point of the reference position to the place where the same tissue lies in the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from PCrCESTLib.preparation.mask import bright_voxels

if TYPE_CHECKING:
    import SimpleITK as sitk

KINDS = ("rigid", "affine")
_BINS = 24
_ITERATIONS = 80
_SMALLEST_STEP = 0.001  # of a voxel, where the optimizer stops


def register(
    measured: np.ndarray,
    expected: np.ndarray,
    spacing_mm: np.ndarray,
    start: np.ndarray,
    kind: str,
    mask: np.ndarray | None = None,
) -> np.ndarray | None:
    """Find the pose of the tissue of ``expected`` (reference position) in ``measured``.

    The expected image is the one that is interpolated: interpolation smooths noise, and interpolating the noisy one
    would draw every pose toward half a voxel.

    Parameters
    ----------
    measured, expected : ndarray
        (y, x) or (z, y, x), finite, on the same grid.
    spacing_mm : ndarray
        (d,) along x, y[, z].
    start : ndarray
        (d+1, d+1) pose to start from.
    kind : str
        One of `KINDS`.
    mask : ndarray of bool, optional
        Where to compare, in the reference position. With it the images are compared by their correlation, for images
        of the same contrast; without it, everywhere by Mattes' mutual information, for any contrast and larger motion.

    Returns
    -------
    ndarray or None
        (d+1, d+1) pose; None when the images have nothing in common (for example when one is constant).
    """
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfWorkUnits(1)  # sums in one order: the same answer every time
    step = float(np.min(spacing_mm))
    smoothing = [0.0]
    if mask is None:
        method.SetMetricAsMattesMutualInformation(_BINS)
        smoothing = [2 * step, 0.7 * step]
    else:
        method.SetMetricAsCorrelation()
        method.SetMetricMovingMask(image_of(mask.astype(np.uint8), spacing_mm))
    method.SetShrinkFactorsPerLevel([1] * len(smoothing))
    method.SetSmoothingSigmasPerLevel(smoothing)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=step if mask is None else step / 4,
        minStep=_SMALLEST_STEP * step,
        numberOfIterations=_ITERATIONS,
        relaxationFactor=0.7,
        gradientMagnitudeTolerance=1e-9,
    )
    points = np.argwhere(mask if mask is not None else bright_voxels(expected))[:, ::-1] * spacing_mm
    if len(points) == 0:
        return None
    center = points.mean(axis=0)
    method.SetOptimizerScales(_scales(np.mean((points - center) ** 2, axis=0), kind))
    # The optimizer looks for the way back, from the frame (fixed) to the reference position.
    transform = _transform(np.linalg.inv(start), center, kind)
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(image_of(measured, spacing_mm), _refined(image_of(expected, spacing_mm)))
    except RuntimeError:  # all samples outside, or an image without contrast
        return None
    back = _matrix(transform)
    # Constant images leave the metric without a gradient, and its scales without a value.
    return np.linalg.inv(back) if np.all(np.isfinite(back)) else None


def resample(
    frame: np.ndarray, spacing_mm: np.ndarray, pose: np.ndarray, *, order: int, outside: float
) -> np.ndarray:
    """Bring a frame to the reference position by B-splines of ``order`` 1, 3 or 5, float32.

    A NaN for ``outside`` marks what lay outside the frame; any other number repeats the nearest voxel instead, for
    images to compare with.
    """
    import SimpleITK as sitk

    splines = {1: sitk.sitkLinear, 3: sitk.sitkBSpline, 5: sitk.sitkBSpline5}
    back = sitk.ResampleImageFilter()
    back.SetReferenceImage(image_of(frame, spacing_mm))
    back.SetTransform(_affine(pose))
    back.SetInterpolator(splines[order])
    back.SetNumberOfWorkUnits(1)
    back.SetUseNearestNeighborExtrapolator(not np.isnan(outside))
    back.SetDefaultPixelValue(outside)
    return np.asarray(sitk.GetArrayFromImage(back.Execute(image_of(frame, spacing_mm))), dtype=np.float32)


def _refined(image: sitk.Image) -> sitk.Image:
    """Twice as many samples in the plane by B-splines, so that linear interpolation between them hardly blurs."""
    import SimpleITK as sitk

    fine = [2, 2, 1][: image.GetDimension()]
    size = [(n - 1) * f + 1 for n, f in zip(image.GetSize(), fine, strict=True)]
    spacing = [s / f for s, f in zip(image.GetSpacing(), fine, strict=True)]
    return sitk.Resample(
        image, size, sitk.Transform(), sitk.sitkBSpline, image.GetOrigin(), spacing, image.GetDirection()
    )


def image_of(array: np.ndarray, spacing_mm: np.ndarray) -> sitk.Image:
    """SimpleITK image of (y, x) or (z, y, x) on its own axes."""
    import SimpleITK as sitk

    stored = array if array.dtype == np.uint8 else array.astype(np.float32)
    image = sitk.GetImageFromArray(np.ascontiguousarray(stored))
    image.SetSpacing([float(s) for s in spacing_mm])
    return image


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """Rigid part of a pose: its rotation (orthogonal polar factor) with its translation."""
    u, _, vt = np.linalg.svd(matrix[:-1, :-1])
    rigid = matrix.copy()
    rigid[:-1, :-1] = u @ vt
    return rigid


def translation_and_rotation(pose: np.ndarray, center_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return translation (3,) mm of ``center_mm`` (d,) and rotation (3,), degrees, as axis times angle."""
    from scipy.spatial.transform import Rotation

    d = len(center_mm)
    translation, rotation = np.zeros(3), np.eye(3)
    translation[:d] = pose[:d, :d] @ center_mm + pose[:d, d] - center_mm
    rotation[:d, :d] = nearest_rotation(pose)[:d, :d]
    return translation, np.asarray(Rotation.from_matrix(rotation).as_rotvec(degrees=True))


def _scales(spread_mm2: np.ndarray, kind: str) -> list[float]:
    """Weights of the parameters for the optimizer: how far, squared, a unit of each moves the tissue's outline.

    Angles move a round outline little; with a quarter of the tissue's own radius squared they converge as fast as
    shifts. (ITK's estimate from the corners of the image holds them back tenfold.)
    """
    d = len(spread_mm2)
    if kind == "affine":
        return [*np.tile(spread_mm2 / 2, d).tolist(), *([1.0] * d)]
    return [float(spread_mm2.sum()) / 4] * (1 if d == 2 else 3) + [1.0] * d


def _transform(matrix: np.ndarray, center_mm: np.ndarray, kind: str) -> sitk.Transform:
    """Transform to optimize, about ``center_mm``, so that its parameters are not entangled."""
    import SimpleITK as sitk

    d = len(center_mm)
    rigid = sitk.Euler2DTransform() if d == 2 else sitk.Euler3DTransform()
    transform = sitk.AffineTransform(d) if kind == "affine" else rigid
    if kind == "rigid":
        matrix = nearest_rotation(matrix)
    transform.SetCenter(center_mm.tolist())
    transform.SetMatrix(matrix[:d, :d].ravel().tolist())
    transform.SetTranslation((matrix[:d, :d] @ center_mm + matrix[:d, d] - center_mm).tolist())
    return transform


def _matrix(transform: sitk.Transform) -> np.ndarray:
    d = transform.GetDimension()
    origin = np.array(transform.TransformPoint([0.0] * d))
    columns = [np.array(transform.TransformPoint(axis.tolist())) - origin for axis in np.eye(d)]
    matrix = np.eye(d + 1)
    matrix[:d, :d], matrix[:d, d] = np.stack(columns, axis=1), origin
    return matrix


def _affine(pose: np.ndarray) -> sitk.Transform:
    import SimpleITK as sitk

    d = len(pose) - 1
    transform = sitk.AffineTransform(d)
    transform.SetMatrix(pose[:d, :d].ravel().tolist())
    transform.SetTranslation(pose[:d, d].tolist())
    return transform
