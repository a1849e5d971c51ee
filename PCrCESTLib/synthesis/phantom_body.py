"""The digital animal before it is scanned: tissue composition, truth maps and the fields it lies in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from PCrCESTLib.errors import PhysicsError
from PCrCESTLib.geometry import Geometry
from PCrCESTLib.physics import Tissue
from PCrCESTLib.synthesis import phantom_tissue
from PCrCESTLib.synthesis.phantom_fields import coil_sensitivity, smooth_field
from PCrCESTLib.synthesis.phantom_shapes import (
    CONNECTIVE,
    CORTICAL_BONE,
    FAT,
    MARROW,
    MUSCLE_NAMES,
    VESSEL,
    Composition,
    compose_legs,
    grid_coordinates,
)

TRUTH_MUSCLE_SHARE = 0.5  # a voxel has a PCr truth where at least half of it is muscle
LABEL_MUSCLE_SHARE = 0.999  # ROIs hold whole muscle voxels only, as a careful reader would draw them
# Signal of each tissue relative to muscle at a short echo time; cortical bone keeps a trace.
BRIGHTNESS = {"muscle": 1.0, "fat": 1.35, "blood": 0.45, "connective": 0.45, "bone": 0.02}
FAT_TISSUE_WATER = 0.15  # water share of the signal of the fat rim and the marrow
R1_OF_FAT, R1_OF_BLOOD, R1_OF_CONNECTIVE = 1 / 0.38, 1 / 1.75, 1 / 1.2


@dataclass(frozen=True)
class PhantomSettings:
    """What varies between digital animals besides the seed.

    Parameters
    ----------
    family : str
        Muscle model, ``realistic`` or ``reference`` (see ``phantom_tissue.muscle_tissue``).
    b0_range_ppm : float
        Largest |B0 shift| in the body, ppm.
    b1_range : float
        Largest deviation of the relative B1 from one in the body.
    heterogeneity : float
        Largest relative variation of fs and ksw within a muscle; 0 keeps them constant in each muscle.
    muscle_fat : float
        Share of fat in the signal of muscle.
    m0_drift : float
        Relative change of the signal from the first to the last frame of a series.
    fs_factor : float
        By what fs of every muscle is multiplied: below 1, less PCr as in disease.

    Raises
    ------
    PhysicsError
        When a value has no physical meaning.
    """

    family: str = "realistic"
    b0_range_ppm: float = 0.15
    b1_range: float = 0.12
    heterogeneity: float = 0.0
    muscle_fat: float = 0.01
    m0_drift: float = 0.0
    fs_factor: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "b0_range_ppm": (0.0, 3.0),
            "b1_range": (0.0, 0.9),
            "heterogeneity": (0.0, 0.9),
            "muscle_fat": (0.0, 0.9),
            "m0_drift": (-0.5, 0.5),
            "fs_factor": (0.0, 3.0),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise PhysicsError(f"{name} is {value:g}; a number from {low:g} to {high:g} is expected")
        if self.family not in phantom_tissue.FAMILIES:
            raise PhysicsError(
                f"family is {self.family!r}; one of {', '.join(phantom_tissue.FAMILIES)} is expected"
            )


@dataclass(frozen=True)
class LegBody:
    """A digital animal on a grid; every map is (z, y, x).

    Parameters
    ----------
    composition : Composition
        Tissue shares of every voxel.
    weights : dict of str to ndarray
        Signal without saturation of each tissue, coil sensitivity included, arbitrary units.
    fs, ksw_per_s : ndarray
        Truth, NaN outside muscle.
    t1_water_s, t2_water_s, fm, r1_obs : ndarray
        Water relaxation times of muscle (s), MT pool-size ratio and R1obs (s⁻¹).
    b0_ppm, relative_b1 : ndarray
        Fields: water frequency, ppm, and B1 divided by its nominal value.
    labels : ndarray
        Muscle number 1 … 8 in whole muscle voxels, else 0.
    """

    composition: Composition
    weights: dict[str, np.ndarray]
    fs: np.ndarray
    ksw_per_s: np.ndarray
    t1_water_s: np.ndarray
    t2_water_s: np.ndarray
    fm: np.ndarray
    r1_obs: np.ndarray
    b0_ppm: np.ndarray
    relative_b1: np.ndarray
    labels: np.ndarray

    def tissue_of(self, voxels: np.ndarray | tuple[np.ndarray, ...], family: str) -> Tissue:
        """Muscle in the voxels of a mask (z, y, x) or of index arrays, one entry a voxel."""
        return phantom_tissue.muscle_tissue(
            self.fs[voxels],
            self.ksw_per_s[voxels],
            self.t1_water_s[voxels],
            self.t2_water_s[voxels],
            self.fm[voxels],
            family=family,
        )


def build_legs(geometry: Geometry, seed: int, settings: PhantomSettings) -> LegBody:
    """Build the animal of this ``seed``; the same seed gives the same animal at any noise and protocol."""
    composition = compose_legs(geometry, _stream(seed, "shapes"))
    points, body = grid_coordinates(geometry), composition.body
    values = phantom_tissue.draw_muscles(_stream(seed, "muscles"))
    index = composition.muscle_index

    def spread(per_muscle: np.ndarray, variation: float, name: str) -> np.ndarray:
        field = smooth_field(points, body, _stream(seed, name))
        # Voxels without muscle take the first muscle's value; their muscle share is zero.
        return per_muscle[np.maximum(index, 1) - 1] * (1 + variation * field)

    t1 = spread(values.t1_water_s, 0.02, "t1")
    fm = spread(values.fm, 0.05, "fm")
    weights = _weights(composition, settings.muscle_fat)
    sensitivity = coil_sensitivity(points, _stream(seed, "coil"))
    return LegBody(
        composition=composition,
        weights={name: weight * sensitivity for name, weight in weights.items()},
        fs=settings.fs_factor * spread(values.fs, settings.heterogeneity, "fs"),
        ksw_per_s=spread(values.ksw_per_s, settings.heterogeneity, "ksw"),
        t1_water_s=t1,
        t2_water_s=spread(values.t2_water_s, 0.03, "t2"),
        fm=fm,
        r1_obs=_map_r1(weights, phantom_tissue.observed_r1(t1, fm), composition),
        b0_ppm=settings.b0_range_ppm * smooth_field(points, body, _stream(seed, "b0")),
        relative_b1=1 + settings.b1_range * smooth_field(points, body, _stream(seed, "b1")),
        labels=np.where(composition.muscle >= LABEL_MUSCLE_SHARE, index, 0).astype(np.uint8),
    )


def muscle_truth(body: LegBody, values: np.ndarray) -> np.ndarray:
    """Return ``values`` where the voxel is mostly muscle and NaN elsewhere, float32, (z, y, x)."""
    return np.where(body.composition.muscle >= TRUTH_MUSCLE_SHARE, values, np.nan).astype(np.float32)


_STREAMS = ("shapes", "muscles", "t1", "t2", "fm", "fs", "ksw", "coil", "b0", "b1")


def _stream(seed: int, name: str) -> np.random.Generator:
    """One independent random stream a subject, so that a new one never changes the others."""
    return np.random.default_rng([seed, _STREAMS.index(name)])


def _weights(composition: Composition, muscle_fat: float) -> dict[str, np.ndarray]:
    share = composition.fractions
    contrast = np.concatenate([[0.0], np.tile([1.0, 0.97, 1.02, 0.93], len(MUSCLE_NAMES) // 4)])
    muscle = BRIGHTNESS["muscle"] * np.tensordot(contrast, share[: len(contrast)], axes=1)
    fatty = BRIGHTNESS["fat"] * (share[FAT] + share[MARROW])
    return {
        "muscle": (1 - muscle_fat) * muscle,
        "fat": (1 - FAT_TISSUE_WATER) * fatty + muscle_fat * muscle,
        "blood": BRIGHTNESS["blood"] * share[VESSEL],
        "connective": BRIGHTNESS["connective"] * share[CONNECTIVE]
        + BRIGHTNESS["bone"] * share[CORTICAL_BONE]
        + FAT_TISSUE_WATER * fatty,
    }


def _map_r1(weights: dict[str, np.ndarray], r1_muscle: np.ndarray, composition: Composition) -> np.ndarray:
    """R1obs as a map would show it: the muscle's own where muscle prevails, else the signal-weighted mean."""
    rates = {"muscle": r1_muscle, "fat": R1_OF_FAT, "blood": R1_OF_BLOOD, "connective": R1_OF_CONNECTIVE}
    total = sum(weights.values())
    weighted = sum(weights[name] * rate for name, rate in rates.items())
    with np.errstate(invalid="ignore"):
        mixed = np.where(total > 0, weighted / total, 0.0)
    r1: np.ndarray = np.where(composition.muscle >= TRUTH_MUSCLE_SHARE, r1_muscle, mixed) * composition.body
    return r1
