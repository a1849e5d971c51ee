"""The pose of every frame of a stack of images whose contrast changes from frame to frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from PCrCESTLib.preparation.mask import bright_voxels
from PCrCESTLib.preparation.prediction import LowRankModel, Prediction, correlation
from PCrCESTLib.preparation.registration import nearest_rotation, register, resample

COMPONENTS = (
    2,
    4,
)  # of the low-rank model, round by round; further rounds did not lower the error on rat legs
_BRIGHT_SHARE = 0.25  # of the reference's signal; darker frames wait for the low-rank model
_KNOWN_TO_VOXELS = 0.25  # frames that tell their own position less well take it from their neighbors
_MARGIN_VOXELS = 3
_ANCHOR_FRAMES = 5

Report = Callable[[float], None]


@dataclass(frozen=True)
class Track:
    """Where the tissue was in every frame of one stack.

    Parameters
    ----------
    poses : ndarray
        (n_frames, d+1, d+1), mm (see `registration`), relative to the position at the start of the stack.
    known : ndarray of bool
        (n_frames,) False where the pose is interpolated between the neighbors in time.
    before, after : ndarray
        (n_frames,) correlation of the frame with its prediction, as acquired and aligned.
    expected : ndarray
        (n_frames, ...) predicted frames, at the position at the start of the stack.
    body : ndarray of bool
        Where the tissue is, with a margin.
    """

    poses: np.ndarray
    known: np.ndarray
    before: np.ndarray
    after: np.ndarray
    expected: np.ndarray
    body: np.ndarray


def track(
    stack: np.ndarray,
    spacing_mm: np.ndarray,
    reference: int,
    kind: str,
    report: Report,
    components: tuple[int, ...] = COMPONENTS,
) -> Track:
    """Estimate the pose of every frame.

    First every bright frame is registered to the reference frame by mutual information, which bears any contrast; then,
    round by round, every frame to what the others, aligned so far, say it should look like (`prediction`).

    Parameters
    ----------
    stack : ndarray
        (n_frames, y, x) or (n_frames, z, y, x), finite.
    spacing_mm : ndarray
        (d,) along x, y[, z].
    reference : int
        An unsaturated frame.
    kind : str
        One of `registration.KINDS`.
    report : callable
        Gets the fraction done; what it raises ends the work.
    components : tuple of int
        Number of images of the low-rank model, one a round.
    """
    scale = float(np.max(np.abs(stack[reference]))) or 1.0
    stack = (stack / scale).astype(np.float32)
    rounds = len(components) + 1
    poses, known = _coarse(stack, spacing_mm, reference, kind, lambda f: report(f / rounds))
    for done, n in enumerate(components, start=1):
        aligned = np.stack([_aligned(f, spacing_mm, p) for f, p in zip(stack, poses, strict=True)])
        mask = _body(aligned[reference])
        model = LowRankModel(aligned, mask, n, affine=kind == "affine")
        poses, known, predictions = _refine(stack, poses, model, spacing_mm, kind, report, (done, rounds))
    back = np.linalg.inv(_anchor(poses, known, kind))
    poses = poses @ back
    expected = np.stack([_aligned(p.image, spacing_mm, back) for p in predictions])
    before, after = _similarities(stack, poses, expected, mask, spacing_mm)
    return Track(poses, known, before, after, scale * expected, mask)


def _coarse(
    stack: np.ndarray, spacing_mm: np.ndarray, reference: int, kind: str, report: Report
) -> tuple[np.ndarray, np.ndarray]:
    d = stack.ndim - 1
    poses = np.tile(np.eye(d + 1), (len(stack), 1, 1))
    brightness = np.abs(stack)[:, _body(stack[reference])].mean(axis=1)
    known = brightness > _BRIGHT_SHARE * brightness[reference]
    for i in np.flatnonzero(known):
        report(i / len(stack))
        if i != reference:
            found = register(stack[i], stack[reference], spacing_mm, np.eye(d + 1), "rigid")
            if kind == "affine" and found is not None:
                found = register(stack[i], stack[reference], spacing_mm, found, kind)
            known[i] = found is not None
            poses[i] = poses[i] if found is None else found
    return _filled(poses, known, kind), known


def _refine(
    stack: np.ndarray,
    poses: np.ndarray,
    model: LowRankModel,
    spacing_mm: np.ndarray,
    kind: str,
    report: Report,
    stage: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, list[Prediction]]:
    poses, known = poses.copy(), np.zeros(len(stack), dtype=bool)
    predictions = []
    for i, frame in enumerate(stack):
        report((stage[0] + i / len(stack)) / stage[1])
        expected = model.predict(i)
        predictions.append(expected)
        if expected.sd_voxels <= _KNOWN_TO_VOXELS:
            found = register(frame, expected.image, spacing_mm, poses[i], kind, model.mask)
            known[i] = found is not None
            poses[i] = poses[i] if found is None else found
    return _filled(poses, known, kind), known, predictions


def _similarities(
    stack: np.ndarray, poses: np.ndarray, expected: np.ndarray, mask: np.ndarray, spacing_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    aligned = (_aligned(f, spacing_mm, pose) for f, pose in zip(stack, poses, strict=True))
    before = [correlation(f[mask], e[mask]) for f, e in zip(stack, expected, strict=True)]
    after = [correlation(f[mask], e[mask]) for f, e in zip(aligned, expected, strict=True)]
    return np.array(before), np.array(after)


def _aligned(frame: np.ndarray, spacing_mm: np.ndarray, pose: np.ndarray) -> np.ndarray:
    return resample(frame, spacing_mm, pose, order=3, outside=0.0)


def _body(image: np.ndarray) -> np.ndarray:
    """Tissue and a margin around it: its outline tells most about its position."""
    bright = bright_voxels(image)
    if not bright.any():
        return np.ones(image.shape, dtype=bool)
    return np.asarray(ndimage.binary_dilation(bright, iterations=_MARGIN_VOXELS))


def _filled(poses: np.ndarray, known: np.ndarray, kind: str) -> np.ndarray:
    """Poses, those that are not known interpolated in time between those that are; all at rest if none is."""
    if not known.any():
        return np.tile(np.eye(poses.shape[1]), (len(poses), 1, 1))
    at, frames = np.flatnonzero(known), np.arange(len(poses))
    flat = poses.reshape(len(poses), -1)
    mixed = np.stack([np.interp(frames, at, column[at]) for column in flat.T], axis=1).reshape(poses.shape)
    return np.stack([nearest_rotation(p) for p in mixed]) if kind == "rigid" else mixed


def _anchor(poses: np.ndarray, known: np.ndarray, kind: str) -> np.ndarray:
    """Pose at the start of the scan, where companion maps and regions were most likely acquired.

    The median of the first few known frames, so that no single frame's error moves all others.
    """
    start = poses[np.flatnonzero(known)[:_ANCHOR_FRAMES]] if known.any() else poses[:1]
    anchor = np.median(start, axis=0)
    if kind == "rigid":
        anchor = nearest_rotation(anchor)
    return np.asarray(anchor)


def moved_mm(pose: np.ndarray, other: np.ndarray, mask: np.ndarray, spacing_mm: np.ndarray) -> float:
    """RMS distance, mm, between the places that two poses give to the voxels of ``mask``."""
    points = np.argwhere(mask)[:, ::-1] * spacing_mm
    difference = pose - other
    d = len(spacing_mm)
    return float(np.sqrt(np.mean(np.sum((points @ difference[:d, :d].T + difference[:d, d]) ** 2, axis=1))))
