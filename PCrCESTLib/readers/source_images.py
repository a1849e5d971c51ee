"""Images of one source (a file, a scan, a series) with the settings that may differ between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from PCrCESTLib.geometry import Geometry

# What is wanted of a scan that holds several: magnitudes (or real images), phases, or the values of a ready map.
Component = Literal["magnitude", "phase", "map"]


@dataclass(frozen=True)
class Settings:
    """What is set of the images of one source, without the images.

    Parameters
    ----------
    document, gaps : dict
        As of `SourceImages`.
    geometry : Geometry or None
        Where they lie; None where they lie on no single grid.
    n_images : int
        How many there are.
    """

    document: dict[str, Any]
    gaps: dict[str, str]
    geometry: Geometry | None
    n_images: int


@dataclass(frozen=True)
class SourceImages:
    """Images of one source on one grid.

    Parameters
    ----------
    data : ndarray
        (n_images, z, y, x).
    geometry : Geometry
        Where they lie.
    path : Path
        What was given: a file or a folder.
    document : dict
        Settings by their BIDS keys, times in s, angles in degrees: a list with one value an image, or one value.
    origin : Path
        Where the settings stand, for messages.
    sidecar : Path, optional
        A file of settings that is read beside ``path``.
    notes : tuple of str
        What the user should know.
    gaps : dict
        Why a key is missing, a sentence each.
    """

    data: np.ndarray
    geometry: Geometry
    path: Path
    document: dict[str, Any]
    origin: Path
    sidecar: Path | None = None
    notes: tuple[str, ...] = ()
    gaps: dict[str, str] = field(default_factory=dict)


def one_or_list(values: np.ndarray) -> float | list[float]:
    """Value of a document: a single number where all images share it."""
    numbers = [float(v) for v in np.atleast_1d(values)]
    return numbers[0] if len(set(numbers)) == 1 else numbers
